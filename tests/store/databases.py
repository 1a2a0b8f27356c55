"""What stands in a database, in a form that two of them can be compared by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flowctl.store.home import Home
from flowctl.store.ingest import Ingested, ingest_journal
from flowctl.store.journal import JournalOpened, Record
from flowctl.store.migrations import create
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow
from flowctl.store.sqlite import open_reader, sqlite3
from tests.store.journals import write_journal

TABLES = (
    "flow_run",
    "flow_run_state",
    "task",
    "task_run",
    "task_attempt",
    "task_count",
    "log",
    "result",
    "journal",
)
_OPEN = "ended_at IS NULL AND state_name <> 'NotReady'"


#: Closed at the end of each test file.
in_memory_databases: list[sqlite3.Connection] = []


def bare_in_memory() -> sqlite3.Connection:
    """Make a database without tables."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    in_memory_databases.append(connection)
    return connection


def in_memory() -> sqlite3.Connection:
    connection = bare_in_memory()
    connection.execute("PRAGMA foreign_keys = ON")
    create(connection)
    return connection


def contents(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Read every row; counts that came to nothing are as good as none."""
    found = {table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in TABLES}
    found["task_count"] = [row for row in found["task_count"] if row[-1]]
    return found


def contents_of(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    connection = open_reader(home.database)
    try:
        return contents(connection)
    finally:
        connection.close()


def assert_sound(connection: sqlite3.Connection) -> None:
    """Check what has to hold of every database, whatever was ingested."""
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    counted = connection.execute(
        "SELECT run, attempt, state_name, count(*) FROM task_run GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).fetchall()
    kept = connection.execute(
        "SELECT run, attempt, state_name, tasks FROM task_count WHERE tasks <> 0 ORDER BY 1, 2, 3"
    ).fetchall()
    assert counted == kept


def open_below_closed(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """List the open task runs and subflows whose root run is over."""
    closed = "SELECT run FROM flow_run WHERE number = 0 AND ended_at IS NOT NULL"
    tasks = f"SELECT 'task', root, number FROM task_run WHERE root IN ({closed}) AND {_OPEN}"
    flows = f"SELECT 'flow', root, number FROM flow_run WHERE root IN ({closed}) AND ended_at IS NULL"
    return connection.execute(f"{tasks} UNION ALL {flows}").fetchall()


def the_run(home: Home, run_id: str) -> FlowRunRow:
    with Reader.open(home) as reader:
        return reader.flow_run(run_id)


def is_active(home: Home, run_id: str) -> bool:
    return Path(home.active_marker(run_id)).exists()


def assert_all_sound(home: Home) -> None:
    connection = open_reader(home.database)
    assert_sound(connection)
    assert open_below_closed(connection) == []
    connection.close()


def ingest_all(
    database: sqlite3.Connection, home: Home, run_id: str, attempt: int = 1, stretch_bytes: int = 1 << 20
) -> Ingested:
    while True:
        ingested = ingest_journal(database, home, run_id, attempt, stretch_bytes=stretch_bytes)
        if ingested.at_end:
            return ingested


def row(database: sqlite3.Connection, table: str, **key: object) -> dict[str, Any]:
    where = " AND ".join(f"{column} = ?" for column in key)
    cursor = database.execute(f"SELECT * FROM {table} WHERE {where}", tuple(key.values()))
    found = cursor.fetchall()
    assert len(found) == 1
    return dict(zip([column[0] for column in cursor.description], found[0], strict=True))


def told(database: sqlite3.Connection, home: Home, records: Sequence[Record]) -> Ingested:
    """Write the journal of a run and ingest it."""
    run_id = next(record.run_id for record in records if isinstance(record, JournalOpened))
    write_journal(home, run_id, records)
    ingested = ingest_all(database, home, run_id)
    assert_sound(database)
    return ingested
