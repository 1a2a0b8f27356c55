"""Reads what is known of watched places and flow files, through any connection.

For a screen of flow files: `flow_files` (state, version that serves, time and length of the import, the problem with
its lines, caret and diff), `reloads` (the log, newest first), `serving_text` (what a file said when it last was
right), `modules_of` (local modules and the flow files made of them).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from flowctl.store import source_versions
from flowctl.store.file_records import FlowFileRow, ReloadCause, ReloadOutcome, ReloadRow, WatchedRow
from flowctl.store.flow_files import load_source
from flowctl.store.reading import Row, moment
from flowctl.store.sqlite import sqlite3

_FLOW_FILE: Final = (
    "SELECT path, hash, good_hash, checked_at, problem, flows, version, loaded_at, import_us, changed_at, modules, "
    "tasks FROM flow_file"
)
_RELOAD: Final = (
    "SELECT id, path, at, outcome, cause, because, version_before, version, import_us, changes, message, runs "
    "FROM reload"
)
_LARGEST_ID: Final = (1 << 63) - 1


def watched(connection: sqlite3.Connection) -> list[WatchedRow]:
    """List the files and folders that are watched."""
    rows = connection.execute("SELECT path, added_at, python FROM watched ORDER BY path").fetchall()
    return [WatchedRow(path=path, added_at=moment(added_at), python=python) for path, added_at, python in rows]


def flow_files(connection: sqlite3.Connection) -> list[FlowFileRow]:
    """List the flow files that were found, by path."""
    return [_flow_file(row) for row in connection.execute(f"{_FLOW_FILE} ORDER BY path").fetchall()]


def flow_file(connection: sqlite3.Connection, path: str) -> FlowFileRow | None:
    """Read what is known of a flow file."""
    row = connection.execute(f"{_FLOW_FILE} WHERE path = ?", (path,)).fetchone()
    return None if row is None else _flow_file(row)


def reloads(
    connection: sqlite3.Connection, *, path: str | None = None, before: int | None = None, limit: int = 50
) -> list[ReloadRow]:
    """List what became of saves, the latest first: of one file or of all, and older than the one with that id."""
    condition, values = ("", ()) if path is None else ("path = ? AND ", (path,))
    rows = connection.execute(
        f"{_RELOAD} WHERE {condition}id < ? ORDER BY id DESC LIMIT ?",
        (*values, _LARGEST_ID if before is None else before, limit),
    ).fetchall()
    return [_reload(row) for row in rows]


def serving_text(connection: sqlite3.Connection, file: FlowFileRow, place: str | None = None) -> bytes | None:
    """Give the text of a flow file, or of a module of it, in the version that serves."""
    content = None if file.good_hash is None else load_source(connection, file.good_hash)
    return None if content is None else source_versions.unpack(content).get(file.path if place is None else place)


def modules_of(files: Iterable[FlowFileRow]) -> dict[str, list[str]]:
    """Give the local modules that are no flow files, each with the flow files made of it."""
    files = list(files)
    own = {file.path for file in files}
    found: dict[str, list[str]] = {}
    for file in files:
        for module in file.modules:
            if module not in own:
                found.setdefault(module, []).append(file.path)
    return dict(sorted(found.items()))


def runs_under_way_of(connection: sqlite3.Connection, path: str) -> int:
    """Count the runs of a flow file that the daemon has started and that go on."""
    query = (
        "SELECT count(*) FROM planned_run p JOIN flow_run f ON f.id = p.run_id "
        "WHERE p.file = ? AND p.claimed_at IS NOT NULL AND f.ended_at IS NULL"
    )
    return int(connection.execute(query, (path,)).fetchone()[0])


def _flow_file(row: Row) -> FlowFileRow:
    return FlowFileRow(
        path=row[0],
        hash=row[1],
        good_hash=row[2],
        checked_at=moment(row[3]),
        problem=None if row[4] is None else json.loads(row[4]),
        flows=json.loads(row[5]),
        version=row[6],
        loaded_at=None if row[7] is None else moment(row[7]),
        import_s=None if row[8] is None else row[8] / 1_000_000,
        changed_at=None if row[9] is None else moment(row[9]),
        modules=json.loads(row[10]),
        tasks=json.loads(row[11]),
    )


def _reload(row: Row) -> ReloadRow:
    return ReloadRow(
        id=row[0],
        path=row[1],
        at=moment(row[2]),
        outcome=ReloadOutcome(row[3]),
        cause=ReloadCause(row[4]),
        because=row[5],
        version_before=row[6],
        version=row[7],
        import_s=None if row[8] is None else row[8] / 1_000_000,
        changes=json.loads(row[9]),
        message=row[10],
        runs=row[11],
    )
