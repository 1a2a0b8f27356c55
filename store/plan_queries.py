"""Reads deployments, schedules, occurrences and planned runs, through any connection."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from flowctl.store.plan_problems import DeploymentNotFound
from flowctl.store.plan_records import (
    CatchUp,
    DeploymentRow,
    FlowReference,
    OccurrenceRow,
    Origin,
    Outcome,
    Overlap,
    PlannedRunRow,
    ScheduleKind,
    ScheduleRow,
)
from flowctl.store.planned_runs import arguments_from
from flowctl.store.plans import NEVER_US
from flowctl.store.reading import Row, microseconds, moment
from flowctl.store.sqlite import sqlite3

_REFERENCE: Final = "file, flow_attribute, module, python, cwd, path0, source_hash"
_DEPLOYMENT: Final = (
    f"SELECT id, name, flow_name, {_REFERENCE}, parameters, tags, description, paused, run_limit, overlap, origin, "
    "parameter_schema, created_at, updated_at, version, problem FROM deployment"
)
_SCHEDULE: Final = (
    "SELECT s.id, s.deployment_id, s.slug, s.kind, s.expression, s.timezone, s.anchor_at, s.parameters, s.catchup, "
    "s.active, s.checked_until, s.next_at, s.version, s.problem FROM schedule s"
)
_PLANNED: Final = """
    SELECT p.run_id, p.name, p.deployment_id, d.name, coalesce(p.overlap, d.overlap), d.run_limit, f.flow_name,
        p.file, p.flow_attribute, p.module, p.python, p.cwd, p.path0, p.source_hash, p.arguments, p.tags, p.due_at,
        p.scheduled_for, p.attempt, p.claimed_at, p.pid, p.process_started, p.boot_id, p.priority, p.state_version
    FROM planned_run p JOIN flow_run f ON f.id = p.run_id LEFT JOIN deployment d ON d.id = p.deployment_id
