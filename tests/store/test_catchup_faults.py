"""Catching up when things go wrong: two at once, kills, full disks, a home or a database in no good state."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flowctl.store import catchup, ingest
from flowctl.store.catchup import catch_up
from flowctl.store.fold import Fold
from flowctl.store.home import Home
from flowctl.store.locks import writer_lock
from flowctl.store.problems import DatabaseBusy, DatabaseDamaged, DatabaseTooNew, DatabaseUnwritable
from flowctl.store.queries import Reader
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import StateType
from tests.store.databases import assert_all_sound, contents_of, is_active, the_run
from tests.store.journals import (
    a_run,
    an_id,
    many_runs,
    write_journal,
)
from tests.store.processes import run_together

RUN = an_id(1)
_IMPORTS = "import sys; from flowctl.store.home import Home; from flowctl.store.catchup import catch_up"


def test_two_processes_that_catch_up_at_once_do_it_once(home: Home, tmp_path: Path) -> None:
    other = Home(str(tmp_path / "other"))
    for each in (home, other):
        many_runs(each, 300)
    catch_up(other)

    run_together(_IMPORTS, "catch_up(Home(sys.argv[1]))", [[home.path]] * 2)

    assert contents_of(home) == contents_of(other)
    assert_all_sound(home)


def test_whoever_waits_too_long_for_the_writer_is_told(home: Home) -> None:
    write_journal(home, RUN, a_run(RUN))

    with writer_lock(home), pytest.raises(DatabaseBusy, match=r"for more than 0\.02 s.*Try again"):
        catch_up(home, wait_s=0.02)

    catch_up(home)
    assert the_run(home, RUN).state_type is StateType.COMPLETED


#: A small stretch and a small commit, so that a catch-up has many steps to be killed between.
_SMALL = (
    "from flowctl.store import catchup, liveness; catchup._RECORDS_A_COMMIT = 200"
    "; liveness.look_at_run.__kwdefaults__['stretch_bytes'] = 2000"
)
#: Counts calls of functions, those of C included, which is where the disk is touched; dies at the one it is given.
_COUNTED = f"""
{_IMPORTS}; {_SMALL}
import os, signal
left = int(sys.argv[2])
def at_call(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
"""
_CATCHES_UP = "sys.setprofile(at_call); catch_up(Home(sys.argv[1])); sys.setprofile(None); print(-left, flush=True)"


def test_a_catch_up_that_is_killed_again_and_again_loses_and_doubles_nothing(home: Home, tmp_path: Path) -> None:
    other = Home(str(tmp_path / "other"))
    for each in (home, other):
        many_runs(each, 150)
        write_journal(each, an_id(999), a_run(an_id(999), tasks=400))
    calls = int(_catch_up_by_a_child(other, dies_at_call=0))
    moments = random.Random(7)
    killed = 0

    for _ in range(12):
        killed += _catch_up_by_a_child(home, dies_at_call=moments.randrange(1, calls // 4)) == ""
    catch_up(home)

    # Each gets through a quarter of the work at most.
    assert killed >= 4
    assert contents_of(home) == contents_of(other)
    assert_all_sound(home)


def _catch_up_by_a_child(home: Home, *, dies_at_call: int) -> str:
    """Catch up in another process, which is killed at its n-th call; return what it says at its end, if any."""
    child = subprocess.run(
        [sys.executable, "-c", _COUNTED + _CATCHES_UP, home.path, str(dies_at_call)],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert child.returncode in (0, -signal.SIGKILL), child.stderr
    return child.stdout


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
    assert is_active(home, RUN)

    catch_up(home)

    assert the_run(home, RUN).task_counts == {"Completed": 2000}
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

    with pytest.raises(DatabaseDamaged, match="flowctl db rebuild"):
        catch_up(home)

    assert is_active(home, RUN)


def test_a_newer_database_is_told_and_left_alone(home: Home) -> None:
    catch_up(home)
    write_journal(home, RUN, a_run(RUN))
    newer = sqlite3.connect(home.database)
    newer.execute("PRAGMA user_version = 99")
    newer.close()

    with pytest.raises(DatabaseTooNew, match="Upgrade flowctl"):
        catch_up(home)

    assert is_active(home, RUN)
