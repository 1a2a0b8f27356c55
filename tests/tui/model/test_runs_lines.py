"""How a run of the list and the dashboard's figures look, as text of exact width."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.tui.model.glyphs import ASCII, PROBLEMS, UNICODE
from flowctl.tui.model.runs_lines import (
    counts_line,
    day_line,
    done_of,
    durations,
    folded_counts,
    header,
    is_over,
    list_columns,
    run_line,
    state_text,
    strip,
    unread_line,
    why,
)
from flowctl.tui.model.snapshots import Counts, Hour, PastRun
from flowctl.tui.model.texts import plain, width_of
from flowctl.tui.model.themes import THEMES
from tests.tui.model.snapshots_made import START, a_listed, at

LIST_80 = """\
    STATE       FLOW         RUN          TASKS            TIME  TYPICAL  WHEN
▸⠹ running      etl_daily    run-5        ▰▰▰▱▱▱ 7/12      1m42  ▇▇▇▇▇░░  13:00
 ↻ retry 0:07   etl_daily    run-4        ▰▰▱▱▱▱ 1/3       1m43  ▇▇▇▇▇░░  13:00
*✗ failed       etl_daily    run-3        ▰▰▰▰✗▱ 4/5        10s  ░░░░░░░  13:00
 ✓ completed    etl_daily    run-2                          10s  ░░░░░░░  13:00
 ○ in 1:00      nightly      run-1        ▱▱▱▱▱▱              —           13:02
"""


def test_the_list_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    rows = [
        a_listed(5, task_counts={"Completed": 7, "Running": 2, "Pending": 3}, word="running"),
        a_listed(4, "running", retry=114, task_counts={"Completed": 1, "AwaitingRetry": 1, "Pending": 1}),
        a_listed(3, "failed", task_counts={"Completed": 3, "Cached": 1, "Failed": 1}),
        a_listed(2),
        a_listed(1, "scheduled", flow="nightly", due_at=at(167)),
    ]
    columns = list_columns(80)
    lines = [header(columns)]
    for row in rows:
        usual = {"etl_daily": 140.0}
        lines.append(run_line(row, columns, at(107), typical=usual, is_cursor=row.key == 5, is_marked=row.key == 3))
    monkeypatch.undo()
    time.tzset()

    assert "".join(plain(line).rstrip() + "\n" for line in lines) == LIST_80


def test_a_run_whose_tasks_all_wait_is_retrying_and_one_of_whose_tasks_works_is_not() -> None:
    waits = a_listed(1, "running", retry=60, task_counts={"AwaitingRetry": 2})
    works = a_listed(1, "running", retry=60, task_counts={"AwaitingRetry": 2, "Running": 1})

    assert (state_text(waits, START), state_text(works, START)) == ("retry 1:00", "running")


def test_why_says_what_all_tasks_wait_for_and_at_which_try_a_flow_is() -> None:
    from flowctl.store.errors import ErrorReport

    error = ErrorReport(type_name="ValueError", module="builtins", text="no")
    slot = "Waits for a slot of the limit tag:gpu (1)."
    waits = a_listed(1, "running", task_counts={"Completed": 1, "AwaitingConcurrencySlot": 1})
    waits = replace(waits, waits_for_slot=slot)
    again = a_listed(1, "retrying", due_at=at(60), error=error, run_count=2, source={"retries": 3})
    paused = replace(a_listed(1, "paused", message="A person paused it."), paused_at=START)

    assert (state_text(waits, START), why(waits, START, None)) == ("queued", "waits for tag:gpu (1)")
    assert done_of(waits.run) == (1, 0, 2)
    assert (state_text(again, START), why(again, START, None)) == ("retry 1:00", "2/4 ValueError: no")
    assert why(paused, at(60), None).startswith("by you ")


def test_a_little_longer_than_usual_is_not_over() -> None:
    pairs = ((0.6, 0.3), (140.0, 138.0), (170.0, 140.0), (3.0, 1.0))

    assert [is_over(took, usual) for took, usual in pairs] == [False, False, True, True]
    assert why(a_listed(0, "running"), at(60.2), 60.0) == "any moment now"


def test_why_says_the_error_or_what_is_left() -> None:
    from flowctl.store.errors import ErrorReport

    error = ErrorReport(type_name="ValueError", module="builtins", text="no\nmore")

    assert why(a_listed(1, "failed", error=error), at(60), None) == "ValueError: no"
    assert why(a_listed(0, "running"), at(60), 98.0) == "~0m38 left"
    assert why(a_listed(0, "running"), at(60), 30.0) == "2.0x the usual"
    assert why(a_listed(0, "running"), at(60), None) == ""


def test_tasks_are_counted_by_words() -> None:
    row = a_listed(1, task_counts={"Completed": 2, "Cached": 1, "TimedOut": 1, "NotReady": 1, "Gone fishing": 1})

    assert folded_counts(row.run) == {"completed": 3, "cached": 1, "failed": 1, "blocked": 1}
    assert done_of(row.run) == (4, 1, 6)


def test_the_dashboard_counts_what_is_open_and_what_went_wrong() -> None:
    line = counts_line({"running": 3, "completed": 9, "failed": 1, "queued": 0}, ASCII, step=0, has_words=True)

    assert plain(line) == "> 3 running  x 1 failed"


def test_hours_with_a_failure_are_in_its_colour() -> None:
    hours = (Hour(), Hour(completed=8), Hour(completed=3, failed=1))
    counts = Counts(
        words={}, total=12, hours=hours, p50_s=None, p95_s=None, ok_ratio=None, problems=(), version=1, at=START
    )

    assert day_line(counts) == (("▁", "quiet"), ("█", "completed"), ("▅", "failed"))


def test_former_runs_are_signs_and_heights() -> None:
    runs = [
        PastRun(id=str(n), state_type=type_, state_name=type_, took_s=took, created_at=START)
        for n, (type_, took) in enumerate((("COMPLETED", 1.0), ("FAILED", 4.0), ("RUNNING", None)))
    ]

    assert plain(strip(runs, 5)) == "✓✗⠹  "
    assert durations(runs, 5) == "▃█   "
    assert plain(strip(runs, 2)) == "✗⠹"


texts = st.text(max_size=20) | st.sampled_from(["漢字" * 30, "[/]", "x" * 10_000, "\x1b[2J"])
words = st.sampled_from(["running", "failed", "crashed", "completed", "queued", "scheduled", "retrying", "paused"])


@settings(max_examples=300, deadline=None)
@given(
    texts, texts, words, st.integers(6, 220), st.none() | st.floats(-1e9, 1e9), st.integers(0, 10**7), st.floats(0, 1e9)
)
def test_every_row_has_exactly_its_width_and_known_styles(
    name: str, flow: str, word: str, width: int, retry: float | None, tasks: int, usual: float
) -> None:
    counts = {"Completed": tasks, "Failed": tasks // 3}
    row = a_listed(1, word, name=name, flow=flow, retry=retry, task_counts=counts, message=flow)
    columns = list_columns(width)

    line = run_line(row, columns, at(50), typical={flow: usual}, is_cursor=True, pending=None)

    assert width_of(line) == width
    assert width_of(header(columns)) == width
    assert {style for _, style in line} <= THEMES["safe"].styles.keys()
    assert width_of(unread_line(columns, UNICODE, is_cursor=True)) <= width


def test_problems_are_failures_and_crashes() -> None:
    assert {"failed", "crashed"} == PROBLEMS
