"""Calls back when runs are settled, or when a flow run has no submitted task under way any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flowctl.core.engine.locks import take

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun, TaskRun


def when_settled(run: TaskRun, callback: Callable[[TaskRun], None]) -> None:
    """Call back once when the run is settled; now, if it is."""
    lock = run.flow_run.root.lock
    take(lock)
    waiters = run.waiters
    if waiters is not None:
        waiters.append(callback)
    lock.release()
    if waiters is None:
        callback(run)


def when_all_settled(runs: list[TaskRun], callback: Callable[[], None]) -> None:
    """Call back once when all runs are settled; now, if they are."""
    countdown = _Countdown(len(runs) + 1, callback)
    for run in runs:
        when_settled(run, countdown)
    countdown(None)


def begin_task(flow_run: FlowRun) -> None:
    """Count one more lifecycle under way."""
    lock = flow_run.root.lock
    take(lock)
    flow_run.open_tasks += 1
    lock.release()


def end_task(flow_run: FlowRun) -> None:
    """Count one less; the last one wakes who waits for the flow run to be idle."""
    waiters: list[Callable[[], None]] | None = None
    lock = flow_run.root.lock
    take(lock)
    flow_run.open_tasks -= 1
    if not flow_run.open_tasks:
        waiters, flow_run.waiters = flow_run.waiters, []
    lock.release()
    for waiter in waiters or ():
        waiter()


def when_idle(flow_run: FlowRun, callback: Callable[[], None]) -> None:
    """Call back once when no submitted task of the flow run is under way; now, if none is."""
    with flow_run.root.lock:
        if flow_run.open_tasks:
            if flow_run.waiters is None:
                flow_run.waiters = []
            flow_run.waiters.append(callback)
            return
    callback()


class _Countdown:
    """Calls back at the last of so many calls."""

    __slots__ = ("_callback", "_left")

    def __init__(self, left: int, callback: Callable[[], None]) -> None:
        # Who pops the bottom is the last: `pop` is one step for the interpreter, so threads need no lock here.
        self._left = [True, *[False] * (left - 1)]
        self._callback = callback

    def __call__(self, _run: TaskRun | None) -> None:
        if self._left.pop():
            self._callback()
