"""When a failed task run gets another attempt, and after which delay; the clock stands still."""

from __future__ import annotations

import random
from _thread import get_ident
from typing import Any

import pytest

import flowctl
from flowctl.core.engine.task_lifecycle import task_lifecycle
from flowctl.core.engine.waits import Call, Interrupted, Sleep, TimedOut
from flowctl.store.journal import TaskRunCreated, TaskRunState
from flowctl.store.states import StateType
from flowctl.store.terms import Terms, read_terms
from tests.core.engine.by_hand import NOON_US, Bench, Steps
from tests.core.engine.task_samples import carried_out, double, fail, fail_by_hand, refuse


def test_what_a_task_is_granted_is_on_record_and_nothing_where_it_asked_for_nothing() -> None:
    bench = Bench()
    granted = flowctl.task(
        fail,
        retries=2,
        retry_delay_seconds=flowctl.exponential_backoff(2),
        retry_jitter_factor=0.5,
        retry_condition_fn=refuse,
        timeout_seconds=30,
        cache_policy=flowctl.cache_policies.INPUTS,
    )

    bench.task_run(granted)
    bench.task_run(flowctl.task(double), x=1)

    first, second = [each.terms for each in bench.records() if isinstance(each, TaskRunCreated)]
    assert first is not None
    terms = read_terms(first)
    assert terms == Terms(
        retries=2,
        delays=(2, 4),
        jitter=0.5,
        condition="refuse",
        timeout_s=30,
        cache=repr(flowctl.cache_policies.INPUTS),
    )
    assert terms is not None
    assert (terms.tries, terms.delay_s(1), terms.delay_s(9)) == (3, 2, 4)
    assert second is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"retries": "x"}', '{"delays": 3}', "9" * 5000])
def test_terms_that_are_damaged_are_none(text: str) -> None:
    assert read_terms(text) is None


def test_retries_without_delay_go_straight_to_retrying() -> None:
    bench = Bench()

    run = carried_out(bench, flowctl.task(fail, retries=2))

    assert bench.states(run) == ["RUNNING/Running", "RUNNING/Retrying", "RUNNING/Retrying", "FAILED/Failed"]
    assert run.run_count == 3


def test_a_delay_is_a_wait_of_its_own_with_the_due_time_on_record() -> None:
    bench = Bench()
    run = bench.task_run(flowctl.task(fail, retries=1, retry_delay_seconds=0.25))
    steps = Steps(task_lifecycle(run))

    steps.carry_out()
    wait = steps.wait

    assert isinstance(wait, Sleep)
    assert wait.seconds == 0.25
    (waiting,) = [each for each in bench.records() if isinstance(each, TaskRunState) and each.name == "AwaitingRetry"]
    assert waiting.due == NOON_US + 250_000
    assert waiting.error is not None
    assert run.state.state_details.scheduled_time is not None

    bench.clock.forward(0.25)
    steps.resume()
    assert isinstance(steps.wait, Call)
    assert bench.states(run)[-1] == "RUNNING/Retrying"


def test_a_list_of_delays_repeats_its_last() -> None:
    assert delays(retries=4, retry_delay_seconds=[0.5, 2]) == [0.5, 2, 2, 2]


def half_more(retries: int) -> list[float]:
    return [retries * 1.5]


def test_a_function_gives_the_delays_from_the_number_of_retries() -> None:
    assert delays(retries=3, retry_delay_seconds=half_more) == [4.5, 4.5, 4.5]


def test_exponential_backoff_doubles() -> None:
    assert delays(retries=4, retry_delay_seconds=flowctl.exponential_backoff(0.1)) == [0.1, 0.2, 0.4, 0.8]


def test_zero_in_a_list_of_delays_is_no_wait() -> None:
    assert delays(retries=2, retry_delay_seconds=[0, 1]) == [1]


def test_jitter_draws_each_delay_within_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", uniform)

    waited = delays(retries=2, retry_delay_seconds=[10, 1], retry_jitter_factor=0.5)

    assert asked == [(5, 15), (0.5, 1.5)]
    assert waited == [15, 1.5]


