"""What the footer offers for runs as they stand, and what it calls that."""

from __future__ import annotations

import pytest

from flowctl.tui.model.offers import brief_of, is_offered
from flowctl.tui.model.runs_list import Target

ACTIONS = ("act.cancel", "act.kill", "act.pause", "act.retry", "act.rerun", "act.delete", "act.bell")


def target(word: str, *, awaits_retry: bool = False) -> Target:
    return Target("id", 1, "brave-otter", "etl", word, awaits_retry=awaits_retry)


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        ("scheduled", "cancel kill delete bell"),
        ("queued", "cancel kill delete bell"),
        ("running", "cancel kill pause bell"),
        ("paused", "cancel kill pause bell"),
        ("cancelling", "cancel kill bell"),
        ("failed", "retry delete"),
        ("crashed", "retry delete"),
        ("cancelled", "retry delete"),
        ("completed", "rerun delete"),
    ],
)
def test_a_run_is_offered_what_the_daemon_would_not_refuse(word: str, offered: str) -> None:
    found = [id_ for id_ in ACTIONS if is_offered(id_, [target(word)], None, ())]

    assert found == [f"act.{each}" for each in offered.split()]


def test_several_runs_are_offered_what_one_of_them_would_take() -> None:
    both = [target("running"), target("failed")]

    assert all(is_offered(id_, both, None, ()) for id_ in ACTIONS if id_ != "act.rerun")
    assert not is_offered("act.rerun", both, None, ())


def test_nothing_is_offered_where_nothing_is_chosen() -> None:
    assert not any(is_offered(id_, [], None, ()) for id_ in ACTIONS)


def test_an_action_is_called_what_it_does_to_the_run_as_it_stands() -> None:
    assert brief_of("act.pause", [target("paused")], ()) == "resume"
    assert brief_of("act.pause", [target("paused"), target("running")], ()) is None
    assert brief_of("act.cancel", [target("cancelling")], ()) == "cancel at once"
    assert brief_of("act.cancel", [target("running")], ()) is None
    assert brief_of("act.retry", [target("running", awaits_retry=True)], ()) == "retry now"
    assert brief_of("act.retry", [target("running")], (3,)) == "retry now"
    assert brief_of("act.retry", [target("failed")], ()) is None
