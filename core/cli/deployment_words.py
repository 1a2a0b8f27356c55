"""How deployments and their schedules are shown: one line each, and as plain objects for machines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from flowctl.core.authoring.recurrences import read_zone
from flowctl.core.cli.palette import PROBLEM, QUIET, WARNING
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.core.cli.wording import ago, iso, moment, zoned
from flowctl.core.daemon.occurrences import describe, first_after, recurrence_of
from flowctl.store.plan_records import DeploymentRow, OccurrenceRow, ScheduleRow


def print_schedules(console: Console, row: DeploymentRow, *, indent: str = "") -> None:
    """Write a line for each schedule: in words, when next, and why not."""
    now = datetime.now(UTC)
    if not row.schedules:
        console.print(Text(f"{indent}no schedule: it runs when it is asked for", QUIET))
    for schedule in row.schedules:
        line = Text(indent).append_text(safe(words_of(schedule)))
        if not schedule.active:
            line.append("  switched off", WARNING)
        elif schedule.problem is not None:
            line.append("  ").append_text(safe(schedule.problem, PROBLEM))
        elif row.paused:
            line.append("  paused", WARNING)
        elif (next_at := next_of(schedule, now)) is not None:
            line.append(f"  next {in_zone(next_at, schedule.timezone)}, {ago(next_at, now)}", QUIET)
        if len(row.schedules) > 1 and schedule.slug != schedule.expression:
            line.append("  ").append_text(safe(f"({schedule.slug})", QUIET))
        console.print(line)
    if row.problem is not None:
        console.print(safe_block(f"{indent}{row.problem}", PROBLEM))


def next_of(schedule: ScheduleRow, now: datetime) -> datetime | None:
    """Tell when a schedule fires next, also in the moment before the daemon has worked it out."""
    if schedule.next_at is not None:
        return schedule.next_at
    try:
        recurrence = recurrence_of(schedule.kind, schedule.expression, schedule.timezone, schedule.anchor_at)
    except ValueError:
        return None
    first = first_after(recurrence, max(now, schedule.checked_until))
    return None if first is None else first.at


def in_zone(at: datetime, timezone: str) -> str:
    """Write a time in the zone of a schedule; of a zone that is not known here, where the user is."""
    try:
        return zoned(at, read_zone(timezone))
    except ValueError:
        return moment(at)


def words_of(schedule: ScheduleRow) -> str:
    """Say a schedule in words; one that cannot be read any more is shown as it stands."""
    try:
        return describe(schedule.kind, schedule.expression, schedule.timezone)
    except ValueError:
        return f"{schedule.kind} {schedule.expression} ({schedule.timezone})"


def deployment_json(row: DeploymentRow) -> dict[str, Any]:
    """Give a deployment as JSON has it."""
    reference = row.reference
    return {
        "name": row.name,
        "flow": row.flow_name,
        "file": reference.file,
        "module": reference.module,
        "attribute": reference.flow_attribute,
        "python": reference.python,
        "cwd": reference.cwd,
        "parameters": row.parameters,
        "tags": row.tags,
        "description": row.description,
        "paused": row.paused,
        "run_limit": row.run_limit,
        "overlap": row.overlap.value,
        "origin": row.origin.value,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
        "version": row.version,
        "problem": row.problem,
        "next_at": iso(row.next_at),
        "schedules": [_schedule_json(each) for each in row.schedules],
    }


def occurrence_json(row: OccurrenceRow) -> dict[str, Any]:
    """Give an occurrence as JSON has it."""
    return {
        "schedule": row.slug,
        "at": iso(row.at),
        "outcome": row.outcome.value,
        "reason": row.reason,
        "run_id": row.run_id,
        "recorded_at": iso(row.recorded_at),
    }


def _schedule_json(row: ScheduleRow) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "kind": row.kind.value,
        "expression": row.expression,
        "words": words_of(row),
        "timezone": row.timezone,
        "anchor_at": iso(row.anchor_at),
        "parameters": row.parameters,
        "catchup": row.catchup.value,
        "active": row.active,
        "next_at": iso(row.next_at),
        "problem": row.problem,
    }
