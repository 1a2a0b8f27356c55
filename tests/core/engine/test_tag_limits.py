"""Limits on tags: how many task runs with a tag run at once, in one process and in several, and who is lent a slot."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from flowctl import flow, task
from flowctl.core.engine.slots import free_slots, take_slot
from flowctl.store.home import Home
from flowctl.testing import set_tag_limit, task_runs
from tests.conftest import Project


class Crowd:
    """Counts how many are in it, and how many ever were at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        # Long enough for another one to come in, if it may.
        time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._now -= 1


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_task_runs_with_a_tag_go_on_than_its_limit_says(home: Home, limit: int) -> None:
    limited, free = Crowd(), Crowd()

    @task(tags=["db", "other"])
    def counted(n: int) -> int:
        with limited:
            return n

    @task
    def untagged(n: int) -> int:
        with free:
            return n

    @flow
    def crowded() -> list[int]:
        others = untagged.map(range(20))
        found = counted.map(range(20)).result()
        others.result()
        return found

    set_tag_limit("db", limit)
    state = crowded(return_state=True)

    assert state.result() == list(range(20))
    assert limited.most == limit
    assert free.most > 3
    assert free_slots(home.path, "tag:db", limit) == limit
    run_id = state.state_details.flow_run_id
    assert run_id is not None
    assert {run["state"] for run in task_runs(run_id)} == {"COMPLETED/Completed"}


def test_whoever_waits_takes_no_thread_of_the_pool(home: Home) -> None:
    from flowctl import ThreadPoolTaskRunner

    @task(tags=["db"])
    def limited(n: int) -> int:
        return n

    @task
    def other() -> str:
        return "done"

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def crowded(held: int) -> tuple[str, list[int]]:
        waiting = limited.map(range(5))
        said = other.submit().result(timeout=20)
        os.close(held)
        return said, waiting.result()

    set_tag_limit("db", 1)
    held = take_slot(home.path, "tag:db", 1)
    assert held is not None

    assert crowded(held) == ("done", [0, 1, 2, 3, 4])


def test_asynchronous_tasks_are_limited_too(home: Home) -> None:
    now, most = 0, 0

    @task(tags=["db"])
    async def counted(n: int) -> int:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return n

    @flow
    async def crowded() -> list[int]:
        return await asyncio.gather(*(counted(n) for n in range(6)))

    set_tag_limit("db", 2)

    assert asyncio.run(crowded()) == list(range(6))
    assert most == 2


def test_a_slot_is_given_back_between_tries_and_taken_anew(home: Home) -> None:
    crowd, tries = Crowd(), list[int]()

    @task(tags=["db"], retries=2, retry_delay_seconds=0.02)
    def fails_twice(n: int) -> int:
        with crowd:
            tries.append(n)
            if tries.count(n) < 3:
                raise ValueError("again")
            return n

    @flow
    def crowded() -> list[int]:
        return fails_twice.map(range(3)).result()

    set_tag_limit("db", 1)

    assert crowded() == [0, 1, 2]
    assert crowd.most == 1
    assert len(tries) == 9


def test_a_task_is_lent_the_slot_of_the_task_that_called_it_and_only_one_at_a_time(home: Home) -> None:
    crowd = Crowd()

    @task(tags=["db"])
    def inner(n: int) -> int:
        with crowd:
            return n

    @task(tags=["db"])
    def outer() -> list[int]:
        return [inner(0), *inner.map(range(1, 4)).result()]

    @flow
    def nested() -> list[int]:
        return outer()

    set_tag_limit("db", 1)

    assert nested() == [0, 1, 2, 3]
    assert crowd.most == 1
    assert free_slots(home.path, "tag:db", 1) == 1


_PROCESS = """
import time
from flowctl import flow, task
@task(tags=["db"])
def counted(n):
    began = time.monotonic()
    time.sleep(0.03)
    with open("spans", "a") as file:
        file.write(f"{began} {time.monotonic()}\\n")
@flow
def crowded():
    counted.map(range(4)).wait()
crowded()
"""


def test_processes_share_a_limit_and_the_slot_of_a_killed_one_is_free(home: Home, project: Project) -> None:
    project.write("crowd.py", _PROCESS)
    set_tag_limit("db", 1)
    killed = subprocess.Popen([sys.executable, "crowd.py"], cwd=project.path)
    spans = project.path / "spans"
    deadline = time.monotonic() + 20
    while not spans.exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    killed.kill()
    killed.wait()
    spans.unlink()

    both = [subprocess.Popen([sys.executable, "crowd.py"], cwd=project.path) for _ in range(2)]
    assert [process.wait(30) for process in both] == [0, 0]

    times = sorted(tuple(map(float, line.split())) for line in spans.read_text().splitlines())
    assert len(times) == 8
    assert all(end <= begin for (_, end), (begin, _) in pairwise(times))


def test_a_limit_that_is_lifted_lets_those_go_on_that_wait(home: Home) -> None:
    @task(tags=["db"])
    def limited() -> str:
        return "done"

    @flow
    def waits() -> str:
        waiting = limited.submit()
        set_tag_limit("db", 1)
        return waiting.result(timeout=20)

    set_tag_limit("db", 0)

    assert waits() == "done"


def test_a_run_that_is_cancelled_while_its_task_waits_comes_to_its_end(home: Home, project: Project) -> None:
    file = project.write("crowd.py", _PROCESS)
    set_tag_limit("db", 0)
    process = subprocess.Popen([sys.executable, str(file)], cwd=project.path, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while b"AwaitingConcurrencySlot" not in b"".join(path.read_bytes() for path in Path(home.runs).glob("*/journal.1")):
        assert time.monotonic() < deadline
        time.sleep(0.005)

    process.send_signal(2)
    process.communicate(timeout=20)

    assert process.returncode != 0
    assert json.loads(Path(home.path, "limits", "limits.json").read_text()) == {"tag:db": 0}
