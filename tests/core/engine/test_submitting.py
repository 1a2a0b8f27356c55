"""Submitted tasks: the pool and its places, long chains and wide fans; in real threads."""

from __future__ import annotations

from threading import Event

import pytest

from flowctl import ThreadPoolTaskRunner, as_completed, flow, task, wait
from tests.core.engine.pool_samples import (
    DEADLINE_S,
    ONE,
    Gauge,
    leaf,
    live_threads,
    opened,
    trunk,
)


@pytest.mark.timeout(DEADLINE_S)
def test_tasks_submitted_three_deep_do_not_deadlock_a_single_worker() -> None:
    @flow(task_runner=ONE)
    def nested() -> int:
        return trunk.submit(1).result()

    assert nested() == 10


@pytest.mark.timeout(DEADLINE_S)
def test_as_completed_wait_and_map_inside_a_task_lend_the_single_worker() -> None:
    @task
    def gathers() -> list[int]:
        futures = leaf.map(range(5))
        first = sorted(future.result() for future in as_completed(futures))
        done, not_done = wait(leaf.map(range(3)))
        return [*first, len(done), len(not_done), *leaf.map(futures[:2]).result()]

    @flow(task_runner=ONE)
    def nested() -> list[int]:
        return gathers.submit().result()

    assert nested() == [1, 2, 3, 4, 5, 3, 0, 2, 3]


@pytest.mark.timeout(DEADLINE_S)
def test_a_direct_call_with_a_timeout_inside_a_task_lends_the_single_worker() -> None:
    @task(timeout_seconds=20)
    def beside() -> int:
        return leaf.submit(1).result()

    @task
    def outer() -> int:
        return beside()

    @flow(task_runner=ONE)
    def nested() -> int:
        return outer.submit().result()

    assert nested() == 2


def test_lent_places_let_no_more_than_max_workers_run() -> None:
    gauge = Gauge()

    @task
    def inner() -> int:
        with gauge:
            return sum(range(2000))

    @task
    def outer() -> int:
        with gauge:
            first = inner.submit()
        value = first.result()
        others = len([each.result() for each in as_completed([inner.submit() for _ in range(3)])])
        with gauge:
            return value + others + sum(range(2000))

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=3))
    def many() -> int:
        return len([outer.submit() for _ in range(60)])

    assert many() == 60
    assert 1 <= gauge.most <= 3


def test_a_hundred_thousand_pending_tasks_need_no_more_threads_than_workers() -> None:
    before = live_threads()
    gate = Event()
    most = 0

    @task
    def first() -> int:
        opened(gate)
        return 1

    @task
    def after(x: int) -> int:
        return x

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
    def wide() -> int:
        nonlocal most
        start = first.submit()
        futures = [after.submit(start) for _ in range(100_000)]
        most = len(live_threads() - before)
        gate.set()
        return sum(future.result() for future in futures)

    assert wide() == 100_000
    assert most <= 4 + 2, "one more syncs the journal"  # and one more may be the timers'


def test_a_chain_of_ten_thousand_does_not_recurse() -> None:
    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def chain() -> int:
        future = leaf.submit(0)
        for _ in range(9_999):
            future = leaf.submit(future)
        return future.result()

    assert chain() == 10_000


def test_a_failure_at_the_head_of_a_long_chain_leaves_the_rest_not_ready() -> None:
    gate = Event()

    @task
    def head() -> int:
        opened(gate)
        raise ValueError("no")

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def chain() -> str:
        future = head.submit()
        for _ in range(3_000):
            future = leaf.submit(future)
        gate.set()
        future.wait()
        return future.state.name

    assert chain() == "NotReady"


def test_ten_thousand_upstreams_of_one_task() -> None:
    @task
    def total(values: list[int]) -> int:
        return sum(values)

    @flow
    def fan_in() -> int:
        return total.submit(leaf.map(range(10_000))).result()

    assert fan_in() == sum(range(1, 10_001))
