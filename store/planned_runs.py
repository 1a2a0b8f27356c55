"""Runs that the daemon is to start: planned together with their row in `flow_run`, claimed, started, done with.

Everything here happens inside a transaction of the caller's.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from flowctl.store.fold import to_json
from flowctl.store.moves import advance, begin_attempt, tell
from flowctl.store.plan_records import FlowReference, RunPlan
from flowctl.store.reading import microseconds
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import StateType


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
    tell(connection, run, at)
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
    attempt = begin_attempt(connection, run_id, message, now, due_at)
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


def claim(connection: sqlite3.Connection, run_id: str, now: datetime, *, message: str | None = None) -> bool:
    """Take a waiting run for a process that is about to be started; it becomes Pending. False: it is not to be had."""
    query = "UPDATE planned_run SET claimed_at = ? WHERE run_id = ? AND claimed_at IS NULL"
    if connection.execute(query, (microseconds(now), run_id)).rowcount == 0:
        return False
    advance(connection, run_id, StateType.PENDING, "Pending", message, now)
    return True


def note_process(
    connection: sqlite3.Connection, run_id: str, *, pid: int, process_started: int, boot_id: str | None
) -> None:
    """Remember the process that was started for a claimed run."""
    connection.execute(
        "UPDATE planned_run SET pid = ?, process_started = ?, boot_id = ? WHERE run_id = ?",
        (pid, process_started, boot_id, run_id),
    ).close()


def release(connection: sqlite3.Connection, run_id: str, now: datetime, message: str, *, due_at: datetime) -> None:
    """Give back a claimed run whose process could not be started, to be tried again at `due_at`."""
    connection.execute(
        "UPDATE planned_run SET claimed_at = NULL, pid = NULL, process_started = NULL, boot_id = NULL, due_at = ? "
        "WHERE run_id = ?",
        (microseconds(due_at), run_id),
    ).close()
    advance(connection, run_id, StateType.SCHEDULED, "Scheduled", message, now)
    connection.execute("UPDATE flow_run SET due_at = ? WHERE id = ?", (microseconds(due_at), run_id)).close()


def end_plan(connection: sqlite3.Connection, run_id: str) -> None:
    """Forget the plan of a run that is over; that of one that never began stays, since it has the arguments."""
    has_journal = "EXISTS (SELECT 1 FROM journal j WHERE j.run_id = planned_run.run_id)"
    connection.execute(f"DELETE FROM planned_run WHERE run_id = ? AND {has_journal}", (run_id,)).close()


def note_exit(
    connection: sqlite3.Connection, run_id: str, *, exit_code: int | None, max_memory: int | None, cpu_us: int | None
) -> None:
    """Remember how the process of a run ended and what it used."""
    connection.execute(
        "UPDATE flow_run SET exit_code = ?, max_memory = ?, cpu_us = ? WHERE id = ?",
        (exit_code, max_memory, cpu_us, run_id),
    ).close()


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