"""
#: A schedule that fires: it, its deployment and the files of that are in order.
_FIRES: Final = "s.active AND s.problem IS NULL AND NOT d.paused AND d.problem IS NULL"


def deployments(connection: sqlite3.Connection) -> list[DeploymentRow]:
    """List all deployments by name."""
    return _deployments(connection, connection.execute(f"{_DEPLOYMENT} ORDER BY name").fetchall())


def deployments_of_file(connection: sqlite3.Connection, file: str) -> list[DeploymentRow]:
    """List the deployments of the flows in a file."""
    return _deployments(
        connection, connection.execute(f"{_DEPLOYMENT} WHERE file = ? ORDER BY name", (file,)).fetchall()
    )


def deployment(connection: sqlite3.Connection, name: str) -> DeploymentRow:
    """Read a deployment by its name; raise `DeploymentNotFound`."""
    rows = connection.execute(f"{_DEPLOYMENT} WHERE name = ?", (name,)).fetchall()
    if not rows:
        raise DeploymentNotFound(name, deployment_names(connection))
    return _deployments(connection, rows)[0]


def deployment_named(connection: sqlite3.Connection, name: str) -> DeploymentRow | None:
    """Read a deployment by its name, if there is one."""
    rows = connection.execute(f"{_DEPLOYMENT} WHERE name = ?", (name,)).fetchall()
    return _deployments(connection, rows)[0] if rows else None


def deployment_by_id(connection: sqlite3.Connection, deployment_id: int) -> DeploymentRow | None:
    """Read a deployment by its id."""
    rows = connection.execute(f"{_DEPLOYMENT} WHERE id = ?", (deployment_id,)).fetchall()
    return _deployments(connection, rows)[0] if rows else None


def deployment_names(connection: sqlite3.Connection) -> list[str]:
    """List the names of all deployments."""
    return [name for (name,) in connection.execute("SELECT name FROM deployment ORDER BY name").fetchall()]


def due_schedules(connection: sqlite3.Connection, now: datetime, *, limit: int = -1) -> list[ScheduleRow]:
    """List the schedules that fire and whose next occurrence has come or is not worked out, the longest due first."""
    rows = connection.execute(
        f"{_SCHEDULE} JOIN deployment d ON d.id = s.deployment_id WHERE {_FIRES} "
        "AND (s.next_at IS NULL OR s.next_at <= ?) ORDER BY s.next_at, s.id LIMIT ?",
        (microseconds(now), limit),
    ).fetchall()
    return [_schedule(row) for row in rows]


def next_occurrence(connection: sqlite3.Connection) -> datetime | None:
    """Tell when the next schedule fires."""
    # CROSS: along the index, so that the first one that fires ends the search.
    query = (
        "SELECT s.next_at FROM schedule s CROSS JOIN deployment d ON d.id = s.deployment_id "
        f"WHERE s.next_at IS NOT NULL AND {_FIRES} ORDER BY s.next_at LIMIT 1"
    )
    row = connection.execute(query).fetchone()
    return None if row is None else _next(row[0])


def occurrences(
    connection: sqlite3.Connection, deployment_id: int, *, before: datetime | None = None, limit: int = 20
) -> list[OccurrenceRow]:
    """List what the schedules of a deployment asked for, the latest first."""
    rows = connection.execute(
        "SELECT o.schedule_id, s.slug, o.at, o.outcome, o.reason, o.run_id, o.recorded_at "
        "FROM occurrence o JOIN schedule s ON s.id = o.schedule_id WHERE s.deployment_id = ? AND o.at < ? "
        "ORDER BY o.at DESC, o.schedule_id LIMIT ?",
        (deployment_id, NEVER_US if before is None else microseconds(before), limit),
    ).fetchall()
    return [
        OccurrenceRow(
            schedule_id=row[0],
            slug=row[1],
            at=moment(row[2]),
            outcome=Outcome(row[3]),
            reason=row[4],
            run_id=row[5],
            recorded_at=moment(row[6]),
        )
        for row in rows
    ]


def occurrences_with_run(
    connection: sqlite3.Connection, schedule_id: int, start: datetime, end: datetime
) -> set[datetime]:
    """Tell for which instants of a span, both ends included, a schedule has got a run."""
    query = "SELECT at FROM occurrence WHERE schedule_id = ? AND at BETWEEN ? AND ? AND outcome <> 'skipped'"
    rows = connection.execute(query, (schedule_id, microseconds(start), microseconds(end))).fetchall()
    return {moment(at) for (at,) in rows}


def planned_run(connection: sqlite3.Connection, run_id: str) -> PlannedRunRow | None:
    """Read the plan of a run."""
    row = connection.execute(f"{_PLANNED} WHERE p.run_id = ?", (run_id,)).fetchone()
    return None if row is None else _planned(row)


def open_runs_of(connection: sqlite3.Connection, deployment_id: int, *, is_due_by: datetime | None = None) -> list[str]:
    """List the root runs of a deployment that are not over, oldest first; with `is_due_by`, not those still to come."""
    rows = connection.execute(
        "SELECT id FROM flow_run INDEXED BY flow_run_open_of_deployment "
        "WHERE deployment_id = ? AND ended_at IS NULL AND number = 0 "
        "AND (state_type <> 'SCHEDULED' OR due_at IS NULL OR due_at <= ?) ORDER BY created_at, run",
        (deployment_id, NEVER_US if is_due_by is None else microseconds(is_due_by)),
    ).fetchall()
    return [run_id for (run_id,) in rows]


def runs_of(connection: sqlite3.Connection, deployment_id: int, *, limit: int) -> list[str]:
    """List the latest runs of a deployment, newest first."""
    query = "SELECT id FROM flow_run WHERE deployment_id = ? ORDER BY created_at DESC, run DESC LIMIT ?"
    return [run_id for (run_id,) in connection.execute(query, (deployment_id, limit)).fetchall()]


def waiting_runs_of(connection: sqlite3.Connection, deployment_id: int) -> list[str]:
    """List the runs of a deployment that have not begun and that nobody has claimed."""
    rows = connection.execute(
        "SELECT p.run_id FROM planned_run p JOIN flow_run f ON f.id = p.run_id "
        "WHERE p.deployment_id = ? AND p.claimed_at IS NULL AND f.state_type = 'SCHEDULED'",
        (deployment_id,),
    ).fetchall()
    return [run_id for (run_id,) in rows]


def _deployments(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[DeploymentRow]:
    schedules: dict[int, list[ScheduleRow]] = {row[0]: [] for row in rows}
    condition = "" if len(rows) > 1 else "WHERE s.deployment_id = ?"
    values = () if len(rows) > 1 else tuple(schedules)
    if rows:
        for each in connection.execute(f"{_SCHEDULE} {condition} ORDER BY s.id", values).fetchall():
            found = _schedule(each)
            schedules.get(found.deployment_id, []).append(found)
    return [
        DeploymentRow(
            id=row[0],
            name=row[1],
            flow_name=row[2],
            reference=_reference(row[3:10]),
            parameters=json.loads(row[10]),
            tags=json.loads(row[11]),
            description=row[12],
            paused=bool(row[13]),
            run_limit=row[14],
            overlap=Overlap(row[15]),
            origin=Origin(row[16]),
            parameter_schema=None if row[17] is None else json.loads(row[17]),
            created_at=moment(row[18]),
            updated_at=moment(row[19]),
            version=row[20],
            problem=row[21],
            schedules=schedules[row[0]],
        )
        for row in rows
    ]


def _schedule(row: Row) -> ScheduleRow:
    return ScheduleRow(
        id=row[0],
        deployment_id=row[1],
        slug=row[2],
        kind=ScheduleKind(row[3]),
        expression=row[4],
        timezone=row[5],
        anchor_at=None if row[6] is None else moment(row[6]),
        parameters=json.loads(row[7]),
        catchup=CatchUp(row[8]),
        active=bool(row[9]),
        checked_until=moment(row[10]),
        next_at=_next(row[11]),
        version=row[12],
        problem=row[13],
    )


def _planned(row: Row) -> PlannedRunRow:
    return PlannedRunRow(
        run_id=row[0],
        name=row[1],
        deployment_id=row[2],
        deployment=row[3],
        overlap=None if row[4] is None else Overlap(row[4]),
        run_limit=row[5],
        flow_name=row[6],
        reference=_reference(row[7:14]),
        arguments=arguments_from(row[14]),
        tags=json.loads(row[15]),
        due_at=moment(row[16]),
        scheduled_for=None if row[17] is None else moment(row[17]),
        attempt=row[18],
        claimed_at=None if row[19] is None else moment(row[19]),
        pid=row[20],
        process_started=row[21],
        boot_id=row[22],
        priority=row[23],
        state_version=row[24],
    )


def _reference(columns: Sequence[Any]) -> FlowReference:  # as SQLite holds them
    file, attribute, module, python, cwd, path0, source_hash = columns
    return FlowReference(
        file=file,
        flow_attribute=attribute,
        module=module,
        python=python,
        cwd=cwd,
        path0=path0,
        source_hash=source_hash,
    )


def _next(value: int | None) -> datetime | None:
    return None if value is None or value >= NEVER_US else moment(value)
