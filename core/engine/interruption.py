"""Interrupts the user's code in the main thread: deadlines (SIGALRM), Ctrl-C (SIGINT), SIGTERM.

A signal may arrive while flowctl's own code is at work, half way through a record. Then it is put off for a
moment, until the user's code is on top of the stack again or something merely waits.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from time import monotonic
from types import FrameType, TracebackType
from typing import Any, Final

from flowctl.core.engine.journal_writer import each_second
from flowctl.core.engine.waits import Deadline, TimedOut

#: After this long a put-off interruption is tried again.
_SOON_S: Final = 0.002
#: A deadline whose exception was swallowed strikes again after this long.
_AGAIN_S: Final = 1.0
#: Modules of flowctl in which an interruption may strike: they only wait, or only pass a call on.
_WAITING: Final = frozenset(
    {
        "flowctl.core.authoring.futures",
        "flowctl.core.authoring.tasks",
        "flowctl.core.authoring.flows",
        "flowctl.core.engine.blocking",
        "flowctl.core.engine.calling",
    }
)

#: Functions of the drivers in which the user's coroutines and generators run.
_PASSING_ON: Final = frozenset(
    {"_await", "_outcome", "_within", "_streamed", "body", "drive_async_generator", "finish"}
)

Act = Callable[[FrameType | None], Any]


#: The alarms around the present code, outermost first.
_deadlines: Final[list[Deadline]] = []
#: What is to be done as soon as it is safe, and not before its time.
_put_off: Final[list[tuple[float, Act]]] = []
#: The handler of the user's that SIGALRM had before ours; empty while ours is not in place, or for good.
_before: Final[list[Any]] = []


#: What Python writes the numbers of signals into as they come, and whether the next will be our own nudge.
_pipe: tuple[int, int] | None = None
_is_echo = False


def is_possible() -> bool:
    """Tell whether the present thread is the one that signals can interrupt."""
    return threading.current_thread() is threading.main_thread()


def watch() -> bool:
    """See to it that no signal goes unnoticed; False where somebody else, as asyncio, does.

    Python notes a signal and acts on it between two steps of the main thread. One that comes on the threshold of a
    long sleep would wait for its end, so another thread looks once a second whether one came, and cuts the sleep short.
    """
    global _pipe
    if _pipe is None:
        _pipe = os.pipe()
        for end in _pipe:
            os.set_blocking(end, False)
        each_second.append(_nudge)
    before = signal.set_wakeup_fd(_pipe[1], warn_on_full_buffer=False)
    if before not in (-1, _pipe[1]):
        signal.set_wakeup_fd(before)
        return False
    if signal.getsignal(signal.SIGALRM) is signal.SIG_DFL:
        signal.signal(signal.SIGALRM, _on_alarm)
    return True


def unwatch() -> None:
    """Undo `watch`."""
    fd = signal.set_wakeup_fd(-1)
    if _pipe is not None and fd not in (-1, _pipe[1]):
        signal.set_wakeup_fd(fd)


def _nudge() -> None:
    """Make the main thread look for signals, if any came since the last time."""
    global _is_echo
    if _pipe is None:
        return
    try:
        came = os.read(_pipe[0], 4096)
    except BlockingIOError:
        return
    is_echo = _is_echo and set(came) == {signal.SIGALRM}
    _is_echo = not is_echo
    if not is_echo and signal.getsignal(signal.SIGALRM) is _on_alarm:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)


def _leave_to_parent() -> None:
    global _pipe
    if _pipe is not None:
        if is_possible():
            unwatch()
        os.close(_pipe[0])
        os.close(_pipe[1])
        each_second.remove(_nudge)
        _pipe = None


os.register_at_fork(after_in_child=_leave_to_parent)


def is_safe(frame: FrameType | None) -> bool:
    """Tell whether an exception may be raised at this place: not in the midst of flowctl's own work."""
    top = frame
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("flowctl.") and not module.startswith(("flowctl.core.cli", "flowctl.tui")):
            return module in _WAITING or (
                frame is not top and module == "flowctl.core.engine.drivers" and frame.f_code.co_name in _PASSING_ON
            )
        frame = frame.f_back
    return True


class alarm:  # noqa: N801 - reads as a word of the with statement
    """Raise `TimedOut` out of the block when it takes longer; blocks nest, and each gets only its own."""

    # No generator: its frames would be contextlib's, in which an interruption could strike half way.

    def __init__(self, seconds: float) -> None:
        self._deadline = Deadline(monotonic() + seconds)

    def __enter__(self) -> None:
        _deadlines.append(self._deadline)
        _arm()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _deadlines.remove(self._deadline)
        _arm()
        if error is self._deadline:
            raise TimedOut from None


def put_off(act: Act, frame: FrameType | None, seconds: float = 0) -> None:
    """Call `act` in the main thread as soon as it is safe, at the earliest in `seconds`; now, if that is now."""
    if not seconds and is_safe(frame):
        act(frame)
        return
    _put_off.append((monotonic() + seconds, act))
    _arm()


def _arm() -> None:
    """Set the clock to what is next."""
    ours = signal.getsignal(signal.SIGALRM) is _on_alarm
    if not _deadlines and not _put_off:
        if ours:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if _before:
                signal.signal(signal.SIGALRM, _before.pop())
        return
    if not ours:
        before = signal.signal(signal.SIGALRM, _on_alarm)
        # The default is not put back: an alarm that is on its way already would end the process.
        _before[:] = [] if before in (signal.SIG_DFL, None) else [before]
    next_at = min([deadline.due for deadline in _deadlines] + [due for due, _ in _put_off])
    signal.setitimer(signal.ITIMER_REAL, max(next_at - monotonic(), _SOON_S / 20))


def _on_alarm(_signum: int, frame: FrameType | None) -> None:
    if not is_safe(frame):
        signal.setitimer(signal.ITIMER_REAL, _SOON_S)
        return
    now = monotonic()
    for entry in tuple(_put_off):
        if entry[0] <= now:
            _put_off.remove(entry)
            _arm()
            entry[1](frame)
    for deadline in _deadlines:
        if deadline.due <= now:
            deadline.due = now + _AGAIN_S
            _arm()
            raise deadline
    _arm()
