"""How often a question is asked: a log and what takes long less often than what is read at a glance."""

from __future__ import annotations

import pytest

from flowctl.tui.bridge import LOG_EVERY_S, Question


def question(*, is_slow: bool = False, apart_s: float = 0.0) -> Question[int]:
    return Question(lambda _source: 1, lambda _answer: None, is_once=False, is_slow=is_slow, apart_s=apart_s)


@pytest.mark.parametrize(
    ("asked", "after_s", "may_be"),
    [
        (question(), 0.001, True),
        (question(apart_s=LOG_EVERY_S), LOG_EVERY_S * 0.9, False),
        (question(apart_s=LOG_EVERY_S), LOG_EVERY_S * 1.1, True),
        (question(is_slow=True), 0.2, False),
        (question(is_slow=True), 0.3, True),
    ],
)
def test_what_is_drawn_at_some_cost_is_asked_for_less_often(asked: Question[int], after_s: float, may_be: bool) -> None:
    asked.asked_s = 100.0

    assert asked.may_be_asked(100.0 + after_s) is may_be


def test_what_took_long_waits_longer_and_what_is_being_read_is_not_asked_for_again() -> None:
    asked = question(is_slow=True)
    asked.asked_s, asked.took_s = 100.0, 0.2
    assert not asked.may_be_asked(100.5)
    assert asked.may_be_asked(100.7)

    asked.is_asked = True
    assert not asked.may_be_asked(1_000.0)
