"""The words of states, and the signs for them and for everything else that is drawn, in Unicode and in ASCII."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from flowctl.store.states import StateType

#: Every word under which a state is shown, in the order in which counts are written.
WORDS: Final = (
    "completed",
    "cached",
    "skipped",
    "running",
    "cancelling",
    "retrying",
    "paused",
    "queued",
    "scheduled",
    "waiting",
    "failed",
    "crashed",
    "cancelled",
    "blocked",
)
#: Of these, what somebody should look at.
PROBLEMS: Final = frozenset({"failed", "crashed"})
#: What has not ended.
OPEN: Final = frozenset({"running", "cancelling", "retrying", "paused", "queued", "scheduled", "waiting"})

#: The name of the state in which a task waits for a slot of a limit.
SLOT: Final = "AwaitingConcurrencySlot"

_BY_NAME: Final = {
    ("COMPLETED", "Cached"): "cached",
    ("COMPLETED", "Skipped"): "skipped",
    ("SCHEDULED", "AwaitingRetry"): "retrying",
    ("SCHEDULED", SLOT): "queued",
    ("PENDING", SLOT): "queued",
    ("PENDING", "NotReady"): "blocked",
}
_BY_TYPE: Final = {
    StateType.SCHEDULED: "scheduled",
    StateType.PENDING: "queued",
    StateType.RUNNING: "running",
    StateType.COMPLETED: "completed",
    StateType.FAILED: "failed",
    StateType.CANCELLED: "cancelled",
    StateType.CRASHED: "crashed",
    StateType.PAUSED: "paused",
    StateType.CANCELLING: "cancelling",
}

_TASK_WAITS: Final = MappingProxyType({"queued": "waiting"})


def word_of(type_: str, name: str) -> str:
    """Give the word under which a flow run's state is shown."""
    return _BY_NAME.get((type_, name)) or _BY_TYPE.get(StateType(type_), "running")


def task_word_of(type_: str, name: str) -> str:
    """Give the word of a task run's state: one that has not begun waits; the only queues are those for limits."""
    word = word_of(type_, name)
    return word if name == SLOT else _TASK_WAITS.get(word, word)


class Glyphs(NamedTuple):
    """One set of signs; each is one cell wide."""

    states: Mapping[str, str]
    spinner: str
    #: Tasks done and to do; elapsed of the usual, rest, and beyond it.
    done: str
    to_do: str
    elapsed: str
    rest: str
    over: str
    #: On a time axis: at work, its open end, a failed try, waiting, the next try, now.
    work: str
    work_open: str
    failed_try: str
    wait: str
    due: str
    now: str
    #: Cursor, mark, unfolded, folded.
    cursor: str
    mark: str
    unfolded: str
    folded: str
    #: Joins the lines of one log record; a rule; what is cut; a separator; bullet of the daemon.
    joins: str
    rule: str
    cut: str
    dot: str
    alive: str
    dash: str
    #: Eight heights.
    heights: str
    arrow: str
    crumb: str
    #: On a day: fired, the present, to come.
    fired: str
    here: str
    to_come: str


UNICODE: Final = Glyphs(
    states=MappingProxyType(
        {
            "scheduled": "○",
            "queued": "◌",
            "waiting": "○",
            "running": "⠹",
            "cancelling": "⊖",
            "retrying": "↻",
            "paused": "‖",
            "completed": "✓",
            "failed": "✗",
            "crashed": "!",
            "cancelled": "⊘",
            "cached": "≡",
            "skipped": "»",
            "blocked": "⊝",
        }
    ),
    spinner="⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
    done="▰",
    to_do="▱",
    elapsed="▇",
    rest="░",
    over="+",
    work="━",
    work_open="╸",
    failed_try="╳",
    wait="┄",
    due="▹",
    now="┊",
    cursor="▸",
    mark="*",
    unfolded="▾",
    folded="▸",
    joins="┊",
    rule="─",
    cut="…",
    dot="·",
    alive="●",
    dash="—",
    heights="▁▂▃▄▅▆▇█",
    arrow="→",
    crumb="›",
    fired="┊",
    here="▲",
    to_come="╎",
)
ASCII: Final = Glyphs(
    states=MappingProxyType(
        {
            "scheduled": ".",
            "queued": "o",
            "waiting": ".",
            "running": ">",
            "cancelling": "%",
            "retrying": "~",
            "paused": "=",
            "completed": "+",
            "failed": "x",
            "crashed": "!",
            "cancelled": "-",
            "cached": "c",
            "skipped": "s",
            "blocked": "b",
        }
    ),
    spinner=">)",
    done="#",
    to_do=".",
    elapsed="=",
    rest=".",
    over="+",
    work="=",
    work_open=">",
    failed_try="X",
    wait="-",
    due="@",
    now=":",
    cursor=">",
    mark="*",
    unfolded="v",
    folded=">",
    joins=":",
    rule="-",
    cut="~",
    dot="-",
    alive="*",
    dash="-",
    heights="_.,:-=+#",
    arrow="->",
    crumb=">",
    fired=":",
    here="^",
    to_come="|",
)
