"""Planned runs on their way to a process: which are due, who claims them, which process carries them out.

All functions take the connection of the one writer; those that write work inside its transaction.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final, NamedTuple

from flowctl.store.reading import microseconds, moment
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import StateType
from flowctl.store.underway import tell

_WAITING: Final = (
    "SELECT p.run_id, p.attempt, p.deployment_id, d.name, d.run_limit, coalesce(p.overlap, d.overlap), f.flow_name, "
    "p.tags, p.due_at, p.scheduled_for, p.python, p.file "
    "FROM planned_run p JOIN flow_run f ON f.id = p.run_id LEFT JOIN deployment d ON d.id = p.deployment_id "
    "WHERE p.claimed_at IS NULL AND p.due_at <= ? AND f.ended_at IS NULL "
    "ORDER BY p.priority DESC, p.due_at, f.run LIMIT ?"
)
_NEXT_DUE: Final = (
    "SELECT min(p.due_at) FROM planned_run p JOIN flow_run f ON f.id = p.run_id "
    "WHERE p.claimed_at IS NULL AND p.due_at > ? AND f.ended_at IS NULL"
)


class Waiting(NamedTuple):
    """A planned run that is due and that nobody has claimed: what decides whether it may start."""

    run_id: str
    attempt: int
    deployment_id: int | None
    deployment: str | None
    #: How many runs of its deployment may be under way at once; None: any number.
    run_limit: int | None
    #: What it does while other runs of its deployment go on: a word of `plan_records.Overlap`.
    overlap: str | None
    flow_name: str
    tags: list[str]
    due_at: datetime
    scheduled_for: datetime | None
    python: str
    #: The flow's file; None where a module has it.
    file: str | None


class Claimed(NamedTuple):
    """A planned run whose process was asked for."""

    run_id: str
    attempt: int
    pid: int | None
    process_started: int | None
    boot_id: str | None


def due_runs(connection: sqlite3.Connection, now: datetime, *, limit: int) -> list[Waiting]:
    """List planned runs whose time has come: by priority, then the one that waits longest first."""
    found: list[Waiting] = []
    for row in connection.execute(_WAITING, (microseconds(now), limit)).fetchall():
        *before, tags, due_at, scheduled_for, python, file = row
        occurrence = None if scheduled_for is None else moment(scheduled_for)
        found.append(Waiting._make((*before, json.loads(tags), moment(due_at), occurrence, python, file)))
    return found


def next_due(connection: sqlite3.Connection, after: datetime) -> datetime | None:
    """Tell when the next planned run after a moment is due."""
    found: int | None = connection.execute(_NEXT_DUE, (microseconds(after),)).fetchone()[0]
    return None if found is None else moment(found)


def claim(connection: sqlite3.Connection, run_id: str, now: datetime) -> bool:
    """Take a planned run for a process that is about to be started; False where it is not to be had any more."""
    query = "UPDATE planned_run SET claimed_at = ?, pid = NULL WHERE run_id = ? AND claimed_at IS NULL"
    if connection.execute(query, (microseconds(now), run_id)).rowcount == 0:
        return False
    query = "UPDATE occurrence SET outcome = 'fired' WHERE run_id = ? AND outcome = 'queued'"
    connection.execute(query, (run_id,)).close()
    return tell(connection, run_id, StateType.PENDING, "Pending", None, now)


def note_process(connection: sqlite3.Connection, run_id: str, *, pid: int, process_started: int, boot_id: str) -> None:
    """Remember the process that was started for a claimed run."""
    query = "UPDATE planned_run SET pid = ?, process_started = ?, boot_id = ? WHERE run_id = ?"
    connection.execute(query, (pid, process_started, boot_id, run_id)).close()


def release(connection: sqlite3.Connection, run_id: str, reason: str, now: datetime, *, due_at: datetime) -> None:
    """Give back a claimed run whose process never came to be, to be tried again at `due_at`."""
    query = "UPDATE planned_run SET claimed_at = NULL, pid = NULL, due_at = ? WHERE run_id = ?"
    connection.execute(query, (microseconds(due_at), run_id)).close()
    tell(connection, run_id, StateType.SCHEDULED, "Scheduled", reason, now)


def claimed_runs(connection: sqlite3.Connection) -> list[Claimed]:
    """List the planned runs whose process was asked for and which are not over."""
    query = (
        "SELECT p.run_id, p.attempt, p.pid, p.process_started, p.boot_id FROM planned_run p "
        "JOIN flow_run f ON f.id = p.run_id WHERE p.claimed_at IS NOT NULL AND f.ended_at IS NULL"
    )
    return [Claimed._make(row) for row in connection.execute(query).fetchall()]


def end_plan(connection: sqlite3.Connection, run_id: str, attempt: int) -> None:
    """Forget the plan of an attempt that is over; where no process ever wrote a journal, it holds the only arguments.

    The next attempt may be planned by now.
    """
    query = (
        "DELETE FROM planned_run WHERE run_id = ? AND attempt <= ? "
        "AND EXISTS (SELECT 1 FROM journal WHERE journal.run_id = planned_run.run_id)"
    )
    connection.execute(query, (run_id, attempt)).close()
    query = (
        "UPDATE planned_run SET claimed_at = coalesce(claimed_at, due_at), pid = NULL WHERE run_id = ? AND attempt <= ?"
    )
    connection.execute(query, (run_id, attempt)).close()
