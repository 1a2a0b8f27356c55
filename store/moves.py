"""Changes of a run's state that the daemon brings about itself: a compare-and-set against the table of transitions.

What a run process does is told by its journal and folded in by `fold`; the two never meet in one transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from flowctl.store.plan_problems import MoveRefused, StateMoved
from flowctl.store.problems import RunNotFound
from flowctl.store.reading import microseconds
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import FINAL, StateType, is_allowed

#: Below the number of every record, for what is told before there is a journal.
_BEFORE_JOURNAL: Final = -1000


def advance(
    connection: sqlite3.Connection,
    run_id: str,
    type_: StateType,
    name: str,
    message: str | None,
    now: datetime,
    *,
    expected_version: int | None = None,
) -> int:
    """Move a root run to another state within its attempt and return its new state version.

    Raise `StateMoved` where its version is another than the expected one, `MoveRefused` where the table forbids it.
    """
    run, run_name, before, before_name, version = _row(connection, run_id)
    if expected_version is not None and expected_version != version:
        raise StateMoved(run_name, before_name)
    if not is_allowed(StateType(before), type_):
        raise MoveRefused(run_name, before_name, type_)
    at = microseconds(now)
    connection.execute(
        "UPDATE flow_run SET state_type = ?, state_name = ?, message = ?, state_version = state_version + 1, "
        "ended_at = ?, due_at = CASE WHEN ? THEN NULL ELSE due_at END WHERE run = ?",
        (type_.value, name, message, at if type_ in FINAL else None, type_ in FINAL, run),
    ).close()
    tell(connection, run, at)
    return version + 1


def begin_attempt(
    connection: sqlite3.Connection, run_id: str, message: str | None, now: datetime, due_at: datetime
) -> int:
    """Open the next attempt of a run that is over, Scheduled; return its number."""
    run, run_name, before, before_name, _ = _row(connection, run_id)
    if StateType(before) not in FINAL:
        raise MoveRefused(run_name, before_name, StateType.SCHEDULED)
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
    tell(connection, run, microseconds(now))
    return attempt


def tell(connection: sqlite3.Connection, run: int, at: int) -> None:
    """Add the state that a run has now to its history, behind all that was told of its attempt so far."""
    query = (
        "SELECT max(coalesce((SELECT last_seq FROM journal j WHERE j.run_id = f.id AND j.attempt = f.attempt), ?), "
        "coalesce((SELECT max(seq) FROM flow_run_state s WHERE s.run = f.run AND s.attempt = f.attempt), ?)) "
        "FROM flow_run f WHERE run = ?"
    )
    ((seq,),) = connection.execute(query, (_BEFORE_JOURNAL, _BEFORE_JOURNAL, run)).fetchall()
    connection.execute(
        "INSERT INTO flow_run_state (run, attempt, seq, inferred, at, type, name, message, run_count, applied) "
        "SELECT run, attempt, ?, (SELECT coalesce(max(inferred), 0) + 1 FROM flow_run_state s "
        "WHERE s.run = f.run AND s.attempt = f.attempt AND s.seq = ?), ?, state_type, state_name, message, run_count, "
        "1 FROM flow_run f WHERE run = ?",
        (seq, seq, at, run),
    ).close()


def _row(connection: sqlite3.Connection, run_id: str) -> tuple[int, str, str, str, int]:
    query = "SELECT run, name, state_type, state_name, state_version FROM flow_run WHERE id = ? AND number = 0"
    row: tuple[int, str, str, str, int] | None = connection.execute(query, (run_id,)).fetchone()
    if row is None:
        raise RunNotFound(run_id)
    return row
