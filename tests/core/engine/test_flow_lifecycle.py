"""The life of a flow run, carried out by hand; and what bodies, results and errors of every kind do to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import flowctl
from flowctl import flow, get_run_logger, runtime, task
from flowctl.core.engine.flow_lifecycle import flow_lifecycle
from flowctl.core.engine.waits import Call, Interrupted, Sleep, Terminated, TimedOut, WaitForTasks
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.journal import FlowRunState, LogLine, TaskRunState
from flowctl.store.queries import Reader
from flowctl.store.states import StateType
from tests.core.engine.by_hand import NOON_US, Bench, Steps, records_of, the_run_of

HOSTILE = "\x1b[31mred\x1b[0m [/] \x00 \r\n \u202e [bold]"


def fail() -> None:
    raise ValueError("no")


def steps_of(bench: Bench) -> Steps:
    return Steps(flow_lifecycle(bench.flow_run))


def test_a_flow_is_recorded_running_and_completed_and_the_end_is_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(flow(lambda: 5, name="five"))
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
        on_cancellation=[lambda *_: hooks.append("CANCELLED/Cancelled")],
        on_crashed=[lambda *_: hooks.append("CRASHED/Crashed")],
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
    bench = Bench(flow(lambda: 1, name="one"))
    steps = steps_of(bench)
    bench.root.cancelled = Interrupted()

    steps.resume(1)

    assert bench.states(bench.flow_run) == ["RUNNING/Running", "CANCELLED/Cancelled"]


def test_a_task_that_a_cancelled_run_refused_does_not_make_the_flow_failed() -> None:
    bench = Bench(flow(lambda: 1, name="one"))
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
    bench = Bench(flow(lambda: 1, name="one"))
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

    bench = Bench(flow(lambda: 1, name="one", on_completion=[broken, lambda *_: seen.append("next")]))

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


class Unspeakable(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Shy:
    """Cannot be shown either, nor kept."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __reduce__(self) -> Any:
        raise RuntimeError("no pickle")


@task
def gives(what: Any) -> Any:
    if isinstance(what, BaseException):
        raise what
    return what


@pytest.mark.parametrize("by", ["call", "submit"])
@pytest.mark.parametrize("error", [Unspeakable(), MemoryError("full"), RecursionError("deep"), ExceptionGroup("two", [ValueError("a"), Unspeakable()])])  # fmt: skip
def test_errors_of_any_kind_fail_their_task_with_a_report(home: Home, by: str, error: Exception) -> None:
    @flow
    def meets() -> None:
        state = gives(error, return_state=True) if by == "call" else gives.submit(error, return_state=True)
        assert (state.type, state.data) == (StateType.FAILED, error)

    meets()
    (failed,) = [
        each for each in records_of(home, the_run_of(home)) if isinstance(each, TaskRunState) and each.type == "FAILED"
    ]
    assert failed.error is not None
    assert failed.error["type"] == type(error).__name__


@pytest.mark.parametrize("persist", [None, True])
@pytest.mark.parametrize("value", [Shy(), threading.Lock(), {"deep": [Shy()]}], ids=["shy", "lock", "deep"])
def test_results_that_can_be_neither_shown_nor_kept_are_still_results(
    home: Home, value: Any, persist: bool | None
) -> None:
    @flow
    def meets() -> None:
        assert gives.with_options(persist_result=persist)(value) is value
        assert gives.with_options(persist_result=persist).submit(value).result() is value

    meets()
    ended = [each for each in records_of(home, the_run_of(home)) if isinstance(each, TaskRunState) and each.value]
    assert [(each.type, each.result) for each in ended] == [("COMPLETED", None)] * 2
    messages = [each.message for each in records_of(home, the_run_of(home)) if isinstance(each, LogLine)]
    assert any("is not kept" in message for message in messages) is bool(persist)


def test_recursion_without_end_fails_the_flow_and_every_run_ends(home: Home) -> None:
    @task
    def deeper(n: int) -> int:
        return deeper(n + 1)

    @flow
    def falls() -> None:
        deeper(0)

    state = falls(return_state=True)

    assert (state.type, type(state.data)) == (StateType.FAILED, RecursionError)
    catch_up(home)
    with Reader.open(home) as reader:
        (run,) = reader.runs()
        assert [row for row in reader.task_runs(run.id) if not row.is_final] == []


