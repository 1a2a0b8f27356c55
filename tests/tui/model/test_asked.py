"""What was asked of runs: marks that the state settles, and one thing that can be taken back for ten seconds."""

from __future__ import annotations

from flowctl.tui.model.asked import UNDO_S, Asked
from flowctl.tui.model.runs_list import Target

ONE = Target("one", 3, "brave-otter", "etl", "running")
TWO = Target("two", 5, "calm-fox", "etl", "running")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_mark_stays_until_the_state_moves_on() -> None:
    asked = Asked(Clock())
    asked.mark("cancel", [ONE, TWO])

    assert asked.word("one", 3) == "cancelling…"
    assert asked.word("one", 4) is None
    assert asked.word("one", 3) is None
    assert asked.word("two", 5) == "cancelling…"


def test_a_mark_of_an_unknown_state_is_settled_by_the_next_one() -> None:
    asked = Asked(Clock())
    asked.mark("resume", [ONE._replace(state_version=-1)])

    assert asked.word("one", 7) == "resuming…"
    assert asked.word("one", 7) == "resuming…"
    assert asked.word("one", 8) is None


def test_what_was_refused_is_marked_no_more() -> None:
    asked = Asked(Clock())
    asked.mark("pause", [ONE])
    asked.unmark([ONE])

    assert asked.word("one", 3) is None


def test_a_mark_that_is_never_settled_goes_by_itself() -> None:
    clock = Clock()
    asked = Asked(clock)
    asked.mark("pause", [ONE])
    clock.now += 61

    assert asked.word("one", 3) is None


def test_what_is_taken_back_in_time_is_never_carried_out() -> None:
    clock, told = Clock(), list[str]()
    asked = Asked(clock)
    asked.hold("delete neat-cat", lambda: told.append("back"), lambda: told.append("deleted"))
    clock.now += UNDO_S - 1

    assert asked.undo_text == "undo: delete neat-cat (u, 1 s)"
    assert asked.take_back()
    clock.now += 2
    assert asked.due() == []
    assert told == ["back"]


def test_what_is_not_taken_back_is_carried_out_once() -> None:
    clock, told = Clock(), list[str]()
    asked = Asked(clock)
    asked.hold("delete neat-cat", lambda: told.append("back"), lambda: told.append("deleted"))
    assert asked.due() == []
    clock.now += UNDO_S + 0.1
    for each in (*asked.due(), *asked.due()):
        each()

    assert told == ["deleted"]
    assert not asked.take_back()
    assert asked.undo_text == ""


def test_a_second_deletion_does_not_wait_for_the_first() -> None:
    told = list[str]()
    asked = Asked(Clock())
    asked.hold("delete one", lambda: None, lambda: told.append("one"))
    asked.hold("delete two", lambda: None, lambda: told.append("two"))
    for each in asked.due():
        each()

    assert told == ["one"]
    assert asked.undo_text.startswith("undo: delete two")
    assert asked.take_back()


def test_leaving_carries_out_what_was_confirmed() -> None:
    told = list[str]()
    asked = Asked(Clock())
    asked.hold("delete one", lambda: None, lambda: told.append("one"))
    for each in asked.rest():
        each()

    assert told == ["one"]
