"""Futures: callbacks, waiting from several threads, timeouts; and timers."""

from __future__ import annotations

import threading
from threading import Barrier, Event
from typing import Any

import pytest

import flowctl
from flowctl import ThreadPoolTaskRunner, as_completed, flow, task, wait
from flowctl.core.engine.timers import Timers
from flowctl.store.home import Home
from flowctl.store.journal import TaskRunState
from tests.core.engine.by_hand import records_of, the_run_of
from tests.core.engine.pool_samples import (
    DEADLINE_S,
    ONE,
    branch,
    leaf,
    logged,
    opened,
)


def test_an_exception_in_a_callback_is_logged_and_keeps_nothing_from_going_on() -> None:
    gate = Event()
    called: list[str] = []

    def broken(_: Any) -> None:
        raise ValueError("broken callback")

    @task
    def held() -> int:
        opened(gate)
        return 1

    @flow(task_runner=ONE)
    def callbacks() -> int:
        future = held.submit()
        future.add_done_callback(broken)
        dependent = leaf.submit(future)
        future.add_done_callback(lambda each: called.append(each.state.name))
        gate.set()
        value = dependent.result()
        future.add_done_callback(broken)
        return value

    assert callbacks() == 2
    assert called == ["Completed"]
    assert logged(Home.default()).count("broken callback") >= 2


def test_many_threads_may_wait_for_one_future() -> None:
    gate = Event()
    seen: list[int] = []

    @task
    def held() -> int:
        opened(gate)
        return 7

    @flow
    def waited_for() -> None:
        future = held.submit()
        ready = Barrier(9)

        def waits() -> None:
            ready.wait(DEADLINE_S)
            seen.append(future.result(DEADLINE_S))

        threads = [threading.Thread(target=waits) for _ in range(8)]
        for thread in threads:
            thread.start()
        ready.wait(DEADLINE_S)
        gate.set()
        for thread in threads:
            thread.join(DEADLINE_S)

    waited_for()
    assert seen == [7] * 8


def test_a_timeout_of_result_leaves_the_run_going() -> None:
    gate = Event()

    @task
    def held() -> int:
        opened(gate)
        return 3

    @flow
    def impatient() -> int:
        future = held.submit()
        with pytest.raises(TimeoutError):
            future.result(timeout=0.01)
        with pytest.raises(TimeoutError, match="1 of 1"):
            next(as_completed([future], timeout=0.01))
        assert wait([future], timeout=0.01).not_done == {future}
        gate.set()
        return future.result()

    assert impatient() == 3


def test_submit_and_map_work_outside_a_flow_and_are_on_record(home: Home) -> None:
    future = leaf.submit(1)

    assert future.result(DEADLINE_S) == 2
    assert leaf.map([1, 2, 3]).result(DEADLINE_S) == [2, 3, 4]
    assert branch.submit(leaf.submit(1)).result(DEADLINE_S) == 6
    ended = [each for each in records_of(home, the_run_of(home)) if isinstance(each, TaskRunState) and each.result]
    assert [each.type for each in ended].count("COMPLETED") == 7


def test_upstreams_that_end_at_once_from_many_threads_start_each_dependent_once() -> None:
    started: list[int] = []

    @task
    def join(values: list[int]) -> int:
        started.append(1)
        return len(values)

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=8))
    def diamonds() -> list[int]:
        return [join.submit([leaf.submit(x) for x in range(8)]).result() for _ in range(100)]

    assert diamonds() == [8] * 100
    assert len(started) == 100


def test_timers_call_in_the_order_of_their_times_and_a_broken_one_stops_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    timers, seen, last = Timers(), list[str](), Event()

    def broken() -> None:
        raise ValueError("broken timer")

    def third() -> None:
        seen.append("third")
        last.set()

    off = timers.after(0.03, lambda: seen.append("off"))
    timers.after(0.06, third)
    timers.after(0.02, lambda: seen.append("second"))
    timers.after(0.01, broken)
    timers.after(0, lambda: seen.append("first"))
    off.call_off()

    opened(last)
    assert seen == ["first", "second", "third"]
    assert "broken timer" in capsys.readouterr().err


def test_a_thread_of_the_users_may_log_after_the_flow_ended(home: Home) -> None:
    ended, said = Event(), Event()

    @flow
    def leaves_a_thread() -> None:
        logger = flowctl.get_run_logger()

        def talks() -> None:
            opened(ended)
            logger.warning("too late")
            said.set()

        threading.Thread(target=talks, daemon=True).start()

    leaves_a_thread()
    count = len(records_of(home, the_run_of(home)))
    ended.set()
    opened(said)

    assert len(records_of(home, the_run_of(home))) == count
