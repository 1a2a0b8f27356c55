"""The blocking waits of the present thread; an interruption may strike here, and changes nothing but the wait."""

from __future__ import annotations

from _thread import allocate_lock
from typing import TYPE_CHECKING

from flowctl.core.authoring.futures import acquired, settled
from flowctl.core.authoring.runs import TaskRun
from flowctl.core.engine.pool import lent

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowctl.core.authoring.runs import FlowRun


def wait_for(runs: list[TaskRun]) -> None:
    """Block until all runs are settled."""
    for run in runs:
        settled(run, None)


def sleep(run: FlowRun | TaskRun, seconds: float) -> None:
    """Block for so long, or until the run's `wake` is called."""
    gate = allocate_lock()
    gate.acquire()
    if isinstance(run, TaskRun):
        run.wake = gate.release
    try:
        with lent():
            acquired(gate, seconds)
    finally:
        if isinstance(run, TaskRun):
            run.wake = None


def wait_for_tasks(
    flow_run: FlowRun, when_idle: Callable[[FlowRun, Callable[[], None]], None], seconds: float | None = None
) -> None:
    """Block until no task submitted in the flow run is under way, or for at most so many seconds."""
    gate = allocate_lock()
    gate.acquire()
    when_idle(flow_run, gate.release)
    with lent():
        acquired(gate, seconds)
