"""What is on record, as frozen rows: the words in which everything above the store speaks of runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flowctl.store.errors import ErrorReport
from flowctl.store.states import FINAL, StateType
from flowctl.store.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRunRow:
    """One execution of a flow; times are UTC."""

    id: str
    name: str
    flow_name: str
    state_type: StateType
    state_name: str
    message: str | None
    #: The newest attempt, from 1; a subflow has only the one in which it ran.
    attempt: int
    #: How often its body has been started.
    run_count: int
    created_at: datetime
    #: Start and end of the newest attempt.
    started_at: datetime | None
    ended_at: datetime | None
    #: When the next try starts, while it waits for one.
    due_at: datetime | None
    parameters: dict[str, object]
    tags: list[str]
    #: The flow run and the task run in whose body it was called.
    parent_id: str | None
    parent_task_id: str | None
    #: Its own id, for a root run.
    root_id: str
    #: Where the flow stands, and how to start it again: see `journal.FlowRunCreated`.
    source: dict[str, object]
    error: ErrorReport | None
    #: Short repr of the value.
    value: str | None
    #: State name -> how many task runs of the newest attempt are in it.
    task_counts: dict[str, int]
    #: What in its journals made no sense, if anything did.
    problem: str | None
    #: Goes up with every change of its state, so that a request can say which one its sender saw.
    state_version: int
    #: Name of the deployment that it belongs to.
    deployment: str | None
    #: The occurrence of a schedule that it is for.
    scheduled_for: datetime | None
    #: Of its process, where the daemon started it: exit status or negative signal number.
    exit_code: int | None
    #: The most memory that its processes had, in bytes, and the processor time that they used.
    max_memory: int | None
    cpu_s: float | None

    @property
    def is_final(self) -> bool:
        return self.state_type in FINAL

    @property
    def tries(self) -> int | None:
        """How many tries of its body there may be in all; None: one, or it is not on record."""
        retries = self.source.get("retries")
        return retries + 1 if isinstance(retries, int) and retries > 0 else None

    @property
    def is_root(self) -> bool:
        return self.root_id == self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One try of a task's body."""

    number: int
    started_at: datetime | None
    ended_at: datetime | None
    state_type: StateType
    state_name: str
    message: str | None
    error: ErrorReport | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRunRow:
    """One execution of a task; times are UTC."""

    id: str
    #: In the journal of the root run, from 1.
    number: int
    flow_run_id: str
    #: The task run in whose body it was called.
    parent_task_id: str | None
    task_key: str
    task_name: str
    name: str
    state_type: StateType
    state_name: str
    message: str | None
    #: The attempt of the root run in which it ran.
    attempt: int
    #: How often its body has been started.
    run_count: int
    tags: list[str]
    #: Parameter (or "wait_for") -> ids of the task runs and flow runs its value comes from.
    upstreams: dict[str, list[str]]
    map_index: int | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    #: When the next try starts, while it waits for one.
    due_at: datetime | None
    #: Short repr of the arguments.
    inputs: str
    #: Short repr of the value.
    value: str | None
    error: ErrorReport | None
    #: Every try of its body, oldest first.
    attempts: list[AttemptRow]
    #: What it is granted; None: nothing special, or it was not on record then.
    terms: Terms | None = None

    @property
    def is_final(self) -> bool:
        return self.state_type in FINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow:
    """A state that a flow run was in, or was said to be in."""

    at: datetime
    type: StateType
    name: str
    message: str | None
    #: The attempt of the root run whose journal tells it.
    attempt: int
    error: ErrorReport | None
    #: False: it came from an older attempt or after the end, and changed nothing.
    applied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One log record."""

    flow_run_id: str
    #: Grows over the whole tree of a root run, attempts included.
    seq: int
    at: datetime
    #: Level number of the standard library's logging.
    level: int
    logger: str
    message: str
    task_run_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResult:
    """A value on record: either its bytes or the path of the file that has them."""

    serializer: str
    data: bytes | None
    path: str | None
    #: In bytes.
    size: int | None
