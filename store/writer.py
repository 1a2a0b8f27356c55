"""The one connection through which the daemon writes the database of a home, kept open for the daemon's life."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Self

from flowctl.store.home import Home
from flowctl.store.migrations import bring_up_to_date
from flowctl.store.sqlite import checkpoint, file_identity, open_writer, sqlite3, translated


class Store:
    """Opened by whoever holds the writer lock; it stays in the thread that opened it, and in that process."""

    def __init__(self, connection: sqlite3.Connection, home: Home) -> None:
        self.connection = connection
        self.home = home
        #: Goes up with every commit, so that others can tell whether there is something new to see.
        self.commits = 0
        self._is_durable: bool = True
        self._commits_at_rest: int = 0
        self._is_at_rest: bool = True
        self._pid = os.getpid()
        self._identity = file_identity(home.database)

    @classmethod
    def open_writer(cls, home: Home) -> Self:
        """Open the database of a home for writing, made or migrated where needed; hold the writer lock around it."""
        with translated(home.database):
            connection = open_writer(home.database)
            try:
                bring_up_to_date(connection, home.database)
            except BaseException:
                connection.close()
                raise
        return cls(connection, home)

    def is_in_place(self) -> bool:
        """Tell whether the file that it writes is still the one that everybody else finds."""
        return file_identity(self.home.database) == self._identity

    def close(self) -> None:
        """Copy the write-ahead log into the database and close it."""
        with translated(self.home.database):
            if self._pid == os.getpid():
                try:
                    self.connection.execute("PRAGMA optimize").close()
                    self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
                finally:
                    self.connection.close()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Generator[sqlite3.Connection, None, None]:
        """Commit all or nothing; inside another transaction, undo only this part when it fails.

        `durable` means that the commit outlasts a power cut. What the journals can tell again need not.
        """
        try:
            if self.connection.in_transaction:
                with self._savepoint():
                    yield self.connection
            else:
                with self._whole(durable):
                    yield self.connection
        except sqlite3.Error:
            with translated(self.home.database):
                raise

    def checkpoint(self) -> None:
        """Copy the write-ahead log into the database when it has grown long; not inside a transaction."""
        with translated(self.home.database):
            checkpoint(self.connection, self.home.database)

    def rest(self) -> None:
        """Copy the write-ahead log into the database if nothing was written since the last time this was called."""
        if self.commits == self._commits_at_rest and not self._is_at_rest:
            with translated(self.home.database):
                busy, pages, copied = self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            # A reader may still need the older pages; then the next time.
            self._is_at_rest = not busy and pages == copied
        elif self.commits != self._commits_at_rest:
            self._commits_at_rest, self._is_at_rest = self.commits, False

    @contextmanager
    def _whole(self, durable: bool) -> Generator[None, None, None]:
        connection = self.connection
        if durable is not self._is_durable:
            # SQLite ignores this inside a transaction.
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}").close()
            self._is_durable = durable
        before = connection.total_changes
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            # A full disk makes SQLite roll back by itself.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self.commits += connection.total_changes != before

    @contextmanager
    def _savepoint(self) -> Generator[None, None, None]:
        self.connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK TO part")
                self.connection.execute("RELEASE part")
            raise
        self.connection.execute("RELEASE part")
