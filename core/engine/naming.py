"""Names of runs from the templates and functions that users give."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.context import CURRENT
from flowctl.core.authoring.templates import render

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun, TaskRun


def task_run_name(run: TaskRun, wanted: str | Callable[..., str]) -> str:
    """Make a task run's name; raise what a bad template or function raises."""
    return _name(run, wanted, run.arguments, f"task_run_name of task {run.task.name!r}")


def flow_run_name(run: FlowRun, wanted: str | Callable[..., str]) -> str:
    """Make a flow run's name; raise what a bad template or function raises."""
    return _name(run, wanted, run.coerced, f"flow_run_name of flow {run.flow_name!r}")


def _name(run: FlowRun | TaskRun, wanted: str | Callable[..., Any], arguments: dict[str, Any], what: str) -> str:
    if isinstance(wanted, str):
        return render(wanted, arguments)
    token = CURRENT.set(run)
    try:
        name = wanted(parameters=arguments) if _takes_parameters(wanted) else wanted()
    finally:
        CURRENT.reset(token)
    if not isinstance(name, str):
        raise TypeError(f"The function for {what} must return a string, it returned {name!r}.")
    return name


def _takes_parameters(fn: Callable[..., Any]) -> bool:
    from flowctl.core.authoring.parameters import Parameters

    return "parameters" in Parameters.of(fn).names
