"""Catching up: brings the journals of all active runs into the database, whoever's turn it is.

Every command that reads does this at its start, since a run writes only its journal and there need be no daemon.
"""

from __future__ import annotations

import gc
import os
import re
from typing import Final

from flowctl.store.daemon_lag import Lag
from flowctl.store.home import Home
from flowctl.store.liveness import Look, clear_marker, look_at_run
from flowctl.store.locks import WRITER_WAIT_S, writer_lock
from flowctl.store.migrations import bring_up_to_date
from flowctl.store.problems import DaemonWrites, DatabaseReadOnly
from flowctl.store.sqlite import (
    SCHEMA_VERSION,
    checkpoint,
    open_reader,
    open_writer,
    schema_version,
    sqlite3,
    translated,
)

#: Records between two commits. A commit waits for the disk; what is not committed is in memory.
_RECORDS_A_COMMIT: Final = 100_000
#: What one more journal costs beside its records, in records.
_JOURNAL_WEIGHT: Final = 20

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def catch_up(home: Home, *, wait_s: float = WRITER_WAIT_S) -> list[Look]:
    """Bring the database up to date with the journals; return the runs whose journals cannot be read to the end.

    On a home that nobody may write it does nothing: what the database holds can still be read. Where a daemon writes,
    it only waits until that has taken in what the journals hold now. Raise `DatabaseBusy` where another process holds
    the database, or its lock, for longer than `wait_s`.
    """
    active = active_runs(home)
    if not active and not _needs_database(home):
        return []
    lag: Lag | None = None
    while True:
        try:
            return _catch_up(home, wait_s)
        except DatabaseReadOnly:
            return []
        except DaemonWrites:
            lag = lag or Lag(home, active)
            if lag.is_over():
                return []


def mark_all(home: Home) -> None:
    """Mark every run as active, so that every journal is ingested anew."""
    for run_id in active_runs(home, folder=home.runs):
        mark_active(home, run_id)


def mark_unknown(home: Home) -> None:
    """Mark every run as active where there is no database, or an empty one, which knows of none."""
    try:
        is_empty = os.stat(home.database).st_size == 0
    except OSError:
        is_empty = True
    if is_empty:
        mark_all(home)


def mark_active(home: Home, run_id: str) -> None:
    """Have a run looked at."""
    os.makedirs(home.active, mode=0o700, exist_ok=True)
    os.close(os.open(home.active_marker(run_id), os.O_CREAT | os.O_WRONLY, 0o600))


def active_runs(home: Home, *, folder: str | None = None) -> list[str]:
    """List the ids of the runs that are not wholly ingested, in order; or of those that another folder names."""
    try:
        return sorted(filter(_ID.fullmatch, os.listdir(folder or home.active)))
    except (FileNotFoundError, NotADirectoryError):
        return []


def ingest_active(connection: sqlite3.Connection, home: Home) -> list[Look]:
    """Ingest all active runs in as few transactions as memory allows; hold the writer lock around it."""
    looks: list[Look] = []
    settled: list[Look] = []
    weight = 0
    # Rows by the hundred thousand and no cycles among them: looking for garbage costs a tenth of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        connection.execute("BEGIN IMMEDIATE")
        for run_id in active_runs(home):
            steps = look_at_run(connection, home, run_id)
            while True:
                try:
                    weight += next(steps).records + _JOURNAL_WEIGHT
                except StopIteration as stop:
                    look: Look = stop.value
                    break
                if weight > _RECORDS_A_COMMIT:
                    _commit(connection, home, settled)
                    connection.execute("BEGIN IMMEDIATE")
                    weight = 0
            looks.append(look)
            if look.is_settled:
                settled.append(look)
        _commit(connection, home, settled)
    finally:
        if collects:
            gc.enable()
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return [look for look in looks if look.problem is not None]


def _catch_up(home: Home, wait_s: float) -> list[Look]:
    with writer_lock(home, wait_s=wait_s), translated(home.database, busy_s=wait_s):
        mark_unknown(home)
        connection = open_writer(home.database, busy_s=wait_s)
        try:
            bring_up_to_date(connection, home.database)
            return ingest_active(connection, home)
        finally:
            # Under the lock: closing copies the write-ahead log into the database.
            connection.close()


def _commit(connection: sqlite3.Connection, home: Home, settled: list[Look]) -> None:
    connection.execute("COMMIT")
    checkpoint(connection, home.database)
    for look in settled:
        clear_marker(home, look)
    settled.clear()


def _needs_database(home: Home) -> bool:
    """Tell whether there is something to do besides ingesting: to make the database, or to migrate it."""
    if not os.path.exists(home.database):
        return bool(active_runs(home, folder=home.runs))
    connection = open_reader(home.database)
    try:
        return schema_version(connection) < SCHEMA_VERSION
    finally:
        connection.close()
