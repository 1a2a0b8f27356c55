"""Asynchronous flows and tasks: the same lifecycles in an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextvars import ContextVar
from typing import Any

import pytest

import flowctl
from flowctl import ThreadPoolTaskRunner, flow, get_run_logger, runtime, task
from flowctl.core.engine.launch import launch
from flowctl.store.home import Home
from flowctl.store.journal import LogLine, TaskRunState
from tests.core.engine.by_hand import records_of, the_run_of

DEADLINE_S = 30


@task
async def add(x: int, y: int = 1) -> int:
    await asyncio.sleep(0)
    return x + y


@task
def sync_add(x: int) -> int:
    return x + 1


def test_gather_runs_tasks_at_the_same_time() -> None:
    async def body() -> list[int]:
        meeting = asyncio.Barrier(3)

        @task
        async def meets(x: int) -> int:
            await asyncio.wait_for(meeting.wait(), DEADLINE_S)
            return x

        return list(await asyncio.gather(*[meets(x) for x in range(3)]))

    assert asyncio.run(flow(body)()) == [0, 1, 2]


def test_submitted_asynchronous_tasks_give_futures_in_sync_and_async_flows() -> None:
    @flow
    def sync_flow() -> int:
        return add.submit(add.submit(1)).result() + sum(add.map([1, 2]).result())

    @flow
    async def async_flow() -> int:
        return add.submit(sync_add.submit(1)).result() + sync_add.submit(add.submit(1)).result()

    assert sync_flow() == 8
    assert asyncio.run(async_flow()) == 6


def test_the_runner_limits_asynchronous_tasks_too() -> None:
    inside = most = 0

    @task
    async def counted() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        for _ in range(3):
            await asyncio.sleep(0)
        inside -= 1

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def limited() -> None:
        for _ in range(10):
            counted.submit()

    limited()
    assert most == 2


def test_a_cancelled_asyncio_task_crashes_its_task_run_and_the_flow_may_go_on(home: Home) -> None:
    started = asyncio.Event()

    @task
    async def sleeps() -> None:
        started.set()
        await asyncio.sleep(DEADLINE_S)

    @flow
    async def cancels() -> int:
        inner = asyncio.ensure_future(sleeps())
        await started.wait()
        inner.cancel()
        with pytest.raises(asyncio.CancelledError):
            await inner
        return await add(1)

    assert asyncio.run(cancels()) == 2
    states = [each.type for each in records_of(home, the_run_of(home)) if isinstance(each, TaskRunState)]
    assert states == ["RUNNING", "CRASHED", "RUNNING", "COMPLETED"]


def test_a_cancel_during_a_retry_delay_ends_the_task_run(home: Home) -> None:
    @task(retries=3, retry_delay_seconds=DEADLINE_S)
    async def fails() -> None:
        raise ValueError

    @flow
    async def impatient() -> str:
        try:
            async with asyncio.timeout(0.05):
                await fails()
        except TimeoutError:
            return "timed out"
        return "no"

    assert asyncio.run(impatient()) == "timed out"
    states = [each.type for each in records_of(home, the_run_of(home)) if isinstance(each, TaskRunState)]
    assert states == ["RUNNING", "SCHEDULED", "CRASHED"]


def test_an_upstream_that_ends_after_the_loop_is_closed_disturbs_nobody() -> None:
    gate = threading.Event()
    seen: list[int] = []

    @task
    def held() -> int:
        assert gate.wait(DEADLINE_S)
        return 1

    @flow
    def outer() -> int:
        future = held.submit()
        any_add: Any = add

        async def waits() -> None:
            async with asyncio.timeout(0.02):
                await any_add(future)

        with pytest.raises(TimeoutError):
            asyncio.run(waits())
        future.add_done_callback(lambda each: seen.append(each.result()))
        gate.set()
        return future.result()

    assert outer() == 1
    assert seen == [1]


def test_timeouts_of_asynchronous_tasks_and_flows() -> None:
    tries: list[int] = []

    @task(timeout_seconds=0.02, retries=1)
    async def slow() -> None:
        tries.append(1)
        await asyncio.sleep(DEADLINE_S)

    any_slow: Any = slow

    @flow
    async def has_slow() -> str:
        return str((await any_slow(return_state=True)).name)

    @flow(timeout_seconds=0.02)
    async def slow_flow() -> None:
        await asyncio.sleep(DEADLINE_S)

    assert asyncio.run(has_slow()) == "TimedOut"
    assert len(tries) == 2
    with pytest.raises(flowctl.FlowRunTimeoutError):
        asyncio.run(slow_flow())
    assert slow.submit().state is not None


def test_a_timeout_error_of_the_users_own_is_a_failure_like_others() -> None:
    @task(timeout_seconds=DEADLINE_S)
    async def raises() -> None:
        raise TimeoutError("mine")

    any_raises: Any = raises

    @flow
    async def own() -> str:
        state = await any_raises(return_state=True)
        assert str(state.data) == "mine"
        return str(state.name)

    assert asyncio.run(own()) in ("Failed", "TimedOut")


def test_asynchronous_generators_stream_and_submit_gives_a_list() -> None:
    @task
    async def counts(n: int) -> AsyncIterator[int]:
        for x in range(n):
            assert runtime.task_run.task_name == "counts"
            yield x

    @flow
    async def streams() -> list[Any]:
        streamed = [x async for x in counts(3)]
        assert runtime.task_run.name is None
        any_counts: Any = counts
        state = await any_counts(2, return_state=True)
        return [streamed, counts.submit(4).result(), state.result()]

    assert asyncio.run(streams()) == [[0, 1, 2], [0, 1, 2, 3], [0, 1]]


def test_an_asynchronous_generator_flow_streams_and_may_be_left_early(home: Home) -> None:
    ended: list[str] = []

    def notes(_flow: Any, _run: Any, state: Any) -> None:
        ended.append(state.name)

    @flow(on_completion=[notes])
    async def streams() -> AsyncGenerator[int, None]:
        try:
            for x in range(100):
                yield await add(x)
        finally:
            ended.append("closed")

    async def consumes() -> list[int]:
        items = streams()
        first = [await anext(items), await anext(items)]
        await items.aclose()
        return first

    assert asyncio.run(consumes()) == [1, 2]
    assert ended == ["closed", "Completed"]


def test_launch_captures_what_an_asynchronous_generator_flow_logs(home: Home) -> None:
    @flow
    async def talks() -> AsyncIterator[int]:
        get_run_logger().warning("from the stream")
        yield 1

    ended = launch(talks, {})

    assert ended.state.is_completed()
    assert "from the stream" in [each.message for each in records_of(home, ended.run_id) if isinstance(each, LogLine)]


def test_a_sync_flow_in_an_async_flow_is_its_subflow() -> None:
    seen: list[str | None] = []

    @flow
    def inner(x: int) -> int:
        seen.append(runtime.flow_run.parent_flow_run_id)
        return sync_add(x)

    @flow
    async def outer() -> int:
        seen.append(runtime.flow_run.id)
        return inner(1) + await add(1)

    assert asyncio.run(outer()) == 4
    assert seen[0] == seen[1]


def test_asynchronous_hooks_are_awaited_everywhere() -> None:
    seen: list[str] = []

    def noting(word: str) -> Any:
        async def hook(*_: Any) -> None:
            await asyncio.sleep(0)
            seen.append(word)

        return hook

    hooked = sync_add.with_options(on_completion=[noting("task")])
    ahooked = add.with_options(on_running=[noting("async task")])

    @flow(on_completion=[noting("flow")])
    def sync_flow() -> None:
        hooked(1)
        hooked.submit(1).wait()

    @flow(on_completion=[noting("async flow")])
    async def async_flow() -> None:
        hooked(1)
        await ahooked(1)

    sync_flow()
    assert seen == ["task", "task", "flow"]
    seen.clear()
    asyncio.run(async_flow())
    assert seen == ["task", "async task", "async flow"]


def test_context_variables_reach_tasks_and_do_not_leak_out_of_them() -> None:
    color: ContextVar[str] = ContextVar("color", default="none")

    @task
    def paints(new: str) -> str:
        seen = color.get()
        color.set(new)
        return seen

    @task
    async def apaints(new: str) -> str:
        seen = color.get()
        color.set(new)
        await asyncio.sleep(0)
        assert color.get() == new
        return seen

    @flow
    async def painted() -> list[str]:
        color.set("flow")
        seen = [paints("direct"), paints.submit("submitted").result(), apaints.submit("loop").result()]
        seen.extend(await asyncio.gather(apaints("one"), apaints("two")))
        return [*seen, color.get()]

    assert asyncio.run(painted()) == ["flow"] * 6


def test_each_of_many_concurrent_tasks_sees_only_its_own_run() -> None:
    @task(task_run_name="named-{x}")
    async def who(x: int) -> bool:
        for _ in range(5):
            await asyncio.sleep(0)
            if runtime.task_run.name != f"named-{x}" or runtime.task_run.parameters != {"x": x}:
                return False
        return True

    @flow
    async def crowd() -> bool:
        here = await asyncio.gather(*[who(x) for x in range(20)])
        return all(here) and all(who.map(range(20)).result())

    assert asyncio.run(crowd())


def test_two_flows_in_one_loop_do_not_mix(home: Home) -> None:
    @flow(flow_run_name="flow-{x}")
    async def one(x: int) -> str | None:
        with flowctl.tags(f"tag-{x}"):
            await asyncio.gather(*[add(x) for _ in range(5)])
            return runtime.flow_run.name

    async def both() -> list[Any]:
        return list(await asyncio.gather(one(1), one(2)))

    assert asyncio.run(both()) == ["flow-1", "flow-2"]
