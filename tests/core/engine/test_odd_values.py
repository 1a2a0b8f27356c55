"""Bodies, results, errors and names of every kind, and what they do to a run."""

from __future__ import annotations

import json
import sys
import threading
from functools import partial
from typing import Any, cast

import pytest

import flowctl
from flowctl import ParameterBindError, flow, get_run_logger, runtime, task
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.journal import LogLine, TaskRunState
from flowctl.store.queries import Reader
from flowctl.store.states import StateType
from tests.core.engine.by_hand import records_of, the_run_of

HOSTILE = "\x1b[31mred\x1b[0m [/] \x00 \r\n \u202e [bold]"


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


ERRORS = [
    Unspeakable(),
    MemoryError("full"),
    RecursionError("deep"),
    ExceptionGroup("two", [ValueError("a"), Unspeakable()]),
]


@task
def gives(what: Any) -> Any:
    if isinstance(what, BaseException):
        raise what
    return what


@pytest.mark.parametrize("by", ["call", "submit"])
@pytest.mark.parametrize("error", ERRORS)
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
                submit_add_base(5).result(),
                self.double(4),
                Sums.double.submit(4).result(),
                self.add.with_options(name="other")(3),
                factorial(5),
            ]

    # Since Python 3.13 a classmethod hands its class on to a call, and not to the attributes of what it wraps.
    submit_add_base: Any = Sums.add_base.submit
    if sys.version_info >= (3, 13):
        with pytest.raises(ParameterBindError, match=r"__func__\.submit\(cls"):
            Sums.add_base.submit(5)
        submit_add_base = partial(cast(Any, Sums.add_base).__func__.submit, Sums)

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
