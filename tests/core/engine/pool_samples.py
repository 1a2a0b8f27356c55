"""Tasks that wait for one another, and a gauge of how many run at once."""

from __future__ import annotations

import os
import sys
from threading import Event, Lock

from flowctl import ThreadPoolTaskRunner, task
from flowctl.store.home import Home
from flowctl.store.journal import LogLine, TaskRunState
from tests.core.engine.by_hand import records_of, the_run_of

DEADLINE_S = 30


ONE = ThreadPoolTaskRunner(max_workers=1)


class Gauge:
    """Counts who is inside, and how many were at most."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.inside = 0
        self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.inside -= 1


def live_threads() -> set[int]:
    """Give the threads of this process, those that threading does not know among them."""
    return set(sys._current_frames())  # pyright: ignore[reportPrivateUsage] - there is no other way


def opened(event: Event) -> None:
    assert event.wait(DEADLINE_S), "nobody opened it"


@task
def leaf(x: int) -> int:
    return x + 1


@task
def branch(x: int) -> int:
    return leaf.submit(x).result() * 2


@task
def trunk(x: int) -> int:
    return branch.submit(x).result() + branch.submit(x + 1).result()


def forking_run(home: Home) -> str:
    """Find the run of the flow among those that children may have made."""
    for name in os.listdir(home.runs):  # noqa: PTH208 - paths of a home are strings
        if any(isinstance(each, TaskRunState) for each in records_of(home, name)):
            return name
    raise AssertionError


def logged(home: Home) -> str:
    records = records_of(home, the_run_of(home))
    return "\n".join(record.message for record in records if isinstance(record, LogLine))
