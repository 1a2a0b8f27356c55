"""`State`, what a user sees of a run's state, and the functions that make one by hand."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# What a state holds is the user's, of which nothing is known.

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from flowctl.core.authoring.exceptions import CancelledRun, CrashedRun, FailedRun, PausedRun, UnfinishedRun
from flowctl.store.states import FINAL, StateType

if TYPE_CHECKING:
    from datetime import datetime

    from flowctl.core.authoring.runs import FlowRun, TaskRun

R = TypeVar("R")
#: The name of a state that is given none.
_NAMES: Final = {each: each.value.capitalize() for each in StateType}


class StateDetails:
    """The ids of the run that a state belongs to, and the time it waits for."""

    __slots__ = ("flow_run_id", "scheduled_time", "task_run_id")

    def __init__(self, flow_run_id: str | None, task_run_id: str | None, scheduled_time: datetime | None) -> None:
        self.flow_run_id = flow_run_id
        self.task_run_id = task_run_id
        self.scheduled_time = scheduled_time


class State(Generic[R]):
    """A moment of a run: type, name, message, time, and at its end the value or the exception."""

    __slots__ = ("_id", "at", "data", "due", "message", "name", "run", "type")

    def __init__(
        self,
        type: StateType,  # noqa: A002 - the word of the API
        name: str | None = None,
        message: str | None = None,
        data: Any = None,
        *,
        at: int | None = None,
        run: FlowRun | TaskRun | None = None,
        due: int | None = None,
    ) -> None:
        self.type = type
        self.name = name or _NAMES[type]
        self.message = message
        #: The value of a completed run, the exception of a failed one (user data, hence `Any`).
        self.data = data
        #: Microseconds since the epoch.
        self.at = time.time_ns() // 1000 if at is None else at
        #: None for a state built by hand.
        self.run = run
        self.due = due
        #: Made when it is first asked for; mostly it never is.
        self._id: str | None = None

    @property
    def id(self) -> str:
        if self._id is None:
            from uuid import uuid4

            self._id = str(uuid4())
        return self._id

    @property
    def timestamp(self) -> datetime:
        return moment(self.at)

    @property
    def state_details(self) -> StateDetails:
        run = self.run
        due = None if self.due is None else moment(self.due)
        if run is None:
            return StateDetails(None, None, due)
        return StateDetails(run.flow_run_id, run.task_run_id, due)

    def result(self, raise_on_failure: bool = True) -> Any:
        """Return the value; a failure is raised, or with `raise_on_failure=False` returned as the exception.

        Raises `UnfinishedRun` when the run has not finished or never ran.
        """
        if self.type is StateType.COMPLETED:
            return self.data
        if self.type is StateType.PAUSED:
            raise PausedRun("The run is paused, its result is not available.")
        if self.type not in FINAL:
            raise UnfinishedRun(
                f"The run is in state {self.type.value}/{self.name}, its result is not available."
                + (f" {self.message}" if self.message else "")
            )
        if not raise_on_failure:
            return self.data
        raise exception_of(self)

    def is_scheduled(self) -> bool:
        return self.type is StateType.SCHEDULED

    def is_pending(self) -> bool:
        return self.type is StateType.PENDING

    def is_running(self) -> bool:
        return self.type is StateType.RUNNING

    def is_completed(self) -> bool:
        return self.type is StateType.COMPLETED

    def is_failed(self) -> bool:
        return self.type is StateType.FAILED

    def is_crashed(self) -> bool:
        return self.type is StateType.CRASHED

    def is_cancelled(self) -> bool:
        return self.type is StateType.CANCELLED

    def is_cancelling(self) -> bool:
        return self.type is StateType.CANCELLING

    def is_paused(self) -> bool:
        return self.type is StateType.PAUSED

    def is_final(self) -> bool:
        return self.type in FINAL

    def __repr__(self) -> str:
        message = f"message={self.message!r}, " if self.message else ""
        return f"{self.name}({message}type={self.type.value})"

    def __str__(self) -> str:
        return f"{self.name}({self.message!r})" if self.message else f"{self.name}()"


def exception_of(state: State[Any]) -> BaseException:
    """Make the exception that stands for a state which ended badly."""
    data = state.data
    if isinstance(data, BaseException):
        return data
    if isinstance(data, State):
        return _exception_within(data)
    if isinstance(data, (list, tuple, set)):
        items: list[Any] = list(data)
        for inner in items:
            if isinstance(inner, State) and inner.type is not StateType.COMPLETED:
                return _exception_within(inner)
    text = state.message or (data if isinstance(data, str) else None) or f"The run ended {state.name}."
    kind = {StateType.CANCELLED: CancelledRun, StateType.CRASHED: CrashedRun}.get(state.type, FailedRun)
    return kind(text)


def _exception_within(state: State[Any]) -> BaseException:
    if state.type not in FINAL:
        return UnfinishedRun(state.message or f"The run is in state {state.type.value}/{state.name}.")
    return exception_of(state)


def moment(at: int) -> datetime:
    """Turn microseconds since the epoch into an aware datetime."""
    from datetime import UTC, datetime, timedelta

    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)


def Completed(*, name: str | None = None, message: str | None = None, data: Any = None) -> State[Any]:  # noqa: N802
    return State(StateType.COMPLETED, name, message, data)


def Failed(*, name: str | None = None, message: str | None = None, data: Any = None) -> State[Any]:  # noqa: N802
    return State(StateType.FAILED, name, message, data)


def Crashed(*, name: str | None = None, message: str | None = None, data: Any = None) -> State[Any]:  # noqa: N802
    return State(StateType.CRASHED, name, message, data)


def Cancelled(*, name: str | None = None, message: str | None = None, data: Any = None) -> State[Any]:  # noqa: N802
    return State(StateType.CANCELLED, name, message, data)


def Cancelling(*, name: str | None = None, message: str | None = None) -> State[Any]:  # noqa: N802
    return State(StateType.CANCELLING, name, message)


def Paused(*, name: str | None = None, message: str | None = None) -> State[Any]:  # noqa: N802
    return State(StateType.PAUSED, name, message)


def Pending(*, name: str | None = None, message: str | None = None) -> State[Any]:  # noqa: N802
    return State(StateType.PENDING, name, message)


def Running(*, name: str | None = None, message: str | None = None) -> State[Any]:  # noqa: N802
    return State(StateType.RUNNING, name, message)


def Retrying(*, message: str | None = None) -> State[Any]:  # noqa: N802
    return State(StateType.RUNNING, "Retrying", message)


def Scheduled(  # noqa: N802
    *, scheduled_time: datetime | None = None, name: str | None = None, message: str | None = None
) -> State[Any]:
    due = None if scheduled_time is None else int(scheduled_time.timestamp() * 1_000_000)
    return State(StateType.SCHEDULED, name, message, due=due)


def AwaitingRetry(*, scheduled_time: datetime | None = None, message: str | None = None) -> State[Any]:  # noqa: N802
    return Scheduled(scheduled_time=scheduled_time, name="AwaitingRetry", message=message)
