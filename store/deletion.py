"""Deleting runs: rows, journals and results, so that neither half can bring the other back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from typing import Final

from flowctl.store.home import Home
from flowctl.store.locks import run_lock_if_free, writer_lock
from flowctl.store.migrations import bring_up_to_date
from flowctl.store.problems import NotARootRun, RunAlive, RunNotFound
from flowctl.store.sqlite import checkpoint, open_writer, sqlite3, transaction, translated

#: Rows in one transaction: a daemon that waits for the database then waits at most some 20 ms.
_ROWS_AT_ONCE: Final = 500
#: Pages given back to the file system afterwards, in one step.
_PAGES_AT_ONCE: Final = 200
#: A folder so named is of a deleted run; no id begins with a dot.
_DELETED: Final = ".deleted-"

# The keys of each table's rows of one root run; `flow_run` last, since all others point at it.
_ROWS: Final = (
    ("log", "root, seq", "root = ?"),
    ("result", "root, number", "root = ?"),
    ("task_attempt", "root, number, run_count", "root = ?"),
    ("task_run", "root, number", "root = ?"),
    ("task_count", "run, attempt, state_name", "run IN (SELECT run FROM flow_run WHERE root = ?)"),
    ("flow_run_state", "run, attempt, seq, inferred", "run IN (SELECT run FROM flow_run WHERE root = ?)"),
)


def delete_runs(home: Home, ids: Iterable[str]) -> None:
    """Delete root runs with their subflows, tasks, logs, results and files.

    None is deleted when one of them is not found, is a subflow, or still alive.
    """
    with writer_lock(home), translated(home.database):
        connection = open_writer(home.database)
        try:
            bring_up_to_date(connection, home.database)
            roots = [(run_id, *_root(connection, run_id)) for run_id in dict.fromkeys(ids)]
            for run_id, name, _ in roots:
                with run_lock_if_free(home, run_id) as is_free:
                    if not is_free:
                        raise RunAlive(run_id, name)
            for run_id, name, run in roots:
                _set_aside(home, run_id, name)
                _delete_rows(connection, home, run_id, run)
            _give_back_room(connection)
        finally:
            connection.close()
    _sweep(home)


def _root(connection: sqlite3.Connection, run_id: str) -> tuple[str, int]:
    row = connection.execute(
        "SELECT f.name, f.run, r.id FROM flow_run f JOIN flow_run r ON r.run = f.root WHERE f.id = ?", (run_id,)
    ).fetchone()
    if row is None:
        raise RunNotFound(run_id)
    name, run, root_id = row
    if root_id != run_id:
        raise NotARootRun(run_id, root_id)
    return name, run


def _set_aside(home: Home, run_id: str, name: str) -> None:
    """Rename the folder away, so that nothing ingests the run again; its marker goes first, for the same reason."""
    with run_lock_if_free(home, run_id) as is_free:
        if not is_free:
            raise RunAlive(run_id, name)
        try:
            os.unlink(home.active_marker(run_id))
        except FileNotFoundError:
            pass
        try:
            os.rename(home.run_folder(run_id), f"{home.runs}/{_DELETED}{run_id}")
        except FileNotFoundError:
            pass


def _delete_rows(connection: sqlite3.Connection, home: Home, run_id: str, root: int) -> None:
    for table, key, condition in _ROWS:
        statement = (
            f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {condition} LIMIT {_ROWS_AT_ONCE})"
        )
        while connection.execute(statement, (root,)).rowcount == _ROWS_AT_ONCE:
            checkpoint(connection, home.database)
    with transaction(connection):
        # Subflows from the innermost out, then the root.
        connection.execute("DELETE FROM flow_run WHERE root = ? AND run <> root", (root,))
        connection.execute("DELETE FROM flow_run WHERE run = ?", (root,))
        connection.execute("DELETE FROM journal WHERE run_id = ?", (run_id,))


def _give_back_room(connection: sqlite3.Connection) -> None:
    while connection.execute("PRAGMA freelist_count").fetchone()[0] > 0:
        connection.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()


def _sweep(home: Home) -> None:
    """Remove the folders of deleted runs, those that an interrupted deletion left included."""
    with translated(home.database):
        for name in os.listdir(home.runs):
            if name.startswith(_DELETED):
                shutil.rmtree(f"{home.runs}/{name}", ignore_errors=True)
