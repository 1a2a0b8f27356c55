"""Interrupts the user's code in the main thread: deadlines (SIGALRM), Ctrl-C (SIGINT), SIGTERM.

A signal may arrive while flowctl's own code is at work, half way through a record. Then it is put off for a
moment, until the user's code is on top of the stack again or something merely waits.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any, Final

from flowctl.core.engine.waits import TimedOut

#: After this long a put-off interruption is tried again.
_SOON_S: Final = 0.002
#: Modules of flowctl in which an interruption may strike: they only wait, or only pass a call on.
_WAITING: Final = frozenset(
    {
        "flowctl.core.authoring.futures",
        "flowctl.core.authoring.tasks",
        "flowctl.core.authoring.flows",
        "flowctl.core.engine.blocking",
        "flowctl.core.engine.calling",
        "flowctl.core.engine.interruption",
    }
)

_pending: Final[list[tuple[float, BaseException]]] = []


def is_possible() -> bool:
    """Tell whether the present thread is the one that signals can interrupt."""
    return threading.current_thread() is threading.main_thread()


def is_safe(frame: FrameType | None) -> bool:
    """Tell whether an exception may be raised at this place: not in the midst of flowctl's own work."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("flowctl.") and not module.startswith(("flowctl.core.cli", "flowctl.tui")):
            return module in _WAITING
        frame = frame.f_back
    return True


@contextmanager
def alarm(seconds: float) -> Generator[None, None, None]:
    """Raise `TimedOut` in the block when it takes longer; blocks nest, and each gets its own exception."""
    before = signal.signal(signal.SIGALRM, _on_alarm)
    entry = (monotonic() + seconds, _Deadline())
    _pending.append(entry)
    _arm()
    try:
        yield
    except _Deadline as error:
        if error is entry[1]:
            raise TimedOut from None
        raise
    finally:
        _pending.remove(entry)
        _arm()
        signal.signal(signal.SIGALRM, before)


class _Deadline(TimedOut):
    """The exception of one alarm; told apart by identity."""


def _on_alarm(_number: int, frame: FrameType | None) -> None:
    now = monotonic()
    due = [entry for entry in _pending if entry[0] <= now]
    if not due:
        _arm()
    elif is_safe(frame):
        raise due[0][1]
    else:
        signal.setitimer(signal.ITIMER_REAL, _SOON_S)


def _arm() -> None:
    soonest = min((due for due, _ in _pending), default=None)
    signal.setitimer(signal.ITIMER_REAL, 0 if soonest is None else max(soonest - monotonic(), 1e-4))


def put_off(act: Callable[[FrameType | None], Any], frame: FrameType | None) -> None:
    """Call `act` in the main thread as soon as it is safe: now, or in a moment."""
    if is_safe(frame):
        act(frame)
        return
    before = signal.getsignal(signal.SIGALRM)

    def again(_number: int, later: FrameType | None) -> None:
        if is_safe(later):
            signal.signal(signal.SIGALRM, before)
            _arm()
            act(later)
        else:
            signal.setitimer(signal.ITIMER_REAL, _SOON_S)

    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, _SOON_S)
