"""What the daemon asks and notes of root runs that are under way, or planned to be.

All functions take the connection of the one writer; those that write work inside its transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from flowctl.store.reading import microseconds
from flowctl.store.rows import ALLOWED, FINAL_TYPES
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import StateType

_STANDING: Final = (
    "SELECT run, id, name, attempt, state_type, state_name, state_version, ended_at, run = root "
    "FROM flow_run WHERE id = ?"
)
# Behind all that is told so far: in the place of the last record, or before there is a journal below all records.
_TELL: Final = """
    WITH place AS (
        SELECT f.*, coalesce(
            (SELECT last_seq FROM journal j WHERE j.run_id = f.id AND j.attempt = f.attempt),
            (SELECT max(seq) + 1 FROM flow_run_state s WHERE s.run = f.run AND s.attempt = f.attempt),
            -1000
        ) AS seq
        FROM flow_run f WHERE f.run = :run
    )
    INSERT INTO flow_run_state (run, attempt, seq, inferred, at, type, name, message, run_count, applied)
    SELECT run, attempt, seq, coalesce((
            SELECT max(inferred) FROM flow_run_state s
            WHERE s.run = place.run AND s.attempt = place.attempt AND s.seq = place.seq
        ), 0) + 1, :at, state_type, state_name, message, run_count, 1
    FROM place
"""


class Standing(NamedTuple):
    """How a run stands."""

    run: int
    id: str
    name: str
    attempt: int
    state_type: str
    state_name: str
    state_version: int
    #: Microseconds since the epoch.
    ended_at: int | None
    is_root: bool

    @property
    def is_final(self) -> bool:
        return self.state_type in FINAL_TYPES


class Writer(NamedTuple):
    """The process that writes the newest journal of a run."""

    attempt: int
    pid: int
    boot_id: str
    #: Microseconds since the epoch.
    opened_at: int


class OpenTask(NamedTuple):
    """A task run that has not ended."""

    number: int
    #: None: made of the task's name and the number.
    name: str | None
    task_name: str
    state_type: str
    state_name: str


def standing(connection: sqlite3.Connection, run_id: str) -> Standing | None:
    """Tell how a run stands; None where there is no such run."""
    row = connection.execute(_STANDING, (run_id,)).fetchone()
    return None if row is None else Standing._make((*row[:-1], bool(row[-1])))


def tell(
    connection: sqlite3.Connection, run_id: str, type_: StateType, name: str, message: str | None, now: datetime
) -> bool:
    """Change the state of a run by the daemon's word; False where it has moved on to where that is no way from."""
    found = standing(connection, run_id)
    if found is None or (found.state_type, type_.value) not in ALLOWED:
        return False
    at = microseconds(now)
    is_final = type_.value in FINAL_TYPES
    connection.execute(
        "UPDATE flow_run SET state_type = ?, state_name = ?, message = ?, state_version = state_version + 1, "
        "ended_at = ?, due_at = CASE WHEN ? THEN NULL ELSE due_at END WHERE run = ?",
        (type_.value, name, message, at if is_final else None, is_final, found.run),
    ).close()
    remember_state(connection, found.run, at)
    return True


def remember_state(connection: sqlite3.Connection, run: int, at: int) -> None:
    """Add the state that a run has now to its history."""
    connection.execute(_TELL, {"at": at, "run": run}).close()


def is_over(connection: sqlite3.Connection, run_id: str, attempt: int) -> bool:
    """Tell whether an attempt of a run has ended; True too where the run is not on record any more."""
    query = "SELECT 1 FROM flow_run WHERE id = ? AND attempt <= ? AND ended_at IS NULL"
    return connection.execute(query, (run_id, attempt)).fetchone() is None


def is_waiting(connection: sqlite3.Connection, run_id: str) -> bool:
    """Tell whether a run is planned and nobody has begun to start it."""
    query = "SELECT 1 FROM planned_run WHERE run_id = ? AND claimed_at IS NULL"
    return connection.execute(query, (run_id,)).fetchone() is not None


def running_of(connection: sqlite3.Connection, deployment_id: int) -> list[str]:
    """List the runs of a deployment that were started and are not over, the oldest first."""
    query = (
        "SELECT run_id FROM planned_run JOIN flow_run ON flow_run.id = planned_run.run_id "
        "WHERE planned_run.deployment_id = ? AND claimed_at IS NOT NULL AND ended_at IS NULL "
        "ORDER BY claimed_at, flow_run.run"
    )
    return [run_id for (run_id,) in connection.execute(query, (deployment_id,)).fetchall()]


def being_cancelled(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """List the root runs, with their attempt, that are Cancelling."""
    query = "SELECT id, attempt FROM flow_run WHERE ended_at IS NULL AND state_type = 'CANCELLING' AND parent IS NULL"
    return connection.execute(query).fetchall()


def writer_of(connection: sqlite3.Connection, run_id: str) -> Writer | None:
    """Tell which process writes the newest journal of a run."""
    query = (
        "SELECT attempt, pid, boot_id, opened_at FROM journal WHERE run_id = ? AND pid IS NOT NULL "
        "ORDER BY attempt DESC LIMIT 1"
    )
    row = connection.execute(query, (run_id,)).fetchone()
    return None if row is None else Writer._make(row)


def open_tasks(connection: sqlite3.Connection, run: int) -> list[OpenTask]:
    """List the task runs of a root run that may still go on."""
    query = (
        "SELECT number, task_run.name, task.name, state_type, state_name FROM task_run JOIN task USING (task) "
        "WHERE root = ? AND ended_at IS NULL AND state_name <> 'NotReady'"
    )
    return [OpenTask._make(row) for row in connection.execute(query, (run,)).fetchall()]


def record_usage(connection: sqlite3.Connection, run_id: str, *, memory: int, cpu_us: int) -> None:
    """Keep what the processes of a run used so far: the most memory ever seen, and processor time."""
    query = "UPDATE flow_run SET max_memory = max(coalesce(max_memory, 0), ?), cpu_us = ? WHERE id = ?"
    connection.execute(query, (memory, cpu_us, run_id)).close()


def skip_occurrence(connection: sqlite3.Connection, run_id: str, reason: str) -> None:
    """Say of the occurrence that a run was made for that the run did not take place."""
    query = "UPDATE occurrence SET outcome = 'skipped', reason = ? WHERE run_id = ?"
    connection.execute(query, (reason, run_id)).close()