def test_large_jitter_never_makes_a_negative_delay() -> None:
    for _ in range(200):
        assert all(0 <= each <= 4 for each in delays(retries=3, retry_delay_seconds=1, retry_jitter_factor=3))


def delays(**options: Any) -> list[float]:
    """Let a task fail until its retries are exhausted; list the seconds that it waited for."""
    bench = Bench()
    steps = Steps(task_lifecycle(bench.task_run(flowctl.task(fail, **options))))
    waited: list[float] = []
    while steps.wait is not None:
        if isinstance(steps.wait, Sleep):
            waited.append(steps.wait.seconds)
            steps.resume()
        else:
            steps.carry_out()
    bench.root.close()
    return waited


def test_the_condition_is_asked_only_while_retries_are_left() -> None:
    asked: list[int] = []

    def wanted(_task: Any, run: Any, state: Any) -> bool:
        asked.append(run.run_count)
        assert state.is_failed()
        assert isinstance(state.data, ValueError)
        return True

    run = carried_out(Bench(), flowctl.task(fail, retries=2, retry_condition_fn=wanted))

    assert asked == [1, 2]
    assert run.run_count == 3


def test_a_condition_that_says_no_ends_the_retries() -> None:
    run = carried_out(Bench(), flowctl.task(fail, retries=5, retry_condition_fn=refuse))

    assert (run.run_count, run.state.type) == (1, StateType.FAILED)


class Unspeakable(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_a_condition_that_raises_counts_as_no() -> None:
    def broken(*_: Any) -> bool:
        raise Unspeakable

    bench = Bench()
    run = carried_out(bench, flowctl.task(fail, retries=5, retry_condition_fn=broken))

    assert (run.run_count, run.state.type) == (1, StateType.FAILED)
    assert isinstance(run.state.data, ValueError)
    assert "condition raised" in bench.logged()


def test_a_returned_failed_state_uses_retries_as_an_exception_does() -> None:
    bench = Bench()

    run = carried_out(bench, flowctl.task(fail_by_hand, retries=1))

    assert bench.states(run) == ["RUNNING/Running", "RUNNING/Retrying", "FAILED/Failed"]


def test_an_attempt_past_its_time_is_retried_and_then_timed_out() -> None:
    bench = Bench()
    run = bench.task_run(flowctl.task(double, timeout_seconds=3, retries=1), x=1)
    steps = Steps(task_lifecycle(run))
    assert isinstance(steps.wait, Call)
    limit = steps.wait.timeout_s

    steps.throw(TimedOut())
    steps.throw(TimedOut())

    assert limit == 3
    assert bench.states(run) == ["RUNNING/Running", "RUNNING/Retrying", "FAILED/TimedOut"]
    with pytest.raises(flowctl.TaskRunTimeoutError, match="3"):
        run.state.result()


def test_an_interruption_during_a_retry_delay_ends_the_task_and_goes_on_to_the_caller() -> None:
    bench = Bench()
    run = bench.task_run(flowctl.task(fail, retries=3, retry_delay_seconds=60))
    steps = Steps(task_lifecycle(run))
    steps.carry_out()
    assert isinstance(steps.wait, Sleep)
    bench.root.cancelled = Interrupted()

    with pytest.raises(Interrupted):
        steps.throw(bench.root.cancelled)

    assert bench.states(run) == ["RUNNING/Running", "SCHEDULED/AwaitingRetry", "CANCELLED/Cancelled"]
    assert run.waiters is None


def test_nested_calls_of_a_second_attempt_count_from_the_first_again() -> None:
    bench = Bench()
    inner = flowctl.task(double)

    def body() -> None:
        inner(1)
        inner(2)
        raise ValueError

    run = bench.task_run(flowctl.task(body, retries=1))
    run.thread = None
    steps = Steps(task_lifecycle(run))
    while isinstance(steps.wait, Call):
        run.thread = get_ident()
        steps.carry_out()

    made = [each for each in bench.records() if isinstance(each, TaskRunCreated) and each.parent_task == run.number]
    assert [each.position for each in made] == [0, 1, 0, 1]
