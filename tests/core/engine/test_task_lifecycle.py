"""The life of a task run, carried out by hand: no thread, and the clock stands still."""

from __future__ import annotations

import random
from typing import Any

import pytest

import flowctl
from flowctl.core.authoring.futures import Future
from flowctl.core.authoring.tasks import Task
from flowctl.core.engine.pen import IllegalTransition, advance_task
from flowctl.core.engine.task_lifecycle import task_lifecycle
from flowctl.core.engine.waits import Call, CallHook, Interrupted, Sleep, TimedOut, WaitFor
from flowctl.store.journal import LogLine, TaskRunCreated, TaskRunState
from flowctl.store.states import FINAL, NEXT, StateType, is_allowed
from tests.core.engine.by_hand import NOON_US, Bench, Steps


def double(x: int) -> int:
    return 2 * x


def fail() -> None:
    raise ValueError("no")


def carried_out(bench: Bench, task: Task[..., Any], **arguments: Any) -> Any:
    run = bench.task_run(task, **arguments)
    Steps(task_lifecycle(run)).to_the_end()
    return run


def test_a_task_is_recorded_pending_running_completed_in_this_order() -> None:
    bench = Bench()
    run = bench.task_run(flowctl.task(double), x=4)
    steps = Steps(task_lifecycle(run))

    before = bench.states(run)
    steps.carry_out()

    assert isinstance(bench.records()[1], TaskRunCreated)
    assert before == ["RUNNING/Running"]
    assert bench.states(run) == ["RUNNING/Running", "COMPLETED/Completed"]
    assert steps.wait is None
    assert run.state.data == 8


def test_the_completion_is_on_record_before_anyone_is_told() -> None:
    bench = Bench()
    run = bench.task_run(flowctl.task(double), x=4)
    told: list[list[str]] = []
    Future[int](run).add_done_callback(lambda _: told.append(bench.states(run)))

    Steps(task_lifecycle(run)).to_the_end()

    assert told == [["RUNNING/Running", "COMPLETED/Completed"]]


def test_records_hold_arguments_value_and_result() -> None:
    bench = Bench()

    run = carried_out(bench, flowctl.task(double), x=4)

    running, completed = [record for record in bench.records() if isinstance(record, TaskRunState)]
    assert (running.inputs, running.run_count, running.at) == ("x=4", 1, NOON_US)
    assert running.digest is not None
    assert completed.value == "8"
    assert completed.result is not None
    assert run.state.run is run


def test_a_failure_is_on_record_with_its_error_and_raises_nothing() -> None:
    bench = Bench()

    run = carried_out(bench, flowctl.task(fail))

    (failed,) = [record for record in bench.records() if isinstance(record, TaskRunState) and record.type == "FAILED"]
    assert failed.error is not None
    assert (failed.error["type"], failed.error["text"]) == ("ValueError", "no")
    assert isinstance(run.state.data, ValueError)
    assert "ValueError" in bench.logged()


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


def test_a_function_gives_the_delays_from_the_number_of_retries() -> None:
    assert delays(retries=3, retry_delay_seconds=lambda retries: [retries * 1.5]) == [4.5, 4.5, 4.5]


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

    def wanted(task: Any, run: Any, state: Any) -> bool:
        asked.append(run.run_count)
        assert state.is_failed()
        assert isinstance(state.data, ValueError)
        return True

    run = carried_out(Bench(), flowctl.task(fail, retries=2, retry_condition_fn=wanted))

    assert asked == [1, 2]
    assert run.run_count == 3


def test_a_condition_that_says_no_ends_the_retries() -> None:
    run = carried_out(Bench(), flowctl.task(fail, retries=5, retry_condition_fn=lambda *_: False))

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

    run = carried_out(bench, flowctl.task(lambda: flowctl.Failed(message="not yet"), name="hand", retries=1))

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


def test_hooks_come_in_their_order_before_each_attempt_and_once_at_the_end() -> None:
    bench = Bench()
    seen: list[str] = []

    def noting(word: str) -> Any:
        def hook(task: Any, run: Any, state: Any) -> None:
            seen.append(f"{word} {run.run_count} {state.name}")

        return hook

    task = flowctl.task(
        fail,
        retries=1,
        on_running=[noting("first"), noting("second")],
        on_failure=[noting("failed")],
        on_completion=[noting("completed")],
    )
    carried_out(bench, task)

    assert seen == ["first 1 Running", "second 1 Running", "first 2 Retrying", "second 2 Retrying", "failed 2 Failed"]


