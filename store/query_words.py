"""The words of the query language: its fields, the states one may ask for, and how ages and moments are typed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from flowctl.store.states import FINAL, StateType

#: Names of states that make a word of their own; all others go by the type alone.
_SCHEDULED, _PENDING = StateType.SCHEDULED, StateType.PENDING


class StateWord(NamedTuple):
    """Which states a word stands for."""

    word: str
    types: frozenset[StateType]
    #: Only those names of the types, or all but those.
    names: frozenset[str] = frozenset()
    but: frozenset[str] = frozenset()
    meaning: str = ""


def _types(*types: StateType) -> frozenset[StateType]:
    return frozenset(types)


_RETRY: Final = frozenset({"AwaitingRetry", "Retrying"})
#: What is due and waits for others to make room is scheduled by its type, and queued to whoever looks.
_NOT_QUEUED: Final = frozenset({"NotReady", "AwaitingRetry", "Scheduled", "Late"})
_NOT_PLANNED: Final = frozenset({"AwaitingRetry", "AwaitingConcurrencySlot"})
_PROBLEM: Final = _types(StateType.FAILED, StateType.CRASHED)
STATE_WORDS: Final = {
    each.word: each
    for each in (
        StateWord("problem", _PROBLEM, meaning="failed or crashed"),
        StateWord("active", frozenset(StateType) - FINAL, meaning="not ended"),
        StateWord("done", FINAL, meaning="ended, one way or another"),
        StateWord("failed", _types(StateType.FAILED), meaning="its body raised"),
        StateWord("crashed", _types(StateType.CRASHED), meaning="its process ended under it"),
        StateWord("completed", _types(StateType.COMPLETED), meaning="all is well"),
        StateWord("running", _types(StateType.RUNNING), meaning="at work now"),
        StateWord("retrying", _types(_SCHEDULED, StateType.RUNNING), names=_RETRY, meaning="failed, to be tried again"),
        StateWord("queued", _types(_PENDING, _SCHEDULED), but=_NOT_QUEUED, meaning="waits for a place"),
        StateWord("scheduled", _types(_SCHEDULED), but=_NOT_PLANNED, meaning="waits for its time"),
        StateWord("paused", _types(StateType.PAUSED), meaning="waits for a person"),
        StateWord("cancelled", _types(StateType.CANCELLED), meaning="somebody stopped it"),
        StateWord("cancelling", _types(StateType.CANCELLING), meaning="is being stopped"),
        StateWord("cached", _types(StateType.COMPLETED), names=frozenset({"Cached"}), meaning="its result was reused"),
        StateWord("timedout", _types(StateType.FAILED), names=frozenset({"TimedOut"}), meaning="took too long"),
        StateWord("pending", _types(_PENDING), meaning="not started"),
    )
}


class Field(NamedTuple):
    """What may be asked of a run."""

    name: str
    kind: str
    operators: tuple[str, ...]
    meaning: str
    example: str


_IS: Final = (":",)
_ORDER: Final = ("<", ">", "<=", ">=")
#: Kinds: state, text (with * and ?), find (anywhere in it), age, moment, took, number, value, by.
FIELDS: Final = {
    each.name: each
    for each in (
        Field("state", "state", _IS, "its state, or problem, active, done", "state:problem"),
        Field("flow", "text", _IS, "name of its flow; * and ? stand for anything", "flow:etl*"),
        Field("age", "age", _ORDER, "how long ago it was made", "age<1d"),
        Field("took", "took", _ORDER, "how long it took, or has so far; x: of the usual", "took>1.5x"),
        Field("param", "value", (*_ORDER, "=", "!=", ":"), "the value of a parameter", "param.day=2026-11-23"),
        Field("tag", "text", _IS, "one of its tags", "tag:prod"),
        Field("name", "text", _IS, "its own name", "name:brave-*"),
        Field("id", "id", _IS, "the beginning of its id", "id:3f9a"),
        Field("deployment", "text", _IS, "the deployment it belongs to", "deployment:etl/*"),
        Field("by", "by", _IS, "what started it: schedule, deployment, hand", "by:schedule"),
        Field("retries", "number", (*_ORDER, "=", "!=", ":"), "how often it was started again", "retries>=2"),
        Field("attempt", "number", (*_ORDER, "=", "!=", ":"), "which attempt it is at", "attempt>1"),
        Field("created", "moment", _ORDER, "when it was made", "created>2026-11-23"),
        Field("error", "find", _IS, "text of its error", "error:timeout"),
        Field("log", "find", _IS, "text in its log", 'log:"read timed out"'),
    )
}
STARTERS: Final = ("schedule", "deployment", "hand")

_UNIT_S: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AMOUNT: Final = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(ms|[smhdw])")
_LONGEST_S: Final = 1000 * 365 * 86400.0


def read_duration(text: str) -> float | None:
    """Read `90s`, `1.5h`, `1h30m` into seconds; None where it is none."""
    place, total = 0, 0.0
    while match := _AMOUNT.match(text, place):
        total += float(match[1]) * _UNIT_S[match[2]]
        place = match.end()
    return min(total, _LONGEST_S) if place and place == len(text) else None


def read_day(text: str, now: datetime) -> datetime | None:
    """Read `today`, `yesterday`, or a date or time as ISO writes it, where the user is; None where it is none."""
    if text in ("today", "yesterday"):
        local = now.astimezone()
        days = 1 if text == "yesterday" else 0
        # By the calendar: on the day after the clocks change, 24 hours back is not midnight.
        return (
            local.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
        ).astimezone()
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone() if at.tzinfo is None else at
    except (ValueError, OverflowError, OSError):
        return None
