"""`FlowRun` and `TaskRun`: one execution each, as hooks see them and as the engine carries them out.

The engine alone changes them. Slots and lazy fields, because a flow may have hundreds of thousands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowctl.store.journal import default_run_name, task_run_id
from flowctl.store.states import FINAL, StateType

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flowctl.core.authoring.flows import Flow
    from flowctl.core.authoring.states import State
    from flowctl.core.authoring.tasks import Task


class FlowRun:
    """One execution of a flow."""

    is_task: Final = False

    __slots__ = (
        "__weakref__",
        "arguments",
        "by_hand",
        "calls",
        "coerced",
        "created_at",
        "deferred",
        "flow",
        "id",
        "is_loose",
        "is_timed_out",
        "keeps",
        "limits",
        "name",
        "number",
        "open_tasks",
        "parameters",
        "parent",
        "parent_task",
        "path",
        "pool",
        "root",
        "run_count",
        "state",
        "tags",
        "thread",
        "under_way",
        "waiters",
    )

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the word of the API
        name: str,
        flow: Flow[..., Any] | None,
        root: Any,
        number: int,
        parent: FlowRun | None,
        parent_task: TaskRun | None,
        parameters: dict[str, Any],
        tags: frozenset[str],
        state: State[Any],
    ) -> None:
        self.id = id
        self.name = name
        #: None for the run that gathers tasks called outside any flow.
        self.flow = flow
        #: The engine's `RootRun`, which holds the journal of this process.
        self.root = root
        self.number = number
        self.parent = parent
        self.parent_task = parent_task
        #: As the caller gave them.
        self.parameters = parameters
        #: Bound by name, futures resolved: what the body gets unless its annotations say otherwise.
        self.arguments: dict[str, Any] = parameters
        self.deferred: Any = None
        #: Its body returned a state built by hand.
        self.by_hand = False
        #: Whether its value may stand for another execution of the flow.
        self.keeps = True
        #: As the body gets them.
        self.coerced = parameters
        self.tags = tags
        self.state = state
        state.run = self
        self.run_count = 0
        self.is_loose = flow is None
        #: Microseconds since the epoch.
        self.created_at = state.at
        #: Task runs submitted in it whose lifecycle has not ended.
        self.open_tasks = 0
        self.waiters: list[Callable[[], None]] | None = []
        #: The thread (its identifier) whose calls come in program order; None for asynchronous bodies.
        self.thread: int | None = None
        self.calls = 0
        #: Where it stands in the tree of calls, when an earlier attempt is on record.
        self.path: Any = None
        self.pool: Any = None
        #: The time of its present try is up.
        self.is_timed_out = False
        #: It and those around it whose time is limited.
        self.limits: tuple[FlowRun, ...] = () if parent is None else parent.limits
        if flow is not None and flow.timeout_seconds is not None:
            self.limits += (self,)
        #: Stops what runs in it, where its time is limited.
        self.under_way: set[Callable[[], object]] = set()

    @property
    def is_over(self) -> bool:
        """Whether its time, or that of a flow run around it, is up."""
        # Asked for every task, and mostly there are none.
        return bool(self.limits) and any(each.is_timed_out for each in self.limits)

    @property
    def flow_run(self) -> FlowRun:
        return self

    @property
    def flow_run_id(self) -> str:
        return self.id

    @property
    def task_run_id(self) -> None:
        return None

    @property
    def flow_name(self) -> str | None:
        return None if self.flow is None else self.flow.name

    @property
    def parent_flow_run_id(self) -> str | None:
        return None if self.parent is None or self.parent.is_loose else self.parent.id

    @property
    def parent_task_run_id(self) -> str | None:
        return None if self.parent_task is None else self.parent_task.id

    @property
    def state_type(self) -> StateType:
        return self.state.type

    @property
    def state_name(self) -> str:
        return self.state.name

    def __repr__(self) -> str:
        return f"FlowRun(name={self.name!r}, flow={self.flow_name!r}, state={self.state!s})"


class TaskRun:
    """One execution of a task."""

    is_task: Final = True

    __slots__ = (
        "arguments",
        "by_hand",
        "cache_key",
        "calls",
        "deferred",
        "digest",
        "flow_run",
        "given_name",
        "map_index",
        "number",
        "parent",
        "path",
        "position",
        "run_count",
        "started",
        "state",
        "tags",
        "task",
        "thread",
        "waiters",
        "wake",
    )

    def __init__(
        self,
        task: Task[..., Any],
        flow_run: FlowRun,
        parent: TaskRun | None,
        number: int,
        arguments: dict[str, Any],
        tags: frozenset[str],
        state: State[Any],
        map_index: int | None = None,
    ) -> None:
        self.task = task
        self.flow_run = flow_run
        #: The task run in whose body it was called.
        self.parent = parent
        self.number = number
        #: Parameter -> value; futures in it are replaced once they are resolved.
        self.arguments = arguments
        self.tags = tags
        self.state = state
        state.run = self
        self.map_index = map_index
        #: Its position among the calls of its parent's own thread, where it has one.
        self.position: int | None = None
        self.run_count = 0
        self.started: int | None = None
        self.given_name: str | None = None
        #: Of its arguments, once they are resolved; before that, what it shares with the other runs of a map.
        self.digest: Any = None
        #: Its body returned a state built by hand, which a direct call hands on.
        self.by_hand = False
        self.cache_key: str | None = None
        #: What its arguments wait for (`engine.arguments.Upstreams`), until they are resolved.
        self.deferred: Any = None
        #: Called once with this run when it will not change any more; None from then on.
        self.waiters: list[Callable[[TaskRun], None]] | None = []
        #: Ends a retry delay early, while there is one.
        self.wake: Callable[[], None] | None = None
        self.thread: int | None = None
        self.calls = 0
        self.path: Any = None

    @property
    def id(self) -> str:
        return task_run_id(self.flow_run.root.id, self.number)

    @property
    def name(self) -> str:
        return self.given_name or default_run_name(self.task.name, self.number)

    @property
    def flow_run_id(self) -> str | None:
        return None if self.flow_run.is_loose else self.flow_run.id

    @property
    def task_run_id(self) -> str:
        return self.id

    @property
    def task_key(self) -> str:
        return self.task.task_key

    @property
    def parameters(self) -> dict[str, Any]:
        return self.arguments

    @property
    def state_type(self) -> StateType:
        return self.state.type

    @property
    def state_name(self) -> str:
        return self.state.name

    @property
    def start_time(self) -> datetime | None:
        from flowctl.core.authoring.states import moment

        return None if self.started is None else moment(self.started)

    @property
    def is_settled(self) -> bool:
        """Whether it will not change any more: its state is final, or an upstream did not complete."""
        return self.state.type in FINAL or self.state.name == "NotReady"

    def __repr__(self) -> str:
        return f"TaskRun(name={self.name!r}, task={self.task.name!r}, state={self.state!s})"
