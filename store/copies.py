"""Copies of the database to rely on: made while it is in use, looked through, and only then given their name."""

from __future__ import annotations

import os
from typing import Final

from flowctl.store.home import Home
from flowctl.store.problems import DatabaseDamaged, DatabaseTooNew
from flowctl.store.sqlite import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    open_reader,
    schema_version,
    sqlite3,
    translated,
)

UNFINISHED: Final = ".unfinished"


def copy_database(home: Home, path: str) -> None:
    """Write a verified copy of the database; readers and the writer go on meanwhile.

    It opens a connection of its own, so it may be called in any thread.
    """
    unfinished = path + UNFINISHED
    with translated(path):
        for leftover in (unfinished, unfinished + "-journal"):
            if os.path.lexists(leftover):
                os.unlink(leftover)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            source = open_reader(home.database)
            try:
                _copy(source, unfinished)
            finally:
                source.close()
            verify(unfinished)
            _sync(unfinished)
            os.replace(unfinished, path)
        except BaseException:
            if os.path.exists(unfinished):
                os.unlink(unfinished)
            raise
        sync_folder(os.path.dirname(path))


def verify(path: str) -> int:
    """Look through a database that nobody uses; return its schema. Raise `DatabaseDamaged` or `DatabaseTooNew`."""
    with translated(path):
        connection = open_copy(path)
        try:
            problems = problems_of(connection, thorough=False)
            if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                problems = ["it is no database of flowctl"]
            version = schema_version(connection)
        finally:
            connection.close()
    if problems:
        raise DatabaseDamaged(path, problems[0])
    if version > SCHEMA_VERSION:
        raise DatabaseTooNew(path, version, SCHEMA_VERSION)
    return version


def open_copy(path: str) -> sqlite3.Connection:
    """Open a copy for reading, with nothing made beside it: nobody else uses it."""
    return sqlite3.connect(_immutable(path), uri=True)


def sync_folder(path: str) -> None:
    """Put on the disk which names a folder holds."""
    descriptor = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def problems_of(connection: sqlite3.Connection, *, thorough: bool) -> list[str]:
    """List what SQLite finds wrong in a database; `thorough` compares every index with its table too."""
    check = "integrity_check" if thorough else "quick_check"
    found = [str(row[0]) for row in connection.execute(f"PRAGMA {check}(20)").fetchall()]
    return [] if found == ["ok"] else found


def _copy(source: sqlite3.Connection, path: str) -> None:
    target = sqlite3.connect(path)
    try:
        source.backup(target)
        # A copy is one file: nobody would think of its write-ahead log.
        target.execute("PRAGMA journal_mode = DELETE").close()
    finally:
        target.close()


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _immutable(path: str) -> str:
    from pathlib import Path

    return f"{Path(path).absolute().as_uri()}?mode=ro&immutable=1"
