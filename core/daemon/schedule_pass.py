"""The pass that turns due occurrences into planned runs: each once, in one transaction with the cursor that passes it.

How much time went by unseen decides how many run: a little late is on time; otherwise the schedule's catch-up policy
speaks. When the clock itself was set, the classes are vixie cron's: up to five minutes is like being late, up to three
hours has fixed times made up for, and beyond that the new time is simply taken as the true one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, cast
from zoneinfo import ZoneInfo

from flowctl.core.authoring.recurrences import Occurrence, Recurrence
from flowctl.core.authoring.secret_names import SECRET_NAMES
from flowctl.core.authoring.templates import random_run_name
from flowctl.core.daemon.occurrence_parameters import filled_in
from flowctl.core.daemon.occurrences import MOST_MISSED, Recurrences, first_after, missed
from flowctl.core.engine.previews import parameters_json
from flowctl.core.engine.root import new_id
from flowctl.store import plans
from flowctl.store.plan_queries import deployment_by_id, due_schedules, next_occurrence, open_runs_of
from flowctl.store.plan_records import CatchUp, DeploymentRow, Outcome, Overlap, RunPlan, ScheduleRow
from flowctl.store.planned_runs import plan_run
from flowctl.store.writer import Store

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon

#: Occurrences this late are on time still, as long as they are few.
LATE: Final = timedelta(minutes=5)
MOST_LATE: Final = 5
#: Where nothing is to be caught up, the newest occurrence runs when it is at most this late.
ON_TIME: Final = timedelta(seconds=60)
#: A clock that is set by more has the new time taken as the true one.
FAR: Final = timedelta(hours=3)
#: Less is the usual correction of a clock.
_JUMP: Final = timedelta(seconds=60)
#: Clocks are set, and machines sleep: who waits for a time looks at the clock this often.
_LOOK_EVERY_S: Final = 1.0
#: Schedules in one transaction: requests and starts want their turn in between.
_AT_ONCE: Final = 200


class Fired(NamedTuple):
    """What a step did."""

    #: Ids of the runs that were planned.
    runs: list[str]
    #: Occurrences that were put on record as skipped.
    skipped: int
    #: There is more that is due.
    is_behind: bool


class _Choice(NamedTuple):
    """Which of the due occurrences run, and why the others do not."""

    run: Sequence[Occurrence]
    skip: Sequence[Occurrence]
    reason: str
    #: They follow one another, whatever the deployment says of overlaps.
    in_line: bool = False


def plug(daemon: Daemon) -> Callable[[datetime], float | None]:
    """Take part in the daemon's loop."""
    recurrences = Recurrences()
    clocks = Clocks()
    daemon.scheduler = recurrences

    def forget() -> None:
        recurrences.clear()
        ZoneInfo.clear_cache()
        with daemon.store.transaction():
            plans.forget_next(daemon.store.connection)

    daemon.on_reload.append(forget)
    # Zones may have got new rules since the last daemon.
    daemon.guarded("schedule", forget)

    def turn(now: datetime) -> float | None:
        jump = clocks.jump(now)
        if abs(jump) > _JUMP:
            daemon.log.write(f"The clock was set {'forward' if jump > timedelta() else 'back'} by {abs(jump)}.")
        secrets = daemon.settings.secret_names
        fired = step(daemon.store, now, jump=jump, recurrences=recurrences, secret_names=secrets)
        if fired.runs:
            daemon.poke("dispatch")
        if fired.is_behind:
            return 0.0
        due_at = next_occurrence(daemon.store.connection)
        # Also where nothing is due: other passes make schedules, too.
        return _LOOK_EVERY_S if due_at is None else min(max((due_at - now).total_seconds(), 0.0), _LOOK_EVERY_S)

    return turn


class Clocks:
    """Compares the wall clock with one that nobody can set, and that goes on while the machine sleeps."""

    def __init__(self, running_s: Callable[[], float] | None = None) -> None:
        self._running_s = running_s or _since_boot
        self._last: tuple[datetime, float] | None = None

    def jump(self, now: datetime) -> timedelta:
        """Tell by how much the wall clock was set since the last call."""
        last, self._last = self._last, (now, self._running_s())
        if last is None:
            return timedelta()
        return now - last[0] - timedelta(seconds=self._last[1] - last[1])


def step(
    store: Store,
    now: datetime,
    *,
    jump: timedelta = timedelta(),
    recurrences: Recurrences | None = None,
    secret_names: tuple[str, ...] = SECRET_NAMES,
) -> Fired:
    """Plan the runs of all occurrences that are due; `jump` is by how much the clock was set since the last step."""
    recurrences = recurrences or Recurrences()
    connection = store.connection
    if plans.has_cursor_beyond(connection, now + FAR):
        with store.transaction():
            plans.bring_cursors_back(connection, now, now + FAR)
    schedules = due_schedules(connection, now, limit=_AT_ONCE)
    if not schedules:
        return Fired([], 0, is_behind=False)
    runs: list[str] = []
    skipped = 0
    deployments: dict[int, DeploymentRow | None] = {}
    with store.transaction():
        for schedule in schedules:
            if schedule.deployment_id not in deployments:
                deployments[schedule.deployment_id] = deployment_by_id(connection, schedule.deployment_id)
            deployment = deployments[schedule.deployment_id]
            if deployment is None:
                continue
            try:
                recurrence = recurrences.of(schedule)
                firing = _Firing(store, deployment, schedule, recurrence, now, secret_names)
                # One that cannot be worked out must not stop the others.
                with store.transaction():
                    firing.carry_out(jump)
            except (ValueError, OverflowError) as error:
                plans.set_unreadable(connection, schedule.id, str(error))
                continue
            runs += firing.runs
            skipped += firing.skipped
    return Fired(runs, skipped, is_behind=len(schedules) == _AT_ONCE)


