"""What the daemon is to do, as frozen rows: deployments, their schedules, the occurrences of these, planned runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Overlap(StrEnum):
    """What an occurrence does that comes while a run of its deployment goes on."""

    #: It is put on record as skipped.
    SKIP = "skip"
    #: Its run waits for the end of the other one.
    QUEUE = "queue"
    #: The other run is cancelled, and its own waits for the end of that.
    CANCEL_OLD = "cancel-old"
    #: Both run.
    ALLOW = "allow"


class CatchUp(StrEnum):
    """What becomes of occurrences that no daemon was there for."""

    #: The latest one runs, the others are put on record as skipped.
    LATEST = "latest"
    #: All run, oldest first.
    ALL = "all"
    #: None runs.
    SKIP = "skip"


class Origin(StrEnum):
    """Who made a deployment, and may change it unasked."""

    COMMAND = "command"
    #: The `schedule=` of a flow in a watched file.
    CODE = "code"
    SERVE = "serve"
    TOML = "toml"


class ScheduleKind(StrEnum):
    """How a schedule's expression is meant."""

    CRON = "cron"
    INTERVAL = "interval"
    RRULE = "rrule"


class Outcome(StrEnum):
    """What became of an occurrence."""

    #: Its run was planned.
    FIRED = "fired"
    SKIPPED = "skipped"
    #: Its run was planned, and waits for another one's end.
    QUEUED = "queued"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowReference:
    """Where a flow is, and the surroundings in which it is loaded."""

    #: Absolute path of its file; None: it is found by its module.
    file: str | None
    #: Its name in the file or module.
    flow_attribute: str
    module: str | None = None
    #: The interpreter, the working folder, and what stood first in `sys.path`.
    python: str
    cwd: str
    path0: str | None = None
    #: Of the file's content, where a copy of it is kept.
    source_hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSpec:
    """A schedule as it was asked for."""

    #: Its name within the deployment.
    slug: str
    kind: ScheduleKind
    #: Five or six cron fields; seconds; lines of RFC 5545.
    expression: str
    timezone: str = "UTC"
    #: The instant that intervals are counted from, and rules that name no start begin at.
    anchor_at: datetime | None = None
    #: Over the parameters of the deployment.
    parameters: Mapping[str, object] = field(default_factory=dict[str, object])
    catchup: CatchUp = CatchUp.LATEST
    active: bool = True
    #: Why it cannot fire.
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSpec:
    """A deployment as it was asked for."""

    name: str
    flow_name: str
    reference: FlowReference
    parameters: Mapping[str, object] = field(default_factory=dict[str, object])
    tags: Sequence[str] = ()
    description: str | None = None
    #: None: as it is, and for a new one, not paused.
    paused: bool | None = None
    #: How many of its runs may run at once.
    run_limit: int | None = None
    overlap: Overlap = Overlap.SKIP
    origin: Origin = Origin.COMMAND
    #: JSON schema of the flow's parameters, where it is known.
    parameter_schema: Mapping[str, object] | None = None
    #: Why it cannot be started now.
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """A schedule on record; times are UTC."""

    id: int
    deployment_id: int
    slug: str
    kind: ScheduleKind
    expression: str
    timezone: str
    anchor_at: datetime | None
    parameters: dict[str, object]
    catchup: CatchUp
    active: bool
    #: Every occurrence up to here is on record.
    checked_until: datetime
    #: The first one after that, where it is known and there is one.
    next_at: datetime | None
    version: int
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRow:
    """A deployment on record; times are UTC."""

    id: int
    name: str
    flow_name: str
    reference: FlowReference
    parameters: dict[str, object]
    tags: list[str]
    description: str | None
    paused: bool
    run_limit: int | None
    overlap: Overlap
    origin: Origin
    parameter_schema: dict[str, object] | None
    created_at: datetime
    updated_at: datetime
    #: Goes up with every change.
    version: int
    problem: str | None
    #: In the order in which they were made.
    schedules: list[ScheduleRow]

    @property
    def next_at(self) -> datetime | None:
        """When it fires next; None where it does not."""
        if self.paused or self.problem is not None:
            return None
        times = [each.next_at for each in self.schedules if each.active and each.problem is None and each.next_at]
        return min(times, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrenceRow:
    """An instant that a schedule asked for, and what became of it."""

    schedule_id: int
    slug: str
    at: datetime
    outcome: Outcome
    reason: str | None
    run_id: str | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """A run that is to be started, as it was asked for."""

    run_id: str
    name: str
    flow_name: str
    reference: FlowReference
    #: Parameter -> value as given, of what JSON has words for.
    arguments: Mapping[str, object]
    due_at: datetime
    #: JSON object: the arguments as they may be shown, with secrets masked.
    shown: str | None = None
    tags: Sequence[str] = ()
    deployment_id: int | None = None
    #: The occurrence that it is for.
    scheduled_for: datetime | None = None
    #: What it does while other runs of its deployment go on; None: as the deployment says.
    overlap: Overlap | None = None
    #: Higher ones start first among those that are due.
    priority: int = 0
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRunRow:
    """A run that the daemon is to start, or has started and looks after."""

    run_id: str
    name: str
    deployment_id: int | None
    #: Of the deployment.
    deployment: str | None
    overlap: Overlap | None
    run_limit: int | None
    flow_name: str
    reference: FlowReference
    #: Empty for a later attempt, which has them on record.
    arguments: dict[str, object]
    tags: list[str]
    due_at: datetime
    scheduled_for: datetime | None
    attempt: int
    #: When the daemon began to start it.
    claimed_at: datetime | None
    #: The process that came of it.
    pid: int | None
    process_started: int | None
    boot_id: str | None
    priority: int
    #: Of the run, when this was planned.
    state_version: int
