"""What wakes the thread that reads: changed files and questions, and nothing else."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from flowctl.store.catchup import mark_active
from flowctl.store.home import Home
from flowctl.tui.data.alarm import Alarm
from tests.store.journals import an_id

LONG_S = 30.0

needs_inotify = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the store is looked at by the clock")


@pytest.fixture
def alarm(home: Home) -> Generator[Alarm]:
    home.ensure()
    Path(home.database).touch()
    alarm = Alarm()
    yield alarm
    alarm.close()


def wakes(alarm: Alarm, change: Callable[[], object]) -> bool:
    """Tell whether a change wakes one who waits."""
    alarm.wait(0)  # what was before is forgotten
    threading.Timer(0.05, change).start()
    began = time.monotonic()
    alarm.wait(LONG_S)
    return time.monotonic() - began < LONG_S / 2


@needs_inotify
def test_what_is_written_into_the_home_wakes_who_waits(home: Home, alarm: Alarm) -> None:
    assert alarm.watch(home)

    assert wakes(alarm, lambda: Path(home.database).write_bytes(b"changed"))
    # Once, though it may be told in two parts.
    deadline = time.monotonic() + LONG_S
    while alarm.wait(0):
        assert time.monotonic() < deadline


@needs_inotify
def test_a_run_that_begins_wakes_who_waits(home: Home, alarm: Alarm) -> None:
    assert alarm.watch(home)

    assert wakes(alarm, lambda: mark_active(home, an_id(1)))


@needs_inotify
def test_a_home_that_came_in_the_place_of_another_is_watched(home: Home, alarm: Alarm, tmp_path: Path) -> None:
    assert alarm.watch(home)
    Path(home.path).rename(tmp_path / "old")
    home.ensure()
    assert alarm.watch(home)

    assert wakes(alarm, lambda: mark_active(home, an_id(1)))


def test_a_home_that_is_not_there_cannot_be_waited_for(tmp_path: Path, alarm: Alarm) -> None:
    assert not alarm.watch(Home(str(tmp_path / "none")))


def test_a_ring_wakes_who_rests_and_also_who_rests_next(alarm: Alarm) -> None:
    assert wakes(alarm, alarm.ring)

    alarm.ring()
    alarm.ring()
    assert alarm.rest(LONG_S)
    assert not alarm.rest(0)


def test_ringing_when_it_is_over_touches_nothing(home: Home) -> None:
    alarm = Alarm()
    alarm.watch(home)
    alarm.close()

    alarm.ring()
