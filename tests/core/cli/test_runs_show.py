"""`flowctl runs show`: what one page tells of a run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowctl.store.home import Home
from flowctl.store.journal import Record
from tests.core.cli.conftest import Say
from tests.core.cli.recorded import FAILED, task
from tests.store.journals import NOON, an_id, flow_created, flow_state, opened, task_created, task_state, write_journal


def test_the_latest_run_is_shown_without_a_name(runs: Home, say: Say) -> None:
    said = say("runs", "show")

    assert said.code == 0
    assert said.out.startswith("✗ Failed  brave-otter  flow etl\n")
    assert max(map(len, said.out.splitlines())) <= 80


def test_mapped_tasks_are_folded_with_their_failures_below(runs: Home, say: Say) -> None:
    lines = [line.strip() for line in say("runs", "show", "brave-otter").out.splitlines()]

    place = next(place for place, line in enumerate(lines) if line.startswith("✗ load × 20  18✓ 2✗"))
    assert [line.split("  ")[0] for line in lines[place + 1 : place + 4]] == [
        "✗ load-007",
        "✗ load-00d",
        "◌ publish-015",
    ]
    assert "✓ load-001" not in " ".join(lines)


def test_all_unfolds_tasks_and_tells_of_each_try(runs: Home, say: Say) -> None:
    out = say("runs", "show", "brave-otter", "--all").out

    assert "✓ load-001" in out
    assert "try 1  ✗ Failed  LookupError: 503" in out
    assert "try 2  ✓ Completed  after a wait of 2.0s" in out


def test_an_error_is_shown_once_with_own_frames_marked(runs: Home, say: Say) -> None:
    out = say("runs", "show", "brave-otter").out

    assert out.count("LookupError: no such table: orders\n    while loading") == 1
    assert "Error in load-007 and 1 more" in out
    assert "▸ /project/etl.py:12 in load" in out
    assert "dbapi2.py" not in out
    assert "… 2 frames in flowctl and libraries" in out


def test_full_shows_the_frames_of_others(runs: Home, say: Say) -> None:
    assert "  /usr/lib/python3.11/sqlite3/dbapi2.py:80 in connect" in say("runs", "show", "--full").out


def test_causes_and_group_members_are_shown(home: Home, say: Say) -> None:
    error: dict[str, Any] = {
        "type": "ExceptionGroup",
        "module": "builtins",
        "text": "two",
        "frames": [],
        "notes": [],
        "cause": {"type": "KeyError", "module": "builtins", "text": "'a'", "frames": [], "notes": []},
        "cause_kind": "cause",
        "members": [{"type": "OSError", "module": "builtins", "text": "disk", "frames": [], "notes": []}],
    }
    run_id = an_id(9)
    records: list[Record] = [
        opened(run_id),
        flow_created(run_id),
        flow_state("RUNNING"),
        flow_state("FAILED", error=error),
    ]
    write_journal(home, run_id, records)

    out = say("runs", "show").out

    assert "  ExceptionGroup: two\n    │ OSError: disk\n    caused by\n    KeyError: 'a'\n" in out


def test_tasks_and_subflows_stand_below_their_callers(runs: Home, say: Say) -> None:
    lines = say("runs", "show", "calm-heron").out.splitlines()

    tree = [line for line in lines if any(name in line for name in ("outer", "inner", "tiny-fox", "draw"))]
    assert [(len(line) - len(line.lstrip()), line.split()[1]) for line in tree] == [
        (2, "outer-009"),
        (4, "inner-00a"),
        (2, "tiny-fox"),
        (4, "draw-00b"),
    ]


def test_a_killed_run_is_crashed_and_leads_on(runs: Home, say: Say) -> None:
    out = say("runs", "show", "dusty-crow").out

    assert out.startswith("! Crashed  dusty-crow")
    assert out.endswith("Go on from what completed: flowctl runs retry dusty-crow\n")


def test_a_run_with_a_strange_name_is_typed_by_its_id(runs: Home, say: Say) -> None:
    assert say("runs", "show", "00000005").out.endswith("flowctl runs retry 00000005\n")


def test_an_earlier_attempt_can_be_shown(runs: Home, say: Say) -> None:
    latest = say("runs", "show", "second-wind").out
    first = say("runs", "show", "second-wind", "--attempt", "1").out

    assert "✓ load-002" in latest and "load-001" not in latest
    assert "✗ load-001" in first and "load-002" not in first
    assert "attempt 1, " in latest and "attempt 2, " in latest


def test_an_attempt_that_was_never_made_is_not_found(runs: Home, say: Say) -> None:
    said = say("runs", "show", "brave-otter", "--attempt", "7")

    assert (said.code, said.err) == (5, "Error: Run brave-otter has no attempt 7; its latest is 1.\n")


def test_a_waiting_retry_tells_when(home: Home, say: Say) -> None:
    run_id = an_id(9)
    records: list[Record] = [
        opened(run_id, at=NOON),
        flow_created(run_id, at=NOON),
        flow_state("RUNNING", at=NOON),
        task_created(1, at=NOON),
        task_state(1, "RUNNING", at=NOON),
        task_state(1, "SCHEDULED", at=NOON, name="AwaitingRetry", due=4_000_000_000_000_000),
    ]
    write_journal(home, run_id, records)
    import fcntl

    with open(home.run_lock(run_id)) as lock:  # noqa: PTH123 - its process lives
        fcntl.flock(lock, fcntl.LOCK_EX)
        out = say("runs", "show").out

    assert "▸ Running" in out
    assert "↻ load-001  AwaitingRetry, next in " in out
    assert out.endswith("Watch it: flowctl runs watch brisk-otter\n")


def test_json_holds_the_whole_page(runs: Home, say: Say) -> None:
    page = json.loads(say("runs", "show", "brave-otter", "--json").out)

    assert page["id"] == FAILED
    assert len(page["task_runs"]) == 22
    assert [state["name"] for state in page["history"]] == ["Pending", "Running", "Failed"]
    fetch = next(each for each in page["task_runs"] if each["task"] == "fetch")
    assert [each["state"]["name"] for each in fetch["tries"]] == ["Failed", "Completed"]


def test_ten_thousand_mapped_tasks_fit_one_screen(home: Home, say: Say) -> None:
    run_id = an_id(9)
    records: list[Record] = [opened(run_id), flow_created(run_id), flow_state("RUNNING")]
    for number in range(1, 10_001):
        records += task(number, NOON + number, task_name="load", map_index=number - 1)
    write_journal(home, run_id, [*records, flow_state("COMPLETED", at=NOON + 10**9)])

    out = say("runs", "show").out

    assert "load × 10,000  10000✓" in out
    assert len(out.splitlines()) < 24


@pytest.mark.parametrize("spec", ["nobody", "ffffffff"])
def test_a_run_that_is_not_there_is_not_found(spec: str, runs: Home, say: Say) -> None:
    said = say("runs", "show", spec)

    assert (said.code, said.out) == (5, "")
    assert said.err.startswith(f"Error: No run goes by '{spec}'.")


def test_the_beginning_of_an_id_that_fits_several_runs_is_refused(runs: Home, say: Say) -> None:
    said = say("runs", "show", "00000")

    assert said.code == 5
    assert "'00000' fits several runs:" in said.err


def test_ascii_glyphs_are_used_where_nothing_else_can_be_shown(
    runs: Home, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWCTL_ASCII", "1")

    out = say("runs", "show", "brave-otter").out

    assert out.isascii()
