"""Plans runs for the daemon to start: each together with its row in `flow_run`, or with the next attempt in it.

What comes after that is in `claims`. All works inside a transaction of the caller's.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from flowctl.store.fold import to_json
from flowctl.store.plan_problems import RunGoesOn
from flowctl.store.plan_records import FlowReference, RunPlan
from flowctl.store.problems import RunNotFound
from flowctl.store.reading import microseconds
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import FINAL, StateType
from flowctl.store.underway import remember_state


def plan_run(connection: sqlite3.Connection, plan: RunPlan, now: datetime) -> None:
    """Put a run on record as Scheduled, to be started when it is due."""
    at, due_at = microseconds(now), microseconds(plan.due_at)
    scheduled_for = None if plan.scheduled_for is None else microseconds(plan.scheduled_for)
    arguments, tags = to_json(dict(plan.arguments)), to_json(list(plan.tags))
    source = to_json(_source(plan.reference))
    ((run,),) = connection.execute("SELECT coalesce(max(run), 0) + 1 FROM flow_run").fetchall()
    connection.execute(
        "INSERT INTO flow_run (run, id, name, flow_name, root, number, attempt, state_type, state_name, message, "
        "run_count, created_at, due_at, parameters, tags, source, state_version, deployment_id, scheduled_for) "
        "VALUES (?, ?, ?, ?, ?, 0, 1, 'SCHEDULED', 'Scheduled', ?, 0, ?, ?, ?, ?, ?, 1, ?, ?)",
        (
            *(run, plan.run_id, plan.name, plan.flow_name, run, plan.message),
            *(at, due_at, plan.shown or arguments, tags, source),
            *(plan.deployment_id, scheduled_for),
        ),
    ).close()
    remember_state(connection, run, at)
    connection.execute(
        "INSERT INTO planned_run (run_id, deployment_id, file, flow_attribute, module, python, cwd, path0, "
        "source_hash, arguments, name, tags, due_at, scheduled_for, attempt, overlap, priority, state_version) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, 1)",
        (
            *(plan.run_id, plan.deployment_id, *columns_of(plan.reference), arguments.encode(), plan.name, tags),
            *(due_at, scheduled_for, None if plan.overlap is None else plan.overlap.value, plan.priority),
        ),
    ).close()


def plan_attempt(
    connection: sqlite3.Connection,
    run_id: str,
    reference: FlowReference,
    now: datetime,
    *,
    due_at: datetime | None = None,
    message: str | None = None,
) -> int:
    """Plan the next attempt of a run that is over; return its number. Arguments and tags are on record."""
    due_at = due_at or now
    attempt = _begin_attempt(connection, run_id, message, now, due_at)
    # A run that could not be started has its arguments only here.
    query = "SELECT arguments FROM planned_run WHERE run_id = ?"
    kept = connection.execute(query, (run_id,)).fetchone() if attempt == 1 else None
    connection.execute("DELETE FROM planned_run WHERE run_id = ?", (run_id,)).close()
    connection.execute(
        "INSERT INTO planned_run (run_id, deployment_id, file, flow_attribute, module, python, cwd, path0, "
        "source_hash, arguments, name, tags, due_at, scheduled_for, attempt, priority, state_version) "
        "SELECT id, deployment_id, ?, ?, ?, ?, ?, ?, ?, ?, name, tags, due_at, scheduled_for, attempt, 0, "
        "state_version FROM flow_run WHERE id = ?",
        (*columns_of(reference), b"{}" if kept is None else kept[0], run_id),
    ).close()
    return attempt


def columns_of(reference: FlowReference) -> tuple[str | None, ...]:
    """Give the columns of a reference in the order of the tables."""
    return (
        reference.file,
        reference.flow_attribute,
        reference.module,
        reference.python,
        reference.cwd,
        reference.path0,
        reference.source_hash,
    )


def _source(reference: FlowReference) -> dict[str, object]:
    found = asdict(reference)
    found["flow"] = found.pop("flow_attribute")
    return found


def arguments_from(data: bytes) -> dict[str, object]:
    """Read the arguments of a planned run."""
    found: dict[str, object] = json.loads(data)
    return found


def _begin_attempt(
    connection: sqlite3.Connection, run_id: str, message: str | None, now: datetime, due_at: datetime
) -> int:
    """Open the next attempt of a run that is over, Scheduled; return its number."""
    query = "SELECT run, name, state_type, state_name FROM flow_run WHERE id = ? AND number = 0"
    row: tuple[int, str, str, str] | None = connection.execute(query, (run_id,)).fetchone()
    if row is None:
        raise RunNotFound(run_id)
    run, name, state_type, state_name = row
    if StateType(state_type) not in FINAL:
        raise RunGoesOn(name, state_name)
    # The process counts the journals: an attempt that wrote none, since it could not be started, is not one of them.
    query = "SELECT coalesce(max(attempt), 0) + 1 FROM journal WHERE run_id = ?"
    attempt: int = connection.execute(query, (run_id,)).fetchone()[0]
    connection.execute(
        "UPDATE flow_run SET attempt = ?, state_type = 'SCHEDULED', state_name = 'Scheduled', message = ?, due_at = ?, "
        "started_at = NULL, ended_at = NULL, value = NULL, error = NULL, state_version = state_version + 1 "
        "WHERE run = ?",
        (attempt, message, microseconds(due_at), run),
    ).close()
    connection.execute("DELETE FROM result WHERE root = ? AND number = 0", (run,)).close()
    remember_state(connection, run, microseconds(now))
    return attempt
