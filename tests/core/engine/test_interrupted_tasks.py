"""What interrupts a task run, and which steps from state to state are allowed."""

from __future__ import annotations

from typing import Any

import pytest

import flowctl
from flowctl.core.authoring.futures import Future
from flowctl.core.engine.pen import IllegalTransition, advance_task, write_log
from flowctl.core.engine.task_lifecycle import task_lifecycle
from flowctl.core.engine.waits import CallHook, Interrupted, WaitFor
from flowctl.store.journal import LogLine
from flowctl.store.states import FINAL, NEXT, StateType, is_allowed
from tests.core.engine.by_hand import Bench, Steps
from tests.core.engine.task_samples import carried_out, double, saying


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
    run = bench.task_run(flowctl.task(double, on_running=[saying([])]), x=1)
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


@pytest.mark.parametrize("before", StateType)
@pytest.mark.parametrize("after", StateType)
def test_the_pen_writes_exactly_what_the_table_allows(before: StateType, after: StateType) -> None:
    bench = Bench()
    run = bench.task_run(flowctl.task(double), x=1)
    start: flowctl.State[Any] = flowctl.State(before)
    run.state = start
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
    write_log(run, 20, "x", "é" * 10_000_000)

    (line,) = [record for record in bench.records() if isinstance(record, LogLine)]
    assert len(line.message) < 70_000
    assert "10,000,000" in line.message
