"""Catching up: who lives, who crashed, what is kept when things go wrong, and two at once."""

from __future__ import annotations

import fcntl
import os
import random
import resource
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from flowctl.store import catchup, ingest, liveness
from flowctl.store.catchup import catch_up
from flowctl.store.fold import Fold
from flowctl.store.home import Home
from flowctl.store.journal import Record, encode
from flowctl.store.liveness import is_alive
from flowctl.store.locks import writer_lock
from flowctl.store.problems import DatabaseBusy, DatabaseDamaged, DatabaseTooNew, DatabaseUnwritable
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow
from flowctl.store.sqlite import open_reader, sqlite3
from flowctl.store.states import StateType
from tests.store.databases import assert_sound, contents_of, open_below_closed
from tests.store.journals import (
    NOON,
    a_run,
    a_subflow_id,
    a_task,
    an_id,
    encoded,
    flow_created,
    flow_state,
    many_runs,
    opened,
    task_created,
    task_state,
    write_journal,
)
from tests.store.processes import Child, run_together

RUN = an_id(1)
_IMPORTS = "import sys; from flowctl.store.home import Home; from flowctl.store.catchup import catch_up"


@contextmanager
def held(home: Home, run_id: str = RUN) -> Generator[None, None, None]:
    """Be the living process of a run."""
    with Path(home.run_lock(run_id)).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def the_run(home: Home, run_id: str = RUN) -> FlowRunRow:
    with Reader.open(home) as reader:
        return reader.flow_run(run_id)


def is_active(home: Home, run_id: str = RUN) -> bool:
    return Path(home.active_marker(run_id)).exists()


def assert_all_sound(home: Home) -> None:
    connection = open_reader(home.database)
    assert_sound(connection)
    assert open_below_closed(connection) == []
    connection.close()


def test_a_run_that_is_over_is_on_record_and_no_longer_active(home: Home) -> None:
    write_journal(home, RUN, a_run(RUN))

    catch_up(home)

    assert the_run(home).state_type is StateType.COMPLETED
    assert not is_active(home)
    assert_all_sound(home)


def test_a_living_run_is_on_record_up_to_now_and_stays_active(home: Home) -> None:
    records = a_run(RUN)
    write_journal(home, RUN, records[:6])

    with held(home):
        assert is_alive(home, RUN)
        catch_up(home)
        early = the_run(home)
        write_journal(home, RUN, records[6:], first_sequence=6)
        catch_up(home)
        late = the_run(home)
        still_active = is_active(home)
    catch_up(home)

    assert (early.state_type, early.task_counts) == (StateType.RUNNING, {"Completed": 1})
    assert (late.state_type, late.task_counts) == (StateType.COMPLETED, {"Completed": 3})
    assert still_active
    assert not is_active(home)


def test_a_killed_run_crashed_at_its_last_record_and_keeps_its_completed_tasks(home: Home) -> None:
    records: list[Record] = [
        *a_run(RUN, tasks=2, ends=None),
        flow_created(a_subflow_id(1, 1), at=NOON + 9_000, run=1, parent_run=0),
        *(task_created(3, at=NOON + 9_000, run=1), task_state(3, "RUNNING", at=NOON + 9_001)),
    ]
    write_journal(home, RUN, records, tail=encode(99, records[-1])[:-3])

    catch_up(home)

    run = the_run(home)
    assert (run.state_type, run.state_name) == (StateType.CRASHED, "Crashed")
    assert run.message == "The process ended without a word (killed, or the machine went down)."
    assert run.ended_at is not None
    assert (run.ended_at - run.created_at).total_seconds() == 0.009001
    assert run.problem is None
    with Reader.open(home) as reader:
        assert [task.state_type for task in reader.task_runs(RUN)] == [StateType.COMPLETED] * 2
        (subflow,) = reader.subflows(RUN)
        (task,) = reader.task_runs(subflow.id)
        history = reader.state_history(RUN)
    assert (subflow.state_type, task.state_type) == (StateType.CRASHED, StateType.CRASHED)
    assert [state.name for state in history] == ["Pending", "Running", "Crashed"]
    assert not is_active(home)
    assert_all_sound(home)


