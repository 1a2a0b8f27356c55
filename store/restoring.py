"""Putting another database in the place of a home's: a copy made earlier, or one made anew from the journals.

Hold the daemon's lock and the writer's around all of this: nobody else may have the database open for writing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from flowctl.store.catchup import active_runs, ingest_active, mark_all
from flowctl.store.copies import sync_folder, verify
from flowctl.store.deletion import deleting
from flowctl.store.fold import Fold
from flowctl.store.home import Home
from flowctl.store.migrations import bring_up_to_date
from flowctl.store.problems import StoreError
from flowctl.store.sqlite import open_writer, sqlite3, transaction, translated

_ENDINGS: Final = ("", "-wal")
#: What no journal tells: it is taken over from a damaged database as far as that can be read.
_PLANS: Final = ("deployment", "schedule", "occurrence", "watched", "flow_file", "source", "run_limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came of it."""

    #: Where the former database lies now; None where there was none.
    aside: str | None
    runs: int
    #: Tables of plans that were taken over from the former database.
    salvaged: tuple[str, ...] = ()


def restore(home: Home, path: str, *, stamp: str) -> Restored:
    """Put a copy in the place of the database; runs whose journals are there, and newer, are taken in again."""
    verify(path)
    with translated(home.database):
        aside = _replace(home, path, stamp)
        mark_all(home)
        return Restored(aside=aside, runs=_bring_in(home))


def rebuild(home: Home, bases: Iterable[str], *, stamp: str) -> tuple[Restored, str | None]:
    """Make the database anew from the first sound one of some copies, and from all journals; tell from which copy."""
    base = next((path for path in bases if _is_sound(path)), None)
    with translated(home.database):
        aside = _replace(home, base, stamp)
        mark_all(home)
        salvaged = _salvage(home, aside) if aside is not None else ()
        runs = _bring_in(home, is_same_home=True)
        return Restored(aside=aside, runs=runs, salvaged=salvaged), base


def _replace(home: Home, path: str | None, stamp: str) -> str | None:
    """Move the database away with its write-ahead log, and a copy of another to its place."""
    incoming = f"{home.database}.incoming"
    if path is not None:
        with (
            open(path, "rb") as source,
            open(os.open(incoming, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as to,
        ):
            shutil.copyfileobj(source, to, 1 << 20)
            to.flush()
            os.fsync(to.fileno())
    aside = None
    if os.path.exists(home.database):
        folder = f"{home.path}/set-aside"
        os.makedirs(folder, mode=0o700, exist_ok=True)
        aside = next(path for path in _names(f"{folder}/flowctl-{stamp}") if not os.path.lexists(path))
        # The log first: without its database it means nothing, the other way round it would be lost.
        for ending in reversed(_ENDINGS):
            if os.path.exists(home.database + ending):
                os.rename(home.database + ending, aside + ending)
    if os.path.exists(home.database + "-shm"):
        os.unlink(home.database + "-shm")
    if path is not None:
        os.rename(incoming, home.database)
    sync_folder(home.path)
    return aside


def _names(beginning: str) -> Iterator[str]:
    yield f"{beginning}.db"
    for number in count(2):
        yield f"{beginning}-{number}.db"


def _bring_in(home: Home, *, is_same_home: bool = False) -> int:
    connection = open_writer(home.database)
    try:
        bring_up_to_date(connection, home.database)
        if is_same_home:
            # Runs of the copy that have no folder any more were deleted after it was made.
            for _ in deleting(connection, home, _gone(connection, home)):
                pass
        ingest_active(connection, home)
        _conclude_lost(connection, home)
        runs: int = connection.execute("SELECT count(*) FROM flow_run WHERE parent IS NULL").fetchone()[0]
        return runs
    finally:
        connection.close()


def _gone(connection: sqlite3.Connection, home: Home) -> list[str]:
    there = set(active_runs(home, folder=home.runs))
    query = "SELECT id FROM flow_run WHERE parent IS NULL AND ended_at IS NOT NULL"
    return [run_id for (run_id,) in connection.execute(query).fetchall() if run_id not in there]


def _conclude_lost(connection: sqlite3.Connection, home: Home) -> None:
    """Close runs that were at work when the copy was made, and whose journal is not here."""
    there = set(active_runs(home, folder=home.runs))
    query = "SELECT id, attempt FROM flow_run WHERE parent IS NULL AND ended_at IS NULL"
    for run_id, attempt in connection.execute(query).fetchall():
        if run_id not in there:
            with transaction(connection):
                fold = Fold(connection, run_id, attempt)
                fold.conclude(attempt)
                fold.write()


def _is_sound(path: str) -> bool:
    try:
        verify(path)
    except StoreError:
        return False
    return True


def _salvage(home: Home, aside: str) -> tuple[str, ...]:
    """Take over what no journal tells from the former database, table by table as far as it can be read."""
    connection = open_writer(home.database)
    salvaged: list[str] = []
    try:
        bring_up_to_date(connection, home.database)
        try:
            connection.execute("ATTACH ? AS former", (aside,)).close()
        except sqlite3.Error:
            return ()
        connection.execute("PRAGMA foreign_keys = OFF").close()
        for table in _PLANS:
            try:
                with transaction(connection):
                    connection.execute(f"INSERT OR REPLACE INTO main.{table} SELECT * FROM former.{table}").close()
                salvaged.append(table)
            except sqlite3.Error:
                continue
    finally:
        connection.close()
    return tuple(salvaged)
