"""The rules by which what a body returned or raised becomes a final state (those of the reference, see docs)."""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# What stands in the arguments and values of users has no type that could be known here.

from __future__ import annotations

from collections.abc import Iterable
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.exceptions import CancelledRun, FlowRunTimeoutError, TaskRunTimeoutError, UnfinishedRun
from flowctl.core.authoring.futures import Future, settled
from flowctl.core.authoring.states import State
from flowctl.core.engine.reports import text_of
from flowctl.core.engine.waits import CutShort, Deadline, Interrupted, Terminated
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun, TaskRun


def state_of_value(value: Any) -> State[Any]:
    """Make the final state of a body that returned `value`.

    A state built by hand is taken as it is; states of runs, alone or as the only content of a list, tuple or
    set, are added up; anything else is the value of a completed run.
    """
    if isinstance(value, State) and value.run is None:
        return value
    if isinstance(value, (State, list, tuple, set)) and (states := _only_states(value)) is not None:
        return _sum_of(states, value)
    if isinstance(value, GeneratorType):
        value = list(value)
    return State(StateType.COMPLETED, "Completed", None, value)


def with_states(value: Any) -> Any:
    """Replace the futures in a flow's return value by their final states, waiting for them."""
    if isinstance(value, Future):
        settled(value.run, None)
        return value.state
    if isinstance(value, (list, tuple, set)) and _may_hold_futures(value):
        items = [with_states(each) for each in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        if hasattr(value, "_fields"):
            return type(value)(*items)
        return items if isinstance(value, list) else type(value)(items)
    if type(value) is dict and _may_hold_futures(value.values()):
        return {key: with_states(each) for key, each in value.items()}
    return value


def _may_hold_futures(values: Iterable[Any]) -> bool:
    return any(isinstance(each, (Future, list, tuple, set, dict)) for each in values)


def state_of_exception(run: FlowRun | TaskRun, error: BaseException) -> State[Any]:
    """Make the final state of a body that raised."""
    what = "Task" if run.is_task else "Flow"
    cancelled = run.flow_run.root.cancelled
    if cancelled is not None and (not isinstance(error, Exception) or isinstance(error, (CancelledRun, UnfinishedRun))):
        # Tasks that the cancelled run refused, and what came of that, are the cancel's doing.
        error = cancelled
    if isinstance(error, (FlowRunTimeoutError, TaskRunTimeoutError)) and getattr(error, "run", None) is run:
        return State(StateType.FAILED, "TimedOut", str(error), error)
    if run.is_task and run.flow_run.is_over and not isinstance(error, (Exception, Deadline)):
        return State(StateType.CANCELLED, message=str(CutShort()), data=None)
    if isinstance(error, Interrupted):
        return State(StateType.CANCELLED, message="The run was cancelled by a person.", data=error)
    if isinstance(error, Exception):
        colon = ":" if what == "Flow" else ""
        message = f"{what} run encountered an exception{colon} {type(error).__name__}: {text_of(error)}"
        return State(StateType.FAILED, message=message, data=error)
    return State(StateType.CRASHED, message=_why_crashed(error), data=error)


def timeout_error(run: FlowRun | TaskRun, seconds: float) -> Exception:
    """Make the error of an attempt whose time was up."""
    kind, what = (TaskRunTimeoutError, "Task") if run.is_task else (FlowRunTimeoutError, "Flow")
    error: Any = kind(f"{what} run exceeded timeout of {float(seconds)} second(s)")
    error.run = run  # tells our own timeout from one that merely passes through
    timed_out: Exception = error
    return timed_out


def _why_crashed(error: BaseException) -> str:
    if isinstance(error, Terminated):
        return "Execution was aborted by a termination signal."
    if isinstance(error, KeyboardInterrupt):
        return "Execution was aborted by an interrupt signal."
    if isinstance(error, SystemExit):
        return "Execution was aborted by Python system exit call."
    if isinstance(error, Deadline):
        return f"Execution was interrupted: {error}."
    name = type(error).__name__
    if name == "CancelledError":
        return "Execution was cancelled by the runtime environment."
    return f"Execution was interrupted by an unexpected exception: {name}: {text_of(error)}"


def _only_states(value: Any) -> list[State[Any]] | None:
    if isinstance(value, State):
        return [value]
    if isinstance(value, (list, tuple, set)) and value:
        states = [each for each in value if isinstance(each, State)]
        if len(states) == len(value):
            return states
    return None


def _sum_of(states: list[State[Any]], value: Any) -> State[Any]:
    total = len(states)
    kinds = [state.type for state in states]
    cancelled = kinds.count(StateType.CANCELLED)
    paused = kinds.count(StateType.PAUSED)
    failed = kinds.count(StateType.FAILED) + kinds.count(StateType.CRASHED)
    unfinished = sum(not state.is_final() for state in states)
    if kinds.count(StateType.COMPLETED) == total:
        return State(StateType.COMPLETED, message="All states completed.", data=value)
    if cancelled:
        return State(StateType.CANCELLED, message=f"{cancelled}/{total} states cancelled.", data=value)
    if paused:
        return State(StateType.PAUSED, message=f"{paused}/{total} states paused.", data=value)
    if failed:
        return State(StateType.FAILED, message=f"{failed}/{total} states failed.", data=value)
    return State(StateType.FAILED, message=f"{unfinished}/{total} states are not final.", data=value)
