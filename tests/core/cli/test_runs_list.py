"""`flowctl runs`: which runs are listed, and how."""

from __future__ import annotations

import json
import re

import pytest

from flowctl.store.home import Home
from tests.core.cli.conftest import Say
from tests.core.cli.recorded import HOSTILE

#: What a terminal obeys, but for line feeds.
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def names(out: str) -> list[str]:
    """Read the column `name`."""
    header, *lines = out.splitlines()
    start, end = header.index("name"), header.index("flow")
    return [line[start:end].strip() for line in lines if line.strip()]


def test_an_empty_home_says_what_to_do_next(say: Say) -> None:
    said = say("runs")

    assert said.code == 0
    assert said.out == "No runs yet. Start one: flowctl run FILE.py:FLOW\n"


def test_the_latest_runs_come_first_and_fit_eighty_columns(runs: Home, say: Say) -> None:
    said = say("runs")

    assert names(said.out)[:4] == ["brave-otter", "calm-heron", "dusty-crow", "second-wind"]
    assert max(map(len, said.out.splitlines())) <= 80
    assert "19✓ 2✗ 1◌" in said.out
    assert re.search(r"! Crashed +dusty-crow +nightly-backu… +3h", said.out)


def test_nothing_is_cut_in_a_pipe(runs: Home, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")

    assert "nightly-backup-of-everything" in say("runs").out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--state", "failed"], ["brave-otter"]),
        (["--state", "CRASHED"], ["dusty-crow"]),
        (["--state", "problem"], ["brave-otter", "dusty-crow"]),
        (["--state", "done", "--limit", "1"], ["brave-otter"]),
        (["--state", "completed", "--state", "crashed"], ["calm-heron", "dusty-crow", "second-wind"]),
        (["--flow", "etl"], ["brave-otter", "second-wind"]),
        (["--flow", "etl", "--state", "completed"], ["second-wind"]),
        (["--since", "30m"], ["brave-otter", "calm-heron"]),
        (["--limit", "1"], ["brave-otter"]),
    ],
)
def test_filters_choose(options: list[str], expected: list[str], runs: Home, say: Say) -> None:
    listed = [run["name"] for run in json.loads(say("runs", "--json", *options).out) if run["id"] != HOSTILE]

    assert listed == expected


def test_the_name_of_a_state_filters_too_in_any_case(runs: Home, say: Say) -> None:
    said = say("runs", "--json", "--state", "crashed", "--state", "timedout")

    assert [run["name"] for run in json.loads(said.out)] == ["dusty-crow"]


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--state", "faild"], "Did you mean 'Failed'?"),
        (["--flow", "elt"], "No flow 'elt' ever ran. Did you mean 'etl'?"),
    ],
)
def test_a_filter_that_nothing_fits_gives_a_hint(options: list[str], hint: str, runs: Home, say: Say) -> None:
    said = say("runs", *options)

    assert said.code == 0
    assert hint in said.out


def test_json_has_the_fields_it_promises(runs: Home, say: Say) -> None:
    run = json.loads(say("runs", "--json", "--limit", "1").out)[0]

    promised = (
        "id name flow state attempt run_count created_at started_at ended_at due_at duration_seconds tags parameters "
        "value tasks parent_id parent_task_id root_id source error deployment scheduled_for exit_code max_memory cpu_s"
    )
    assert " ".join(run) == promised
    assert run["state"] == {"type": "FAILED", "name": "Failed", "message": run["state"]["message"]}
    assert run["duration_seconds"] == 41
    assert run["tasks"] == {"Completed": 19, "Failed": 2, "NotReady": 1}
    assert run["error"]["frames"][-1]["own"] is True


def test_json_of_nothing_is_an_empty_list(say: Say) -> None:
    assert json.loads(say("runs", "--json").out) == []


@pytest.mark.parametrize(
    "words",
    [
        ["runs"],
        ["runs", "--json"],
        ["runs", "show", HOSTILE],
        ["runs", "show", HOSTILE, "--all", "--full"],
        ["runs", "show", HOSTILE, "--json"],
        ["runs", "logs", HOSTILE],
        ["runs", "logs", HOSTILE, "--json"],
        ["runs", "result", HOSTILE],
        ["runs", "result", HOSTILE, "nothing"],
        ["runs", "retry", HOSTILE],
        ["runs", "show", "\x1b]0;owned\x07\u202e"],
        ["runs", "--flow", "\x1b]0;owned\x07\u202e"],
        ["\x1b]0;owned\x07\u202e"],
    ],
)
def test_data_never_commands_the_terminal(words: list[str], runs: Home, say: Say) -> None:
    said = say(*words)

    assert OBEYED.findall(said.out + said.err) == []


def test_a_time_that_is_none_is_a_usage_error(say: Say) -> None:
    said = say("runs", "--since", "5x")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Error: --since '5x' is no time.")


def test_a_word_that_is_no_state_is_told_before_it_is_taken_for_none(runs: Home, say: Say) -> None:
    for words in (["runs"], ["runs", "kill", "--yes"], ["runs", "delete", "--yes"]):
        assert "'faild' is no state of flowctl's own. Did you mean 'Failed'?" in say(*words, "--state", "faild").out
