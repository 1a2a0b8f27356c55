"""The list of runs: its order, the cursor that stays on its run, marks that no refresh redirects, its rows as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.tui.model.glyphs import ASCII, PROBLEMS
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
    why,
)
from flowctl.tui.model.runs_list import SORTS, RunList
from flowctl.tui.model.snapshots import Counts, Hour, PastRun
from flowctl.tui.model.texts import plain, width_of
from flowctl.tui.model.themes import THEMES
from tests.tui.model.snapshots_made import START, a_listed, a_page, at


def names(listed: RunList) -> list[str]:
    return [row.run.name for row in listed.rows]


def a_list(*words: str) -> RunList:
    """A list of runs in some states, the first one the oldest."""
    listed = RunList()
    listed.update(a_page(a_listed(key, word) for key, word in enumerate(words, 1)))
    return listed


def test_what_has_not_ended_stands_first_and_the_youngest_above() -> None:
    assert names(a_list("running", "completed", "queued", "failed")) == ["run-3", "run-1", "run-4", "run-2"]


def test_the_cursor_stays_on_its_run_when_others_come() -> None:
    listed = a_list("completed", "completed", "completed")
    listed.move_to(1)
    assert listed.cursor == a_listed(2).id

    listed.update(a_page([*listed.rows, a_listed(9, "running"), a_listed(8)]))

    assert listed.cursor == a_listed(2).id
    assert listed.index() == 3


def test_where_the_run_of_the_cursor_is_gone_the_next_one_has_it() -> None:
    listed = a_list("completed", "completed", "completed")
    listed.move_to(1)

    listed.update(a_page(row for row in listed.rows if row.key != 2))
    assert listed.row() == a_listed(1)

    listed.update(a_page([]))
    assert (listed.cursor, listed.row(), listed.targets()) == (None, None, ())


def test_the_cursor_stops_at_the_ends() -> None:
    listed = a_list("completed", "completed")

    listed.move(-5)
    assert listed.index() == 0
    listed.move(5)
    assert listed.index() == 1


def test_only_rows_that_differ_are_told() -> None:
    listed = a_list("running", "running")

    changed = listed.update(a_page([a_listed(1, "completed"), a_listed(2, "running")]))

    assert changed == {a_listed(1).id}
    assert listed.update(a_page(listed.rows, etl_daily=3.0)) == {a_listed(1).id, a_listed(2).id}


def test_problems_are_walked_in_both_directions_and_around() -> None:
    listed = a_list("failed", "completed", "crashed", "completed", "completed")

    assert listed.next_problem()
    assert listed.row() == a_listed(3, "crashed")
    assert listed.next_problem()
    assert listed.row() == a_listed(1, "failed")
    assert listed.next_problem()
    assert listed.row() == a_listed(3, "crashed")
    assert listed.next_problem(-1)
    assert listed.row() == a_listed(1, "failed")
    assert not a_list("completed").next_problem()
    assert not RunList().next_problem()


def test_an_action_is_about_the_marks_else_the_cursor() -> None:
    listed = a_list("failed", "failed", "failed")

    assert [target.name for target in listed.targets()] == ["run-3"]

    listed.toggle_mark()
    listed.toggle_mark()
    assert [target.name for target in listed.targets()] == ["run-3", "run-2"]
    assert listed.clear_marks()
    assert not listed.clear_marks()


def test_what_was_marked_keeps_the_version_that_was_seen() -> None:
    listed = a_list("running")
    listed.toggle_mark()

    listed.update(a_page([a_listed(1, "failed", state_version=7)]))
    assert [(t.state_version, t.word) for t in listed.targets()] == [(1, "running")]

    listed.refresh_marks()
    assert [(t.state_version, t.word) for t in listed.targets()] == [(7, "failed")]


def test_a_range_reaches_from_the_last_mark_to_the_cursor() -> None:
    listed = a_list(*["completed"] * 5)
    listed.move_to(1)
    listed.toggle_mark()
    listed.move_to(3)

    listed.mark_range()

    assert sorted(target.name for target in listed.targets()) == ["run-2", "run-3", "run-4"]


def test_marking_all_twice_marks_none() -> None:
    listed = a_list("completed", "failed")

    listed.mark_all()
    assert len(listed.marks) == 2
    listed.mark_all()
    assert listed.marks == {}


@pytest.mark.parametrize("sort", SORTS)
def test_sorting_keeps_the_cursor_and_every_row(sort: str) -> None:
    listed = a_list("failed", "running", "completed", "queued")
    listed.move_to(2)
    before, all_names = listed.cursor, set(names(listed))

    listed.sort_by(sort)
    assert (listed.cursor, set(names(listed))) == (before, all_names)
    listed.sort_by(sort, is_reversed=True)
    assert (listed.cursor, set(names(listed))) == (before, all_names)


def test_the_most_urgent_come_first_by_state() -> None:
    listed = a_list("completed", "running", "failed", "retrying")

    listed.sort_by("state")

    assert names(listed) == ["run-3", "run-4", "run-2", "run-1"]


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


moves = st.lists(st.tuples(st.sampled_from(["add", "drop", "end", "move", "mark", "all", "sort"]), st.integers(0, 30)))


@settings(max_examples=300, deadline=None)
@given(moves)
def test_the_cursor_never_moves_by_itself(steps: Sequence[tuple[str, int]]) -> None:
    listed, keys = RunList(), {1: "running"}

    def show() -> None:
        listed.update(a_page(a_listed(key, word) for key, word in keys.items()))

    show()
    for step, number in steps:
        cursor, targets = listed.cursor, {target.run_id for target in listed.marks.values()}
        match step:
            case "add":
                keys[number] = "running"
            case "end" if number in keys:
                keys[number] = "failed"
            case "drop":
                keys.pop(number, None)
            case "mark":
                listed.toggle_mark()
            case "all":
                listed.mark_all()
            case "sort":
                listed.sort_by(SORTS[number % len(SORTS)], is_reversed=number > 15)
            case "move":
                listed.move(number - 15)
            case _:
                pass
        if step in ("add", "end", "drop"):
            show()
            assert {target.run_id for target in listed.marks.values()} == targets
            if cursor in {row.id for row in listed.rows}:
                assert listed.cursor == cursor
        assert (listed.cursor is None) == (not listed.rows)
        assert all(listed.index(row.id) == place for place, row in enumerate(listed.rows))


def test_problems_are_failures_and_crashes() -> None:
    assert {"failed", "crashed"} == PROBLEMS
