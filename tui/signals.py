"""What ends the interface from outside, a signal or a terminal that has gone: in order if that is quick, else at once.

The loop cannot be relied on for that: with the terminal gone its writes block for ever, and its input never ends.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from flowctl.tui import editor
from flowctl.tui.skeleton import RESTORE, hand_over

if TYPE_CHECKING:
    from flowctl.tui.app import FlowctlApp

#: Signal -> for how many seconds leaving in order may take. Once the terminal has gone nobody sees the difference.
_PATIENCE_S: Final = {signal.SIGTERM: 3.0, signal.SIGINT: 3.0, signal.SIGQUIT: 3.0, signal.SIGHUP: 1.0}


def listen(app: FlowctlApp) -> None:
    """Leave when asked to terminate, or when the terminal goes away."""
    if app.is_headless or sys.__stdin__ is None:
        return  # a test
    terminal, loop = sys.__stdin__.fileno(), asyncio.get_running_loop()
    hears, tells = os.pipe()
    os.set_blocking(tells, False)

    def tell(number: int, _frame: FrameType | None) -> None:
        try:
            os.write(tells, bytes([number]))
        except BlockingIOError:
            pass  # there are enough of them

    def watch() -> None:
        number = _ending(hears, terminal)
        try:
            loop.call_soon_threadsafe(app.exit, 128 + number)
        except RuntimeError:
            pass  # it is being left already
        began_s = time.monotonic()
        editor.end(number)
        time.sleep(max(0.0, _PATIENCE_S[number] - (time.monotonic() - began_s)))
        _give_back(terminal, getattr(app._driver, "attrs_before", None))  # pyright: ignore[reportPrivateUsage] - not told else
        os._exit(128 + number)

    for each in _PATIENCE_S:
        signal.signal(each, tell)
    hand_over()
    threading.Thread(target=watch, name="flowctl-tui-ending", daemon=True).start()


@contextmanager
def left_to_another() -> Generator[None]:
    """Leave the keys that end a program to the one that has the terminal meanwhile; it gets them as ever."""
    # Ignored rather than taken, they would be ignored by what is started, too.
    before = {number: signal.signal(number, _let_be) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, taken in before.items():
            signal.signal(number, taken)


def _let_be(_number: int, _frame: FrameType | None) -> None:
    """Take a signal and do nothing."""


def _ending(hears: int, terminal: int) -> signal.Signals:
    """Wait for a signal; a terminal that has gone is one, also to who is not told."""
    poll = select.poll()
    poll.register(hears, select.POLLIN)
    poll.register(terminal, 0)  # no input, only that its other end is gone
    while True:
        ready = dict(poll.poll())
        if hears in ready:
            return signal.Signals(os.read(hears, 1)[0])
        if ready.get(terminal, 0) & (select.POLLHUP | select.POLLERR):
            return signal.SIGHUP
        poll.unregister(terminal)  # of a kind that cannot be watched


def _give_back(terminal: int, attributes: list[Any] | None) -> None:
    """Restore the terminal past an interface that does not do it any more, if there still is one that takes it."""
    poll = select.poll()
    poll.register(terminal, select.POLLOUT)
    ready = dict(poll.poll(0)).get(terminal, 0)
    if attributes is None or ready & (select.POLLHUP | select.POLLERR):
        return
    try:
        termios.tcsetattr(terminal, termios.TCSANOW, attributes)
        if ready & select.POLLOUT:
            os.write(terminal, RESTORE.encode())
    except (OSError, termios.error):
        pass  # it has gone meanwhile
