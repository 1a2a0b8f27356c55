"""How each state looks where runs are looked back on: a glyph, a word and a colour, none of them needed alone."""

from __future__ import annotations

import os
import sys
from typing import Final, NamedTuple

from flowctl.core.cli.display_words import WORDS, Glyphs, word_of
from flowctl.store.states import StateType

#: Colours of Okabe and Ito, which colour-blind people tell apart.
STYLES: Final = {
    "queued": "#0072B2",
    "running": "#56B4E9",
    "retrying": "#E69F00",
    "paused": "#CC79A7",
    "completed": "#009E73",
    "cached": "#009E73",
    "failed": "#D55E00",
    "crashed": "#D55E00",
    "cancelled": "bright_black",
    "blocked": "bright_black",
}
OK: Final = STYLES["completed"]
PROBLEM: Final = STYLES["failed"]
WARNING: Final = STYLES["retrying"]
ACCENT: Final = STYLES["running"]
QUIET: Final = "bright_black"

#: Type of each state name that flowctl gives, for counts that come by name alone.
_TYPE_OF: Final = {
    "Scheduled": StateType.SCHEDULED,
    "Pending": StateType.PENDING,
    "Running": StateType.RUNNING,
    "Retrying": StateType.RUNNING,
    "Completed": StateType.COMPLETED,
    "RolledBack": StateType.COMPLETED,
    "Failed": StateType.FAILED,
    "TimedOut": StateType.FAILED,
    "Crashed": StateType.CRASHED,
    "Cancelled": StateType.CANCELLED,
    "Cancelling": StateType.CANCELLING,
    "Paused": StateType.PAUSED,
    "Suspended": StateType.PAUSED,
    "Cached": StateType.COMPLETED,
    "AwaitingRetry": StateType.SCHEDULED,
    "Late": StateType.SCHEDULED,
    "NotReady": StateType.PENDING,
}
#: Every name of a state that flowctl itself gives.
STATE_NAMES: Final = tuple(_TYPE_OF)


class Look(NamedTuple):
    """Glyph and colour of a state."""

    glyph: str
    style: str


def is_plain() -> bool:
    """Tell whether glyphs have to be ASCII: `FLOWCTL_ASCII=1`, or an output that cannot carry more."""
    if os.environ.get("FLOWCTL_ASCII", "0") not in ("", "0"):
        return True
    return "utf" not in (sys.stdout.encoding or "").lower()


def look(state_type: StateType, state_name: str) -> Look:
    """Find how a state looks."""
    word = word_of(state_type.value, state_name)
    return Look(Glyphs(is_ascii=is_plain()).of(word), STYLES[word])


def look_of_name(state_name: str) -> Look:
    """Find how a state of which only the name is known looks; names of the user's own get a dot."""
    known = _TYPE_OF.get(state_name)
    if known is None:
        return Look("." if is_plain() else "·", "")
    return look(known, state_name)


def count_order(state_name: str) -> tuple[int, str]:
    """Sort the names of states as every display does."""
    known = _TYPE_OF.get(state_name)
    if known is None:
        return len(WORDS), state_name
    return WORDS.index(word_of(known.value, state_name)), state_name
