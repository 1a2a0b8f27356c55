"""Fixtures of the tests that read: a source on a home of the test's own, and runs whose process lives."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowctl.store.home import Home
from flowctl.tui.data.source import Source
from tests.store.journals import NOON

NOW = datetime.fromtimestamp(NOON / 1e6 + 60, UTC)


@pytest.fixture
def source(home: Home) -> Iterator[Source]:
    source = Source.open(home, clock=lambda: NOW)
    yield source
    source.close()


def soon(condition: Callable[[], bool]) -> None:
    """Wait until something has come true."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


@contextmanager
def hold(home: Home, run_id: str) -> Generator[None]:
    """Hold the lock of a run as its process does: it is alive."""
    with Path(home.run_lock(run_id)).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