@pytest.mark.parametrize("kind", ["on_running", "on_completion"])
def test_a_hook_that_raises_changes_nothing_and_the_next_is_called(kind: str) -> None:
    bench = Bench()
    seen: list[str] = []

    def broken(*_: Any) -> None:
        raise Unspeakable

    run = carried_out(bench, flowctl.task(double, **{kind: [broken, lambda *_: seen.append("next")]}), x=1)

    assert seen == ["next"]
    assert run.state.is_completed()
    assert "broken" in bench.logged()


def test_the_end_is_visible_before_the_hooks_are_called() -> None:
    run = Bench().task_run(flowctl.task(double, on_completion=[lambda *_: None]), x=1)
    steps = Steps(task_lifecycle(run))
    steps.carry_out()

    assert isinstance(steps.wait, CallHook)
    assert run.waiters is None


def test_a_task_waits_for_its_upstreams_first() -> None:
    bench = Bench()
    upstream = bench.task_run(flowctl.task(double), x=3)
    run = bench.task_run(flowctl.task(double), x=Future[int](upstream))
    steps = Steps(task_lifecycle(run))

    assert isinstance(steps.wait, WaitFor)
    assert steps.wait.runs == [upstream]
    assert bench.states(run) == []

    Steps(task_lifecycle(upstream)).to_the_end()
    steps.resume()
    steps.to_the_end()
    assert run.state.data == 12


def test_a_failed_upstream_leaves_the_task_not_ready_for_good() -> None:
    bench = Bench()
    upstream = carried_out(bench, flowctl.task(fail))
    hooks: list[str] = []
    task = flowctl.task(double, retries=3, on_failure=[lambda *_: hooks.append("failure")])

    run = carried_out(bench, task, x=Future[int](upstream))

    assert bench.states(run) == ["PENDING/NotReady"]
    assert (run.run_count, run.waiters, hooks) == (0, None, [])
    with pytest.raises(flowctl.UnfinishedRun):
        run.state.result()


def test_allow_failure_gives_the_exception_itself() -> None:
    bench = Bench()
    upstream = carried_out(bench, flowctl.task(fail))

    run = carried_out(bench, flowctl.task(lambda x: x, name="same"), x=flowctl.allow_failure(Future[int](upstream)))

    assert run.state.data is upstream.state.data


def test_wait_for_orders_without_data_and_blocks_as_data_does() -> None:
    bench = Bench()
    upstream = carried_out(bench, flowctl.task(fail))
    wait_for = [[Future[int](upstream)]]
    run = bench.task_run(flowctl.task(double), wait_for, x=1)

    Steps(task_lifecycle(run, wait_for)).to_the_end()

    assert bench.states(run) == ["PENDING/NotReady"]


def test_arguments_that_cannot_be_resolved_fail_the_task() -> None:
    bench = Bench()
    upstream = carried_out(bench, flowctl.task(lambda: [], name="unhashable"))

    run = carried_out(bench, flowctl.task(lambda x: x, name="same"), x={Future[Any](upstream): 1})

    assert run.state.is_failed()
    assert isinstance(run.state.data, TypeError)
    assert bench.states(run)[-1] == "FAILED/Failed"
    assert run.waiters is None


def test_a_cached_result_skips_the_body_but_not_the_hooks() -> None:
    from flowctl.core.authoring.cache_policies import INPUTS

    bench = Bench()
    calls: list[int] = []
    hooks: list[str] = []

    def body(x: int) -> int:
        calls.append(x)
        return x + 1

    task = flowctl.task(
        body,
        cache_policy=INPUTS,
        on_running=[lambda *_: hooks.append("running")],
        on_completion=[lambda _t, _r, state: hooks.append(state.name)],
    )
    carried_out(bench, task, x=1)
    second = carried_out(bench, task, x=1)

    assert calls == [1]
    assert bench.states(second) == ["RUNNING/Running", "COMPLETED/Cached"]
    assert second.state.data == 2
    assert hooks == ["running", "Completed", "running", "Cached"]


@pytest.mark.parametrize(("options", "durability", "syncs"), [
    ({}, "process", 0),
    ({"persist_result": True}, "process", 1),
    ({}, "power", 1),
])  # fmt: skip
def test_a_completion_is_synced_where_that_is_promised(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], durability: str, syncs: int
) -> None:
    bench = Bench()
    bench.root.durable = durability == "power"
    run = bench.task_run(flowctl.task(double, **options), x=1)
    synced: list[list[str]] = []
    settled: list[int] = []
    monkeypatch.setattr(bench.root.journal, "sync", lambda: synced.append(bench.states(run)))
    Future[int](run).add_done_callback(lambda _: settled.append(len(synced)))

    Steps(task_lifecycle(run)).to_the_end()

    assert len(synced) == syncs
    assert all(states[-1] == "COMPLETED/Completed" for states in synced)
    assert settled == [syncs], "whoever waited was told before the disk had it"


