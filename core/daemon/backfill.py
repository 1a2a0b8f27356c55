"""Runs for occurrences of the past: those that no run was made for, planned one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from flowctl.core.authoring.recurrences import Occurrence, read_zone
from flowctl.core.authoring.templates import random_run_name
from flowctl.core.daemon.occurrence_parameters import filled_in
from flowctl.core.daemon.occurrences import recurrence_of
from flowctl.core.engine.previews import parameters_json
from flowctl.core.engine.root import new_id
from flowctl.store import plans
from flowctl.store.plan_queries import occurrences_with_run
from flowctl.store.plan_records import DeploymentRow, Overlap, RunPlan, ScheduleRow
from flowctl.store.planned_runs import plan_run
from flowctl.store.sqlite import sqlite3

#: They start behind whatever is due now.
PRIORITY: Final = -1
#: Of one request.
MOST_RUNS: Final = 1000
_SMALLEST: Final = timedelta(microseconds=1)


class Gap(NamedTuple):
    """An occurrence that no run was made for."""

    schedule: ScheduleRow
    occurrence: Occurrence


class TooMany(ValueError):
    """A span has more occurrences than anybody means."""

    def __init__(self, slug: str, most: int) -> None:
        super().__init__(
            f"The schedule {slug!r} has more than {most:,} occurrences in that span. Choose a shorter one."
        )


def gaps(connection: sqlite3.Connection, schedules: Sequence[ScheduleRow], start: datetime, end: datetime) -> list[Gap]:
    """List the occurrences from `start` to `end`, both included, that no run was made for, oldest first."""
    found: list[Gap] = []
    for schedule in schedules:
        recurrence = recurrence_of(schedule.kind, schedule.expression, schedule.timezone, schedule.anchor_at)
        known = occurrences_with_run(connection, schedule.id, start, end)
        for count, each in enumerate(recurrence.after(start - _SMALLEST)):
            if each.at > end:
                break
            if count == MOST_RUNS:
                raise TooMany(schedule.slug, MOST_RUNS)
            if each.at not in known:
                found.append(Gap(schedule, each))
    return sorted(found, key=lambda gap: (gap.occurrence.at, gap.schedule.id))


def fill(
    connection: sqlite3.Connection,
    deployment: DeploymentRow,
    chosen: Sequence[Gap],
    now: datetime,
    *,
    secret_names: tuple[str, ...],
) -> list[str]:
    """Plan a run for each, in order, and put it on record; return their ids."""
    runs: list[str] = []
    for schedule, occurrence in chosen:
        run_id = new_id()
        local = occurrence.at.astimezone(read_zone(schedule.timezone))
        arguments = filled_in({**deployment.parameters, **schedule.parameters}, local)
        plan = RunPlan(
            run_id=run_id,
            name=random_run_name(),
            flow_name=deployment.flow_name,
            reference=deployment.reference,
            arguments=arguments,
            shown=parameters_json(arguments, secret_names),
            due_at=now,
            tags=deployment.tags,
            deployment_id=deployment.id,
            scheduled_for=occurrence.at,
            overlap=None if deployment.overlap is Overlap.ALLOW else Overlap.QUEUE,
            priority=PRIORITY,
            message=f"Backfill of schedule {schedule.slug!r} of deployment {deployment.name!r}.",
        )
        plan_run(connection, plan, now)
        if plans.make_up_for(connection, schedule.id, occurrence.at, run_id, now, local_at=occurrence.local_at):
            runs.append(run_id)
    return runs
