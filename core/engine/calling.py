"""Calls the user's function in a thread: in the run's context, and not longer than its timeout.

In the main thread a call is interrupted at its deadline by an alarm signal. Elsewhere Python has no way to
interrupt a function, so the call is left behind in its thread, and the run goes on without it.
"""

from __future__ import annotations

from _thread import allocate_lock, get_ident
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.context import CURRENT
from flowctl.core.engine import interruption
from flowctl.core.engine.cutting import within_limits
from flowctl.core.engine.pen import WARNING, write_log
from flowctl.core.engine.pool import Orphaned, current_place, part_from, standing_in
from flowctl.core.engine.timers import timers
from flowctl.core.engine.waits import CallHook, CutShort, TimedOut

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun, TaskRun
    from flowctl.core.engine.waits import Call


def call_here(call: Call, snapshot: Context | None = None) -> Any:
    """Call the function in the present thread and return what it returns, or raise what it raises."""
    if call.timeout_s is None:
        context = copy_context() if snapshot is None else snapshot.copy()
        return context.run(invoke, call)
    if interruption.is_possible():
        with interruption.alarm(call.timeout_s):
            return copy_context().run(invoke, call)
    return _call_beside(call, snapshot)


def call_in_worker(call: Call, snapshot: Context, go_on: Callable[[BaseException], None]) -> Any:
    """Like `call_here`, in a worker of a pool.

    At the deadline, its own or that of the flow run, the worker loses its place, `go_on` is called with `TimedOut` or
    `CutShort` in another thread, and this function, when the user's at last returns, raises `Orphaned`.
    """
    place = current_place()
    if place is None or (call.timeout_s is None and not call.run.flow_run.limits):
        return call_here(call, snapshot)
    attempt = _Attempt()

    def expire(error: BaseException) -> None:
        if attempt.expire():
            try:
                _warn_of_orphan(call, of_flow=isinstance(error, CutShort))
            finally:
                place.pool.orphan(place)
                place.pool.add(lambda: go_on(error), first=True)

    timer = None if call.timeout_s is None else timers().after(call.timeout_s, lambda: expire(TimedOut()))
    try:
        with within_limits(call.run, lambda: expire(CutShort())):
            return snapshot.copy().run(invoke, call)
    finally:
        if timer is not None:
            timer.call_off()
        if not attempt.finish():
            raise Orphaned


def call_step(call: Call, step: Callable[[], Any], seconds: float) -> Any:
    """Call one step of the function of a `Call`, a generator's, within what is left of its time."""
    if interruption.is_possible():
        with interruption.alarm(seconds):
            return step()
    return _beside(call, step, seconds)


def invoke(call: Call) -> Any:
    """Call the user's function with its run as the present one; the frame below which everything is the user's."""
    run = call.run
    CURRENT.set(run)
    if type(call) is not CallHook:
        run.thread = get_ident()
    return call.fn(*call.args, **call.kwargs)


class _Attempt:
    """A call that either finishes or expires, whichever is first."""

    __slots__ = ("_lock", "_over")

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._over = False

    def finish(self) -> bool:
        return self._end()

    def expire(self) -> bool:
        return self._end()

    def _end(self) -> bool:
        with self._lock:
            first, self._over = not self._over, True
        return first


def _call_beside(call: Call, snapshot: Context | None) -> Any:
    context = copy_context() if snapshot is None else snapshot.copy()
    return _beside(call, lambda: context.run(invoke, call), call.timeout_s or 0)


def _beside(call: Call, step: Callable[[], Any], seconds: float) -> Any:
    """Call in a thread of its own and wait no longer than so many seconds."""
    from _thread import start_new_thread

    gate = allocate_lock()
    gate.acquire()
    outcome: list[Any] = []
    place = current_place()

    def body() -> None:
        with standing_in(place):
            try:
                outcome.append((step(), None))
            except BaseException as error:
                outcome.append((None, error))
        gate.release()

    start_new_thread(body, ())
    if not gate.acquire(timeout=max(seconds, 0)):
        part_from(place)
        _warn_of_orphan(call)
        raise TimedOut
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


def _warn_of_orphan(call: Call, *, of_flow: bool = False) -> None:
    run: FlowRun | TaskRun = call.run
    name = getattr(call.fn, "__name__", "function")
    what = f"exceeded its timeout of {call.timeout_s} second(s)"
    if of_flow:
        what = "is cut short, since the time of its flow run is up"
    write_log(
        run,
        WARNING,
        "flowctl.task_runs" if run.is_task else "flowctl.flow_runs",
        f"{run.name!r} {what}, but a thread cannot be stopped: "
        f"{name}() goes on in an orphan thread, and what it returns or raises is dropped.",
    )