def test_an_interruption_ends_the_task_cancelled_and_is_not_retried() -> None:
    bench = Bench()
    run = bench.task_run(flowctl.task(double, retries=3), x=1)
    steps = Steps(task_lifecycle(run))
    bench.root.cancelled = Interrupted()

    steps.throw(bench.root.cancelled)

    assert bench.states(run) == ["RUNNING/Running", "CANCELLED/Cancelled"]
    assert steps.wait is None


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_a_base_exception_crashes_the_task_and_is_not_retried(error: BaseException) -> None:
    bench = Bench()
    run = bench.task_run(flowctl.task(double, retries=3), x=1)
    steps = Steps(task_lifecycle(run))

    steps.throw(error)

    assert bench.states(run) == ["RUNNING/Running", "CRASHED/Crashed"]
    assert run.run_count == 1


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


def test_an_interruption_while_waiting_for_an_upstream_ends_the_task() -> None:
    bench = Bench()
    run = bench.task_run(flowctl.task(double), x=Future[int](bench.task_run(flowctl.task(double), x=3)))
    steps = Steps(task_lifecycle(run))
    assert isinstance(steps.wait, WaitFor)

    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt())

    assert bench.states(run) == ["CRASHED/Crashed"]


def test_an_interruption_in_a_running_hook_ends_the_task() -> None:
    bench = Bench()
    run = bench.task_run(flowctl.task(double, on_running=[lambda *_: None]), x=1)
    steps = Steps(task_lifecycle(run))
    assert isinstance(steps.wait, CallHook)
    bench.root.cancelled = Interrupted()

    with pytest.raises(Interrupted):
        steps.throw(bench.root.cancelled)

    assert bench.states(run)[-1] == "CANCELLED/Cancelled"


def test_a_task_of_a_cancelled_run_does_not_start() -> None:
    bench = Bench()
    bench.root.cancelled = Interrupted()

    run = carried_out(bench, flowctl.task(double), x=1)

    assert bench.states(run) == ["CANCELLED/Cancelled"]
    assert run.run_count == 0


def test_a_bad_template_fails_the_task_without_calling_its_body() -> None:
    bench = Bench()
    calls: list[int] = []

    run = carried_out(bench, flowctl.task(calls.append, name="note", task_run_name="{no_such}", retries=3), object=1)

    assert calls == []
    assert bench.states(run) == ["RUNNING/Running", "FAILED/Failed"]


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
        import _thread

        run.thread = _thread.get_ident()
        steps.carry_out()

    made = [each for each in bench.records() if isinstance(each, TaskRunCreated) and each.parent_task == run.number]
    assert [each.position for each in made] == [0, 1, 0, 1]


@pytest.mark.parametrize("before", StateType)
@pytest.mark.parametrize("after", StateType)
def test_the_pen_writes_exactly_what_the_table_allows(before: StateType, after: StateType) -> None:
    bench = Bench()
    run = bench.task_run(flowctl.task(double), x=1)
    run.state = flowctl.State(before)
    allowed = before not in FINAL and after in NEXT[before]
    written = len(bench.records())

    if allowed:
        advance_task(run, flowctl.State(after))
    else:
        with pytest.raises(IllegalTransition, match="cannot go from"):
            advance_task(run, flowctl.State(after))

    assert is_allowed(before, after) is allowed
    assert len(bench.records()) == written + allowed
    assert (run.state.type is after) is (allowed or before is after)


def test_only_a_new_attempt_leaves_a_final_state() -> None:
    for before in FINAL:
        for after in StateType:
            allowed = after in (StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING)
            assert is_allowed(before, after, new_attempt=True) is allowed
            assert not is_allowed(before, after)


def test_a_log_line_of_any_length_is_cut_and_says_so() -> None:
    bench = Bench()
    run = bench.task_run(flowctl.task(double), x=1)
    from flowctl.core.engine.pen import write_log

    write_log(run, 20, "x", "é" * 10_000_000)

    (line,) = [record for record in bench.records() if isinstance(record, LogLine)]
    assert len(line.message) < 70_000
    assert "10,000,000" in line.message
