"""Frozen answers to what screens ask of the store; all text in them is safe for a terminal, all times are UTC.

When one was read does not make it another one: what is the same as before need not be shown again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flowctl.store.records import FlowRunRow, LogRow, StateRow, TaskRunRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """How the store stands; asked for some times a second."""

    #: Goes up whenever something was written.
    version: int
    #: Process id of the daemon; None: there is none, and what is shown is what the journals tell.
    daemon_pid: int | None
    daemon_since: datetime | None
    #: Why nothing newer can be read; then the screens show what they have, "as of" the time they have it from.
    problem: str | None
    #: Whether all that runs write shows in the home's folder at once; without a daemon one has to look for it.
    is_told: bool
    at: datetime
    #: When what is shown was so: `at` unless there is a problem; None where nothing could be read yet.
    as_of: datetime | None
    #: Whether the store can be read; with a problem it may still be, though it does not hold all there is.
    is_readable: bool = True
    #: What is wrong although all that is shown is of now: a daemon of another version, one in trouble.
    remark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """A root run as the list shows it."""

    #: Its number in the database: with this, windows of the list are asked for.
    key: int
    #: With its `state_version`: a request says which one its sender saw.
    run: FlowRunRow
    #: When the next of its tasks is tried again.
    retry_at: datetime | None
    #: Of that task: what it said when it failed, its latest try and how many it may have.
    retry_message: str | None = None
    retry_tries: tuple[int, int | None] | None = None
    #: What its first task says that waits for a slot of a limit.
    waits_for_slot: str | None = None
    #: Since when it is paused.
    paused_at: datetime | None = None
    #: Of a run that failed only because it needed the value of a task that did not complete: what that one said.
    cause: str | None = None

    @property
    def id(self) -> str:
        return self.run.id


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsPage:
    """The head of the list of runs that fit a query, and runs of it that were read; both in the list's order."""

    #: Keys of the first runs: those that have not ended, then the newest; None: they were not asked for.
    head: tuple[int, ...] | None
    #: Whether there are more of them than the head has.
    has_more: bool
    rows: tuple[ListedRun, ...]
    #: Flow -> usual duration in seconds: the median of its latest completed runs.
    typical: Mapping[str, float]
    #: Of the store, when this was read.
    version: int = field(compare=False)
    at: datetime = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """One flow run with everything below it; tasks by number, those of the newest attempt."""

    run: FlowRunRow
    #: All flow runs below it, in order.
    subflows: tuple[FlowRunRow, ...]
    #: Number -> task run, in the order of their numbers.
    tasks: Mapping[int, TaskRunRow]
    history: tuple[StateRow, ...]
    #: Usual duration in seconds: of the flow, and of its tasks by key.
    typical_s: float | None
    typical_tasks: Mapping[str, float]
    #: How many former runs that is told by.
    typical_of: int = 0
    #: The process that runs it, as long as it goes on.
    pid: int | None = None
    #: Numbers of the tasks, and ids of the subflows, that are new or differ from the detail this one was read after.
    changed: frozenset[int]
    changed_flows: frozenset[str]
    #: False: it was read from nothing, not after another one.
    is_update: bool
    at: datetime = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDetail:
    """One task run and what stands around it."""

    task: TaskRunRow
    run: FlowRunRow
    #: Ids of runs it waits for -> their names and states; and of those that wait for it.
    upstreams: tuple[Related, ...]
    downstreams: tuple[Related, ...]
    typical_s: float | None
    #: Whether a value is on record, and its size in bytes.
    has_result: bool
    result_size: int | None
    at: datetime = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A run that another one is linked to."""

    id: str
    name: str
    state_type: str
    state_name: str
    #: The parameter that its value goes to.
    parameter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """A log record with the name of the run that said it."""

    #: Place in the log of all runs: the key of the root run, then its own number.
    root: int
    seq: int
    row: LogRow
    #: Number and name of the task run; None and the flow run's name where no task said it.
    task: int | None
    speaker: str
    flow_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWindow:
    """Some log records in order; asked for by number, never by position."""

    entries: tuple[LogEntry, ...]
    has_before: bool
    has_after: bool
    version: int = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A former run in a strip of glyphs or a sparkline."""

    id: str
    state_type: str
    state_name: str
    took_s: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSummary:
    """A flow that ever ran, with its latest runs, oldest first."""

    name: str
    file: str | None
    line: int | None
    latest: tuple[PastRun, ...]
    typical_s: float | None
    #: Of the latest runs that ended, how many completed; None: none ended.
    ok_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """The runs that began in one hour."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    #: Those that have not ended.
    open: int = 0

    @property
    def total(self) -> int:
        return self.completed + self.failed + self.cancelled + self.open


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the dashboard says."""

    #: Word of the state (see `themes.WORDS`) -> root runs that have not ended; with `failed` and `crashed` of a day.
    words: Mapping[str, int]
    #: All root runs.
    total: int
    #: The last 24 hours, the present one last.
    hours: tuple[Hour, ...]
    #: Of runs that completed in them, in seconds.
    p50_s: float | None
    p95_s: float | None
    ok_ratio: float | None
    #: Runs of that day that failed or crashed, the latest first; not those whose flow completed since.
    problems: tuple[ListedRun, ...]
    version: int = field(compare=False)
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """A run, and what it was given."""

    name: str
    created_at: datetime
    parameters: Mapping[str, object]
