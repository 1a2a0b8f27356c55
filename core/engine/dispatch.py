"""Starts submitted task runs: each is queued when its last upstream is settled, and waits hold no worker."""

from __future__ import annotations

import os
from _thread import allocate_lock
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.authoring.runners import ProcessPoolTaskRunner
from flowctl.core.authoring.states import State
from flowctl.core.engine.calling import call_in_worker
from flowctl.core.engine.cutting import stoppable
from flowctl.core.engine.drivers import Caller, collect, drive, drive_async
from flowctl.core.engine.gathering import begin_task, end_task, when_all_settled
from flowctl.core.engine.journal_writer import JournalUnwritable
from flowctl.core.engine.pen import advance_task, settle
from flowctl.core.engine.pool import Orphaned, WorkerPool
from flowctl.core.engine.task_lifecycle import task_lifecycle
from flowctl.core.engine.timers import timers
from flowctl.core.engine.waits import Call, Sleep, Wait, WaitFor
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from flowctl.core.authoring.runs import FlowRun, TaskRun
    from flowctl.core.engine.drivers import Life


def dispatch(run: TaskRun, wait_for: Any, snapshot: Context) -> None:
    """Start a submitted task run as soon as its upstreams are settled."""
    begin_task(run.flow_run)
    start = partial(_start, run, wait_for, snapshot)
    if run.deferred is not None:
        upstreams = [each for each in run.deferred.task_runs() if each.waiters is not None]
        if upstreams:
            when_all_settled(upstreams, start)
            return
    start()


def _start(run: TaskRun, wait_for: Any, snapshot: Context) -> None:
    try:
        if run.task.isasync:
            _start_in_loop(run, wait_for, snapshot)
        else:
            pool = _pool_of(run.flow_run)
            worker = _Worker(run, snapshot, pool)
            if not pool.add(partial(worker.begin, wait_for)):
                worker.begin(wait_for)  # an orphan thread submits in a flow run that has ended
    except Exception as error:
        # This may be the thread of another task, which has no part in it: no thread or process could be started.
        advance_task(run, State(StateType.CRASHED, message=f"The task could not be started: {error!r}", data=error))
        settle(run)
        end_task(run.flow_run)


class _Worker:
    """Carries one submitted task run through a pool, in as many pieces as it has waits."""

    __slots__ = ("_call", "_life", "_pool", "_run", "_snapshot")

    def __init__(self, run: TaskRun, snapshot: Context, pool: WorkerPool) -> None:
        self._run = run
        self._snapshot = snapshot
        self._pool = pool
        self._life: Life | None = None
        self._call: Caller = self._call_in_thread
        remote = getattr(pool, "call", None)
        if remote is not None:
            self._call = remote

    def begin(self, wait_for: Any) -> None:
        self._life = task_lifecycle(self._run, wait_for)
        self.go_on()

    def go_on(self, error: BaseException | None = None) -> None:
        """Drive the lifecycle until it ends or parks."""
        assert self._life is not None
        try:
            ended = drive(self._life, call=self._call, park=self._park, error=error)
        except Orphaned:
            raise
        except JournalUnwritable as error:
            # The thread of the flow run meets the same error, and raises it to who started the run.
            self._run.flow_run.root.broken = self._run.flow_run.root.broken or error
            ended = True
        except BaseException:
            end_task(self._run.flow_run)
            raise
        if ended:
            end_task(self._run.flow_run)

    def _call_in_thread(self, call: Call) -> Any:
        if call.run.task.isgenerator:  # type: ignore[union-attr]  # only task runs come here
            return collect(call, lambda inner: call_in_worker(inner, self._snapshot, self.go_on))
        return call_in_worker(call, self._snapshot, self.go_on)

    def _again(self) -> None:
        self._pool.add(self.go_on)

    def _park(self, wait: Wait) -> bool:
        if isinstance(wait, Sleep):
            again = _Once(self._again)
            wait.run.wake = again  # type: ignore[union-attr]  # only task runs come here
            timers().after(wait.seconds, again)
            return True
        if isinstance(wait, WaitFor):
            when_all_settled(wait.runs, self._again)
            return True
        return False


class _Once:
    """Calls at most once, whoever is first: the timer or a person."""

    __slots__ = ("_call", "_lock")

    def __init__(self, call: Any) -> None:
        self._call = call
        self._lock = allocate_lock()

    def __call__(self) -> None:
        if self._lock.acquire(blocking=False):
            self._call()


def _pool_of(flow_run: FlowRun) -> WorkerPool:
    """Return the flow run's pool, made at its first submit."""
    pool: WorkerPool | None = flow_run.pool
    if pool is None or pool.is_of_parent:
        with flow_run.root.lock:
            pool = flow_run.pool
            if pool is None or pool.is_of_parent:
                pool = flow_run.pool = _new_pool(flow_run)
    return pool


def _new_pool(flow_run: FlowRun) -> WorkerPool:
    runner = None if flow_run.flow is None else flow_run.flow.task_runner
    if isinstance(runner, ProcessPoolTaskRunner):
        from flowctl.core.engine.processes import ProcessPool

        return ProcessPool(runner.max_workers or os.cpu_count() or 1, flow_run.root)
    workers = None if runner is None else runner.max_workers
    return WorkerPool(workers or flow_run.root.settings.task_workers)


def close_pool(flow_run: FlowRun) -> None:
    """Let the workers of an ended flow run go."""
    pool: WorkerPool | None = flow_run.pool
    if pool is not None and not pool.is_of_parent:
        pool.close()
    _limits.pop(flow_run.id, None)


#: One event loop, in a thread of its own, for all submitted asynchronous tasks of this process.
_loop: AbstractEventLoop | None = None
_loop_lock = allocate_lock()


def _leave_to_parent() -> None:
    global _loop, _loop_lock
    _loop = None
    _loop_lock = allocate_lock()


os.register_at_fork(after_in_child=_leave_to_parent)


def _start_in_loop(run: TaskRun, wait_for: Any, snapshot: Context) -> None:
    import asyncio

    loop = _background_loop()

    async def carry() -> None:
        limit = _limit_of(run.flow_run)
        try:
            if limit is None:
                await drive_async(task_lifecycle(run, wait_for))
            else:
                async with limit:
                    await drive_async(task_lifecycle(run, wait_for))
        finally:
            if run.waiters is not None and run.flow_run.is_over:  # cut short while it waited for its turn
                drive(task_lifecycle(run, wait_for))
            end_task(run.flow_run)

    async def carry_within_limits() -> None:
        me = asyncio.current_task()
        assert me is not None
        with stoppable(run, lambda: loop.call_soon_threadsafe(me.cancel)):
            await carry()

    def begin() -> None:
        task = snapshot.copy().run(loop.create_task, carry_within_limits() if run.flow_run.limits else carry())
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)

    loop.call_soon_threadsafe(begin)


#: The loop itself holds its tasks weakly.
_under_way: Final[set[Any]] = set()
_limits: Final[dict[str, Any]] = {}


def _limit_of(flow_run: FlowRun) -> Any:
    """Return the semaphore that keeps asynchronous tasks within the task runner's `max_workers`, if it has one."""
    import asyncio

    runner = None if flow_run.flow is None else flow_run.flow.task_runner
    if runner is None or runner.max_workers is None:
        return None
    if flow_run.id not in _limits:
        _limits[flow_run.id] = asyncio.Semaphore(runner.max_workers)
    return _limits[flow_run.id]


def _background_loop() -> AbstractEventLoop:
    global _loop
    with _loop_lock:
        if _loop is None:
            import asyncio
            import threading

            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="flowctl-async", daemon=True).start()
        return _loop
