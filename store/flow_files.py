"""Writes what is known of watched files and keeps copies of their content; inside a transaction of the caller's."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from flowctl.store.fold import to_json
from flowctl.store.plan_records import PlannedRunRow
from flowctl.store.reading import microseconds
from flowctl.store.sqlite import sqlite3


def add_watched(connection: sqlite3.Connection, path: str, now: datetime, *, python: str) -> bool:
    """Watch a file or folder, its flows to be loaded with that interpreter; tell whether that is news."""
    query = (
        "INSERT INTO watched (path, added_at, python) VALUES (?, ?, ?) "
        "ON CONFLICT (path) DO UPDATE SET python = excluded.python WHERE python <> excluded.python"
    )
    return bool(connection.execute(query, (path, microseconds(now), python)).rowcount)


def remove_watched(connection: sqlite3.Connection, path: str) -> bool:
    """Watch a file or folder no longer; tell whether it was watched."""
    return bool(connection.execute("DELETE FROM watched WHERE path = ?", (path,)).rowcount)


class Loaded(NamedTuple):
    """What is known of a flow file that could be loaded."""

    flows: Sequence[Mapping[str, object]] = ()
    tasks: Sequence[Mapping[str, object]] = ()
    #: Local files that it is made of, itself left out.
    modules: Sequence[str] = ()
    import_us: int | None = None
    changed_us: int | None = None


def save_loaded(
    connection: sqlite3.Connection,
    path: str,
    loaded: Loaded,
    now: datetime,
    *,
    hash_: str | None,
    good_hash: str | None,
    problem: Mapping[str, object] | None = None,
) -> int:
    """Remember a flow file whose content is in force from now on; return the number of its version."""
    known = connection.execute("SELECT good_hash, version FROM flow_file WHERE path = ?", (path,)).fetchone()
    version = 1 if known is None else int(known[1]) + (known[0] != good_hash or known[1] == 0)
    connection.execute(
        "INSERT OR REPLACE INTO flow_file (path, hash, good_hash, checked_at, problem, flows, version, loaded_at, "
        "import_us, changed_at, modules, tasks) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            path,
            hash_,
            good_hash,
            microseconds(now),
            None if problem is None else to_json(dict(problem)),
            to_json([dict(flow) for flow in loaded.flows]),
            version,
            microseconds(now),
            loaded.import_us,
            loaded.changed_us,
            to_json(sorted(loaded.modules)),
            to_json([dict(task) for task in loaded.tasks]),
        ),
    ).close()
    return version


def save_problem(
    connection: sqlite3.Connection,
    path: str,
    problem: Mapping[str, object],
    now: datetime,
    *,
    hash_: str | None,
    changed_us: int | None = None,
) -> int:
    """Remember why a flow file cannot be loaded; return the number of the version that serves on, 0 for none."""
    ((version,),) = connection.execute(
        "INSERT INTO flow_file (path, hash, checked_at, problem, flows, changed_at) VALUES (?, ?, ?, ?, '[]', ?) "
        "ON CONFLICT (path) DO UPDATE SET hash = excluded.hash, checked_at = excluded.checked_at, "
        "problem = excluded.problem, changed_at = coalesce(excluded.changed_at, changed_at) RETURNING version",
        (path, hash_, microseconds(now), to_json(dict(problem)), changed_us),
    ).fetchall()
    return int(version)


def forget_flow_file(connection: sqlite3.Connection, path: str) -> None:
    """Forget a file that holds no flows any more."""
    connection.execute("DELETE FROM flow_file WHERE path = ?", (path,)).close()


def hash_of(content: bytes) -> str:
    """Give the name under which content is kept."""
    return hashlib.sha256(content).hexdigest()


def keep_source(connection: sqlite3.Connection, content: bytes) -> str:
    """Keep a copy of a file's content; return its hash."""
    digest = hash_of(content)
    if connection.execute("SELECT 1 FROM source WHERE hash = ?", (digest,)).fetchone() is None:
        query = "INSERT INTO source (hash, content) VALUES (?, ?)"
        connection.execute(query, (digest, zlib.compress(content, 6))).close()
    return digest


def load_source(connection: sqlite3.Connection, digest: str) -> bytes | None:
    """Give kept content by its hash."""
    row = connection.execute("SELECT content FROM source WHERE hash = ?", (digest,)).fetchone()
    return None if row is None else zlib.decompress(row[0])


def source_to_run(connection: sqlite3.Connection, run: PlannedRunRow) -> bytes | None:
    """Give the text that a run keeps to: of a watched file the last that could be loaded, else that of its plan."""
    file, digest = run.reference.file, run.reference.source_hash
    if file is not None and (digest is None or run.deployment_id is not None):
        row = connection.execute("SELECT good_hash FROM flow_file WHERE path = ?", (file,)).fetchone()
        digest = digest if row is None or row[0] is None else row[0]
    return None if digest is None else load_source(connection, digest)


def drop_unused_sources(connection: sqlite3.Connection) -> int:
    """Delete copies that neither a deployment, a file nor a planned run names; return how many."""
    return connection.execute(
        "DELETE FROM source WHERE hash NOT IN ("
        "SELECT source_hash FROM deployment WHERE source_hash IS NOT NULL UNION "
        "SELECT source_hash FROM planned_run WHERE source_hash IS NOT NULL UNION "
        "SELECT good_hash FROM flow_file WHERE good_hash IS NOT NULL)"
    ).rowcount
