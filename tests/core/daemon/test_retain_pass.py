"""What is kept and what goes: by age, by number, by size; in short steps, and taken up again after a crash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flowctl.core.daemon import retain_pass, snapshots
from flowctl.core.daemon.retain_pass import DiskNearlyFull, Retainer, check_disk
from flowctl.core.daemon.schedule_pass import step
from flowctl.core.daemon.snapshots import list_snapshots, take_snapshot
from flowctl.store import deletion
from flowctl.store.catchup import ingest_active
from flowctl.store.copies import verify
from flowctl.store.flow_files import keep_source, load_source
from flowctl.store.home import Home
from flowctl.store.problems import DatabaseDamaged
from flowctl.store.queries import Reader
from flowctl.store.retention import Policy, Room, expired_runs, room_of, runs_to_free
from flowctl.store.writer import Store
from tests.core.daemon.scheduled import HOUR, deploy, times
from tests.core.daemon.waiting import names
from tests.store.journals import NOON, SECOND, a_run, an_id, many_runs, write_journal

_DAY_US = 86_400 * SECOND
_NOTHING = Policy(days=0, runs=0, size=0)


def at(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1_000_000, UTC)


def ids(home: Home) -> list[str]:
    with Reader.open(home) as reader:
        return sorted(run.id for run in reader.runs(limit=10_000))


def delete_all(retainer: Retainer, store: Store) -> int:
    steps = 0
    while retainer.delete_some(store):
        steps += 1
    return steps


@pytest.fixture
def ten(home: Home, store: Store) -> list[str]:
    """Ten runs, a second apart, the fourth of them still open."""
    for number in range(10):
        ends = None if number == 3 else "COMPLETED"
        write_journal(home, an_id(number), a_run(an_id(number), at=NOON + number * SECOND, ends=ends))
    ingest_active(store.connection, home)
    store.connection.execute(
        "UPDATE flow_run SET state_type = 'RUNNING', state_name = 'Running', ended_at = NULL WHERE id = ?", (an_id(3),)
    )
    return [an_id(number) for number in range(10)]


def test_runs_go_when_they_are_too_old(store: Store, ten: list[str]) -> None:
    now_us = NOON + _DAY_US + 6 * SECOND

    old = expired_runs(store.connection, Policy(days=1, runs=0, size=0), now_us=now_us)

    assert old == [ten[number] for number in (0, 1, 2, 4)]
    assert expired_runs(store.connection, _NOTHING, now_us=now_us + 1000 * _DAY_US) == []


@pytest.mark.parametrize(("kept", "gone"), [(10, []), (8, [0, 1]), (5, [0, 1, 2, 4]), (1, [0, 1, 2, 4, 5, 6, 7, 8])])
def test_runs_go_when_there_are_too_many_and_open_ones_never(
    store: Store, ten: list[str], kept: int, gone: list[int]
) -> None:
    found = expired_runs(store.connection, Policy(days=0, runs=kept, size=0), now_us=NOON)

    assert found == [ten[number] for number in gone]


def test_of_runs_of_the_same_instant_the_first_ingested_go(home: Home, store: Store) -> None:
    for number in range(6):
        write_journal(home, an_id(number), a_run(an_id(number)))
    ingest_active(store.connection, home)

    assert expired_runs(store.connection, Policy(days=0, runs=4, size=0), now_us=NOON) == [an_id(0), an_id(1)]


def test_the_oldest_runs_go_until_enough_room_is_free(home: Home, store: Store, ten: list[str]) -> None:
    one = room_of(home).runs // 10

    assert runs_to_free(store.connection, home, excess=0) == []
    assert runs_to_free(store.connection, home, excess=1) == [ten[0]]
    assert runs_to_free(store.connection, home, excess=2 * one) == ten[:2]


def test_the_room_is_measured(home: Home, store: Store, ten: list[str]) -> None:
    before = room_of(home)
    Path(home.run_folder(ten[0]), "results").mkdir()
    Path(home.run_folder(ten[0]), "results", "big").write_bytes(b"x" * 100_000)

    after = room_of(home)

    assert before.database > 0
    assert 100_000 <= after.runs - before.runs < 130_000
    assert after.total - before.total == after.runs - before.runs


def test_what_is_too_old_goes_in_short_steps_files_and_rows(home: Home, store: Store) -> None:
    many_runs(home, 3)
    write_journal(home, an_id(3), a_run(an_id(3), at=NOON + 3 * SECOND, tasks=1200))
    write_journal(home, an_id(4), a_run(an_id(4), at=NOON + _DAY_US))
    ingest_active(store.connection, home)
    began = at(NOON)
    retainer = Retainer(home, began)

    retainer.look(store, Policy(days=1, runs=0, size=0), began)
    early = retainer.is_deleting
    retainer.look(store, Policy(days=1, runs=0, size=0), at(NOON + _DAY_US + 600 * SECOND))
    steps = delete_all(retainer, store)

    assert not early
    assert steps > 6
    assert ids(home) == [an_id(4)]
    assert names(home.runs) == [an_id(4)]
    assert store.connection.execute("SELECT count(*) FROM task_run").fetchone()[0] == 3


def test_old_requests_are_forgotten(home: Home, store: Store) -> None:
    for number, day in enumerate((0, 1, 5)):
        store.connection.execute(
            "INSERT INTO request (id, kind, at, body, outcome) VALUES (?, 'cancel', ?, '{}', 'ok')",
            (str(number), NOON + day * _DAY_US),
        )

    Retainer(home, at(NOON)).look(store, _NOTHING, at(NOON + 8 * _DAY_US + 1))

    assert store.connection.execute("SELECT id FROM request").fetchall() == [("2",)]


def test_old_occurrences_and_texts_of_flow_files_that_nobody_needs_are_forgotten(home: Home, store: Store) -> None:
    noon = at(NOON)
    deploy(store, noon)
    step(store, noon + HOUR)
    with store.transaction() as connection:
        used, unused = keep_source(connection, b"used"), keep_source(connection, b"unused")
        connection.execute("UPDATE deployment SET source_hash = ?", (used,))
        # As if its run had been deleted.
        connection.execute("UPDATE occurrence SET outcome = 'fired', run_id = NULL")
    assert len(times(store)) == 1
    retainer = Retainer(home, noon)

    retainer.look(store, Policy(days=2, runs=0, size=0), noon + HOUR * 24)
    assert len(times(store)) == 1
    retainer.look(store, Policy(days=2, runs=0, size=0), noon + HOUR * 24 * 9)

    assert times(store) == []
    assert load_source(store.connection, used) == b"used"
    assert load_source(store.connection, unused) is None


def test_a_home_that_is_too_large_loses_its_oldest_runs(home: Home, store: Store, ten: list[str]) -> None:
    retainer = Retainer(home, at(NOON))
    later = at(NOON + 60 * SECOND)
    room = room_of(home)

    retainer.measured(room, later)
    retainer.look(store, Policy(days=0, runs=0, size=room.total - 1), later)
    delete_all(retainer, store)

    assert ids(home) == sorted(ten[1:])
    assert retainer.room is None


def test_a_deletion_that_was_interrupted_is_brought_to_its_end(home: Home, store: Store, ten: list[str]) -> None:
    steps = deletion.deleting(store.connection, home, [ten[0]])
    next(steps)
    steps.close()

    retainer = Retainer(home, at(NOON))
    delete_all(retainer, store)

    assert ids(home) == sorted(ten[1:])
    assert names(home.runs) == sorted(ten[1:])


def test_the_home_is_measured_and_copied_now_and_then(home: Home) -> None:
    home.ensure()
    began = at(NOON)
    retainer = Retainer(home, began)
    day = timedelta(days=1)

    def due(after_s: float, commits: int) -> tuple[bool, bool]:
        now = began + timedelta(seconds=after_s)
        return retainer.is_to_be_measured(now), retainer.is_to_be_copied(now, day, commits)

    assert due(0, 1) == (False, False)
    assert due(31, 1) == (True, True)
    assert due(60, 2) == (False, False)
    assert due(3700, 2) == (True, False)
    assert due(86_400 + 100, 1) == (True, False)
    assert due(86_400 + 200, 2) == (False, True)
    assert not Retainer(home, began).is_to_be_copied(began + day, timedelta(0), 7)


def test_the_latest_copies_stay_and_each_can_be_relied_on(home: Home, store: Store, ten: list[str]) -> None:
    made = [take_snapshot(home, at(NOON + number * _DAY_US)) for number in range(5)]

    kept = list_snapshots(home)

    assert [each.path for each in kept] == [each.path for each in reversed(made[2:])]
    assert len(names(f"{home.path}/snapshots")) == snapshots.KEPT
    for each in kept:
        verify(each.path)
        assert Path(each.path).stat().st_mode & 0o777 == 0o600


def test_a_copy_of_a_damaged_database_gets_no_name(home: Home, store: Store) -> None:
    many_runs(home, 300)
    ingest_active(store.connection, home)
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with Path(home.database).open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xff" * 4096)
    Path(f"{home.path}/snapshots").mkdir()
    Path(f"{home.path}/snapshots/flowctl-20200101T000000Z.db.unfinished").touch()

    with pytest.raises(DatabaseDamaged, match="flowctl db rebuild"):
        take_snapshot(home, at(NOON))

    assert names(f"{home.path}/snapshots") == []


def test_a_nearly_full_disk_is_told_of_before_anything_fails(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.ensure()
    check_disk(home)
    monkeypatch.setattr(retain_pass, "LEAST_FREE_BYTES", 1 << 60)

    with pytest.raises(DiskNearlyFull, match="flowctl db prune"):
        check_disk(home)


def test_room_adds_up() -> None:
    assert Room(database=1, runs=2, cache=4, snapshots=8).total == 15
