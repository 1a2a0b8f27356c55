"""The life of a task run, carried out by hand: no thread, and the clock stands still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import flowctl
from flowctl.core.authoring.cache_policies import INPUTS
from flowctl.core.authoring.futures import Future
from flowctl.core.authoring.tasks import Task
from flowctl.core.engine.task_lifecycle import task_lifecycle
from flowctl.core.engine.waits import CallHook, WaitFor
from flowctl.store.journal import TaskRunCreated, TaskRunState
from tests.core.engine.by_hand import NOON_US, Bench, Steps
from tests.core.engine.task_samples import carried_out, double, empty_list, fail, same, saying


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


class Unspeakable(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


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

    run = carried_out(bench, with_hooks(kind, [broken, saying(seen, "next")]), x=1)

    assert seen == ["next"]
    assert run.state.is_completed()
    assert "broken" in bench.logged()


def with_hooks(kind: str, hooks: list[Callable[..., None]]) -> Task[..., Any]:
    options: Any = {kind: hooks}
    return Task(double, **options)


def test_the_end_is_visible_before_the_hooks_are_called() -> None:
    run = Bench().task_run(flowctl.task(double, on_completion=[saying([])]), x=1)
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
    task = flowctl.task(double, retries=3, on_failure=[saying(hooks)])

    run = carried_out(bench, task, x=Future[int](upstream))

    assert bench.states(run) == ["PENDING/NotReady"]
    assert (run.run_count, run.waiters, hooks) == (0, None, [])
    with pytest.raises(flowctl.UnfinishedRun):
        run.state.result()


def test_allow_failure_gives_the_exception_itself() -> None:
    bench = Bench()
    upstream = carried_out(bench, flowctl.task(fail))

    run = carried_out(bench, flowctl.task(same), x=flowctl.allow_failure(Future[int](upstream)))

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
    upstream = carried_out(bench, flowctl.task(empty_list))

    run = carried_out(bench, flowctl.task(same), x={Future[Any](upstream): 1})

    assert run.state.is_failed()
    assert isinstance(run.state.data, TypeError)
    assert bench.states(run)[-1] == "FAILED/Failed"
    assert run.waiters is None


def test_a_cached_result_skips_the_body_but_not_the_hooks() -> None:
    bench = Bench()
    calls: list[int] = []
    hooks: list[str] = []

    def body(x: int) -> int:
        calls.append(x)
        return x + 1

    task = flowctl.task(
        body,
        cache_policy=INPUTS,
        on_running=[saying(hooks, "running")],
        on_completion=[saying(hooks)],
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


def test_a_bad_template_fails_the_task_without_calling_its_body() -> None:
    bench = Bench()
    calls: list[int] = []

    run = carried_out(bench, flowctl.task(calls.append, name="note", task_run_name="{no_such}", retries=3), object=1)

    assert calls == []
    assert bench.states(run) == ["RUNNING/Running", "FAILED/Failed"]
