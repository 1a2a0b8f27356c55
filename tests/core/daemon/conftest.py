"""Fixtures of the daemon's tests: a store in this process for the passes, a daemon of its own for the rest."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from flowctl.core.daemon import processes
from flowctl.core.daemon.client import start_daemon, wait_until_gone
from flowctl.core.daemon.instance import find_holder
from flowctl.core.daemon.paths import log_path
from flowctl.store.home import Home
from flowctl.store.locks import writer_lock
from flowctl.store.writer import Store
from tests.core.daemon.stepped import Stepped, no_process_is_left, processes_of
from tests.core.daemon.waiting import DEADLINE_S, PROBLEM_WORDS


@pytest.fixture
def store(home: Home) -> Generator[Store, None, None]:
    """The store of the home, held as a daemon holds it."""
    home.ensure()
    with writer_lock(home, as_daemon=True):
        opened = Store.open_writer(home)
        yield opened
        opened.close()


@pytest.fixture
def stepped(home: Home) -> Generator[Stepped, None, None]:
    """A daemon whose passes the test steps by hand; no process of its runs may be left at the end."""
    daemon = Stepped(home)
    yield daemon
    daemon.stop()
    left = [] if no_process_is_left(home) else processes_of(home)
    for each in left:
        processes.send(each.process, signal.SIGKILL)
    assert left == []


@pytest.fixture
def no_daemon_left(home: Home) -> Generator[None, None, None]:
    """Kill whatever daemon a test started; one that failed in a way nobody foresaw fails the test."""
    yield
    holder = find_holder(home)
    if holder is not None and holder.pid:
        os.kill(holder.pid, signal.SIGTERM)
        if not wait_until_gone(home, within_s=DEADLINE_S):
            os.kill(holder.pid, signal.SIGKILL)
            wait_until_gone(home, within_s=DEADLINE_S)
    log = Path(log_path(home))
    if log.exists():
        text = log.read_text(encoding="utf-8")
        assert not any(word in text for word in PROBLEM_WORDS), text


@pytest.fixture
def daemon(home: Home, no_daemon_left: None, monkeypatch: pytest.MonkeyPatch) -> int:
    """A daemon of the home, in a process of its own, that deletes no old runs; its process id."""
    monkeypatch.setenv("FLOWCTL_RETAIN_DAYS", "0")
    return start_daemon(home)
