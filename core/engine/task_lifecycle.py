"""The life of a task run, from its call to its hooks: a generator that does no waiting of its own.

It yields what may block (see `waits`) and a driver sends the outcome in; so the same lines serve threads,
asyncio, processes and tests without any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.options import delay_after
from flowctl.core.authoring.states import State
from flowctl.core.engine import arguments, outcomes
from flowctl.core.engine.capture import capture_prints
from flowctl.core.engine.control import heeded
from flowctl.core.engine.digests import digest as digest_of
from flowctl.core.engine.journal_writer import JournalUnwritable
from flowctl.core.engine.keeping import cached_result, keep_result, recorded_result, remember
from flowctl.core.engine.pen import ERROR, INFO, advance_task, settle, write_log
from flowctl.core.engine.previews import preview, preview_arguments
from flowctl.core.engine.reports import as_text, report, text_of
from flowctl.core.engine.tag_limits import awaited, let_go
from flowctl.core.engine.waits import (
    Call,
    CallHook,
    ConsumerStopped,
    CutShort,
    Sleep,
    Streamed,
    TimedOut,
    Wait,
    WaitFor,
)
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.authoring.options import Hook
    from flowctl.core.authoring.runs import TaskRun

Life = Generator[Wait, Any, None]
#: A final state without a call, and its `result` field where it is on record already.
Early = tuple[State[Any], list[Any] | None]
LOGGER = "flowctl.task_runs"


def task_lifecycle(run: TaskRun, wait_for: Any = None) -> Life:
    """Carry out a task run. Afterwards its `state` says how it ended; nothing is raised."""
    root = run.flow_run.root
    state: State[Any]
    try:
        if run.deferred is not None:
            upstreams = [each for each in run.deferred.task_runs() if each.waiters is not None]
            if upstreams:
                yield WaitFor(upstreams)
            try:
                arguments.check_order(wait_for)
                run.arguments = arguments.resolve(run.arguments)
            except arguments.Blocked as blocked:
                advance_task(run, State(StateType.PENDING, "NotReady", str(blocked), at=root.clock()))
                settle(run)
                return
            run.deferred = None
        if run.tags:
            yield from awaited(run)
        if root.wishes is not None and (yield from heeded(run)):
            return
        if root.cancelled is not None or run.flow_run.is_over:
            message = (
                "The run was cancelled before this task started." if root.cancelled is not None else str(CutShort())
            )
            advance_task(run, State(StateType.CANCELLED, message=message, at=root.clock()))
            settle(run)
            return
        early = _begin(run)
        if early is None:
            if run.task.on_running_hooks:
                yield from _hooks(run, run.task.on_running_hooks)
            early = _cached(run)
        if early is not None:
            state, result = early
            yield from _hooks(run, _end(run, state, result))
            return
        while True:
            # The attempt stands here, and not in a generator of its own, because every task passes this way.
            task = run.task
            keeps = True
            args, kwargs = task.signature.unbind(run.arguments)
            try:
                value = yield Call(run, task.fn, args, kwargs, task.timeout_seconds)
                if type(value) is Streamed:
                    keeps = value.items is not None
                    value = value.items
                state = outcomes.state_of_value(value)
                run.by_hand = state is value
            except TimedOut:
                state = outcomes.state_of_exception(run, outcomes.timeout_error(run, task.timeout_seconds or 0))
            except ConsumerStopped:
                keeps = False
                state = State(StateType.COMPLETED, message="Its consumer stopped before the end.")
            except BaseException as error:
                state = outcomes.state_of_exception(run, error)
            if run.tags:
                let_go(run)
            if state.type is not StateType.FAILED or not (yield from _retry_wanted(run, state)):
                hooks = _end(run, state, keeps=keeps)
                if hooks:
                    yield from _hooks(run, hooks)
                return
            if run.waiters is None:
                return  # skipped while it waited for its retry
    except GeneratorExit:
        raise  # dropped half way, with its pool or its process; nobody waits for it any more
    except BaseException as error:
        yield from _broken_off(run, error)
    finally:
        if run.tags:
            let_go(run)


def _broken_off(run: TaskRun, error: BaseException) -> Life:
    """End a run whose function is not to blame: a value did not fit its place, or a wait was interrupted."""
    is_ours = not run.is_settled and not isinstance(error, JournalUnwritable)
    hooks: list[Hook] = []
    try:
        if is_ours:
            hooks = _end(run, outcomes.state_of_exception(run, error))
    finally:
        if run.waiters is not None:
            settle(run)
    if not is_ours or not isinstance(error, Exception):
        raise error
    yield from _hooks(run, hooks)


def _begin(run: TaskRun) -> Early | None:
    """Name the run and say that it is running; give its final state where there is no need to call the function."""
    root, task = run.flow_run.root, run.task
    settings = root.settings
    run_name: str | None = None
    failure: Exception | None = None
    if task.task_run_name is not None:
        try:
            run_name = _named(run, task.task_run_name)
        except Exception as error:
            failure = error
    run.digest = digest_of(run.arguments, None, run.digest)
    kept = recorded_result(run) if root.recorded is not None and failure is None else None
    run.run_count += 1
    run.started = root.clock()
    inputs = preview_arguments(run.arguments, settings.secret_names, settings.preview_length)
    running: State[Any] = State(StateType.RUNNING, "Running", at=run.started)
    advance_task(run, running, run_name=run_name, inputs=inputs, digest=run.digest)
    if failure is not None:
        return outcomes.state_of_exception(run, failure), None
    if kept is not None:
        return State(StateType.COMPLETED, "Cached", kept.remark, kept.value), kept.stored
    if task.log_prints:
        capture_prints()
    return None


def _cached(run: TaskRun) -> Early | None:
    cached = cached_result(run)
    return None if cached is None else (State(StateType.COMPLETED, "Cached", None, cached.value), cached.stored)


def _retry_wanted(run: TaskRun, failed: State[Any]) -> Generator[Wait, Any, bool]:
    """Ask the retry policy; where it says yes, wait and begin the next attempt."""
    task, root = run.task, run.flow_run.root
    retries = task.retries_with(root.settings.tasks_default_retries)
    if run.run_count > retries or _is_stopped(run):
        return False
    if task.retry_condition_fn is not None:
        try:
            wanted = yield CallHook(run, task.retry_condition_fn, (task, run, failed), {}, None)
        except Exception as error:
            said = f"The retry condition raised, so there is no further attempt:{_trace(report(error))}"
            write_log(run, ERROR, LOGGER, said)
            return False
        if not wanted:
            return False
    delay = task.delay_with(root.settings.tasks_default_retry_delay_seconds)
    seconds = delay_after(delay, task.retry_jitter_factor, run.run_count)
    when = f"{seconds:.3g} second(s) from now" if seconds else "immediately"
    what = _what_failed(failed)
    write_log(run, INFO, LOGGER, f"Task run failed with {what} - Retry {run.run_count}/{retries} will start {when}")
    if seconds > 0:
        now = root.clock()
        due = now + int(seconds * 1e6)
        waiting: State[Any] = State(StateType.SCHEDULED, "AwaitingRetry", failed.message, at=now, due=due)
        advance_task(run, waiting, error=_report(run, failed))
        root.waiting[run.number] = run
        yield Sleep(run, seconds)
        del root.waiting[run.number]
        if root.wishes is not None and (yield from heeded(run)):
            return True
        if _is_stopped(run):
            return False
    if run.tags:
        yield from awaited(run)
        if _is_stopped(run):
            return False
    run.run_count += 1
    run.calls = 0
    retrying: State[Any] = State(StateType.RUNNING, "Retrying", at=root.clock())
    advance_task(run, retrying, error=None if seconds > 0 else _report(run, failed))
    if task.on_running_hooks:
        yield from _hooks(run, task.on_running_hooks)
    return True


def _is_stopped(run: TaskRun) -> bool:
    """Tell whether nothing more is to begin: its root run is cancelled, or the time of a flow run around it is up."""
    return run.flow_run.root.cancelled is not None or run.flow_run.is_over


def _end(run: TaskRun, state: State[Any], result: list[Any] | None = None, *, keeps: bool = True) -> list[Hook]:
    """Record the end and release who waits for it; give the hooks that are to be called now."""
    root, task = run.flow_run.root, run.task
    completed = state.type is StateType.COMPLETED
    value = error = None
    if completed:
        value = preview(state.data, root.settings.preview_length, root.settings.secret_names)
        root.handed_on.note(run.number, state.data)
        if result is None and keeps:
            result = keep_result(run, state)
    else:
        error = _report(run, state)
        if state.type is StateType.FAILED:
            _log_failure(run, state, error)
    state.at = root.clock()
    advance_task(run, state, value=value, error=error, result=result)
    if root.durable or (result is not None and task.persist_result):
        root.journal.sync()
    if run.cache_key is not None and completed:
        remember(run, state, result)
    settle(run)
    if completed:
        return task.on_completion_hooks
    return task.on_failure_hooks if state.type is StateType.FAILED else []


def _hooks(run: TaskRun, hooks: list[Hook]) -> Life:
    for hook in tuple(hooks):
        try:
            yield CallHook(run, hook, (run.task, run, run.state), {}, None)
        except Exception as error:
            name = getattr(hook, "__name__", repr(hook))
            write_log(run, ERROR, LOGGER, f"The hook {name!r} raised, which changes nothing:{_trace(report(error))}")


def _named(run: TaskRun, wanted: str | Callable[..., str]) -> str:
    from flowctl.core.engine.naming import task_run_name

    run.given_name = task_run_name(run, wanted)
    return run.given_name


def _report(run: TaskRun, state: State[Any]) -> dict[str, Any] | None:
    if not isinstance(state.data, BaseException):
        return None
    # From another process comes an exception without its traceback, and beside it the report made there.
    return getattr(state.data, "flowctl_report", None) or report(state.data, run.flow_run.root.settings)


def _log_failure(run: TaskRun, state: State[Any], error: dict[str, Any] | None) -> None:
    exhausted = " - Retries are exhausted" if run.run_count > 1 else ""
    write_log(run, ERROR, LOGGER, f"Task run failed with {_what_failed(state)}{exhausted}{_trace(error)}")


def _trace(error: dict[str, Any] | None) -> str:
    if error is None:
        return ""
    return "\n" + as_text(error)


def _what_failed(state: State[Any]) -> str:
    data = state.data
    if isinstance(data, BaseException):
        return f"exception: {type(data).__name__}({text_of(data)!r})"
    return f"state {state!s}"