def test_a_task_that_began_after_the_end_of_its_run_is_closed_when_the_process_is_gone(home: Home) -> None:
    records = a_run(RUN)
    write_journal(home, RUN, [*records, *a_task(8), task_created(9)])

    with held(home):
        catch_up(home)
        counts_alive = the_run(home).task_counts
    catch_up(home)

    assert counts_alive == {"Completed": 4, "Pending": 1}
    assert the_run(home).task_counts == {"Completed": 4, "Crashed": 1}
    assert the_run(home).state_type is StateType.COMPLETED


def test_a_run_that_ends_while_it_is_looked_at_did_not_crash(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    records = a_run(RUN)
    write_journal(home, RUN, records[:-1])
    look = liveness.is_alive

    def ends_now(home: Home, run_id: str) -> bool:
        write_journal(home, RUN, records[-1:], first_sequence=len(records) - 1)
        return look(home, run_id)

    monkeypatch.setattr(liveness, "is_alive", ends_now)

    catch_up(home)

    assert the_run(home).state_type is StateType.COMPLETED


def test_an_attempt_that_begins_while_the_last_one_is_looked_at_is_not_taken_for_dead(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = a_run(RUN, ends=None)
    write_journal(home, RUN, first)
    look = liveness.is_alive
    lock = Path(home.run_lock(RUN)).open("rb")  # noqa: SIM115

    def begins_now(home: Home, run_id: str) -> bool:
        alive = look(home, run_id)
        fcntl.flock(lock, fcntl.LOCK_EX)
        second: list[Record] = [opened(RUN, attempt=2), flow_created(RUN), flow_state("RUNNING", run_count=2)]
        write_journal(home, RUN, second, attempt=2, first_sequence=len(first))
        return alive

    with monkeypatch.context() as patch:
        patch.setattr(liveness, "is_alive", begins_now)
        catch_up(home)
    after_first_look = the_run(home)
    catch_up(home)

    assert (after_first_look.attempt, after_first_look.state_type) == (1, StateType.CRASHED)
    assert (the_run(home).attempt, the_run(home).state_type) == (2, StateType.RUNNING)
    assert is_active(home)
    lock.close()


def test_the_process_that_looks_may_itself_run_the_flow(home: Home) -> None:
    write_journal(home, RUN, a_run(RUN, ends=None))

    with held(home):
        thread = threading.Thread(target=catch_up, args=[home])
        thread.start()
        thread.join(20)

    assert not thread.is_alive()
    assert the_run(home).state_type is StateType.RUNNING


@pytest.mark.parametrize("left", ["marker", "folder", "lock", "empty journal", "first record"])
def test_a_run_killed_before_it_was_created_leaves_nothing(home: Home, left: str) -> None:
    home.ensure()
    Path(home.active_marker(RUN)).touch()
    if left != "marker":
        Path(home.run_folder(RUN)).mkdir()
    if left in ("lock", "empty journal", "first record"):
        Path(home.run_lock(RUN)).touch()
    if left in ("empty journal", "first record"):
        Path(home.journal(RUN, 1)).write_bytes(encoded([opened(RUN)]) if left == "first record" else b"")

    catch_up(home)

    assert not is_active(home)
    assert contents_of(home)["flow_run"] == []


def test_a_missing_lock_file_means_that_nobody_holds_it(home: Home) -> None:
    write_journal(home, RUN, a_run(RUN, ends=None))
    Path(home.run_lock(RUN)).unlink()

    catch_up(home)

    assert the_run(home).state_type is StateType.CRASHED


def test_what_is_no_run_among_the_markers_is_left_alone(home: Home) -> None:
    home.ensure()
    strange = [Path(home.active) / name for name in (".DS_Store", "..%2f", "notes.txt")]
    for path in strange:
        path.touch()

    catch_up(home)

    assert all(path.exists() for path in strange)


def test_a_damaged_journal_stops_no_other(home: Home) -> None:
    write_journal(home, an_id(1), [*a_run(an_id(1), ends=None), flow_state("DANCING")])
    write_journal(home, an_id(2), a_run(an_id(2)))

    problems = catch_up(home)

    assert [look.run_id for look in problems] == [an_id(1)]
    assert the_run(home, an_id(2)).state_type is StateType.COMPLETED
    damaged = the_run(home, an_id(1))
    assert damaged.state_type is StateType.CRASHED
    assert "'DANCING'" in (damaged.problem or "")
    assert damaged.message == damaged.problem
    assert not is_active(home, an_id(1))


def test_a_journal_harmed_in_its_middle_is_told_from_one_that_was_cut_short(home: Home) -> None:
    path = Path(write_journal(home, RUN, a_run(RUN)))
    harmed = bytearray(path.read_bytes())
    place = len(encoded(a_run(RUN)[:8]))
    harmed[place + 12] ^= 0xFF
    path.write_bytes(harmed)

    problems = catch_up(home)

    assert [look.problem for look in problems] == [
        f"The journal is damaged at byte {place}; what follows could not be read."
    ]
    run = the_run(home)
    assert (run.state_type, run.message) == (StateType.CRASHED, problems[0].problem)


def test_a_journal_that_only_a_newer_flowctl_reads_waits_for_it(home: Home) -> None:
    write_journal(home, RUN, [opened(RUN, number=99), flow_created(RUN)])

    problems = catch_up(home)

    assert "its format is 99" in (problems[0].problem or "")
    assert is_active(home)


def test_without_a_home_there_is_nothing_to_catch_up_with(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "nowhere"))

    assert catch_up(home) == []

    assert not Path(home.path).exists()


def test_a_fresh_home_without_runs_needs_no_database(home: Home) -> None:
    home.ensure()

    catch_up(home)

    assert not Path(home.database).exists()


def test_a_database_that_was_moved_away_is_rebuilt_from_the_journals(home: Home) -> None:
    many_runs(home, 5)
    write_journal(home, an_id(7), a_run(an_id(7), ends=None))
    catch_up(home)
    before = contents_of(home)
    Path(home.database).rename(home.database + ".damaged")

    catch_up(home)

    assert contents_of(home) == before


def test_a_rebuild_that_was_killed_is_taken_up(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    many_runs(home, 5)
    catch_up(home)
    before = contents_of(home)
    Path(home.database).unlink()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(catchup, "ingest_active", killed)
        catch_up(home)
    catch_up(home)

    assert contents_of(home) == before


def test_many_journals_and_long_ones_come_in_by_several_transactions(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Home(str(tmp_path / "other"))
    for each in (home, other):
        many_runs(each, 7)
        write_journal(each, an_id(9), a_run(an_id(9), tasks=300))
    catch_up(other)
    monkeypatch.setattr(catchup, "_RECORDS_A_COMMIT", 50)
    monkeypatch.setattr(ingest, "STRETCH_BYTES", 1000)

    catch_up(home)

    assert contents_of(home) == contents_of(other)
    assert list(Path(home.active).iterdir()) == []


def test_two_processes_that_catch_up_at_once_do_it_once(home: Home, tmp_path: Path) -> None:
    other = Home(str(tmp_path / "other"))
    for each in (home, other):
        many_runs(each, 300)
    catch_up(other)

    run_together(_IMPORTS, "catch_up(Home(sys.argv[1]))", [[home.path]] * 2)

    assert contents_of(home) == contents_of(other)
    assert_all_sound(home)


def test_whoever_waits_too_long_for_the_writer_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    write_journal(home, RUN, a_run(RUN))
    monkeypatch.setattr(catchup, "writer_lock", partial(writer_lock, wait_s=0.02))

    with writer_lock(home), pytest.raises(DatabaseBusy, match=r"for more than 0\.02 s.*Try again"):
        catch_up(home)

    catch_up(home)
    assert the_run(home).state_type is StateType.COMPLETED


def test_a_catch_up_that_is_killed_again_and_again_loses_and_doubles_nothing(home: Home, tmp_path: Path) -> None:
    other = Home(str(tmp_path / "other"))
    for each in (home, other):
        many_runs(each, 150)
        write_journal(each, an_id(999), a_run(an_id(999), tasks=400))
    catch_up(other)
    small = "; from flowctl.store import catchup, ingest; catchup._RECORDS_A_COMMIT = 200; ingest.STRETCH_BYTES = 2000"
    moments = random.Random(7)
    killed = 0

    for _ in range(12):
        child = Child(_IMPORTS + small, "catch_up(Home(sys.argv[1])); print('done', flush=True)", [home.path])
        child.wait_until_ready()
        child.go()
        try:
            child.process.wait(moments.uniform(0, 0.25))
        except subprocess.TimeoutExpired:
            killed += 1
        child.kill()
    catch_up(home)

    assert killed > 0
    assert contents_of(home) == contents_of(other)
    assert_all_sound(home)


def test_a_full_disk_loses_nothing_and_is_told(home: Home) -> None:
    write_journal(home, RUN, a_run(RUN, tasks=2000))

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    finished = subprocess.run(
        [sys.executable, "-c", _IMPORTS + "\ncatch_up(Home(sys.argv[1]))", home.path],
        preexec_fn=limited,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert finished.returncode == 1
    assert "DatabaseUnwritable" in finished.stderr
    assert home.database in finished.stderr
    assert is_active(home)

    catch_up(home)

    assert the_run(home).task_counts == {"Completed": 2000}
    assert_all_sound(home)


def test_a_disk_that_fills_up_between_two_commits_loses_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    many_runs(home, 6)
    monkeypatch.setattr(catchup, "_RECORDS_A_COMMIT", 60)
    calls = iter(range(100))

    class FullAtTheFifth(Fold):
        def write(self) -> None:
            if next(calls) == 4:
                raise sqlite3.OperationalError("database or disk is full")
            super().write()

    with monkeypatch.context() as patch, pytest.raises(DatabaseUnwritable, match="full"):
        patch.setattr(ingest, "Fold", FullAtTheFifth)
        catch_up(home)
    assert 0 < len(list(Path(home.active).iterdir())) < 6

    catch_up(home)

    with Reader.open(home) as reader:
        assert reader.counts() == {StateType.COMPLETED: 6}


def test_a_home_that_nobody_may_write_is_read_as_it_is(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    write_journal(home, an_id(1), a_run(an_id(1)))
    catch_up(home)
    write_journal(home, an_id(2), a_run(an_id(2)))
    opening = os.open

    def forbidden(path: str, flags: int, *rest: int) -> int:
        if path == home.writer_lock:
            raise OSError(30, "Read-only file system")
        return opening(path, flags, *rest)

    monkeypatch.setattr(os, "open", forbidden)

    assert catch_up(home) == []

    with Reader.open(home) as reader:
        assert [run.id for run in reader.runs()] == [an_id(1)]


@pytest.mark.skipif(os.geteuid() == 0, reason="permission bits do not bind root")
def test_a_home_without_write_permission_is_read_as_it_is(home: Home) -> None:
    write_journal(home, an_id(1), a_run(an_id(1)))
    catch_up(home)
    write_journal(home, an_id(2), a_run(an_id(2)))
    Path(home.path).chmod(0o500)
    try:
        assert catch_up(home) == []
        with Reader.open(home) as reader:
            assert [run.id for run in reader.runs()] == [an_id(1)]
    finally:
        Path(home.path).chmod(0o700)


def test_a_damaged_database_is_told_and_left_alone(home: Home) -> None:
    write_journal(home, RUN, a_run(RUN))
    Path(home.database).write_bytes(b"no database at all" * 300)

    with pytest.raises(DatabaseDamaged, match=r"mv "):
        catch_up(home)

    assert is_active(home)


def test_a_newer_database_is_told_and_left_alone(home: Home) -> None:
    catch_up(home)
    write_journal(home, RUN, a_run(RUN))
    newer = sqlite3.connect(home.database)
    newer.execute("PRAGMA user_version = 99")
    newer.close()

    with pytest.raises(DatabaseTooNew, match="Upgrade flowctl"):
        catch_up(home)

    assert is_active(home)
