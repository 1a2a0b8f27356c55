"""The daemon's connection: transactions in transactions, what outlasts a power cut, the write-ahead log."""

from __future__ import annotations

import sqlite3 as standard
from collections.abc import Generator
from pathlib import Path

import pytest

from flowctl.store.home import Home
from flowctl.store.locks import writer_lock
from flowctl.store.problems import DaemonWrites, DatabaseUnwritable
from flowctl.store.queries import Reader
from flowctl.store.sqlite import sqlite3
from flowctl.store.writer import Store


@pytest.fixture
def store(home: Home) -> Generator[Store, None, None]:
    home.ensure()
    with writer_lock(home, as_daemon=True):
        opened = Store.open_writer(home)
        yield opened
        opened.close()


def put(store: Store, name: str, slots: int = 1) -> None:
    store.connection.execute("INSERT INTO run_limit VALUES (?, ?)", (name, slots)).close()


def kept(home: Home) -> list[str]:
    with Reader.open(home) as reader:
        return list(reader.limits())


class Oops(Exception):
    pass


def test_an_inner_part_is_undone_alone_and_the_whole_as_a_whole(home: Home, store: Store) -> None:
    with store.transaction():
        put(store, "a")
        with pytest.raises(Oops), store.transaction():
            put(store, "b")
            raise Oops
        with store.transaction():
            put(store, "c")
    with pytest.raises(Oops), store.transaction():
        with store.transaction():
            put(store, "d")
        raise Oops

    assert kept(home) == ["a", "c"]
    assert store.commits == 1


def test_only_a_transaction_that_wrote_counts(store: Store) -> None:
    with store.transaction():
        store.connection.execute("SELECT * FROM run_limit").fetchall()

    assert store.commits == 0


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
def test_a_durable_transaction_is_synced(store: Store, durable: bool, level: int) -> None:
    for _ in range(2):
        with store.transaction(durable=durable):
            assert store.connection.execute("PRAGMA synchronous").fetchone()[0] == level
        with store.transaction(durable=not durable):
            assert store.connection.execute("PRAGMA synchronous").fetchone()[0] == 3 - level


def test_errors_of_sqlite_become_those_of_the_store_and_others_stay(store: Store) -> None:
    with pytest.raises(DatabaseUnwritable), store.transaction():
        store.connection.execute("SELECT * FROM nothing")
    with pytest.raises(FileNotFoundError), store.transaction():
        Path("/no/such/file").read_text()

    assert not store.connection.in_transaction


def test_an_idle_store_copies_its_log_into_the_database(home: Home, store: Store) -> None:
    with store.transaction():
        put(store, "a")
    store.rest()
    fresh = _alone(home)
    store.rest()

    assert (fresh, _alone(home)) == (0, 1)


def _alone(home: Home) -> int:
    """Count the limits in the database file as it is without its write-ahead log."""
    connection = standard.connect(f"file:{home.database}?immutable=1", uri=True)
    try:
        count: int = connection.execute("SELECT count(*) FROM run_limit").fetchone()[0]
    except sqlite3.DatabaseError:
        count = 0
    connection.close()
    return count


def test_nobody_else_writes_meanwhile_and_is_told_at_once(home: Home, store: Store) -> None:
    with pytest.raises(DaemonWrites, match="flowctl daemon stop"), writer_lock(home):
        pass


def test_the_word_of_a_dead_daemon_means_nothing(home: Home) -> None:
    home.ensure()
    Path(home.writer_lock).write_bytes(b"daemon\n")

    with writer_lock(home):
        signed = Path(home.writer_lock).read_bytes()

    assert signed == b""
