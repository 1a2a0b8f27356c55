"""The list of runs: its order, the cursor that stays on its run, marks that no refresh redirects, its rows as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.tui.model.run_rows import RunRows, Unread, joined
from flowctl.tui.model.runs_list import RunList
from flowctl.tui.model.snapshots import ListedRun, RunsPage
from tests.tui.model.snapshots_made import START, a_listed, a_page


def names(listed: RunList) -> list[str]:
    return [row.run.name for row in read(listed)]


def read(listed: RunList) -> list[ListedRun]:
    return [row for row in listed.rows if isinstance(row, ListedRun)]


def a_list(*words: str) -> RunList:
    """A list of runs in some states, the first one the oldest."""
    listed = RunList()
    listed.update(a_page(a_listed(key, word) for key, word in enumerate(words, 1)))
    return listed


def mark(listed: RunList, keys: Sequence[int]) -> None:
    targets = listed.targets_at(keys)
    assert targets is not None
    listed.mark(targets)


def a_window(*keys: int, head: Sequence[int] | None) -> RunsPage:
    """Some rows of a list of which there is more."""
    rows = tuple(a_listed(key) for key in keys)
    return RunsPage(
        head=None if head is None else tuple(head), has_more=True, rows=rows, typical={}, version=1, at=START
    )


def test_what_has_not_ended_stands_first_and_the_youngest_above() -> None:
    assert names(a_list("running", "completed", "queued", "failed")) == ["run-3", "run-1", "run-4", "run-2"]


def test_the_cursor_stays_on_its_run_when_others_come() -> None:
    listed = a_list("completed", "completed", "completed")
    listed.move(1)
    assert listed.cursor == 2

    listed.update(a_page([*read(listed), a_listed(9, "running"), a_listed(8)]))

    assert listed.cursor == 2
    assert listed.place == 3


def test_where_the_run_of_the_cursor_is_gone_the_next_one_has_it() -> None:
    listed = a_list("completed", "completed", "completed")
    listed.move(1)

    listed.update(a_page(row for row in read(listed) if row.key != 2))
    assert listed.row() == a_listed(1)

    listed.update(a_page([]))
    assert (listed.cursor, listed.row(), listed.targets()) == (None, None, ())


def test_the_cursor_stops_at_the_ends() -> None:
    listed = a_list("completed", "completed")

    listed.move(-5)
    assert listed.place == 0
    listed.move(5)
    assert listed.place == 1


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
    listed.move(1)
    listed.toggle_mark()
    listed.move(1)

    mark(listed, listed.range_keys())

    assert sorted(target.name for target in listed.targets()) == ["run-2", "run-3", "run-4"]


def test_it_is_known_whether_all_are_marked() -> None:
    listed = a_list("completed", "failed")

    mark(listed, listed.rows.keys)
    assert listed.is_all_marked
    assert len(listed.marks) == 2
    listed.clear_marks()
    assert not listed.is_all_marked


moves = st.lists(st.tuples(st.sampled_from(["add", "drop", "end", "move", "mark", "all"]), st.integers(0, 30)))


@settings(max_examples=300, deadline=None)
@given(moves, st.integers(1, 40))
def test_the_cursor_never_moves_by_itself(steps: Sequence[tuple[str, int]], head: int) -> None:
    listed, keys = RunList(), {1: "running"}

    def show() -> None:
        page = a_page(a_listed(key, word) for key, word in keys.items())
        assert page.head is not None
        every = page.head
        listed.update(replace(page, head=every[:head], has_more=len(every) > head))
        listed.take_keys(every)
        assert list(listed.rows.keys) == list(every)

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
                mark(listed, listed.rows.keys)
            case "move":
                listed.move(number - 15)
            case _:
                pass
        if step in ("add", "end", "drop"):
            show()
            assert {target.run_id for target in listed.marks.values()} == targets
            if cursor in keys:
                assert listed.cursor == cursor
        assert (listed.cursor is None) == (not listed.rows)
        assert all(listed.rows.place_of(row.key) == place for place, row in enumerate(listed.rows))


def test_a_list_of_which_little_is_read_is_as_long_as_it_is_and_keeps_its_cursor() -> None:
    listed = RunList()
    listed.update(a_window(100, 99, 98, head=(100, 99, 98)))
    assert (len(listed.rows), listed.is_whole) == (3, False)
    listed.take_keys(range(100, 0, -1))
    assert (len(listed.rows), listed.is_whole) == (100, True)

    listed.move(90)
    assert listed.cursor == 10
    assert listed.row() is None  # it is not read, and an action would be about nothing
    assert listed.targets() == ()
    listed.update(a_window(11, 10, 9, head=(101, 100, 99)))

    assert (listed.cursor, listed.place, len(listed.rows)) == (10, 91, 101)
    assert listed.row() == a_listed(10)
    assert listed.rows[91:94] == [a_listed(10), a_listed(9), Unread(8)]


def test_the_next_problem_among_rows_that_are_not_read_is_told_by_its_key() -> None:
    listed = RunList()
    listed.update(a_window(100, 99, head=(100, 99)))
    listed.take_keys(range(100, 0, -1))

    assert listed.next_problem() is None
    assert listed.next_of({40, 7}, 1)
    assert (listed.cursor, listed.place) == (40, 60)
    assert listed.next_of({40, 7}, 1)
    assert listed.next_of({40, 7}, 1)
    assert listed.cursor == 40
    assert not listed.next_of({40}, -1)
    assert not listed.next_of((), 1)


def test_marks_of_all_are_told_by_one_of_each_kind() -> None:
    listed = a_list(*["completed"] * 5, "failed", "failed")

    mark(listed, listed.rows.keys)

    assert len(listed.targets()) == 7
    assert sorted(target.word for target in listed.kinds()) == ["completed", "failed"]
    assert listed.targets_at([1, 99]) is None


def test_while_another_order_is_read_the_old_list_stands() -> None:
    listed = a_list("completed", "completed")

    listed.expect()
    listed.update(replace(a_page(read(listed)), head=None))
    assert list(listed.rows.keys) == [2, 1]
    listed.take_keys([1, 2])
    assert (list(listed.rows.keys), listed.cursor, listed.place) == ([1, 2], 2, 1)


@given(st.lists(st.integers(1, 60), unique=True), st.lists(st.integers(1, 60), unique=True, min_size=1, max_size=8))
def test_a_newer_head_goes_before_the_rest_with_each_run_once(whole: list[int], head: list[int]) -> None:
    keys = joined(head, whole)

    assert list(keys[: len(head)]) == head
    assert len(set(keys)) == len(keys)
    assert set(keys) == {*head, *whole}
    assert RunRows(keys).place_of(head[0], 5) == 0
