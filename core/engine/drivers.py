"""Drivers carry a lifecycle from wait to wait: one for threads, one for asyncio, and both again for generators.

The thread driver blocks, unless it is given a `park`: then it leaves a wait to a continuation and its worker
is free for another task.
"""

from __future__ import annotations

from _thread import get_ident
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextvars import Context
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.context import CURRENT
from flowctl.core.authoring.runs import TaskRun
from flowctl.core.engine import blocking
from flowctl.core.engine.calling import call_here, call_step
from flowctl.core.engine.gathering import when_all_settled, when_idle
from flowctl.core.engine.keeping import StreamedItems
from flowctl.core.engine.pool import Orphaned
from flowctl.core.engine.waits import (
    Call,
    CallHook,
    ConsumerStopped,
    Sleep,
    Streamed,
    TimedOut,
    Wait,
    WaitFor,
    WaitForTasks,
)

if TYPE_CHECKING:
    from asyncio import Event

    from flowctl.core.authoring.runs import FlowRun

Life = Generator[Wait, Any, None]
#: Calls the function of a `Call` and returns what it returns.
Caller = Callable[[Call], Any]
#: Takes over a wait, to resume the lifecycle later; False where the driver shall wait itself.
Park = Callable[[Wait], bool]


def drive(
    life: Life, *, call: Caller = call_here, park: Park | None = None, error: BaseException | None = None
) -> bool:
    """Carry a lifecycle on in the present thread; True when it ended, False when it was parked."""
    value: Any = None
    while True:
        try:
            wait = life.send(value) if error is None else life.throw(error)
        except StopIteration:
            return True
        value = error = None
        try:
            if type(wait) is Call:
                value = call(wait)
            elif type(wait) is CallHook:
                value = _finished(call_here(wait))
            elif park is not None and park(wait):
                return False
            else:
                _block(wait)
        except Orphaned:
            raise  # another thread carries the lifecycle on
        except BaseException as raised:
            error = raised


def drive_generator(life: Life) -> Iterator[Any]:
    """Carry a lifecycle on as the consumer of its generator asks for values."""
    value: Any = None
    error: BaseException | None = None
    while True:
        try:
            wait = life.send(value) if error is None else life.throw(error)
        except StopIteration:
            return
        value = error = None
        try:
            if type(wait) is Call:
                value = yield from _streamed(wait)
            elif type(wait) is CallHook:
                value = _finished(call_here(wait))
            else:
                _block(wait)
        except GeneratorExit:
            drive(life, error=ConsumerStopped())
            raise
        except BaseException as raised:
            error = raised


async def drive_async(life: Life, *, error: BaseException | None = None) -> None:
    """Carry a lifecycle on in the running event loop."""
    value: Any = None
    while True:
        try:
            wait = life.send(value) if error is None else life.throw(error)
        except StopIteration:
            return
        value = error = None
        try:
            value = await _await(wait)
        except BaseException as raised:
            error = raised


async def drive_async_generator(life: Life) -> AsyncGenerator[Any, None]:
    """Carry a lifecycle on as the consumer of its asynchronous generator asks for values."""
    value: Any = None
    error: BaseException | None = None
    while True:
        try:
            wait = life.send(value) if error is None else life.throw(error)
        except StopIteration:
            return
        value = error = None
        try:
            if type(wait) is Call:
                items = wait.fn(*wait.args, **wait.kwargs)
                kept = StreamedItems(wait.run)
                left_s = wait.timeout_s
                sent: Any = None
                while True:
                    token = CURRENT.set(wait.run)
                    began = monotonic()
                    try:
                        item = await _within(items.asend(sent), left_s)
                    except StopAsyncIteration:
                        value = Streamed(kept.values())
                        break
                    finally:
                        CURRENT.reset(token)
                    if left_s is not None:
                        left_s -= monotonic() - began
                    kept.add(item)
                    try:
                        sent = yield item
                    except GeneratorExit:
                        await items.aclose()
                        raise
            else:
                value = await _await(wait)
        except GeneratorExit:
            await drive_async(life, error=ConsumerStopped())
            raise
        except BaseException as raised:
            error = raised


