"""The life of a flow run, carried out by hand: no thread, and the clock stands still."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

import flowctl
from flowctl import flow, task
from flowctl.core.engine.flow_lifecycle import flow_lifecycle
from flowctl.core.engine.waits import Call, Interrupted, Sleep, Terminated, TimedOut, WaitForTasks
from flowctl.store.home import Home
from flowctl.store.journal import FlowRunState
from flowctl.store.states import StateType
from tests.core.engine.by_hand import NOON_US, Bench, Steps


def one() -> int:
    return 1


def saying(seen: list[str], word: str = "") -> Callable[..., None]:
    """Make a hook that notes a word, or else the name of the state."""

    def hook(_flow: Any, _run: Any, state: Any) -> None:
        seen.append(word or state.name)

    return hook


def fail() -> None:
    raise ValueError("no")


def steps_of(bench: Bench) -> Steps:
    return Steps(flow_lifecycle(bench.flow_run))


def test_a_flow_is_recorded_running_and_completed_and_the_end_is_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(flow(one))
    synced: list[list[str]] = []
    monkeypatch.setattr(bench.root.journal, "sync", lambda: synced.append(bench.states(bench.flow_run)))

    seen = steps_of(bench).to_the_end()

    assert seen == ["Call"]
    assert bench.states(bench.flow_run) == ["RUNNING/Running", "COMPLETED/Completed"]
    assert synced == [["RUNNING/Running", "COMPLETED/Completed"]]


def test_a_retry_of_a_flow_is_awaited_also_without_delay() -> None:
    bench = Bench(flow(fail, retries=1))

    steps_of(bench).to_the_end()

    assert bench.states(bench.flow_run) == [
        "RUNNING/Running",
        "SCHEDULED/AwaitingRetry",
        "RUNNING/Running",
        "FAILED/Failed",
    ]


def test_the_delay_of_a_flow_keeps_its_fraction_and_its_due_time() -> None:
    bench = Bench(flow(fail, retries=1, retry_delay_seconds=0.5))
    steps = steps_of(bench)
    steps.carry_out()

    assert isinstance(steps.wait, Sleep)
    assert steps.wait.seconds == 0.5
    due = [each.due for each in bench.records() if isinstance(each, FlowRunState) and each.due is not None]
    assert due == [NOON_US + 500_000]


@pytest.mark.parametrize(
    ("cause", "ending"), [(Interrupted(), "CANCELLED/Cancelled"), (Terminated(), "CRASHED/Crashed")]
)
def test_an_interruption_during_the_delay_ends_the_flow_and_its_hooks_are_called(
    cause: BaseException, ending: str
) -> None:
    hooks: list[str] = []
    body = flow(
        fail,
        retries=3,
        retry_delay_seconds=60,
        on_cancellation=[saying(hooks, "CANCELLED/Cancelled")],
        on_crashed=[saying(hooks, "CRASHED/Crashed")],
    )
    bench = Bench(body)
    steps = steps_of(bench)
    steps.carry_out()
    bench.root.cancelled = cause

    steps.throw(cause)
    steps.to_the_end()

    assert bench.states(bench.flow_run)[-1] == ending
    assert hooks == [ending]


def test_a_cancel_that_strikes_after_the_body_still_counts() -> None:
    bench = Bench(flow(one))
    steps = steps_of(bench)
    bench.root.cancelled = Interrupted()

    steps.resume(1)

    assert bench.states(bench.flow_run) == ["RUNNING/Running", "CANCELLED/Cancelled"]


def test_a_task_that_a_cancelled_run_refused_does_not_make_the_flow_failed() -> None:
    bench = Bench(flow(one))
    steps = steps_of(bench)
    bench.root.cancelled = Interrupted()

    steps.throw(flowctl.CancelledRun("refused"))

    assert bench.states(bench.flow_run) == ["RUNNING/Running", "CANCELLED/Cancelled"]


def test_a_flow_past_its_time_is_timed_out() -> None:
    bench = Bench(flow(fail, timeout_seconds=2))
    steps = steps_of(bench)
    assert isinstance(steps.wait, Call)
    assert steps.wait.timeout_s == 2

    steps.throw(TimedOut())

    assert bench.states(bench.flow_run) == ["RUNNING/Running", "FAILED/TimedOut"]


def test_a_flow_waits_for_the_tasks_that_are_under_way() -> None:
    bench = Bench(flow(one))
    steps = steps_of(bench)
    bench.flow_run.open_tasks = 1

    steps.resume(1)
    assert isinstance(steps.wait, WaitForTasks)
    assert bench.states(bench.flow_run) == ["RUNNING/Running"]

    bench.flow_run.open_tasks = 0
    steps.resume()
    assert bench.states(bench.flow_run)[-1] == "COMPLETED/Completed"


def test_a_hook_that_raises_changes_nothing_and_the_next_is_called() -> None:
    seen: list[str] = []

    def broken(*_: Any) -> None:
        raise ValueError("broken hook")

    bench = Bench(flow(one, on_completion=[broken, saying(seen, "next")]))

    steps_of(bench).to_the_end()

    assert seen == ["next"]
    assert bench.states(bench.flow_run)[-1] == "COMPLETED/Completed"
    assert "broken hook" in bench.logged()


def test_a_generator_that_a_flow_returns_and_that_raises_fails_the_flow() -> None:
    @flow
    def returns() -> Iterator[int]:
        return (1 // x for x in (1, 0))

    state = returns(return_state=True)

    assert (state.type, type(state.data)) == (StateType.FAILED, ZeroDivisionError)


def test_a_generator_flow_left_early_finishes_what_it_submitted(home: Home) -> None:
    done: list[int] = []
    ended: list[str] = []

    @task
    def notes(x: int) -> None:
        done.append(x)

    def broken(*_: Any) -> None:
        raise ValueError("broken hook")

    @flow(on_completion=[broken, saying(ended)])
    def streams() -> Generator[int, None, None]:
        for x in range(100):
            notes.submit(x)
            yield x

    items = streams()
    assert [next(items), next(items)] == [0, 1]
    items.close()

    assert sorted(done) == [0, 1]
    assert ended == ["Completed"]