class _Firing:
    """One schedule in one step."""

    def __init__(
        self,
        store: Store,
        deployment: DeploymentRow,
        schedule: ScheduleRow,
        recurrence: Recurrence,
        now: datetime,
        secret_names: tuple[str, ...],
    ) -> None:
        self._connection = store.connection
        self._deployment = deployment
        self._schedule = schedule
        self._recurrence = recurrence
        self._now = now
        self._secret_names = secret_names
        self.runs: list[str] = []
        self.skipped = 0

    def carry_out(self, jump: timedelta) -> None:
        """Put all due occurrences on record, plan the runs of those that run, and move on."""
        schedule, now = self._schedule, self._now
        if schedule.checked_until < now:
            found = missed(self._recurrence, schedule.checked_until, now)
            if found.has_more:
                self._skip_older(found.occurrences[0].at)
            choice = _choose(schedule, found.occurrences, now, jump, is_fixed=self._recurrence.is_fixed)
            for each in choice.skip:
                self._skip(each, choice.reason)
            for each in choice.run:
                self._run(each, in_line=choice.in_line)
        until = max(schedule.checked_until, now)
        following = first_after(self._recurrence, until)
        plans.move_cursor(self._connection, schedule.id, until, None if following is None else following.at)

    def _run(self, occurrence: Occurrence, *, in_line: bool) -> None:
        deployment, overlap = self._deployment, self._deployment.overlap
        in_line = in_line and overlap is not Overlap.ALLOW
        capacity = deployment.run_limit or (None if overlap is Overlap.ALLOW else 1)
        is_busy = capacity is not None and len(self._open_runs()) >= capacity
        if is_busy and overlap is Overlap.SKIP and not in_line:
            others = "A run of the deployment was" if capacity == 1 else f"{capacity} runs of the deployment were"
            self._skip(occurrence, f"{others} still under way.")
            return
        run_id = new_id()
        if not plans.record_occurrence(
            self._connection,
            self._schedule.id,
            occurrence.at,
            Outcome.QUEUED if is_busy else Outcome.FIRED,
            self._now,
            local_at=occurrence.local_at,
        ):
            return
        plan_run(self._connection, self._plan(run_id, occurrence, in_line=in_line), self._now)
        plans.name_run(self._connection, self._schedule.id, occurrence.at, run_id)
        self.runs.append(run_id)

    def _plan(self, run_id: str, occurrence: Occurrence, *, in_line: bool) -> RunPlan:
        deployment, schedule = self._deployment, self._schedule
        arguments = filled_in(
            {**deployment.parameters, **schedule.parameters}, occurrence.at.astimezone(self._recurrence.zone)
        )
        return RunPlan(
            run_id=run_id,
            name=random_run_name(),
            flow_name=deployment.flow_name,
            reference=deployment.reference,
            arguments=arguments,
            shown=parameters_json(arguments, self._secret_names),
            due_at=min(occurrence.at, self._now),
            tags=deployment.tags,
            deployment_id=deployment.id,
            scheduled_for=occurrence.at,
            overlap=Overlap.QUEUE if in_line else None,
            message=f"Schedule {schedule.slug!r} of deployment {deployment.name!r}.",
        )

    def _skip(self, occurrence: Occurrence, reason: str) -> None:
        self.skipped += plans.record_occurrence(
            self._connection,
            self._schedule.id,
            occurrence.at,
            Outcome.SKIPPED,
            self._now,
            local_at=occurrence.local_at,
            reason=reason,
        )

    def _skip_older(self, before: datetime) -> None:
        """Put all that is too long ago to be looked at one by one on record as one."""
        first = first_after(self._recurrence, self._schedule.checked_until)
        if first is not None and first.at < before:
            last = before.astimezone(self._recurrence.zone)
            self._skip(first, f"This and all others before {last}: more than {MOST_MISSED:,} were missed.")

    def _open_runs(self) -> list[str]:
        return open_runs_of(self._connection, self._deployment.id, is_due_by=self._now)


def _choose(
    schedule: ScheduleRow, found: Sequence[Occurrence], now: datetime, jump: timedelta, *, is_fixed: bool
) -> _Choice:
    """Decide which of the occurrences that are due run."""
    if jump > LATE:
        reason = "The clock was set forward over it."
        # Those of the time that really went by.
        lived = [each for each in found if each.at > now - ON_TIME]
        leapt = [each for each in found if each.at <= now - ON_TIME]
        if jump <= FAR and is_fixed:
            return _Choice(found, (), "", in_line=len(found) > 1)
        return _Choice(lived[-MOST_LATE:], [*leapt, *lived[:-MOST_LATE]], reason)
    if not found or (found[0].at >= now - LATE and len(found) <= MOST_LATE):
        return _Choice(found, (), "", in_line=len(found) > 1)
    reason = "No daemon was there for it in time"
    match schedule.catchup:
        case CatchUp.ALL:
            return _Choice(found, (), "", in_line=True)
        case CatchUp.LATEST:
            return _Choice(found[-1:], found[:-1], f"{reason}; only the latest one is caught up.")
        case CatchUp.SKIP:
            newest = found[-1:] if found[-1].at >= now - ON_TIME else ()
            return _Choice(newest, found[: len(found) - len(newest)], f"{reason}, and none is caught up.")


def _since_boot() -> float:
    # On macOS the monotonic clock goes on during sleep by itself.
    clock = cast("int", getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    return time.clock_gettime(clock)