def collect(call: Call, caller: Caller = call_here) -> list[Any]:
    """Call a generator function and use it up; for generator tasks that were submitted."""

    def body(*args: Any, **kwargs: Any) -> list[Any]:
        return list(call.fn(*args, **kwargs))

    return caller(Call(call.run, body, call.args, call.kwargs, call.timeout_s))  # type: ignore[no-any-return]


def _streamed(call: Call) -> Generator[Any, Any, Streamed]:
    from contextvars import copy_context

    context: Context = copy_context()
    context.run(CURRENT.set, call.run)
    call.run.thread = get_ident()
    items = context.run(call.fn, *call.args, **call.kwargs)
    kept = StreamedItems(call.run)
    left_s = call.timeout_s
    sent: Any = None
    try:
        while True:
            try:
                if left_s is None:
                    item = context.run(items.send, sent)
                else:
                    began = monotonic()
                    item = call_step(call, partial(context.run, items.send, sent), left_s)
                    left_s -= monotonic() - began
            except StopIteration:
                return Streamed(kept.values())
            kept.add(item)
            sent = yield item
    except GeneratorExit:
        context.run(items.close)
        raise


def _block(wait: Wait) -> None:
    if isinstance(wait, Sleep):
        blocking.sleep(wait.run, wait.seconds)
    elif isinstance(wait, WaitFor):
        blocking.wait_for(wait.runs)
    elif isinstance(wait, WaitForTasks):
        blocking.wait_for_tasks(wait.flow_run, when_idle, wait.seconds)


def _finished(value: Any) -> Any:
    """Run what an asynchronous hook returned to its end."""
    if not hasattr(value, "__await__"):
        return value
    import asyncio
    import threading

    async def finish() -> Any:
        return await value

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(finish())
    outcome: list[Any] = []

    def body() -> None:
        try:
            outcome.append((asyncio.run(finish()), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=body, name="flowctl-hook", daemon=True)
    thread.start()
    thread.join()
    result, error = outcome[0]
    if error is not None:
        raise error
    return result


async def _await(wait: Wait) -> Any:
    import asyncio

    if isinstance(wait, Call):
        token = CURRENT.set(wait.run)
        try:
            if type(wait) is CallHook or wait.timeout_s is None:
                return await _outcome(wait)
            return await _within(_outcome(wait), wait.timeout_s)
        finally:
            CURRENT.reset(token)
    loop = asyncio.get_running_loop()
    gate = asyncio.Event()

    def open_gate(_run: FlowRun | TaskRun | None = None) -> None:
        try:
            loop.call_soon_threadsafe(gate.set)
        except RuntimeError:
            return  # the loop is closed: who waited here was cancelled

    if isinstance(wait, Sleep):
        if isinstance(wait.run, TaskRun):
            wait.run.wake = open_gate
        await _opened(gate, wait.seconds)
    elif isinstance(wait, WaitFor):
        when_all_settled(wait.runs, open_gate)
        await gate.wait()
    else:
        when_idle(wait.flow_run, open_gate)
        await _opened(gate, wait.seconds)
    return None


async def _opened(gate: Event, seconds: float | None) -> None:
    import asyncio

    try:
        await asyncio.wait_for(gate.wait(), seconds)
    except TimeoutError:
        return


async def _collected(value: Any) -> Any:
    """Use up an asynchronous generator, where nobody takes its values one by one."""
    return [item async for item in value] if hasattr(value, "__anext__") else value


async def _outcome(call: Call) -> Any:
    value = call.fn(*call.args, **call.kwargs)
    return await value if hasattr(value, "__await__") else await _collected(value)


async def _within(work: Awaitable[Any], seconds: float | None) -> Any:
    """Await something; raise `TimedOut` when it takes longer."""
    if seconds is None:
        return await work
    import asyncio

    scope = asyncio.timeout(seconds)
    try:
        async with scope:
            return await work
    except TimeoutError:
        if scope.expired():
            raise TimedOut from None
        raise
