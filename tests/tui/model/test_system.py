"""What the System screen says of the daemon, the database, limits and itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowctl.tui.key_pace import KeyPace
from flowctl.tui.model.system import (
    DaemonFacts,
    LimitUse,
    Pace,
    SystemFacts,
    Trouble,
    daemon_lines,
    database_lines,
    fact,
    folded,
    limit_lines,
    pace_lines,
)
from flowctl.tui.model.texts import Line, plain

NOW = datetime(2026, 11, 23, 14, 3, 22, tzinfo=UTC)


def facts(**fields: Any) -> SystemFacts:
    usual: dict[str, Any] = {
        "home": "/home/x/.flowctl",
        "database": "/home/x/.flowctl/flowctl.db",
        "database_bytes": 41 << 20,
        "log_bytes": 1024,
        "free_bytes": 0,
        "schema": 3,
        "rows": {"flow_run": 1248, "log": 1},
        "oldest": NOW - timedelta(days=3),
        "newest": NOW,
        "active_runs": 1,
        "daemon": None,
        "limits": (),
        "retention": "everything, for ever",
        "versions": {},
        "at": NOW,
    }
    return SystemFacts(**{**usual, **fields})


def text(lines: Iterable[Line]) -> str:
    return "\n".join(plain(line) for line in lines)


def test_without_a_daemon_it_says_how_to_start_one() -> None:
    assert "ctrl+r starts it" in text(daemon_lines(facts()))


def test_a_degraded_daemon_says_why_and_since_when() -> None:
    trouble = Trouble("disk", "No space is left.\nFree some.", NOW - timedelta(minutes=5))
    daemon = DaemonFacts(
        pid=7, version="0.1", since=NOW - timedelta(hours=2), state="degraded", troubles=(trouble,), cpu_s=72.0,
        memory=33 << 20,
    )  # fmt: skip

    said = text(daemon_lines(facts(daemon=daemon)))

    assert "degraded, process 7" in said
    assert "No space is left.  (5m ago)" in said
    assert "Free some." in said
    assert "33 MiB, 1.0% of a core since then" in said


def test_a_daemon_that_does_not_answer_is_told_apart_from_none() -> None:
    assert "does not answer, process 7" in text(
        daemon_lines(facts(daemon=DaemonFacts(pid=7, version=None, since=None)))
    )


def test_the_database_is_told_with_sizes_rows_and_what_is_kept() -> None:
    said = text(database_lines(facts(unreadable={"0123456789": "it is cut off"})))

    assert "41 MiB, write-ahead log 1 KiB" in said
    assert "1 248 flow runs · 1 log" in said
    assert "everything, for ever" in said
    assert "01234567: it is cut off" in said


@pytest.mark.parametrize(
    ("use", "bar"),
    [
        (LimitUse("gpu", 2, 1), "▰▱  1/2 taken"),
        (LimitUse("gpu", 2, 2), "▰▰  2/2 taken"),
        (LimitUse("all", 1000, 1), "▰▱▱▱▱▱▱▱▱▱▱▱  1/1 000 taken"),
        (LimitUse("none", 0, 0), "  0/0 taken"),
        (LimitUse("lowered", 1, 3), "▰  3/1 taken"),
    ],
)
def test_limits_show_how_much_is_taken(use: LimitUse, bar: str) -> None:
    assert text(limit_lines([use])).endswith(bar)


def test_a_limit_names_who_holds_it_and_who_waits() -> None:
    many = tuple(f"run-{number} push" for number in range(9))
    lines = [plain(line) for line in limit_lines([LimitUse("tag:api", 1, 1, ("brave-otter push[0, 3]",), many)])]

    assert lines[1].split() == ["held", "by", "brave-otter", "push[0,", "3]"]
    assert lines[2].endswith("run-5 push and 3 more")
    assert "next to go   2 runs" in "\n".join(text([line]) for line in database_lines(facts(pruning="2 runs")))


def test_what_is_over_its_budget_is_a_warning() -> None:
    calm = pace_lines(Pace(0.012, 0.004, 0.003, 0.002, 50 << 20, 9, 0.1, 1.2, 900.0))
    busy = pace_lines(Pace(0.3, 0.4, 0.2, 0.5, 500 << 20, 9, 0.1, 60.0, 90_000.0))

    assert {line[1][1] for line in calm} == {""}
    assert {line[1][1] for line in busy} == {"warning"}


def test_facts_that_are_wider_than_the_pane_go_on_below_what_they_say() -> None:
    line = fact("rows", "207 flow runs · 222 task runs · 417 logs · 426 results")

    lines = [plain(each) for each in folded(line, 40)]

    assert all(len(each) <= 40 for each in lines)
    assert " ".join("".join(lines).split()) == "rows 207 flow runs · 222 task runs · 417 logs · 426 results"
    assert lines[1].startswith(" " * 16 + "222") or lines[1].startswith(" " * 16 + "·")
    assert folded(line, 100) == [line]
    assert folded((("   LIMITS", "title"),), 5) == [(("   LIMITS", "title"),)]


def test_the_pace_of_keys_leaves_out_the_slowest_few() -> None:
    now = 100.0
    pace = KeyPace(lambda: now)
    assert pace.slow_s is None

    for took in (0.01, 0.02, 0.5):
        pace.painted(now - took)

    assert pace.slow_s == pytest.approx(0.02)
