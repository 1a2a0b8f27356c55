"""Ctrl-C and SIGTERM during a root run: the first cancels or crashes the run in good order, a second one kills."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from flowctl.core.engine import interruption
from flowctl.core.engine.waits import Interrupted, Terminated

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun


@contextmanager
def heeded(run: FlowRun) -> Generator[None, None, None]:
    """Handle the signals for the length of a root run, where nobody else does; only the main thread can."""
    if run.number != 0 or not interruption.is_possible():
        yield
        return
    before: dict[int, Any] = {}
    handler = _Handler(run)
    handled: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM)
    for number in handled:
        current = signal.getsignal(number)
        if current in (signal.SIG_DFL, signal.default_int_handler) or _is_asyncios(current):
            before[number] = current
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


class _Handler:
    """Stops the run at the first signal, the process at the second."""

    def __init__(self, run: FlowRun) -> None:
        self._run = run
        self._task = _current_asyncio_task() if run.flow is not None and run.flow.isasync else None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        root = self._run.root
        if root.cancelled is not None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        root.cancelled = Interrupted() if number == signal.SIGINT else Terminated()
        if self._task is not None:
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
        else:
            interruption.put_off(self._raise, frame)

    def _raise(self, _frame: FrameType | None) -> None:
        cancelled = self._run.root.cancelled
        assert cancelled is not None
        raise cancelled


def _current_asyncio_task() -> Any:
    import asyncio

    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _is_asyncios(handler: Any) -> bool:
    """Recognise the handler that asyncio.run installs, which would turn Ctrl-C into a crash of the flow."""
    return getattr(getattr(handler, "func", None), "__name__", "") == "_on_sigint"
