"""Brings journals into the database: each stretch of records in one transaction with the offset that it reaches.

All functions work inside a transaction of the caller's, who holds the writer lock: a command that catches up, or the
daemon with its connection kept open.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from flowctl.store.fold import Fold
from flowctl.store.home import Home
from flowctl.store.journal import DamagedJournal, Record, decode
from flowctl.store.sqlite import sqlite3

#: A journal can be gigabytes; this much of it is in memory at once (its records take some five times that).
STRETCH_BYTES: Final = 4 << 20

_HEADER_BYTES: Final = 8
# What values of a wrong type, or too large for SQLite, raise on their way into the database.
_UNFIT: Final = (
    ValueError,
    TypeError,
    OverflowError,
    RecursionError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
_STORE_PLACE: Final = (
    "INSERT INTO journal "
    "(run_id, attempt, offset, last_seq, last_at, problem, opened_at, pid, boot_id, host, python, flowctl) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
    "offset = excluded.offset, last_seq = excluded.last_seq, last_at = excluded.last_at, "
    "problem = coalesce(problem, excluded.problem), opened_at = coalesce(opened_at, excluded.opened_at), "
    "pid = coalesce(pid, excluded.pid), boot_id = coalesce(boot_id, excluded.boot_id), "
    "host = coalesce(host, excluded.host), python = coalesce(python, excluded.python), "
    "flowctl = coalesce(flowctl, excluded.flowctl)"
)


class Ingested(NamedTuple):
    """What one call took in."""

    #: How many records were new.
    records: int
    #: Where in the file the next call goes on.
    offset: int
    #: Nothing more can be read now; False: call again.
    at_end: bool
    #: It ends there in a record that is not whole.
    is_torn: bool
    #: Why the rest cannot be read, where it makes no sense.
    problem: str | None


class _Place(NamedTuple):
    """How far a journal is ingested."""

    offset: int = 0
    last_seq: int = -1
    last_at: int | None = None


def ingest_journal(
    connection: sqlite3.Connection, home: Home, run_id: str, attempt: int, *, stretch_bytes: int = STRETCH_BYTES
) -> Ingested:
    """Ingest the next stretch of one journal; records that are in the database already are passed over."""
    query = "SELECT offset, last_seq, last_at FROM journal WHERE run_id = ? AND attempt = ?"
    stored = connection.execute(query, (run_id, attempt)).fetchone()
    place = _Place(*stored) if stored else _Place()
    data, is_tail = _read(home.journal(run_id, attempt), place.offset, stretch_bytes)
    if not data:
        return Ingested(0, place.offset, at_end=True, is_torn=False, problem=None)
    try:
        with _savepoint(connection):
            reached, records, problem = _take(connection, run_id, attempt, place, decode(data))
    except _UNFIT:
        reached, records, problem = _take_singly(connection, run_id, attempt, place, data)
    end = reached.offset - place.offset
    at_end = problem is not None or is_tail or not _is_cut(data, end)
    return Ingested(records, reached.offset, at_end, any(data[end : end + 4]), problem)


def damage_behind(home: Home, run_id: str, attempt: int, offset: int) -> str | None:
    """Tell what is wrong with a journal that ends in a torn record at `offset`; None where it is just its end.

    A process that was killed leaves at most its last record torn: whole ones behind it mean that the file was harmed.
    """
    data, _ = _read(home.journal(run_id, attempt), offset, STRETCH_BYTES)
    length = int.from_bytes(data[:4], "little")
    try:
        found = length > 0 and next(decode(data, _HEADER_BYTES + length), None) is not None
    except DamagedJournal:
        found = True
    return f"The journal is damaged at byte {offset}; what follows could not be read." if found else None


def _take(
    connection: sqlite3.Connection,
    run_id: str,
    attempt: int,
    place: _Place,
    decoded: Iterable[tuple[int, int, Record]],
) -> tuple[_Place, int, str | None]:
    """Fold records into the database, up to one that makes no sense; the offsets are from `place` on."""
    fold = Fold(connection, run_id, attempt)
    take = fold.take
    last_seq, last_at = place.last_seq, place.last_at
    offset = records = 0
    problem: str | None = None
    try:
        for end, seq, record in decoded:
            if seq > last_seq:
                take(seq, record)
                last_seq, last_at = seq, record.at
                records += 1
            offset = end
    except DamagedJournal as damage:
        problem = str(DamagedJournal(place.offset + offset, str(damage.__cause__)))
    except (ValueError, TypeError) as error:
        problem = str(DamagedJournal(place.offset + offset, str(error)))
    if not offset and problem is None:
        return place, 0, None
    fold.write()
    reached = _Place(place.offset + offset, last_seq, last_at)
    writer = fold.writer or (None,) * 6
    connection.execute(_STORE_PLACE, (run_id, attempt, *reached, problem or fold.problem, *writer))
    return reached, records, problem


def _take_singly(
    connection: sqlite3.Connection, run_id: str, attempt: int, place: _Place, data: bytes
) -> tuple[_Place, int, str | None]:
    """Take a stretch that holds something SQLite refuses, record by record, up to the one that cannot be mended."""
    start, records = place.offset, 0
    problem: str | None = None
    items = decode(data)
    while problem is None:
        try:
            end, seq, record = next(items)
        except StopIteration:
            break
        except DamagedJournal:
            # Told once more, now with its place in the file.
            place, _, problem = _take(connection, run_id, attempt, place, decode(data[place.offset - start :]))
            break
        item = (start + end - place.offset, seq, type(record)(*map(_mended, record)))
        try:
            with _savepoint(connection):
                place, taken, problem = _take(connection, run_id, attempt, place, [item])
                records += taken
        except _UNFIT as error:
            problem = str(DamagedJournal(place.offset, str(error)))
            connection.execute(_STORE_PLACE, (run_id, attempt, *place, problem, *(None,) * 6))
    return place, records, problem


def _mended(value: Any) -> Any:  # whatever msgpack can hold
    """Write out lone surrogates, which are bytes of a foreign encoding and fit into no database."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case [*items]:
            return [_mended(item) for item in items]
        case {**pairs}:
            return {_mended(key): _mended(item) for key, item in pairs.items()}
        case _:
            return value


def _read(path: str, offset: int, most: int) -> tuple[bytes, bool]:
    """Read from `offset`, at most `most` bytes but at least one record; tell whether that is up to the file's end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b"", True
    try:
        rest = os.fstat(descriptor).st_size - offset
        head = os.pread(descriptor, _HEADER_BYTES, offset) if rest > 0 else b""
        length = int.from_bytes(head[:4], "little")
        # A living writer reserves room, filled with zeros, far beyond its last record.
        if length == 0:
            return b"", True
        wanted = min(rest, max(most, _HEADER_BYTES + length))
        return os.pread(descriptor, wanted, offset), wanted == rest
    finally:
        os.close(descriptor)


def _is_cut(data: bytes, end: int) -> bool:
    """Tell whether the stretch, and not the writer, cut the record at `end`."""
    rest = len(data) - end
    return rest < _HEADER_BYTES or _HEADER_BYTES + int.from_bytes(data[end : end + 4], "little") > rest


@contextmanager
def _savepoint(connection: sqlite3.Connection) -> Generator[None, None, None]:
    connection.execute("SAVEPOINT stretch")
    try:
        yield
    except BaseException:
        # A full disk makes SQLite roll the whole transaction back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK TO stretch")
            connection.execute("RELEASE stretch")
        raise
    connection.execute("RELEASE stretch")
