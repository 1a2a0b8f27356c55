"""Copies put back, databases made anew: what is in the journals comes back, what was deleted does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowctl.store.catchup import catch_up
from flowctl.store.copies import copy_database, verify
from flowctl.store.deletion import delete_runs
from flowctl.store.health import examine, look_after_crash, mark_unread, stats_of
from flowctl.store.home import Home
from flowctl.store.locks import writer_lock
from flowctl.store.problems import DatabaseDamaged, DatabaseTooNew, StoreError
from flowctl.store.queries import Reader
from flowctl.store.restoring import rebuild, restore
from flowctl.store.sqlite import open_writer, sqlite3
from flowctl.store.states import StateType
from tests.store.databases import assert_all_sound, contents_of
from tests.store.journals import a_run, an_id, many_runs, write_journal

STAMP = "20261123T000000Z"


def ids(home: Home) -> list[str]:
    with Reader.open(home) as reader:
        return sorted(run.id for run in reader.runs(limit=1000))


def written(home: Home, *statements: str) -> None:
    with writer_lock(home):
        connection = open_writer(home.database)
        for statement in statements:
            connection.execute(statement)
        connection.close()


def problems(home: Home) -> dict[str, int]:
    return {finding.what: len(finding.problems) for finding in examine(home) if finding.problems}


def damage(home: Home) -> None:
    with Path(home.database).open("r+b") as file:
        file.seek(0, os.SEEK_END)
        pages = file.tell() // 4096
        for page in range(2, pages, 2):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)


def test_a_copy_is_like_the_database_and_stands_alone(home: Home, tmp_path: Path) -> None:
    many_runs(home, 5)
    catch_up(home)
    copy = tmp_path / "copy.db"

    copy_database(home, str(copy))

    assert verify(str(copy)) > 0
    assert copy.stat().st_mode & 0o777 == 0o600
    other = Home(str(tmp_path / "other"))
    other.ensure()
    copy.rename(other.database)
    assert contents_of(other) == contents_of(home)


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"no database at all, though it is longer than a header of SQLite is", DatabaseDamaged, "not a database"),
        (None, DatabaseDamaged, "no database of flowctl"),
        (99, DatabaseTooNew, "newer flowctl"),
    ],
)
def test_what_is_no_copy_of_ours_is_refused(
    home: Home, tmp_path: Path, content: bytes | int | None, error: type[StoreError], words: str
) -> None:
    many_runs(home, 1)
    catch_up(home)
    path = tmp_path / "other.db"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE x (y)")
        if content:
            connection.execute(f"PRAGMA application_id = {0x666C6F77}")
            connection.execute(f"PRAGMA user_version = {content}")
        connection.commit()
        connection.close()

    with pytest.raises(error, match=words):
        restore(home, str(path), stamp=STAMP)

    assert ids(home) == [an_id(0)]


def test_restoring_brings_back_the_copy_and_the_journals_bring_back_what_is_newer(home: Home, tmp_path: Path) -> None:
    many_runs(home, 3)
    catch_up(home)
    written(home, "INSERT INTO run_limit VALUES ('then', 1)")
    copy = tmp_path / "copy.db"
    copy_database(home, str(copy))
    write_journal(home, an_id(7), a_run(an_id(7)))
    catch_up(home)
    written(home, "DELETE FROM run_limit", "INSERT INTO run_limit VALUES ('now', 1)")

    restored = restore(home, str(copy), stamp=STAMP)

    assert (restored.runs, ids(home)) == (4, [an_id(0), an_id(1), an_id(2), an_id(7)])
    with Reader.open(home) as reader:
        assert reader.limits() == {"then": 1}
    assert restored.aside == f"{home.path}/set-aside/flowctl-{STAMP}.db"
    assert copy.exists()
    assert_all_sound(home)


def test_what_is_set_aside_is_never_overwritten(home: Home, tmp_path: Path) -> None:
    many_runs(home, 1)
    catch_up(home)
    copy = tmp_path / "copy.db"
    copy_database(home, str(copy))

    paths = [restore(home, str(copy), stamp=STAMP).aside for _ in range(3)]

    assert len(set(paths)) == 3
    assert all(path is not None and Path(path).exists() for path in paths)


def test_a_run_that_was_at_work_elsewhere_is_crashed_after_restoring(home: Home, tmp_path: Path) -> None:
    here = Home(str(tmp_path / "here"))
    path = Path(write_journal(home, an_id(1), a_run(an_id(1), ends=None)))
    with path.open("rb"):
        import fcntl

        with Path(home.run_lock(an_id(1))).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            catch_up(home)
            copy_database(home, str(tmp_path / "copy.db"))
    here.ensure()

    restore(here, str(tmp_path / "copy.db"), stamp=STAMP)

    with Reader.open(here) as reader:
        assert reader.flow_run(an_id(1)).state_type is StateType.CRASHED


def test_a_damaged_database_is_made_anew_from_a_copy_and_the_journals(home: Home, tmp_path: Path) -> None:
    many_runs(home, 40)
    catch_up(home)
    good, bad = tmp_path / "good.db", tmp_path / "bad.db"
    copy_database(home, str(good))
    bad.write_bytes(good.read_bytes()[:9000])
    delete_runs(home, [an_id(3)])
    write_journal(home, an_id(50), a_run(an_id(50)))
    catch_up(home)
    before = contents_of(home)
    damage(home)

    with pytest.raises(DatabaseDamaged):
        look_after_crash(home)
    restored, base = rebuild(home, [str(bad), str(good)], stamp=STAMP)

    assert base == str(good)
    assert restored.runs == 40
    assert ids(home) == sorted(set(map(an_id, range(40))) - {an_id(3)} | {an_id(50)})
    assert {table: len(rows) for table, rows in contents_of(home).items() if table != "task"} == {
        table: len(rows) for table, rows in before.items() if table != "task"
    }
    assert_all_sound(home)


def test_without_copies_the_journals_alone_make_the_database(home: Home) -> None:
    many_runs(home, 10)
    catch_up(home)
    before = contents_of(home)
    Path(home.database).write_bytes(b"")

    restored, base = rebuild(home, [], stamp=STAMP)

    assert (restored.runs, base) == (10, None)
    assert contents_of(home) == before


def test_plans_are_taken_over_from_a_database_that_can_be_read_in_parts(home: Home) -> None:
    many_runs(home, 3)
    catch_up(home)
    written(home, "INSERT INTO run_limit VALUES ('gpu', 2)")

    restored, _ = rebuild(home, [], stamp=STAMP)

    assert "run_limit" in restored.salvaged
    with Reader.open(home) as reader:
        assert reader.limits() == {"gpu": 2}


def test_a_sound_store_has_no_findings(home: Home) -> None:
    many_runs(home, 5)
    catch_up(home)

    assert problems(home) == {}
    assert look_after_crash(home) == []
    stats = stats_of(home)
    assert (stats.runs, stats.rows["flow_run"], stats.rows["task_run"]) == ({StateType.COMPLETED: 5}, 5, 15)
    assert stats.oldest is not None
    assert stats.newest is not None
    assert (stats.newest - stats.oldest).total_seconds() == 4


def test_journals_that_hold_more_than_the_database_are_found_and_taken_in(home: Home) -> None:
    many_runs(home, 3)
    catch_up(home)
    before = contents_of(home)
    write_journal(home, an_id(8), a_run(an_id(8))[:4], active=False)
    write_journal(home, an_id(9), a_run(an_id(9)), active=False)

    found = problems(home)
    marked = mark_unread(home)
    catch_up(home)

    assert found == {"The database holds all that is in the journals": 2}
    assert marked == [an_id(8), an_id(9)]
    assert problems(home) == {}
    assert len(contents_of(home)["task_run"]) == len(before["task_run"]) + 4


def test_a_lost_a_cut_and_a_senseless_journal_are_named(home: Home) -> None:
    many_runs(home, 3)
    catch_up(home)
    Path(home.journal(an_id(0), 1)).unlink()
    with Path(home.journal(an_id(1), 1)).open("r+b") as file:
        file.truncate(50)
    written(home, "UPDATE journal SET problem = 'nonsense' WHERE run_id = '" + an_id(2) + "'")

    assert problems(home) == {
        "Every journal is where the database was told of it": 2,
        "Every journal can be read to its end": 1,
    }


def test_rows_that_point_nowhere_are_found(home: Home) -> None:
    many_runs(home, 1)
    catch_up(home)
    written(home, "PRAGMA foreign_keys = OFF", "UPDATE task_run SET task = 999 WHERE number = 1")

    assert problems(home) == {"Its rows point at rows that exist": 1}
