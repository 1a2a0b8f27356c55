"""What a look at the whole store finds: how much is in it, and whether database and journals agree."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from flowctl.store.catchup import active_runs, mark_active
from flowctl.store.copies import problems_of
from flowctl.store.home import Home
from flowctl.store.liveness import attempts
from flowctl.store.problems import DatabaseDamaged
from flowctl.store.sqlite import open_reader, schema_version, sqlite3, translated
from flowctl.store.states import StateType

_COUNTED: Final = ("flow_run", "task_run", "log", "result", "journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """How much is in a database."""

    schema: int
    #: Bytes that are allotted and hold nothing.
    free: int
    #: Root runs by the type of their state.
    runs: dict[StateType, int]
    #: Rows of each large table.
    rows: dict[str, int]
    oldest: datetime | None
    newest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    what: str
    #: What is wrong with it; empty: nothing.
    problems: list[str]


def stats_of(home: Home) -> Stats:
    """Count what is in the database of a home."""
    with translated(home.database):
        connection = open_reader(home.database)
        try:
            query = "SELECT state_type, count(*) FROM flow_run WHERE parent IS NULL GROUP BY state_type"
            runs = {StateType(word): count for word, count in connection.execute(query)}
            oldest, newest = connection.execute("SELECT min(created_at), max(created_at) FROM flow_run").fetchone()
            return Stats(
                schema=schema_version(connection),
                free=_pragma(connection, "freelist_count") * _pragma(connection, "page_size"),
                runs=runs,
                rows={table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _COUNTED},
                oldest=_time(oldest),
                newest=_time(newest),
            )
        finally:
            connection.close()


def examine(home: Home) -> list[Finding]:
    """Look through the database, and compare it with the journals; changes nothing."""
    with translated(home.database):
        connection = open_reader(home.database)
        try:
            return [
                Finding(what="The database file is whole", problems=problems_of(connection, thorough=True)),
                Finding(what="Its rows point at rows that exist", problems=_dangling(connection)),
                Finding(what="Every journal is where the database was told of it", problems=_missing(connection, home)),
                Finding(what="The database holds all that is in the journals", problems=_unread(connection, home)),
                Finding(what="Every journal can be read to its end", problems=_unreadable(connection)),
            ]
        finally:
            connection.close()


def mark_unread(home: Home) -> list[str]:
    """Have the runs looked at again whose journals hold more than the database does; return their ids.

    So it is after a write-ahead log was lost: SQLite then silently shows an older state.
    """
    with translated(home.database):
        connection = open_reader(home.database)
        try:
            found = _unread_runs(connection, home)
        finally:
            connection.close()
    for run_id in found:
        mark_active(home, run_id)
    return found


def look_after_crash(home: Home) -> list[str]:
    """Look through the database after its writer was killed; have runs looked at again of which it lost something.

    Raise `DatabaseDamaged` where it is not whole.
    """
    with translated(home.database):
        connection = open_reader(home.database)
        try:
            problems = problems_of(connection, thorough=False)
        finally:
            connection.close()
    if problems:
        raise DatabaseDamaged(home.database, problems[0])
    return mark_unread(home)


def _dangling(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("PRAGMA foreign_key_check").fetchmany(20)
    return [f"A row of {table} points at a row of {parent} that is not there." for table, _, parent, _ in found]


def _missing(connection: sqlite3.Connection, home: Home) -> list[str]:
    rows = connection.execute("SELECT run_id, attempt, offset FROM journal ORDER BY run_id, attempt").fetchall()
    found: list[str] = []
    for run_id, attempt, offset in rows:
        try:
            size = os.stat(home.journal(run_id, attempt)).st_size
        except OSError:
            found.append(f"The journal {home.journal(run_id, attempt)} is gone: the run cannot be retried.")
            continue
        if size < offset:
            found.append(f"The journal {home.journal(run_id, attempt)} is shorter than it was.")
    return found


def _unread(connection: sqlite3.Connection, home: Home) -> list[str]:
    return [f"Run {run_id} has records that the database does not have." for run_id in _unread_runs(connection, home)]


def _unread_runs(connection: sqlite3.Connection, home: Home) -> list[str]:
    query = "SELECT run_id, attempt, offset, problem FROM journal"
    known = {(run_id, attempt): (offset, problem) for run_id, attempt, offset, problem in connection.execute(query)}
    waiting = set(active_runs(home))
    found: list[str] = []
    for run_id in active_runs(home, folder=home.runs):
        # Those are read anyway.
        if run_id in waiting:
            continue
        for attempt in attempts(home, run_id):
            offset, problem = known.get((run_id, attempt), (0, None))
            if problem is None and _has_record(home.journal(run_id, attempt), offset):
                found.append(run_id)
                break
    return found


def _unreadable(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT run_id, attempt, problem FROM journal WHERE problem IS NOT NULL ORDER BY run_id, attempt LIMIT 100"
    return [f"Run {run_id}, attempt {attempt}: {problem}" for run_id, attempt, problem in connection.execute(query)]


def _has_record(path: str, offset: int) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        head = os.pread(descriptor, 8, offset)
        length = int.from_bytes(head[:4], "little")
        # A record that is not whole is the last word of a process that was killed.
        return length > 0 and os.fstat(descriptor).st_size >= offset + 8 + length
    finally:
        os.close(descriptor)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _time(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at / 1_000_000, UTC)
