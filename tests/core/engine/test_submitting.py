"""Submitted tasks: the pool and its places, timers, futures; in real threads, with no sleeping in step."""

from __future__ import annotations

import os
import sys
import threading
import time
from threading import Barrier, Event, Lock
from typing import Any

import pytest

import flowctl
from flowctl import ThreadPoolTaskRunner, as_completed, flow, task, wait
from flowctl.core.engine.timers import Timers
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


def test_a_hundred_thousand_pending_tasks_need_no_more_threads_than_workers() -> None:
    before = set(sys._current_frames())
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
        futures = [after.submit(start) for _ in range(20_000)]
        most = len(set(sys._current_frames()) - before)
        gate.set()
        return sum(future.result() for future in futures)

    assert wide() == 20_000
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


def test_tasks_that_a_task_submits_and_forgets_are_finished_before_the_flow_ends(home: Home) -> None:
    gate, done = Event(), []

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

    @flow(on_completion=[lambda *_: report.map(range(20))], task_runner=ONE)
    def with_hook() -> None:
        leaf.submit(1)

    with_hook()
    assert sorted(done) == list(range(20))


def test_a_failed_flow_waits_for_what_it_submitted() -> None:
    gate, done = Event(), []

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

    off = timers.after(0.03, lambda: seen.append("off"))
    timers.after(0.06, lambda: (seen.append("third"), last.set()))
    timers.after(0.02, lambda: seen.append("second"))
    timers.after(0.01, broken)
    timers.after(0, lambda: seen.append("first"))
    off.call_off()

    opened(last)
    assert seen == ["first", "second", "third"]
    assert "broken timer" in capsys.readouterr().err


def test_a_fork_in_a_task_neither_writes_into_the_journal_nor_holds_the_lock(home: Home) -> None:
    @task
    def forks() -> int:
        child = os.fork()
        if child == 0:
            try:
                flowctl.get_run_logger().warning("from the child")
                leaf(1)
                leaf.submit(1).result(DEADLINE_S)
                retried.submit().result(DEADLINE_S)
            finally:
                os._exit(0 if sys.exc_info()[0] is None else 1)
        return os.waitpid(child, 0)[1]

    tries: list[int] = []

    @task(retries=1, retry_delay_seconds=0.01)
    def retried() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError

    @flow
    def forking() -> list[int]:
        leaf.submit(0).wait()
        warm = retried.submit()
        warm.wait()
        tries.clear()
        return [forks.submit().result(), forks()]

    assert forking() == [0, 0]
    run_id = forking_run(home)
    assert "from the child" not in "".join(r.message for r in records_of(home, run_id) if isinstance(r, LogLine))


def test_a_child_that_leaves_a_task_by_exit_does_not_disturb_the_run(home: Home) -> None:
    @task
    def forks() -> int:
        child = os.fork()
        if child == 0:
            raise SystemExit(0)
        return os.waitpid(child, 0)[1]

    @flow
    def forking() -> int:
        return forks()

    # In the child the exit goes up through the whole test run, so it is cut short here.
    pid = os.getpid()
    try:
        value = forking()
    except SystemExit:
        os._exit(0)
    except BaseException:  # noqa: BLE001 - the child must not go on as a second test run
        os._exit(9) if os.getpid() != pid else None
        raise

    assert value == 0


def forking_run(home: Home) -> str:
    """Find the run of the flow among those that children may have made."""
    for name in os.listdir(home.runs):  # noqa: PTH208 - paths of a home are strings
        if any(isinstance(each, TaskRunState) for each in records_of(home, name)):
            return name
    raise AssertionError


def logged(home: Home) -> str:
    records = records_of(home, the_run_of(home))
    return "\n".join(record.message for record in records if isinstance(record, LogLine))


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
