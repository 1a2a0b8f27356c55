"""A daemon that is killed at random moments: what it accepted is kept, and what is asked again is not done twice."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Generator

import pytest

from flowctl.core.daemon.client import Client, DaemonSilent, NoDaemon, start_daemon, wait_until_gone
from flowctl.core.daemon.instance import find_holder
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.sqlite import open_reader
from tests.core.daemon.waiting import DEADLINE_S

#: `FAULT_ROUNDS=100 pytest tests/faults/test_accepted_requests.py` for a night.
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "5"))


@pytest.fixture(autouse=True)
def _no_daemon_left(home: Home) -> Generator[None, None, None]:
    yield
    holder = find_holder(home)
    if holder is not None:
        os.kill(holder.pid, signal.SIGKILL)
        assert wait_until_gone(home, within_s=DEADLINE_S)


def ask_until_answered(home: Home, request_id: str, fields: dict[str, object]) -> None:
    """Ask under one id until there is an answer, whichever daemon gives it."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            with Client.connect(home, start=False) as client:
                client.ask_as(request_id, "limit_set", fields)
                return
        except (DaemonSilent, NoDaemon, OSError):
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.timeout(60 + 5 * ROUNDS)
def test_every_answered_request_outlives_the_daemon_and_none_is_done_twice(home: Home) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    answered: list[str] = []
    is_over = threading.Event()

    def ask(worker: int) -> None:
        number = 0
        while not is_over.is_set():
            name = f"{worker}-{number}"
            ask_until_answered(home, name, {"name": name, "slots": number})
            answered.append(name)
            number += 1

    start_daemon(home)
    askers = [threading.Thread(target=ask, args=(worker,)) for worker in range(4)]
    for asker in askers:
        asker.start()
    for _ in range(ROUNDS):
        time.sleep(chance.uniform(0.0, 0.3))
        holder = find_holder(home)
        assert holder is not None
        os.kill(holder.pid, signal.SIGKILL)
        assert wait_until_gone(home, within_s=DEADLINE_S)
        start_daemon(home)
    is_over.set()
    for asker in askers:
        asker.join(DEADLINE_S)
        assert not asker.is_alive()

    assert len(answered) > 10 * ROUNDS
    with Reader.open(home) as reader:
        limits = reader.limits()
    assert set(limits) == set(answered)
    connection = open_reader(home.database)
    kinds = connection.execute("SELECT kind, outcome, count(*) FROM request GROUP BY 1, 2").fetchall()
    sound = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    assert kinds == [("limit_set", "ok", len(answered))]
    assert sound == [("ok",)]
