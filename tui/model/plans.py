"""What screens ask about deployments and flow files; all text in it is safe for a terminal, all times are UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from flowctl.store.plan_records import DeploymentRow
from flowctl.tui.model.snapshots import ListedRun, PastRun


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDeployment:
    """A deployment as the list shows it."""

    row: DeploymentRow
    #: Its name as the daemon knows it, to ask by; it is not for the screen.
    key: str
    #: Each of its schedules in words, in the order of `row.schedules`.
    words: tuple[str, ...]
    #: Its latest runs, oldest first.
    latest: tuple[PastRun, ...]
    #: Of its latest runs that completed: usual and longest duration in seconds.
    typical_s: float | None
    worst_s: float | None
    #: Of the latest runs that ended, how many completed; None: none ended.
    ok_ratio: float | None
    #: How often its schedules fire on a day, those that are off left out.
    fires_a_day: float
    #: Where its flow stands in its file.
    line: int

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def is_on(self) -> bool | None:
        """Whether it fires by itself; None: it has no schedule."""
        if not self.row.schedules:
            return None
        return not self.row.paused and any(each.active for each in self.row.schedules)

    @property
    def problem(self) -> str | None:
        """Why it, or one of its schedules, cannot fire."""
        return self.row.problem or next((each.problem for each in self.row.schedules if each.problem), None)

    @property
    def next_at(self) -> datetime | None:
        return self.row.next_at

    @property
    def load(self) -> float | None:
        """What share of the time its runs take; None: nobody knows yet."""
        return None if self.typical_s is None else self.typical_s * self.fires_a_day / 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """An instant at which a schedule fires."""

    at: datetime
    #: Of which schedule.
    slug: str
    #: What the clocks have to do with it.
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What a deployment does in one hour of the day."""

    #: The beginning, UTC.
    at: datetime
    has_fired: bool = False
    was_skipped: bool = False
    will_fire: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """When one deployment fires, and what could go wrong about it."""

    deployment_id: int
    version: int
    #: The zone of its first schedule.
    timezone: str
    fires: tuple[Fire, ...]
    #: The hours of this day in that zone.
    hours: tuple[Hour, ...]
    #: The shortest time between two fires of the next week, in seconds.
    least_gap_s: float | None
    #: What the next changes of the clocks do to it.
    clock_changes: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NextFire:
    """What a dashboard says is next: one for each deployment that fires by itself."""

    at: datetime
    deployment: str
    flow_name: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenFile:
    """A watched flow file that cannot be loaded as it is."""

    path: str
    #: In one line.
    problem: str
    #: Whether an older version of it goes on serving.
    has_good: bool
    checked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What is to come, and what is in the way: for the dashboard, beside the runs that failed."""

    #: The soonest first.
    next_up: tuple[NextFire, ...]
    #: All that are broken, and the deployments that cannot fire for another reason.
    broken: tuple[BrokenFile, ...]
    #: Runs that are due and wait for others to make room, the longest waiting first; `run.message` says for what.
    kept_waiting: tuple[ListedRun, ...]
    #: How many deployments there are, and how many of them fire by themselves.
    deployments: int
    firing: int
    at: datetime = field(compare=False)
