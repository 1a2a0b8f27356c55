"""The life of a task run, from its call to its hooks: a generator that does no waiting of its own.

It yields what may block (see `waits`) and a driver sends the outcome in; so the same lines serve threads,
asyncio, processes and tests without any of them.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.options import delay_after
from flowctl.core.authoring.states import State
from flowctl.core.engine import arguments, outcomes
from flowctl.core.engine.capture import capture_prints
from flowctl.core.engine.digests import digest as digest_of
from flowctl.core.engine.keeping import cached_result, keep_result, recorded_result, remember
from flowctl.core.engine.pen import ERROR, INFO, advance_task, settle, write_log
from flowctl.core.engine.previews import preview, preview_arguments
from flowctl.core.engine.waits import Call, CallHook, ConsumerStopped, Sleep, TimedOut, Wait, WaitFor
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.authoring.options import Hook
    from flowctl.core.authoring.runs import TaskRun

Life = Generator[Wait, Any, None]
LOGGER = "flowctl.task_runs"


def task_lifecycle(run: TaskRun, wait_for: Any = None) -> Life:
    """Carry out a task run. Afterwards its `state` says how it ended; nothing is raised."""
    root = run.flow_run.root
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
        if root.cancelled is not None:
            advance_task(run, State(StateType.CANCELLED, message="The run was cancelled before this task started."))
            settle(run)
            return
        yield from _attempts(run)
    finally:
        if run.waiters is not None:
            settle(run)


def _attempts(run: TaskRun) -> Life:
    root, task = run.flow_run.root, run.task
    settings = root.settings
    failure: Exception | None = None
    try:
        run_name = _named(run)
    except Exception as error:
        run_name, failure = None, error
    run.digest = digest_of(run.arguments)
    kept = None if failure else recorded_result(run)
    run.run_count += 1
    run.started = root.clock()
    running: State[Any] = State(StateType.RUNNING, at=run.started)
    inputs = preview_arguments(run.arguments, settings.secret_names, settings.preview_length)
    advance_task(run, running, run_name=run_name, inputs=inputs, digest=run.digest)
    if failure is not None:
        yield from _finish(run, outcomes.state_of_exception(run, failure), retryable=False)
        return
    if kept is not None:
        state: State[Any] = State(StateType.COMPLETED, "Cached", f"Reused from attempt {kept.attempt}.", kept.value)
        yield from _finish(run, state, result=kept.stored)
        return
    if task.on_running_hooks:
        yield from _hooks(run, task.on_running_hooks)
    cached = cached_result(run)
    if cached is not None:
        yield from _finish(run, State(StateType.COMPLETED, "Cached", None, cached.value), result=cached.stored)
        return
    while True:
        state = yield from _one_attempt(run)
        if state.type is not StateType.FAILED or not (yield from _retry_wanted(run, state)):
            yield from _finish(run, state)
            return


def _one_attempt(run: TaskRun) -> Generator[Wait, Any, State[Any]]:
    task = run.task
    args, kwargs = task.signature.unbind(run.arguments)
    timeout_s = task.timeout_seconds
    state: State[Any]
    if task.log_prints:
        capture_prints()
    try:
        value = yield Call(run, task.fn, args, kwargs, timeout_s)
        state = outcomes.state_of_value(value)
        run.by_hand = state is value
    except TimedOut:
        state = outcomes.state_of_exception(run, outcomes.timeout_error(run, timeout_s or 0))
    except ConsumerStopped:
        state = State(StateType.COMPLETED, message="Its consumer stopped before the end.")
    except BaseException as error:
        state = outcomes.state_of_exception(run, error)
    state.at = run.flow_run.root.clock()
    return state


def _retry_wanted(run: TaskRun, failed: State[Any]) -> Generator[Wait, Any, bool]:
    """Ask the retry policy; where it says yes, wait and begin the next attempt."""
    task, root = run.task, run.flow_run.root
    retries = task.retries_with(root.settings.tasks_default_retries)
    if run.run_count > retries or root.cancelled is not None:
        return False
    if task.retry_condition_fn is not None:
        try:
            wanted = yield CallHook(run, task.retry_condition_fn, (task, run, failed), {}, None)
        except Exception as error:
            write_log(run, ERROR, LOGGER, f"The retry condition raised {error!r}: there is no further attempt.")
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
        advance_task(run, waiting, error=_report(failed))
        yield Sleep(run, seconds)
        if root.cancelled is not None:
            return False
    run.run_count += 1
    retrying: State[Any] = State(StateType.RUNNING, "Retrying", at=root.clock())
    advance_task(run, retrying, error=None if seconds > 0 else _report(failed))
    if task.on_running_hooks:
        yield from _hooks(run, task.on_running_hooks)
    return True


def _finish(
    run: TaskRun, state: State[Any], *, result: list[Any] | None = None, retryable: bool = True
) -> Generator[Wait, Any, None]:
    """Record the end, release who waits for it, then call the hooks."""
    root, task = run.flow_run.root, run.task
    value = error = None
    if state.type is StateType.COMPLETED:
        value = preview(state.data, root.settings.preview_length, root.settings.secret_names)
        if result is None:
            result = keep_result(run, state)
    else:
        error = _report(state)
        if state.type is StateType.FAILED:
            _log_failure(run, state, error, retryable)
    state.at = root.clock()
    advance_task(run, state, value=value, error=error, result=result)
    if root.durable or (result is not None and task.persist_result):
        root.journal.sync()
    if state.type is StateType.COMPLETED:
        remember(run, state, result)
    settle(run)
    hooks = task.on_completion_hooks if state.type is StateType.COMPLETED else task.on_failure_hooks
    if hooks and state.type in (StateType.COMPLETED, StateType.FAILED):
        yield from _hooks(run, hooks)


def _hooks(run: TaskRun, hooks: list[Hook]) -> Life:
    for hook in tuple(hooks):
        try:
            yield CallHook(run, hook, (run.task, run, run.state), {}, None)
        except Exception as error:
            name = getattr(hook, "__name__", repr(hook))
            write_log(run, ERROR, LOGGER, f"The hook {name!r} raised, which changes nothing: {_text_of(error)}")


def _named(run: TaskRun) -> str | None:
    """Apply the run-name template or function; None where the task has none."""
    wanted = run.task.task_run_name
    if wanted is None:
        return None
    from flowctl.core.engine.naming import task_run_name

    run.given_name = task_run_name(run, wanted)
    return run.given_name


def _report(state: State[Any]) -> dict[str, Any] | None:
    if not isinstance(state.data, BaseException):
        return None
    from flowctl.core.engine.reports import report

    # From another process comes an exception without its traceback, and beside it the report made there.
    return getattr(state.data, "flowctl_report", None) or report(state.data)


def _log_failure(run: TaskRun, state: State[Any], error: dict[str, Any] | None, retryable: bool) -> None:
    exhausted = " - Retries are exhausted" if retryable and run.run_count > 1 else ""
    write_log(run, ERROR, LOGGER, f"Task run failed with {_what_failed(state)}{exhausted}{_trace(error)}")


def _trace(error: dict[str, Any] | None) -> str:
    if error is None:
        return ""
    from flowctl.core.engine.reports import as_text

    return "\n" + as_text(error)


def _what_failed(state: State[Any]) -> str:
    data = state.data
    if isinstance(data, BaseException):
        return f"exception: {type(data).__name__}({outcomes.text_of(data)!r})"
    return f"state {state!s}"


def _text_of(error: BaseException) -> str:
    from flowctl.core.engine.reports import as_text, report

    return as_text(report(error))
