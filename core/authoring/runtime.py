"""`runtime.flow_run` and `runtime.task_run`: facts about the run that the present code belongs to.

Outside a run each fact is None, or an empty list or dict. Environment variables such as
`FLOWCTL__RUNTIME__FLOW_RUN__NAME` replace them, for tests of user code; what is no text is given as JSON.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flowctl.core.authoring.context import current_flow_run, current_task_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flowctl.core.authoring.runs import FlowRun, TaskRun

T = TypeVar("T", int, dict[str, Any], list[str])
_REPLACED: Final = "FLOWCTL__RUNTIME__"


class _FlowRunFacts:
    """Facts about the current flow run."""

    #: The occurrence of a schedule that this process was started for.
    due: datetime | None = None

    @property
    def id(self) -> str | None:
        return _flow_fact("FLOW_RUN__ID", lambda run: run.id)

    @property
    def name(self) -> str | None:
        return _flow_fact("FLOW_RUN__NAME", lambda run: run.name)

    @property
    def flow_name(self) -> str | None:
        return _flow_fact("FLOW_RUN__FLOW_NAME", lambda run: run.flow_name)

    @property
    def flow_version(self) -> str | None:
        return _flow_fact("FLOW_RUN__FLOW_VERSION", lambda run: run.flow.version if run.flow else None)

    @property
    def parameters(self) -> dict[str, Any]:
        run = current_flow_run()
        return _given("FLOW_RUN__PARAMETERS", {} if run is None else dict(run.coerced), "a JSON object")

    @property
    def run_count(self) -> int:
        run = current_flow_run()
        return _given("FLOW_RUN__RUN_COUNT", 0 if run is None else run.run_count, "a number")

    @property
    def tags(self) -> list[str]:
        run = current_flow_run()
        return _given("FLOW_RUN__TAGS", [] if run is None else sorted(run.tags), "a JSON list")

    @property
    def parent_flow_run_id(self) -> str | None:
        return _flow_fact("FLOW_RUN__PARENT_FLOW_RUN_ID", lambda run: run.parent_flow_run_id)

    @property
    def root_flow_run_id(self) -> str | None:
        return _flow_fact("FLOW_RUN__ROOT_FLOW_RUN_ID", _root_id)

    @property
    def job_variables(self) -> dict[str, Any]:
        return {}

    @property
    def scheduled_start_time(self) -> Any:
        from flowctl.core.authoring.states import moment

        run = current_flow_run()
        return None if run is None else self.due or moment(run.created_at)


class _TaskRunFacts:
    """Facts about the current task run."""

    @property
    def id(self) -> str | None:
        return _task_fact("TASK_RUN__ID", lambda run: run.id)

    @property
    def name(self) -> str | None:
        return _task_fact("TASK_RUN__NAME", lambda run: run.name)

    @property
    def task_name(self) -> str | None:
        return _task_fact("TASK_RUN__TASK_NAME", lambda run: run.task.name)

    @property
    def parameters(self) -> dict[str, Any]:
        run = current_task_run()
        return _given("TASK_RUN__PARAMETERS", {} if run is None else dict(run.arguments), "a JSON object")

    @property
    def run_count(self) -> int:
        run = current_task_run()
        return _given("TASK_RUN__RUN_COUNT", 0 if run is None else run.run_count, "a number")

    @property
    def tags(self) -> list[str]:
        run = current_task_run()
        return _given("TASK_RUN__TAGS", [] if run is None else sorted(run.tags), "a JSON list")


class _DeploymentFacts:
    """Facts about the deployment of the current run; a run started by hand has none."""

    id: str | None = None
    name: str | None = None
    version: str | None = None
    flow_id: str | None = None
    parameters: dict[str, Any] = {}  # noqa: RUF012 - empty for ever


flow_run = _FlowRunFacts()
task_run = _TaskRunFacts()
deployment = _DeploymentFacts()


def _flow_fact(variable: str, read: Callable[[FlowRun], str | None]) -> str | None:
    run = current_flow_run()
    return os.environ.get(_REPLACED + variable, None if run is None else read(run))


def _task_fact(variable: str, read: Callable[[TaskRun], str | None]) -> str | None:
    run = current_task_run()
    return os.environ.get(_REPLACED + variable, None if run is None else read(run))


def _given(variable: str, real: T, kind: str) -> T:
    """Give what the variable says, as JSON of the type of the real value."""
    text = os.environ.get(_REPLACED + variable)
    if text is None:
        return real
    import json

    try:
        value: Any = json.loads(text)
    except ValueError:
        value = None
    if type(value) is not type(real):
        raise ValueError(f"{_REPLACED}{variable} must be {kind}, got {text!r}.")
    return value


def _root_id(run: FlowRun) -> str:
    while run.parent is not None and not run.parent.is_loose:
        run = run.parent
    return run.id
