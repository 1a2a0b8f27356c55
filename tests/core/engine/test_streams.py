"""Generators whose values go to their consumer one by one: their time, their retries, what is sent into them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest

from flowctl import TaskRunTimeoutError, flow, task
from flowctl.store.home import Home
from flowctl.store.states import StateType
from tests.core.engine.scripts import only_run, tasks_of


@task(timeout_seconds=0.15)
def hangs() -> Iterator[int]:
    yield 1
    yield 2
    time.sleep(1.5)
    yield 3


@task(timeout_seconds=0.15)
async def ahangs() -> AsyncIterator[int]:
    yield 1
    yield 2
    await asyncio.sleep(30)
    yield 3


def in_the_main_thread() -> list[Any]:
    @flow
    def main() -> list[Any]:
        return _taken(hangs())

    return main()


def in_another_thread() -> list[Any]:
    got: list[Any] = []

    def body() -> None:
        got.extend(in_the_main_thread())

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    return got


def in_an_event_loop() -> list[Any]:
    @flow
    async def main() -> list[Any]:
        got: list[Any] = []
        try:
            async for value in ahangs():
                got.append(value)  # noqa: PERF401 - a comprehension would lose what came before the error
        except TaskRunTimeoutError as error:
            got.append(type(error))
        return got

    result: list[Any] = asyncio.run(main())
    return result


def _taken(values: Iterator[int]) -> list[Any]:
    got: list[Any] = []
    try:
        got.extend(values)  # what came before an error stays in it
    except TaskRunTimeoutError as error:
        got.append(type(error))
    return got


@pytest.mark.parametrize("run", [in_the_main_thread, in_another_thread, in_an_event_loop])
def test_a_stream_that_takes_too_long_is_timed_out_at_its_deadline(home: Home, run: Callable[[], list[Any]]) -> None:
    began = time.monotonic()

    assert run() == [1, 2, TaskRunTimeoutError]

    assert time.monotonic() - began < 1.4
    (only,) = tasks_of(home, only_run(home).id)
    assert (only.state_type, only.state_name) == (StateType.FAILED, "TimedOut")


def test_the_time_of_the_consumer_is_not_the_streams() -> None:
    @task(timeout_seconds=0.3)
    def quick() -> Iterator[int]:
        yield from range(3)

    @flow
    def main() -> list[int]:
        got: list[int] = []
        for value in quick():
            time.sleep(0.15)
            got.append(value)
        return got

    assert main() == [0, 1, 2]


def test_a_stream_that_was_timed_out_starts_over_when_retries_are_left() -> None:
    tries: list[int] = []

    @task(timeout_seconds=0.1, retries=1)
    def second_time_lucky() -> Iterator[str]:
        tries.append(len(tries))
        yield f"try {len(tries)}"
        if len(tries) == 1:
            time.sleep(1)

    @flow
    def main() -> list[str]:
        return list(second_time_lucky())

    assert main() == ["try 1", "try 2"]


def test_what_a_consumer_sends_reaches_the_generator() -> None:
    @task
    def doubles() -> Generator[int, int, None]:
        value = 0
        for _ in range(3):
            value = yield value * 2

    @flow
    def main() -> list[int]:
        stream: Any = doubles()
        return [next(stream), stream.send(5), stream.send(7)]

    assert main() == [0, 10, 14]
