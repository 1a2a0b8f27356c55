"""Ctrl-C and SIGTERM during a root run: the first cancels or crashes the run in good order, a second one kills."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.engine import interruption
from flowctl.core.engine.waits import Interrupted, Terminated
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun


#: An event loop that is not blocked cancels a flow within this time.
_PATIENCE_S: Final = 0.3


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
    is_watched = bool(before) and interruption.watch()
    try:
        yield
    finally:
        if is_watched:
            interruption.unwatch()
        for number, former in before.items():
            signal.signal(number, former)


class _Handler:
    """Stops the run at the first signal, the process at the second."""

    def __init__(self, run: FlowRun) -> None:
        self._run = run
        self._task = _current_asyncio_task() if run.flow is not None and run.flow.isasync else None
        self._is_delivered = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        root = self._run.root
        if root.cancelled is not None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        root.cancelled = Interrupted() if number == signal.SIGINT else Terminated()
        if self._task is not None:
            self._task.get_loop().call_soon_threadsafe(self._cancel)
            interruption.put_off(self._insist, frame, _PATIENCE_S)
        else:
            interruption.put_off(self._raise, frame)

    def _raise(self, _frame: FrameType | None) -> None:
        cancelled = self._run.root.cancelled
        assert cancelled is not None
        if self._run.state.type in (StateType.CANCELLED, StateType.CRASHED):
            return  # the run ended by it already; hooks are not to be disturbed
        raise cancelled

    def _cancel(self) -> None:
        if not self._is_delivered and self._task is not None:
            self._is_delivered = True
            self._task.cancel()

    def _insist(self, frame: FrameType | None) -> None:
        """Interrupt the flow's code itself where it keeps the event loop from cancelling it."""
        if self._is_delivered:
            return
        if frame is not None and frame.f_globals.get("__name__", "").startswith(("asyncio", "selectors")):
            interruption.put_off(self._insist, frame, _PATIENCE_S)
            return
        self._is_delivered = True
        self._raise(frame)


def _current_asyncio_task() -> Any:
    import asyncio

    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _is_asyncios(handler: Any) -> bool:
    """Recognise the handler that asyncio.run installs, which would turn Ctrl-C into a crash of the flow."""
    return getattr(getattr(handler, "func", None), "__name__", "") == "_on_sigint"
