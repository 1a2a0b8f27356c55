"""How this process speaks to SQLite: which copy of it, how connections are opened, what its errors mean.

sqlite-utils silently prefers the package `pysqlite3` where that is installed. Two copies of SQLite in one process
break each other's file locks (POSIX drops all locks of a process on a file at any `close`), so whoever needs
SQLite takes `sqlite3` from here. For the same reason nothing but SQLite may open the database file.
"""

from __future__ import annotations

import errno
import importlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from flowctl.store.problems import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseReadOnly,
    DatabaseTooNew,
    DatabaseUnreadable,
    DatabaseUnwritable,
    StoreError,
)

if TYPE_CHECKING:
    import sqlite3 as sqlite3
else:
    try:
        sqlite3 = importlib.import_module("pysqlite3")
        importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        import sqlite3

#: In the header of the file, so that `file` and we know whose it is ("flow").
APPLICATION_ID: Final = 0x666C6F77
#: `PRAGMA user_version` of the schema that this flowctl reads and writes.
SCHEMA_VERSION: Final = 4
#: How long a statement waits for a foreign connection (a `sqlite3` shell, a backup).
BUSY_S: Final = 10.0
#: A longer write-ahead log is copied into the database between two transactions.
CHECKPOINT_BYTES: Final = 4 << 20

_UNRESERVED: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")
_WRITER_SETTINGS: Final = (
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA journal_mode = WAL",
    # A marker of an ingested run is removed after the commit: the commit has to outlast a power cut first.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA journal_size_limit = 67108864",
    # The undo copies of a savepoint, else written to a file page by page.
    "PRAGMA temp_store = MEMORY",
    # 32 MiB: with the usual 2, a long transaction writes its pages to the log again and again.
    "PRAGMA cache_size = -32768",
)


def open_writer(path: str, *, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """Open the database for writing, and make the file where there is none; hold the writer lock around it."""
    with translated(path, busy_s=busy_s):
        try:
            # SQLite would make it readable for everybody; -wal and -shm copy its mode.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            pass
        connection = sqlite3.connect(_uri(path, "mode=rw"), uri=True, timeout=busy_s, isolation_level=None)
        try:
            version = schema_version(connection)
            if version > SCHEMA_VERSION:
                raise DatabaseTooNew(path, version, SCHEMA_VERSION)
            for setting in _WRITER_SETTINGS:
                connection.execute(setting).close()
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(path: str, *, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """Open an existing database for reading, also where its folder cannot be written."""
    with translated(path, busy_s=busy_s, is_reading=True):
        try:
            connection, version = _open_reader(path, "mode=ro", busy_s)
        except sqlite3.OperationalError:
            if os.access(os.path.dirname(path), os.W_OK, effective_ids=os.access in os.supports_effective_ids):
                raise
            # Readers of a write-ahead log share an index file beside it, which cannot be made here.
            connection, version = _open_reader(path, "mode=ro&immutable=1", busy_s)
        if version > SCHEMA_VERSION:
            connection.close()
            raise DatabaseTooNew(path, version, SCHEMA_VERSION)
    return connection


def schema_version(connection: sqlite3.Connection) -> int:
    """Tell the number of the database's schema; 0 for an empty database."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None, None, None]:
    """Commit all or nothing; takes SQLite's write lock at once, since a read lock cannot always be raised to it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk makes SQLite roll back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def file_identity(path: str) -> tuple[int, int] | None:
    """Tell which file stands there; another one in the same place is another database. None: none, or an empty one."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found.st_size else None


def checkpoint(connection: sqlite3.Connection, path: str) -> None:
    """Copy the write-ahead log into the database when it has grown long."""
    try:
        size = os.stat(path + "-wal").st_size
    except FileNotFoundError:
        return
    if size > CHECKPOINT_BYTES:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").close()


@contextmanager
def translated(path: str, *, busy_s: float = BUSY_S, is_reading: bool = False) -> Generator[None, None, None]:
    """Turn the errors of SQLite and of the file system into those of `problems`."""
    try:
        yield
    except sqlite3.Error as error:
        problem = _problem(path, error, busy_s)
        if is_reading and isinstance(problem, DatabaseUnwritable):
            problem = _unreadable(path, str(error))
        raise problem from error
    except UnicodeDecodeError as error:
        # What Python could not read may be the text, or SQLite's own words about a damaged one.
        raise DatabaseDamaged(path, "a text that is no UTF-8") from error
    except OSError as error:
        text = error.strerror or str(error)
        if is_reading:
            raise _unreadable(path, text) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise DatabaseReadOnly(path, text) from error
        raise DatabaseUnwritable(path, text) from error


def _open_reader(path: str, mode: str, busy_s: float) -> tuple[sqlite3.Connection, int]:
    connection = sqlite3.connect(_uri(path, mode), uri=True, timeout=busy_s, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON").close()
        connection.execute("PRAGMA trusted_schema = OFF").close()
        return connection, schema_version(connection)
    except BaseException:
        connection.close()
        raise


def _uri(path: str, query: str) -> str:
    """Write a path as SQLite's URI; byte by byte, so that `?`, `%`, `#` and bytes that are no UTF-8 survive."""
    quoted = "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02x}" for byte in os.fsencode(path))
    return f"file://{quoted}?{query}"


def _problem(path: str, error: sqlite3.Error, busy_s: float) -> StoreError:
    # pysqlite3 does not tell the code; the texts are SQLite's own and old.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    text = str(error)
    if code in (11, 26) or "malformed" in text or "not a database" in text:
        return DatabaseDamaged(path, text)
    if "Could not decode" in text:
        # Its own words repeat what stands there.
        return DatabaseDamaged(path, "a text that is no UTF-8")
    if code in (5, 6) or "locked" in text:
        return DatabaseBusy(path, busy_s)
    if code in (3, 8, 14) or "readonly" in text or "unable to open" in text:
        return DatabaseReadOnly(path, text)
    if isinstance(error, sqlite3.OperationalError):
        return DatabaseUnwritable(path, text)
    return DatabaseDamaged(path, text)


def _unreadable(path: str, text: str) -> DatabaseUnreadable:
    """Say why a database cannot be read: SQLite itself tells little of it."""
    if os.path.isdir(path):
        return DatabaseUnreadable(path, "a folder stands in its place", "move that folder away")
    if os.path.exists(path) and not os.access(path, os.R_OK):
        return DatabaseUnreadable(path, "you may not read it", f"`chmod 600 {path}` mends that")
    if "full" in text:
        return DatabaseUnreadable(path, text, "free some space")
    if "I/O" in text:
        return DatabaseUnreadable(path, text, "free some space; if there is enough, the disk fails (`dmesg`)")
    return DatabaseUnreadable(path, text, "mend the permissions of it and of its folder")
