"""The schema: made at once or step by step, always the same, and never by two processes at a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from flowctl.store import file_queries, migrations
from flowctl.store.catchup import catch_up
from flowctl.store.fold import Fold
from flowctl.store.home import Home
from flowctl.store.journal import Record
from flowctl.store.queries import Reader
from flowctl.store.sqlite import SCHEMA_VERSION, open_reader, open_writer, schema_version, sqlite3
from flowctl.store.states import FINAL, StateType
from tests.store.databases import bare_in_memory, contents_of, in_memory
from tests.store.journals import a_run, an_id, many_runs, write_journal
from tests.store.processes import run_together


def schema(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
    return [(type_, name, _bare(sql)) for type_, name, sql in rows]


def _bare(sql: str) -> str:
    """Leave out what means nothing: remarks, line breaks, and the quotes that renaming a table puts around it."""
    bare = " ".join(re.sub(r"--[^\n]*", "", sql).replace('"', "").split())
    return re.sub(r" ?([(),]) ?", r"\1", bare)


def test_the_schema_made_at_once_is_that_of_all_migrations() -> None:
    at_once = in_memory()
    by_steps = bare_in_memory()

    migrations.migrate(by_steps)

    assert schema(at_once) == schema(by_steps)
    assert schema_version(at_once) == schema_version(by_steps) == SCHEMA_VERSION == len(migrations.NAMES)


def test_a_database_made_at_once_has_its_migrations_on_record() -> None:
    database = Database(in_memory())

    assert migrations.migrations().pending(database) == []
    assert tuple(each.name for each in migrations.migrations().applied(database)) == migrations.NAMES


def test_a_later_migration_goes_on_from_a_database_made_at_once() -> None:
    connection = in_memory()
    steps = migrations.migrations()

    @steps()
    def m2_later(db: Database) -> None:
        db.conn.execute("ALTER TABLE flow_run ADD COLUMN later TEXT")

    steps.apply(Database(connection))

    assert connection.execute("SELECT later FROM flow_run").fetchall() == []
    assert [name for (name,) in connection.execute("SELECT name FROM _sqlite_migrations ORDER BY id")] == [
        *migrations.NAMES,
        "m2_later",
    ]


def test_an_older_database_is_copied_aside_before_it_is_migrated(home: Home) -> None:
    write_journal(home, an_id(1), a_run(an_id(1)))
    catch_up(home)
    older = open_writer(home.database)
    older.execute("PRAGMA user_version = 0")
    older.close()

    catch_up(home)

    with Reader.open(home) as reader:
        assert [run.id for run in reader.runs()] == [an_id(1)]
    snapshot = open_reader(f"{home.database}.schema-0")
    assert snapshot.execute("SELECT id FROM flow_run").fetchall() == [(an_id(1),)]
    snapshot.close()


def test_flow_files_of_an_older_database_begin_at_version_one(tmp_path: Path) -> None:
    connection = bare_in_memory()
    for name in ("schema_1.sql", "schema_2.sql"):
        connection.executescript((Path(migrations.__file__).parent / name).read_text())
    connection.execute("INSERT INTO flow_file VALUES ('/good.py', 'aa', 'aa', 7000000, NULL, '[]')")
    connection.execute("INSERT INTO flow_file VALUES ('/bad.py', 'bb', NULL, 7000000, '{}', '[]')")
    steps = migrations.migrations()
    Database(connection).table("_sqlite_migrations").insert_all(
        [
            {"id": n, "migration_set": migrations.SET, "name": name, "applied_at": ""}
            for n, name in enumerate(migrations.NAMES[:2])
        ],
        pk="id",
    )

    steps.apply(Database(connection))

    bad, good = file_queries.flow_files(connection)
    assert (good.version, good.loaded_at, good.modules) == (1, datetime.fromtimestamp(7, UTC), [])
    assert (bad.version, bad.loaded_at) == (0, None)


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "flowctl.db")
    connection = open_writer(path)
    migrations.create(connection)
    connection.execute("PRAGMA user_version = 0")
    steps = migrations.migrations()

    @steps()
    def m2_failing(db: Database) -> None:
        db.conn.execute("CREATE TABLE half (done INTEGER)")
        raise RuntimeError("no luck")

    monkeypatch.setattr(migrations, "migrations", lambda: steps)
    before = schema(connection)

    with pytest.raises(RuntimeError, match="no luck"):
        migrations.bring_up_to_date(connection, path)

    assert schema(connection) == before
    assert schema_version(connection) == 0
    connection.close()


def test_a_creation_that_was_killed_in_the_middle_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "flowctl.db")
    connection = open_writer(path)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "APPLICATION_ID", "no number")
        with pytest.raises(sqlite3.OperationalError):
            migrations.bring_up_to_date(connection, path)
    assert schema(connection) == []

    migrations.bring_up_to_date(connection, path)

    assert schema(connection) == schema(in_memory())
    connection.close()


def test_six_processes_that_open_a_fresh_home_at_once_all_find_its_runs(home: Home) -> None:
    many_runs(home, 20)

    run_together(
        "import sys; from flowctl.store.home import Home; from flowctl.store.catchup import catch_up; "
        "from flowctl.store.queries import Reader",
        "home = Home(sys.argv[1]); catch_up(home); assert len(Reader.open(home).runs()) == 20",
        [[home.path]] * 6,
    )

    assert len(contents_of(home)["flow_run"]) == 20
    assert list(Path(home.active).iterdir()) == []


def test_the_everyday_path_imports_no_sqlite_utils(home: Home) -> None:
    many_runs(home, 2)

    run_together(
        "import sys; from flowctl.store.home import Home; from flowctl.store.catchup import catch_up",
        "catch_up(Home(sys.argv[1])); catch_up(Home(sys.argv[1])); assert 'sqlite_utils' not in sys.modules",
        [[home.path]],
    )


@pytest.mark.parametrize("state_type", [*StateType, "DANCING", ""])
@pytest.mark.parametrize("ended_at", [None, 5])
@pytest.mark.parametrize("table", ["flow_run", "task_run"])
def test_the_tables_themselves_refuse_unknown_states_and_ends_that_do_not_fit(
    database: sqlite3.Connection, table: str, state_type: str, ended_at: int | None
) -> None:
    fold_in(database, a_run(an_id(1), ends=None))
    is_sound = state_type in set(StateType) and (ended_at is not None) == (state_type in FINAL)

    change = f"UPDATE {table} SET state_type = ?, ended_at = ?"
    if is_sound:
        database.execute(change, (str(state_type), ended_at))
    else:
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            database.execute(change, (str(state_type), ended_at))


def fold_in(database: sqlite3.Connection, records: list[Record]) -> None:
    fold = Fold(database, an_id(1), 1)
    for seq, record in enumerate(records):
        fold.take(seq, record)
    fold.write()
