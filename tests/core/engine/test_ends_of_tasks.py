"""Submitted tasks that end late, badly or never: nothing waits for an orphan, nothing submitted is dropped."""

from __future__ import annotations

import time
from threading import Event
from typing import Any

import pytest

from flowctl import ThreadPoolTaskRunner, flow, task, wait
from flowctl.store.home import Home
from flowctl.store.journal import TaskRunState
from tests.core.engine.by_hand import records_of, the_run_of
from tests.core.engine.pool_samples import (
    DEADLINE_S,
    ONE,
    Gauge,
    leaf,
    logged,
    opened,
)


def test_an_orphan_that_waits_does_not_let_more_than_max_workers_run() -> None:
    gauge, late, gone_on = Gauge(), Event(), Event()

    @task
    def blocker() -> None:
        opened(late)

    @task(timeout_seconds=0.05)
    def orphan() -> None:
        try:
            blocker.submit().result()
        finally:
            gone_on.set()

    @task
    def counted() -> None:
        with gauge:
            for _ in range(50):
                time.sleep(0)

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def many() -> None:
        orphans = [orphan.submit()]
        wait(orphans)
        futures = [counted.submit() for _ in range(60)]
        late.set()
        opened(gone_on)
        wait(futures)

    many()
    assert gauge.most <= 2


def test_an_orphan_past_its_deadline_does_not_hold_up_the_flow() -> None:
    never = Event()

    @task(timeout_seconds=0.05)
    def stuck() -> None:
        opened(never)

    @flow(task_runner=ONE)
    def goes_on() -> tuple[str, int]:
        future = stuck.submit()
        future.wait()
        return future.state.name, leaf.submit(1).result()

    try:
        assert goes_on() == ("TimedOut", 2)
    finally:
        never.set()
    assert "orphan thread" in logged(Home.default())


def test_a_deadline_is_kept_although_others_queue() -> None:
    never, gate = Event(), Event()

    @task(timeout_seconds=0.05)
    def stuck() -> None:
        opened(never)

    @task
    def queued() -> None:
        opened(gate)

    @flow(task_runner=ONE)
    def crowded() -> str:
        future = stuck.submit()
        rest = [queued.submit() for _ in range(5)]
        future.wait(DEADLINE_S)
        before = [each.state.name for each in rest]
        gate.set()
        assert "Completed" not in before
        return future.state.name

    try:
        assert crowded() == "TimedOut"
    finally:
        never.set()
        gate.set()


def test_an_orphan_task_is_retried_while_the_first_attempt_still_runs() -> None:
    never = Event()
    tries: list[int] = []

    @task(timeout_seconds=0.05, retries=1)
    def stuck_once() -> str:
        tries.append(1)
        if len(tries) == 1:
            opened(never)
            return "late"
        return "second"

    @flow(task_runner=ONE)
    def retried() -> str:
        return stuck_once.submit().result()

    try:
        assert retried() == "second"
    finally:
        never.set()


def test_a_retry_delay_holds_no_worker() -> None:
    order: list[str] = []
    other_ran = Event()

    @task(retries=1, retry_delay_seconds=0.05)
    def flaky() -> None:
        order.append("flaky")
        if order.count("flaky") == 1:
            raise ValueError
        opened(other_ran)

    @task
    def other() -> None:
        order.append("other")
        other_ran.set()

    @flow(task_runner=ONE)
    def both() -> None:
        wait([flaky.submit(), other.submit()])

    both()
    assert order == ["flaky", "other", "flaky"]


def test_tasks_that_a_task_submits_and_forgets_are_finished_before_the_flow_ends(home: Home) -> None:
    gate, done = Event(), list[int]()

    @task
    def forgotten(x: int) -> None:
        opened(gate)
        done.append(x)

    @task
    def forgets() -> None:
        forgotten.map(range(5))
        gate.set()

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def leaves() -> None:
        forgets.submit()

    leaves()
    assert sorted(done) == [0, 1, 2, 3, 4]
    completed = [
        each
        for each in records_of(home, the_run_of(home))
        if isinstance(each, TaskRunState) and each.type == "COMPLETED"
    ]
    assert len(completed) == 6


def test_tasks_that_hooks_submit_are_finished_before_the_flow_ends() -> None:
    done: list[int] = []

    @task
    def report(x: int) -> None:
        done.append(x)

    def submits(*_: Any) -> None:
        report.map(range(20))

    @flow(on_completion=[submits], task_runner=ONE)
    def with_hook() -> None:
        leaf.submit(1)

    with_hook()
    assert sorted(done) == list(range(20))


def test_a_failed_flow_waits_for_what_it_submitted() -> None:
    gate, done = Event(), list[int]()

    @task
    def slow() -> None:
        opened(gate)
        done.append(1)

    @flow
    def fails() -> None:
        slow.submit()
        gate.set()
        raise ValueError("body")

    with pytest.raises(ValueError, match="body"):
        fails()
    assert done == [1]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_a_worker_survives_a_base_exception_of_its_task(error: BaseException) -> None:
    @task
    def leaves() -> None:
        raise error

    @flow(task_runner=ONE)
    def goes_on() -> tuple[str, int]:
        future = leaves.submit()
        future.wait()
        return future.state.name, leaf.submit(1).result()

    assert goes_on() == ("Crashed", 2)


def test_a_base_exception_in_a_hook_costs_no_worker() -> None:
    def exits(*_: Any) -> None:
        raise SystemExit(3)

    @task(on_completion=[exits])
    def hooked() -> int:
        return 1

    @flow(task_runner=ONE)
    def goes_on() -> int:
        return hooked.submit().result() + leaf.submit(1).result()

    assert goes_on() == 3