def test_control_characters_everywhere_come_back_as_they_were(home: Home) -> None:
    @task(name=HOSTILE, task_run_name=HOSTILE.replace("{", ""), tags=[HOSTILE])
    def hostile(text: str) -> str:
        get_run_logger().info(text)
        raise ValueError(text)

    @flow(name=HOSTILE, flow_run_name=HOSTILE, log_prints=True)
    def meets(text: str = HOSTILE) -> str:
        hostile(text, return_state=True)
        print(text)
        return text

    assert meets() == HOSTILE
    catch_up(home)
    with Reader.open(home) as reader:
        (run,) = reader.runs()
        (row,) = reader.task_runs(run.id)
        messages = [line.message for line in reader.logs(run.id)]
    assert (run.name, run.flow_name, row.name, row.task_name, row.tags) == (*[HOSTILE] * 4, [HOSTILE])
    assert messages.count(HOSTILE) == 2
    assert row.error is not None


def test_lone_surrogates_and_huge_integers_do_not_stop_a_run(home: Home) -> None:
    @flow
    def odd(text: str) -> int:
        get_run_logger().info(text)
        gives(text)
        gives(10**5000)
        gives({10**5000: text})
        return 10**5000

    assert odd("a\ud800b") == 10**5000
    assert json.dumps(records_of(home, the_run_of(home))[1][:4])


def test_methods_class_methods_static_methods_and_recursion() -> None:
    class Sums:
        base = 10

        def __init__(self, start: int) -> None:
            self.start = start

        @task
        def add(self, x: int) -> int:
            return self.start + x

        @classmethod
        @task
        def add_base(cls, x: int) -> int:
            return cls.base + x

        @staticmethod
        @task
        def double(x: int) -> int:
            return 2 * x

        @flow
        def run(self) -> list[int]:
            return [
                self.add(1),
                self.add.submit(2).result(),
                sum(self.add.map([1, 2]).result()),
                self.add_base(1),
                Sums.add_base.submit(5).result(),
                self.double(4),
                Sums.double.submit(4).result(),
                self.add.with_options(name="other")(3),
                factorial(5),
            ]

    @task
    def factorial(n: int) -> int:
        return 1 if n <= 1 else n * factorial(n - 1)

    assert Sums(100).run() == [101, 102, 203, 11, 15, 8, 8, 103, 120]


def test_runtime_and_tags_tell_the_run_around() -> None:
    seen: dict[str, Any] = {}

    @task(tags=["own"])
    def looks(x: int) -> None:
        seen[f"task {x}"] = (runtime.task_run.task_name, runtime.task_run.parameters, runtime.task_run.tags)
        seen[f"flow {x}"] = runtime.flow_run.flow_name

    @flow(name="inner")
    def inner() -> None:
        looks(3)
        seen["parent"] = runtime.flow_run.parent_flow_run_id

    @flow(name="outer")
    def outer() -> None:
        seen["outer id"] = runtime.flow_run.id
        with flowctl.tags("a"):
            looks(1)
            with flowctl.tags("b"):
                looks.submit(2).wait()
        inner()
        seen["root"] = runtime.flow_run.root_flow_run_id

    outer()
    assert seen["task 1"] == ("looks", {"x": 1}, ["a", "own"])
    assert seen["task 2"] == ("looks", {"x": 2}, ["a", "b", "own"])
    assert (seen["flow 2"], seen["flow 3"]) == ("outer", "inner")
    assert seen["parent"] == seen["root"] == seen["outer id"]
    assert (runtime.flow_run.id, runtime.task_run.name, runtime.flow_run.parameters) == (None, None, {})


def test_prints_are_logged_where_wanted_and_only_there(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    @task
    def inherits() -> None:
        print("inherited")

    @task(log_prints=False)
    def refuses() -> None:
        print("refused")

    @flow(log_prints=True)
    def prints() -> None:
        print("flow", 1, sep="-")
        inherits()
        inherits.submit().wait()
        refuses()

    prints()
    messages = [each.message for each in records_of(home, the_run_of(home)) if isinstance(each, LogLine)]
    assert [messages.count(text) for text in ("flow-1", "inherited", "refused")] == [1, 2, 0]
    assert capsys.readouterr().out == "refused\n"


def test_a_generator_flow_left_early_finishes_what_it_submitted(home: Home) -> None:
    done: list[int] = []
    ended: list[str] = []

    @task
    def notes(x: int) -> None:
        done.append(x)

    def broken(*_: Any) -> None:
        raise ValueError("broken hook")

    @flow(on_completion=[broken, lambda _f, _r, state: ended.append(state.name)])
    def streams() -> Iterator[int]:
        for x in range(100):
            notes.submit(x)
            yield x

    items = streams()
    assert [next(items), next(items)] == [0, 1]
    items.close()  # type: ignore[attr-defined]  # a generator flow is called as a generator function is

    assert sorted(done) == [0, 1]
    assert ended == ["Completed"]
