"""Deleting runs: rows, journals and results, so that neither half can bring the other back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterable
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

    None is deleted when one of them is not found, is a subflow, or still alive. Raise `DaemonWrites` where a daemon
    has to be asked.
    """
    with writer_lock(home), translated(home.database):
        connection = open_writer(home.database)
        try:
            bring_up_to_date(connection, home.database)
            doomed = list(dict.fromkeys(ids))
            check_deletable(connection, home, doomed)
            for _ in deleting(connection, home, doomed):
                checkpoint(connection, home.database)
            while give_back_room(connection):
                pass
        finally:
            connection.close()
    sweep(home)


def check_deletable(connection: sqlite3.Connection, home: Home, ids: Iterable[str]) -> None:
    """Raise where one of the runs cannot be deleted."""
    for run_id in ids:
        name, _ = _root(connection, run_id)
        with run_lock_if_free(home, run_id) as is_free:
            if not is_free:
                raise RunAlive(run_id, name)


def deleting(connection: sqlite3.Connection, home: Home, ids: Iterable[str]) -> Generator[None, None, None]:
    """Delete root runs; yields after each transaction, all of them short. `sweep` removes the files at the end."""
    for run_id in ids:
        try:
            name, run = _root(connection, run_id)
        except RunNotFound:
            continue
        set_aside(home, run_id, name)
        yield from _deleting_rows(connection, run_id, run)


def unfinished_deletions(home: Home) -> list[str]:
    """List the runs whose deletion was begun."""
    try:
        names = os.listdir(home.runs)
    except FileNotFoundError:
        return []
    return sorted(name.removeprefix(_DELETED) for name in names if name.startswith(_DELETED))


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


def set_aside(home: Home, run_id: str, name: str) -> None:
    """Rename the folder away, so that nothing ingests the run again; a marker without a folder means nothing."""
    with run_lock_if_free(home, run_id) as is_free:
        if not is_free:
            raise RunAlive(run_id, name)
        try:
            os.rename(home.run_folder(run_id), f"{home.runs}/{_DELETED}{run_id}")
        except FileNotFoundError:
            pass


def give_back_room(connection: sqlite3.Connection) -> bool:
    """Give some pages that are empty now back to the file system; tell whether there are more."""
    if connection.execute("PRAGMA freelist_count").fetchone()[0] == 0:
        return False
    connection.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
    return True


def sweep(home: Home) -> None:
    """Remove the folders of deleted runs, those that an interrupted deletion left included."""
    with translated(home.database):
        for run_id in unfinished_deletions(home):
            shutil.rmtree(f"{home.runs}/{_DELETED}{run_id}", ignore_errors=True)


def _deleting_rows(connection: sqlite3.Connection, run_id: str, root: int) -> Generator[None, None, None]:
    for table, key, condition in _ROWS:
        statement = (
            f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {condition} LIMIT {_ROWS_AT_ONCE})"
        )
        while connection.execute(statement, (root,)).rowcount == _ROWS_AT_ONCE:
            yield
    with transaction(connection):
        # Subflows from the innermost out, then the root.
        connection.execute("DELETE FROM flow_run WHERE root = ? AND run <> root", (root,))
        connection.execute("DELETE FROM flow_run WHERE run = ?", (root,))
        connection.execute("DELETE FROM journal WHERE run_id = ?", (run_id,))
    yield
