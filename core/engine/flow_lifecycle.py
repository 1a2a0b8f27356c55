"""The life of a flow run, from its call to its hooks: a generator that does no waiting of its own, as a task's is."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.authoring.exceptions import ParameterTypeError
from flowctl.core.authoring.options import delay_after
from flowctl.core.authoring.parameters import coerce
from flowctl.core.authoring.states import State
from flowctl.core.engine import arguments, outcomes
from flowctl.core.engine.capture import capture_prints
from flowctl.core.engine.cutting import cut_short
from flowctl.core.engine.journal_writer import JournalUnwritable
from flowctl.core.engine.keeping import keep_flow_result, recorded_flow_result
from flowctl.core.engine.pen import ERROR, INFO, WARNING, advance_flow, write_log
from flowctl.core.engine.previews import preview
from flowctl.core.engine.reports import as_text, report, text_of
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
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.authoring.options import Hook
    from flowctl.core.authoring.runs import FlowRun

Life = Generator[Wait, Any, None]
LOGGER = "flowctl.flow_runs"
#: Tasks of a flow run whose time is up are ended within this time, all but those that block their event loop.
_PATIENCE_S: Final = 0.5


def flow_lifecycle(run: FlowRun, wait_for: Any = None) -> Life:
    """Carry out a flow run. Afterwards its `state` says how it ended; nothing is raised."""
    try:
        yield from _carried_out(run, wait_for)
    except GeneratorExit:
        raise  # dropped half way, with its process
    except BaseException as error:
        # Not the flow's function: a value did not fit its place, or a wait was interrupted.
        if run.state.is_final() or isinstance(error, JournalUnwritable):
            raise
        yield from _finish(run, outcomes.state_of_exception(run, error))


def _carried_out(run: FlowRun, wait_for: Any) -> Life:
    root = run.root
    if run.deferred is not None:
        upstreams = [each for each in run.deferred.task_runs() if each.waiters is not None]
        if upstreams:
            yield WaitFor(upstreams)
        try:
            arguments.check_order(wait_for)
            run.arguments = run.coerced = arguments.resolve(run.arguments)
        except arguments.Blocked as blocked:
            advance_flow(run, State(StateType.PENDING, "NotReady", str(blocked), at=root.clock()))
            return
        run.deferred = None
    kept = recorded_flow_result(run)
    if kept is not None:
        state: State[Any] = State(StateType.COMPLETED, "Cached", kept.remark, kept.value)
        yield from _finish(run, state, result=kept.stored)
        return
    while True:
        state = yield from _one_attempt(run)
        if state.type is not StateType.FAILED or not (yield from _retry_wanted(run, state)):
            yield from _finish(run, state)
            return


def _one_attempt(run: FlowRun) -> Generator[Wait, Any, State[Any]]:
    flow, root = run.flow, run.root
    assert flow is not None
    run.run_count += 1
    run.calls = 0
    run.is_timed_out = False
    began = root.clock()
    run_name: str | None = None
    failure: Exception | None = None
    try:
        if flow.should_validate_parameters:
            run.coerced = coerce(flow.fn, run.arguments, what="Flow run")
        run_name = _named(run)
    except ParameterTypeError as error:
        failure = error
    except Exception as error:
        failure = error
    advance_flow(run, State(StateType.RUNNING, at=root.clock()), run_name=run_name)
    if run.run_count == 1:
        write_log(run, INFO, LOGGER, f"Beginning flow run {run.name!r} for flow {flow.name!r}")
    if failure is not None:
        return outcomes.state_of_exception(run, failure)
    if flow.on_running_hooks:
        yield from _hooks(run, flow.on_running_hooks)
    args, kwargs = flow.signature.unbind(run.coerced)
    if flow.log_prints or root.settings.log_prints:
        capture_prints()
    value: Any = None
    state: State[Any] | None
    try:
        value = yield Call(run, flow.fn, args, kwargs, flow.timeout_seconds)
        if type(value) is Streamed:
            run.keeps = value.items is not None
            value = value.items
        state = None
    except TimedOut:
        state = _timed_out(run)
    except ConsumerStopped:
        run.keeps = False
        state = State(StateType.COMPLETED, message="Its consumer stopped before the end.")
    except BaseException as error:
        state = outcomes.state_of_exception(run, error)
    if run.open_tasks and (state is None or state.type in (StateType.COMPLETED, StateType.FAILED)):
        try:
            state = yield from _tasks_ended(run, began, state)
        except BaseException as error:
            state = outcomes.state_of_exception(run, error)
    if state is None:
        value = outcomes.with_states(value)
        state = outcomes.state_of_value(value)
        run.by_hand = state is value
    if root.broken is not None and run.number == 0:
        state = outcomes.state_of_exception(run, root.broken)
    if root.cancelled is not None and state.type in (StateType.COMPLETED, StateType.FAILED):
        # Its body may have ended before the interruption struck, but tasks of it were refused already.
        state = outcomes.state_of_exception(run, root.cancelled)
    state.at = root.clock()
    return state


def _tasks_ended(run: FlowRun, began: int, state: State[Any] | None) -> Generator[Wait, Any, State[Any] | None]:
    """Wait for the tasks of a body that ended: what was submitted is never dropped. Give the state, if there is one."""
    assert run.flow is not None
    limit_s = run.flow.timeout_seconds
    if limit_s is None:
        yield WaitForTasks(run)
        return state
    if not run.is_timed_out:
        yield WaitForTasks(run, max(limit_s - (run.root.clock() - began) / 1e6, 0))
        if run.open_tasks:
            state = _timed_out(run)
    if run.is_timed_out:
        yield WaitForTasks(run, _PATIENCE_S)
        if run.open_tasks:
            message = f"{run.open_tasks} task(s) could not be stopped and are left behind; what they return is dropped."
            write_log(run, WARNING, LOGGER, message)
    return state


def _timed_out(run: FlowRun) -> State[Any]:
    assert run.flow is not None
    run.is_timed_out = True
    cut_short(run)
    return outcomes.state_of_exception(run, outcomes.timeout_error(run, run.flow.timeout_seconds or 0))


def _retry_wanted(run: FlowRun, failed: State[Any]) -> Generator[Wait, Any, bool]:
    flow, root = run.flow, run.root
    assert flow is not None
    retries = flow.retries_with(root.settings.flows_default_retries)
    if run.run_count > retries or root.cancelled is not None or root.broken is not None:
        return False
    if isinstance(failed.data, ParameterTypeError):
        return False
    seconds = delay_after(flow.retry_delay_seconds, None, run.run_count)
    now = root.clock()
    due = now + int(seconds * 1e6)
    waiting: State[Any] = State(StateType.SCHEDULED, "AwaitingRetry", failed.message, at=now, due=due)
    error = _report(run, failed)
    when = f"{seconds:.3g} second(s) from now" if seconds else "immediately"
    said = f"Flow run failed: {failed.message} - Retry {run.run_count}/{retries} will start {when}"
    write_log(run, INFO, LOGGER, said)
    advance_flow(run, waiting, error=error)
    if seconds > 0:
        yield Sleep(run, seconds)
    return root.cancelled is None


def _finish(run: FlowRun, state: State[Any], *, result: list[Any] | None = None) -> Life:
    flow, root = run.flow, run.root
    assert flow is not None
    value = error = None
    if state.type is StateType.COMPLETED:
        value = preview(state.data, root.settings.preview_length, root.settings.secret_names)
        if run.number:
            root.handed_on.note(-run.number, state.data)
        if result is None and run.keeps:
            result = keep_flow_result(run, state)
    else:
        error = _report(run, state)
        if error is not None and state.type is not StateType.CANCELLED:
            what = f"{type(state.data).__name__}({text_of(state.data)!r})"
            _say(run, ERROR, f"Encountered exception during execution: {what}\n{as_text(error)}")
    level = {StateType.COMPLETED: INFO, StateType.CANCELLED: WARNING}.get(state.type, ERROR)
    _say(run, level, f"Finished in state {state!s}")
    state.at = root.clock()
    advance_flow(run, state, value=value, error=error, result=result)
    hooks = {
        StateType.COMPLETED: flow.on_completion_hooks,
        StateType.FAILED: flow.on_failure_hooks,
        StateType.CRASHED: flow.on_crashed_hooks,
        StateType.CANCELLED: flow.on_cancellation_hooks,
    }.get(state.type)
    if hooks:
        yield from _hooks(run, hooks)
        if run.open_tasks and state.type in (StateType.COMPLETED, StateType.FAILED):
            yield WaitForTasks(run)  # those that the hooks submitted


def _say(run: FlowRun, level: int, message: str) -> None:
    """Log what the final state says as well: on a full disk, the room that is left is for that state."""
    try:
        write_log(run, level, LOGGER, message)
    except JournalUnwritable:
        return


def _hooks(run: FlowRun, hooks: list[Hook]) -> Life:
    for hook in tuple(hooks):
        try:
            yield CallHook(run, hook, (run.flow, run, run.state), {}, None)
        except Exception as error:
            name = getattr(hook, "__name__", repr(hook))
            write_log(run, ERROR, LOGGER, f"The hook {name!r} raised, which changes nothing: {as_text(report(error))}")


def _named(run: FlowRun) -> str | None:
    assert run.flow is not None
    wanted = run.flow.flow_run_name
    if wanted is None or run.run_count > 1:
        return None
    from flowctl.core.engine.naming import flow_run_name

    run.name = flow_run_name(run, wanted)
    return run.name


def _report(run: FlowRun, state: State[Any]) -> dict[str, Any] | None:
    if not isinstance(state.data, BaseException):
        return None
    return report(state.data, run.root.settings)
