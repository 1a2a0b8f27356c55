"""How a database comes to the schema of this flowctl: made at once where there is none, else migrated.

`PRAGMA user_version` tells how many of the migrations below a database has had. The everyday path compares that
number and needs no sqlite-utils, whose import takes half a second; a fresh database is made of `schema.sql` in one
transaction, with the migrations recorded as applied in sqlite-utils' own form, so that later ones go on from there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from flowctl.store.sqlite import APPLICATION_ID, SCHEMA_VERSION, schema_version, sqlite3, transaction

if TYPE_CHECKING:
    from sqlite_utils import Migrations
    from sqlite_utils.db import Database

#: Name of the migration set, and of its members in order; member n makes schema n.
SET: Final = "flowctl"
NAMES: Final = ("m1_first_schema", "m2_daemon", "m3_reloads", "m4_terms")

# As `Migrations.ensure_migrations_table` writes it.
_RECORD: Final = """
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
"""


def bring_up_to_date(connection: sqlite3.Connection, path: str) -> None:
    """Give the database the schema of this flowctl; hold the writer lock around it."""
    version = schema_version(connection)
    if version == SCHEMA_VERSION:
        return
    if version == 0 and not _has_tables(connection):
        create(connection)
    else:
        snapshot(connection, f"{path}.schema-{version}")
        migrate(connection)


def create(connection: sqlite3.Connection) -> None:
    """Make the whole schema in an empty database, all or nothing."""
    from datetime import UTC, datetime

    now = str(datetime.now(UTC))
    with transaction(connection):
        for statement in (*_statements(_script("schema.sql")), *_statements(_RECORD)):
            connection.execute(statement)
        connection.executemany(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)",
            [(SET, name, now) for name in NAMES],
        )
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the migrations that are missing, each in a transaction of its own."""
    from sqlite_utils import Database

    migrations().apply(Database(connection))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    # Last: dying before it only makes the next start look for migrations and find none.
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def migrations() -> Migrations:
    """List all steps from an empty database to this flowctl's."""
    from sqlite_utils import Migrations

    steps = Migrations(SET)

    # The first one runs in no home, since a fresh database is made by `create`. Whoever changes `schema.sql` adds a
    # step with a script of its own. A test compares both ways.
    @steps(name=NAMES[0])
    def m1_first_schema(db: Database) -> None:
        for statement in _statements(_script("schema_1.sql")):
            db.conn.execute(statement)

    @steps(name=NAMES[1])
    def m2_daemon(db: Database) -> None:
        for statement in _statements(_script("schema_2.sql")):
            db.conn.execute(statement)

    @steps(name=NAMES[2])
    def m3_reloads(db: Database) -> None:
        for statement in _statements(_script("schema_3.sql")):
            db.conn.execute(statement)

    @steps(name=NAMES[3])
    def m4_terms(db: Database) -> None:
        for statement in _statements(_script("schema_4.sql")):
            db.conn.execute(statement)

    return steps


def snapshot(connection: sqlite3.Connection, path: str) -> None:
    """Copy the database aside, consistent, over whatever an interrupted copy left there."""
    unfinished = path + ".unfinished"
    for leftover in (unfinished, unfinished + "-journal"):
        if os.path.exists(leftover):
            os.unlink(leftover)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    target = sqlite3.connect(unfinished)
    try:
        connection.backup(target)
    finally:
        target.close()
    os.replace(unfinished, path)


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None


def _script(name: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return file.read()


def _statements(script: str) -> Iterator[str]:
    """Cut a script into statements; `executescript` would commit the transaction around it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""
