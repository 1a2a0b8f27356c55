"""A store in no good state: what is wrong is told with its path and remedy, and ends with its cause."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flowctl.core.daemon.instance import Instance
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.locks import writer_lock
from flowctl.store.problems import DatabaseDamaged
from flowctl.store.sqlite import SCHEMA_VERSION, sqlite3
from flowctl.tui.data import upkeep
from flowctl.tui.data.looked_at import save_looked_at
from flowctl.tui.data.source import Source
from flowctl.tui.model.snapshots import Pulse
from tests.store.journals import NOON, a_run, an_id, ten_runs, write_journal
from tests.tui.data.conftest import hold, soon


def told(source: Source, words: str, within_s: float = 20.0) -> Pulse:
    """Look until a problem is told."""
    deadline = time.monotonic() + within_s
    while words not in ((pulse := source.pulse()).problem or ""):
        assert time.monotonic() < deadline, pulse
    return pulse


def is_well(source: Source) -> Callable[[], bool]:
    return lambda: source.pulse().problem is None and len(source.runs_page().rows) == 10


def set_schema(home: Home, version: int) -> None:
    connection = sqlite3.connect(home.database)
    connection.execute(f"PRAGMA user_version = {version}").close()
    connection.close()


def test_a_foreign_tool_that_locks_the_database_is_told_within_seconds(home: Home, source: Source) -> None:
    ten_runs(home)
    catch_up(home)
    tool = sqlite3.connect(home.database, isolation_level=None)
    tool.execute("PRAGMA journal_mode = DELETE").close()
    tool.execute("BEGIN EXCLUSIVE").close()
    try:
        began = time.monotonic()
        pulse = told(source, "Another process has been writing the database")
        assert time.monotonic() - began < 8
        assert f"`fuser {home.database}`" in (pulse.problem or "")
        assert not pulse.is_readable
        assert pulse.as_of is None
    finally:
        tool.close()

    soon(is_well(source))


def test_screens_are_read_while_others_keep_the_journals_from_being_taken_in(home: Home, source: Source) -> None:
    ten_runs(home)
    source.pulse()
    write_journal(home, an_id(77), a_run(an_id(77), at=NOON))
    with writer_lock(home):
        pulse = told(source, "Another process has been writing the database")
        assert pulse.is_readable
        began = time.monotonic()
        assert len(source.runs_page().rows) == 10
        assert time.monotonic() - began < 0.5

    soon(lambda: source.pulse().problem is None and len(source.runs_page().rows) == 11)


def test_a_schema_that_a_newer_flowctl_changes_meanwhile_is_told(home: Home, source: Source) -> None:
    ten_runs(home)
    version = source.pulse().version
    set_schema(home, 99)

    pulse = told(source, "written by a newer flowctl (its schema is 99")
    assert home.database in (pulse.problem or "")
    assert "Upgrade flowctl" in (pulse.problem or "")

    set_schema(home, SCHEMA_VERSION)
    soon(is_well(source))
    assert source.pulse().version > version


def gone(home: Home) -> Callable[[], object]:
    away = Path(home.path).with_name("away")
    Path(home.path).rename(away)
    return lambda: away.rename(home.path)


def of_a_folder(home: Home) -> Callable[[], object]:
    database, away = Path(home.database), Path(home.path) / "away"
    database.rename(away)
    database.mkdir()

    def mend() -> None:
        database.rmdir()
        away.rename(database)

    return mend


def without_an_end(home: Home) -> Callable[[], object]:
    active, away = Path(home.active), Path(home.path) / "away"
    active.rename(away)
    active.symlink_to(active)

    def mend() -> None:
        active.unlink()
        away.rename(active)

    return mend


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (gone, "The home folder {path} is gone: it was moved or deleted, or its disk is not mounted any more."),
        (of_a_folder, "The database {path}/flowctl.db cannot be read: a folder stands in its place."),
        (
            without_an_end,
            "flowctl cannot use its home folder {path}: {path}/active: Too many levels",
        ),
    ],
)
def test_a_home_that_is_taken_away_or_broken_is_told_and_comes_back_by_itself(
    home: Home, source: Source, fault: Callable[[Home], Callable[[], object]], words: str
) -> None:
    ten_runs(home)
    soon(is_well(source))

    mend = fault(home)
    pulse = told(source, words.format(path=home.path))
    assert not pulse.is_readable
    assert pulse.as_of is not None
    save_looked_at(home, {"1": 1})
    assert fault is not gone or not Path(home.path).exists()

    mend()
    soon(is_well(source))


def removed(path: Path) -> None:
    for each in ("", "-wal", "-shm"):
        path.with_name(path.name + each).unlink(missing_ok=True)


def emptied(path: Path) -> None:
    removed(path)
    path.touch()


def truncated(path: Path) -> None:
    os.truncate(path, 0)


def without_its_log(path: Path) -> None:
    for each in ("-wal", "-shm"):
        path.with_name(path.name + each).unlink(missing_ok=True)


@pytest.mark.parametrize("how", [removed, emptied, truncated, without_its_log])
def test_a_database_that_is_lost_is_made_anew_of_the_journals(
    home: Home, source: Source, how: Callable[[Path], None]
) -> None:
    ten_runs(home)
    # One under way keeps the database open for writing now and then.
    write_journal(home, an_id(50), a_run(an_id(50), at=NOON, ends=None), active=True)
    with hold(home, an_id(50)):
        source.pulse()
        assert len(source.runs_page().rows) == 11

        how(Path(home.database))

        soon(lambda: source.pulse().problem is None and len(source.runs_page().rows) == 11)


def test_a_database_that_goes_away_under_a_daemon_is_not_shown_as_an_empty_one(home: Home, source: Source) -> None:
    ten_runs(home)
    source.pulse()
    daemon = Instance.take(home, started_at=NOON)
    try:
        soon(lambda: source.pulse().daemon_pid is not None)
        removed(Path(home.database))
        pulse = told(source, "was removed while its daemon runs")
    finally:
        daemon.release()

    assert not pulse.is_readable
    assert "`flowctl db rebuild`" in (pulse.problem or "")
    soon(is_well(source))


def test_a_daemon_that_takes_nothing_in_is_told_of_until_it_does(
    home: Home, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_LOOK_AT_DAEMON_EVERY_S", 0.0)
    monkeypatch.setattr(upkeep, "_BEHIND_S", 0.2)
    ten_runs(home)
    source.pulse()
    daemon = Instance.take(home, started_at=NOON)
    try:
        soon(lambda: source.pulse().daemon_pid is not None)
        assert source.pulse().problem is None
        write_journal(home, an_id(50), a_run(an_id(50), at=NOON, ends=None), active=True)
        with hold(home, an_id(50)):
            pulse = told(source, f"The daemon (process {os.getpid()}) has left lying what runs wrote since")
            assert pulse.is_readable
            assert "`flowctl daemon restart`" in (pulse.problem or "")
            daemon.release()
            soon(lambda: source.pulse().problem is None and len(source.runs_page().rows) == 11)
    finally:
        daemon.release()


def test_what_is_shown_is_as_of_the_last_time_that_it_could_be_read(home: Home) -> None:
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    source = Source.open(home, clock=lambda: now)
    try:
        ten_runs(home)
        assert source.pulse().as_of == now
        seen = now
        set_schema(home, 99)
        now += timedelta(minutes=5)
        pulse = told(source, "newer flowctl")
        assert (pulse.at, pulse.as_of) == (now, seen)

        # A clock that is set back changes nothing of that.
        now -= timedelta(hours=1)
        assert source.pulse().as_of == seen
        set_schema(home, SCHEMA_VERSION)
        soon(lambda: source.pulse().as_of == now)
    finally:
        source.close()


@pytest.mark.parametrize(
    "damage",
    [
        "PRAGMA ignore_check_constraints = ON; UPDATE flow_run SET state_type = 'COM0LETED'",
        "UPDATE flow_run SET tags = '[oops'",
        "UPDATE flow_run SET flow_name = CAST(x'ff41' AS TEXT)",
    ],
)
def test_a_value_that_makes_no_sense_is_told_as_damage_and_breaks_nothing(
    home: Home, source: Source, damage: str
) -> None:
    ten_runs(home)
    source.pulse()
    connection = sqlite3.connect(home.database)
    connection.executescript(damage)
    connection.close()

    with pytest.raises(DatabaseDamaged, match="`flowctl db rebuild`"):
        source.runs_page()
