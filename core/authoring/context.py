"""Which run the present code belongs to, and the tags around it."""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from flowctl.core.authoring.exceptions import MissingContextError
from flowctl.core.authoring.runs import FlowRun, TaskRun

#: The innermost run whose body executes here.
CURRENT: Final[ContextVar[FlowRun | TaskRun | None]] = ContextVar("flowctl_run", default=None)
#: The tags of all `tags(...)` blocks around.
TAGS: Final[ContextVar[frozenset[str]]] = ContextVar("flowctl_tags", default=frozenset())


def current_flow_run() -> FlowRun | None:
    """Return the flow run around the present code; None outside, and for tasks called outside any flow."""
    run = CURRENT.get()
    if isinstance(run, TaskRun):
        run = run.flow_run
    return None if run is None or run.is_loose else run


def current_task_run() -> TaskRun | None:
    """Return the task run around the present code."""
    run = CURRENT.get()
    return run if isinstance(run, TaskRun) else None


def lose_order() -> None:
    """Take note that the body around this code has seen which of its tasks was faster: what it calls next may vary.

    So its later calls have no place in the order of its calls, by which an attempt is compared with earlier ones.
    """
    run = CURRENT.get()
    if run is not None and run.thread == get_ident():
        run.thread = None


class FlowRunContext:
    """The flow run around the present code."""

    __slots__ = ("flow_run",)

    def __init__(self, flow_run: FlowRun) -> None:
        self.flow_run = flow_run

    @classmethod
    def get(cls) -> FlowRunContext | None:
        run = current_flow_run()
        return None if run is None else cls(run)

    @property
    def flow(self) -> Any:
        return self.flow_run.flow

    @property
    def parameters(self) -> dict[str, Any]:
        return self.flow_run.coerced

    @property
    def task_runner(self) -> Any:
        return None if self.flow_run.flow is None else self.flow_run.flow.task_runner


class TaskRunContext:
    """The task run around the present code."""

    __slots__ = ("task_run",)

    def __init__(self, task_run: TaskRun) -> None:
        self.task_run = task_run

    @classmethod
    def get(cls) -> TaskRunContext | None:
        run = current_task_run()
        return None if run is None else cls(run)

    @property
    def task(self) -> Any:
        return self.task_run.task

    @property
    def flow_run_id(self) -> str | None:
        return self.task_run.flow_run_id

    @property
    def parameters(self) -> dict[str, Any]:
        return self.task_run.arguments


def get_run_context() -> FlowRunContext | TaskRunContext:
    """Return the context of the innermost run; raise `MissingContextError` where there is none."""
    context = TaskRunContext.get() or FlowRunContext.get()
    if context is None:
        raise MissingContextError("No run context available. You are not in a flow or task run context.")
    return context


@contextmanager
def tags(*new_tags: str) -> Generator[set[str], None, None]:
    """Add tags to all flow runs and task runs that are made within the block."""
    joined = TAGS.get() | frozenset(new_tags)
    token = TAGS.set(joined)
    try:
        yield set(joined)
    finally:
        TAGS.reset(token)
