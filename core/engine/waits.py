"""What a lifecycle may wait for. It yields one of these and is resumed with the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowctl.core.authoring.runs import FlowRun, TaskRun


class Call:
    """Call the user's function in the run's context; resumed with its value, or its exception is thrown in."""

    __slots__ = ("args", "fn", "kwargs", "run", "timeout_s")

    def __init__(
        self,
        run: FlowRun | TaskRun,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        timeout_s: float | None,
    ) -> None:
        self.run = run
        self.fn = fn
        self.args = args
        self.kwargs = kwargs
        #: When it passes, `TimedOut` is thrown in, whatever the function goes on doing.
        self.timeout_s = timeout_s


class CallHook(Call):
    """Call a hook: like `Call`, but always in the thread that drives the lifecycle."""

    __slots__ = ()


class Streamed:
    """The outcome of a generator whose values went to its consumer one by one."""

    __slots__ = ("items",)

    def __init__(self, items: list[Any] | None) -> None:
        #: What it yielded; None where that is too much to be kept.
        self.items = items


class Sleep:
    """Wait for `seconds`, or until the run's `wake` is called."""

    __slots__ = ("run", "seconds")

    def __init__(self, run: FlowRun | TaskRun, seconds: float) -> None:
        self.run = run
        self.seconds = seconds


class WaitFor:
    """Wait until all these task runs are settled."""

    __slots__ = ("runs",)

    def __init__(self, runs: list[TaskRun]) -> None:
        self.runs = runs


class WaitForTasks:
    """Wait until no lifecycle of a task submitted in this flow run is under way, or for at most so many seconds."""

    __slots__ = ("flow_run", "seconds")

    def __init__(self, flow_run: FlowRun, seconds: float | None = None) -> None:
        self.flow_run = flow_run
        self.seconds = seconds


Wait = Call | Sleep | WaitFor | WaitForTasks


class TimedOut(BaseException):
    """Thrown into a lifecycle, and into the user's function where that can be interrupted: its time is up.

    No `Exception`, so that the user's code does not catch it by accident.
    """


class Deadline(BaseException):
    """What an alarm raises in the main thread when the time of a run around the present code is up.

    Only the call that it belongs to makes `TimedOut` of it: for the runs within, their own time is not up.
    """

    def __init__(self, due: float) -> None:
        super().__init__("the time of a run around this one was up")
        self.due = due


class CutShort(BaseException):
    """Thrown into a lifecycle: the time of the flow run around it is up."""

    def __init__(self) -> None:
        super().__init__("The time of its flow run was up.")


class Interrupted(KeyboardInterrupt):
    """Thrown into the user's function: a person asked to cancel the run."""


class Terminated(SystemExit):
    """Thrown into the user's function: the process got SIGTERM. A script that lets it pass exits as killed by it."""

    def __init__(self) -> None:
        super().__init__(128 + 15)


class ConsumerStopped(BaseException):
    """Thrown into the lifecycle of a generator run: its consumer wants no more values."""
