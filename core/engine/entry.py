"""What authoring calls: the engine behind the port. Each call makes a run, has it carried out, gives its outcome."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.exceptions import CancelledRun, UpstreamTaskError
from flowctl.core.authoring.futures import Future, FutureList
from flowctl.core.authoring.states import State, exception_of
from flowctl.core.engine import capture, signals
from flowctl.core.engine.creation import new_flow_run, new_task_run
from flowctl.core.engine.dispatch import close_pool, dispatch
from flowctl.core.engine.drivers import collect, drive, drive_async, drive_async_generator, drive_generator
from flowctl.core.engine.flow_lifecycle import flow_lifecycle
from flowctl.core.engine.gathering import when_settled
from flowctl.core.engine.mapping import argument_sets, taken_from
from flowctl.core.engine.pen import write_log
from flowctl.core.engine.pool import lent
from flowctl.core.engine.task_lifecycle import task_lifecycle
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.authoring.flows import Flow
    from flowctl.core.authoring.runs import FlowRun, TaskRun
    from flowctl.core.authoring.tasks import Task


class LocalEngine:
    """Runs flows and tasks in this process."""

    def call_task(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any, return_state: bool
    ) -> Any:
        arguments = task.signature.bind(args, kwargs)
        if task.isgenerator and not return_state:
            return (_stream_task_async if task.isasync else _stream_task)(task, arguments, wait_for)
        if task.isasync:
            return _await_task(task, arguments, wait_for, return_state)
        run = new_task_run(task, arguments, wait_for)
        if task.isgenerator:
            drive(task_lifecycle(run, wait_for), call=collect)
        else:
            drive(task_lifecycle(run, wait_for))
        return outcome_of_task(run, return_state)

    def submit_task(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any
    ) -> Future[Any]:
        run = new_task_run(task, task.signature.bind(args, kwargs), wait_for)
        dispatch(run, wait_for, copy_context())
        return Future(run)

    def map_task(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any
    ) -> FutureList[Any]:
        snapshot = copy_context()
        futures: FutureList[Any] = FutureList()
        sets, shared = argument_sets(task, args, kwargs)
        mapped = taken_from(task, args, kwargs)
        for index, arguments in enumerate(sets):
            run = new_task_run(task, arguments, wait_for, index, mapped)
            run.digest = shared
            dispatch(run, wait_for, snapshot)
            futures.append(Future(run))
        return futures

    def call_flow(
        self, flow: Flow[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any, return_state: bool
    ) -> Any:
        arguments = flow.signature.bind(args, kwargs)
        if flow.isgenerator and not return_state:
            return (_stream_flow_async if flow.isasync else _stream_flow)(flow, arguments, wait_for)
        if flow.isasync:
            return _await_flow(flow, arguments, wait_for, return_state)
        run = new_flow_run(flow, arguments, wait_for)
        carry_out(run, wait_for)
        return outcome_of_flow(run, return_state)

    def when_settled(self, run: TaskRun, callback: Callable[[TaskRun], None]) -> None:
        when_settled(run, callback)

    def lend(self) -> AbstractContextManager[None]:
        return lent()

    def log(self, run: FlowRun | TaskRun, level: int, logger: str, message: str) -> None:
        write_log(run, level, logger, message)


def carry_out(run: FlowRun, wait_for: Any = None) -> None:
    """Carry out a synchronous flow run in the present thread."""
    with capture.attached(run), signals.heeded(run):
        try:
            life = flow_lifecycle(run, wait_for)
            assert run.flow is not None
            drive(life, call=collect) if run.flow.isgenerator else drive(life)
        finally:
            close_flow(run)


async def carry_out_async(run: FlowRun, wait_for: Any = None) -> None:
    """Carry out an asynchronous flow run in the running event loop."""
    with capture.attached(run), signals.heeded(run):
        try:
            await drive_async(flow_lifecycle(run, wait_for))
        finally:
            close_flow(run)


def close_flow(run: FlowRun) -> None:
    """Let go of what an ended flow run held; with the root run the journal is closed."""
    if run.root.cancelled is not None and run.pool is not None:
        run.pool.drain()
    close_pool(run)
    if run.number == 0:
        run.root.close()


def outcome_of_task(run: TaskRun, return_state: bool) -> Any:
    """Give what a direct call gives: the value, or the state; or raise what the task raised."""
    state = run.state
    data = state.data
    if isinstance(data, BaseException) and not isinstance(data, Exception) and state.type is not StateType.COMPLETED:
        raise data
    if return_state or run.by_hand:
        return state
    if state.type is StateType.COMPLETED:
        return data
    if state.type is StateType.PENDING:
        raise UpstreamTaskError(f"Task run {run.name!r} did not run. {state.message}")
    if isinstance(data, BaseException):
        raise data
    if state.type is StateType.CANCELLED and data is None:
        raise CancelledRun(state.message or "The run was cancelled.")
    return data


def outcome_of_flow(run: FlowRun, return_state: bool) -> Any:
    """Give what calling a flow gives: the value, or the state; or raise what the flow raised."""
    state = run.state
    data = state.data
    if isinstance(data, BaseException) and not isinstance(data, Exception) and state.type is not StateType.COMPLETED:
        raise data
    if return_state:
        return state
    if state.type is StateType.COMPLETED:
        return data
    if state.type is StateType.PENDING:
        raise UpstreamTaskError(f"Flow run {run.name!r} did not run. {state.message}")
    if not run.by_hand and not isinstance(data, (BaseException, State)) and data is not None:
        return data  # a list of states, failed ones among them, is the caller's to judge
    raise exception_of(state)


async def _await_task(task: Task[..., Any], arguments: dict[str, Any], wait_for: Any, return_state: bool) -> Any:
    run = new_task_run(task, arguments, wait_for)
    await drive_async(task_lifecycle(run, wait_for))
    return outcome_of_task(run, return_state)


async def _await_flow(flow: Flow[..., Any], arguments: dict[str, Any], wait_for: Any, return_state: bool) -> Any:
    run = new_flow_run(flow, arguments, wait_for)
    await carry_out_async(run, wait_for)
    return outcome_of_flow(run, return_state)


def _items_on_record(run: FlowRun | TaskRun) -> list[Any]:
    """Give what a generator that was not called now, since its run is on record, has for its consumer."""
    return list(run.state.data) if run.state.name == "Cached" else []


def _stream_task(task: Task[..., Any], arguments: dict[str, Any], wait_for: Any) -> Iterator[Any]:
    run = new_task_run(task, arguments, wait_for)
    yield from drive_generator(task_lifecycle(run, wait_for))
    yield from _items_on_record(run)
    outcome_of_task(run, False)


async def _stream_task_async(task: Task[..., Any], arguments: dict[str, Any], wait_for: Any) -> AsyncIterator[Any]:
    run = new_task_run(task, arguments, wait_for)
    items = drive_async_generator(task_lifecycle(run, wait_for))
    try:
        async for item in items:
            yield item
    finally:
        await items.aclose()  # a consumer that stops early closes this generator, but not the one within
    for item in _items_on_record(run):
        yield item
    outcome_of_task(run, False)


def _stream_flow(flow: Flow[..., Any], arguments: dict[str, Any], wait_for: Any) -> Iterator[Any]:
    run = new_flow_run(flow, arguments, wait_for)
    with capture.attached(run):
        try:
            yield from drive_generator(flow_lifecycle(run, wait_for))
            yield from _items_on_record(run)
        finally:
            close_flow(run)
    outcome_of_flow(run, False)


async def _stream_flow_async(flow: Flow[..., Any], arguments: dict[str, Any], wait_for: Any) -> AsyncIterator[Any]:
    run = new_flow_run(flow, arguments, wait_for)
    with capture.attached(run):
        try:
            items = drive_async_generator(flow_lifecycle(run, wait_for))
            try:
                async for item in items:
                    yield item
            finally:
                await items.aclose()
            for item in _items_on_record(run):
                yield item
        finally:
            close_flow(run)
    outcome_of_flow(run, False)
