"""Writes what is known of watched files and keeps copies of their content; inside a transaction of the caller's."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime

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


def save_flow_file(
    connection: sqlite3.Connection,
    path: str,
    *,
    hash_: str | None,
    good_hash: str | None,
    problem: Mapping[str, object] | None,
    flows: Sequence[Mapping[str, object]],
    now: datetime,
) -> None:
    """Remember how a flow file was found."""
    told = None if problem is None else to_json(dict(problem))
    connection.execute(
        "INSERT OR REPLACE INTO flow_file (path, hash, good_hash, checked_at, problem, flows) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (path, hash_, good_hash, microseconds(now), told, to_json([dict(flow) for flow in flows])),
    ).close()


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
