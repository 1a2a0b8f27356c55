"""Opening databases: settings, odd paths, and errors that say what to do."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from flowctl.store.migrations import bring_up_to_date
from flowctl.store.problems import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseReadOnly,
    DatabaseTooNew,
    DatabaseUnreadable,
    DatabaseUnwritable,
)
from flowctl.store.sqlite import APPLICATION_ID, SCHEMA_VERSION, open_reader, open_writer, sqlite3, translated


def a_database(path: Path) -> str:
    connection = open_writer(str(path))
    bring_up_to_date(connection, str(path))
    connection.close()
    return str(path)


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_it_is_the_copy_of_sqlite_that_sqlite_utils_uses() -> None:
    from sqlite_utils import utils

    assert utils.sqlite3 is sqlite3  # type: ignore[attr-defined]


def test_a_writer_has_the_settings_that_keep_data_safe(tmp_path: Path) -> None:
    connection = open_writer(a_database(tmp_path / "flowctl.db"))

    found = {
        name: pragma(connection, name)
        for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "cell_size_check")
    }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
    }
    assert pragma(connection, "wal_autocheckpoint") == 0
    assert pragma(connection, "auto_vacuum") == 2
    assert pragma(connection, "application_id") == APPLICATION_ID
    connection.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = a_database(tmp_path / "flowctl.db")
    finally:
        os.umask(before)

    assert Path(path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["a?mode=memory", "100%", "b%20c", "#1", "a b", "ö", "a&b=c", "x;y", b"\xff\xfe"])
def test_any_path_is_opened_as_it_is_written(tmp_path: Path, name: str | bytes) -> None:
    folder = tmp_path / os.fsdecode(name)
    folder.mkdir()

    path = a_database(folder / "flowctl.db")

    assert [file.name for file in folder.iterdir()] == ["flowctl.db"]
    reader = open_reader(path)
    assert pragma(reader, "user_version") == SCHEMA_VERSION
    reader.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    reader = open_reader(a_database(tmp_path / "flowctl.db"))

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM flow_run")
    reader.close()


def test_a_database_of_a_newer_flowctl_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = a_database(tmp_path / "flowctl.db")
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    newer.close()
    before = Path(path).read_bytes()
    told = rf"schema is {SCHEMA_VERSION + 1}, this flowctl knows {SCHEMA_VERSION}\).*Upgrade flowctl"

    for opening in (open_writer, open_reader):
        with pytest.raises(DatabaseTooNew, match=told) as caught:
            opening(path)
        assert path in str(caught.value)

    assert Path(path).read_bytes() == before


@pytest.mark.parametrize("opening", [open_writer, open_reader])
def test_a_file_that_is_no_database_is_damaged_and_the_remedy_is_told(tmp_path: Path, opening: object) -> None:
    path = tmp_path / "flowctl.db"
    path.write_bytes(b"not at all a database, but long enough to be looked at" * 200)

    with pytest.raises(DatabaseDamaged, match="flowctl db rebuild") as caught:
        (open_writer if opening is open_writer else open_reader)(str(path))

    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (sqlite3.OperationalError("database is locked"), DatabaseBusy),
        (sqlite3.OperationalError("database or disk is full"), DatabaseUnwritable),
        (sqlite3.OperationalError("disk I/O error"), DatabaseUnwritable),
        (sqlite3.OperationalError("attempt to write a readonly database"), DatabaseReadOnly),
        (sqlite3.DatabaseError("database disk image is malformed"), DatabaseDamaged),
        (PermissionError(13, "Permission denied"), DatabaseReadOnly),
        (OSError(30, "Read-only file system"), DatabaseReadOnly),
        (OSError(28, "No space left on device"), DatabaseUnwritable),
    ],
)
def test_foreign_errors_become_ours_with_their_place_and_cause(error: Exception, problem: type[Exception]) -> None:
    with pytest.raises(problem, match=re.escape("/home/me/flowctl.db")) as caught, translated("/home/me/flowctl.db"):
        raise error

    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (sqlite3.OperationalError("disk I/O error"), "cannot be read: disk I/O error. .*`dmesg`"),
        (sqlite3.OperationalError("unable to open database file"), "cannot be read: .*mend the permissions"),
        (sqlite3.OperationalError("database or disk is full"), "cannot be read: .*free some space"),
        (PermissionError(13, "Permission denied"), "cannot be read: Permission denied"),
    ],
)
def test_what_could_not_be_read_is_not_said_to_be_unwritable(error: Exception, words: str) -> None:
    with pytest.raises(DatabaseUnreadable, match=words), translated("/home/me/flowctl.db", is_reading=True):
        raise error


def test_a_reader_sees_what_stands_in_a_folder_that_nobody_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As root permissions bind nobody, so the missing index file beside the log is brought about by hand.
    def forbidden(_path: str, _mode: int, **_: bool) -> bool:
        return False

    path = a_database(tmp_path / "flowctl.db")
    (tmp_path / "flowctl.db-shm").mkdir()
    monkeypatch.setattr(os, "access", forbidden)

    reader = open_reader(path)

    assert reader.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)
    reader.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="permission bits do not bind root")
def test_a_folder_without_write_permission_is_read_and_not_written(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    path = a_database(folder / "flowctl.db")
    folder.chmod(0o500)
    Path(path).chmod(0o400)
    try:
        reader = open_reader(path)
        assert reader.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)
        reader.close()
        with pytest.raises(DatabaseReadOnly):
            open_writer(path)
    finally:
        folder.chmod(0o700)
