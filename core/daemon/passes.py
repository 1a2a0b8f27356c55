"""The passes of the daemon as its loop sees them: when each wants its turn, and what went wrong in it.

A pass of another file takes part by `plug(daemon)`, which gives the function to be called with the time. That function
returns after how many seconds it wants to be called again (0: at once), or None: when it is poked.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon

Turn = Callable[[datetime], float | None]

#: In the order of their turns: what a schedule makes is dispatched in the same turn.
PLUGGED: Final = ("watch", "schedule", "dispatch")
#: After a failure a pass waits so long, doubled up to the most with each further one.
FIRST_WAIT_S: Final = 0.25
MOST_WAIT_S: Final = 2.0


class Trouble(NamedTuple):
    """What keeps a pass from its work."""

    since: datetime
    message: str
    #: Nobody foresaw it: the log has the traceback.
    is_defect: bool


class Pass:
    """One pass and its state between turns."""

    def __init__(self, name: str, turn: Turn) -> None:
        self.name = name
        self.turn = turn
        #: By the loop's clock; None: only when poked.
        self.due_s: float | None = 0.0
        self.trouble: Trouble | None = None
        self._wait_s = FIRST_WAIT_S

    def is_due(self, now_s: float) -> bool:
        return self.due_s is not None and self.due_s <= now_s

    def poke(self) -> None:
        """Have its turn at the next opportunity; one that failed keeps waiting its time."""
        if self.trouble is None:
            self.due_s = 0.0

    def succeeded(self, now_s: float, wait_s: float | None) -> bool:
        """Note when it wants its next turn; tell whether it had trouble before."""
        had_trouble = self.trouble is not None
        self.trouble = None
        self._wait_s = FIRST_WAIT_S
        self.due_s = None if wait_s is None else now_s + wait_s
        return had_trouble

    def failed(self, now_s: float, trouble: Trouble) -> bool:
        """Note that it failed; tell whether that is news."""
        is_news = self.trouble is None or self.trouble.message != trouble.message
        self.trouble = trouble if is_news or self.trouble is None else self.trouble
        self.due_s = now_s + self._wait_s
        self._wait_s = min(self._wait_s * 2, MOST_WAIT_S)
        return is_news


def plugged_passes(daemon: Daemon) -> list[Pass]:
    """Make the passes that other files provide."""
    found: list[Pass] = []
    for name in PLUGGED:
        module_name = f"flowctl.core.daemon.{name}_pass"
        if importlib.util.find_spec(module_name) is None:
            continue
        plug: Callable[[Daemon], Turn] | None = getattr(importlib.import_module(module_name), "plug", None)
        if plug is not None:
            found.append(Pass(name, plug(daemon)))
    return found
