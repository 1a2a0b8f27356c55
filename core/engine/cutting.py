"""Ends what a flow run has under way when its time is up: nothing of it holds up the flow, or the end of the process.

Queued tasks do not start, coroutines are cancelled, processes killed. A function in a thread cannot be stopped: it goes
on as an orphan, named in the log, and its run ends without it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flowctl.core.engine.waits import CutShort

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun, TaskRun


@contextmanager
def stoppable(run: FlowRun | TaskRun, stop: Callable[[], object]) -> Generator[None, None, None]:
    """Have `stop` called when the time of a flow run around the block is up."""
    limits = run.flow_run.limits
    for each in limits:
        each.under_way.add(stop)
    try:
        yield
    finally:
        for each in limits:
            each.under_way.discard(stop)


@contextmanager
def within_limits(run: FlowRun | TaskRun, stop: Callable[[], object]) -> Generator[None, None, None]:
    """Do as `stoppable`, and raise `CutShort` where the time is up before or after the block.

    What a task returns then may come of the end of another: it waited for one that was cut short.
    """
    with stoppable(run, stop):
        if run.flow_run.is_over:
            raise CutShort
        yield
        if run.flow_run.is_over:
            raise CutShort


def cut_short(run: FlowRun) -> None:
    """End what a flow run has under way; its `is_over` is set, which keeps its tasks from starting."""
    for stop in tuple(run.under_way):
        stop()
    for waiting in tuple(run.root.waiting.values()):
        wake = waiting.wake
        if wake is not None and waiting.flow_run.is_over:
            try:
                wake()
            except RuntimeError:
                pass  # its time came at this moment
    if run.pool is not None:
        run.pool.drain()
