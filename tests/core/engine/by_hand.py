"""Lifecycles driven by hand: a root run in the test's home with a clock that stands still, and no thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextvars import copy_context
from typing import Any, TypeVar

from flowctl.core.authoring.context import CURRENT
from flowctl.core.authoring.flows import Flow
from flowctl.core.authoring.runs import FlowRun, TaskRun
from flowctl.core.authoring.states import State
from flowctl.core.authoring.tasks import Task
from flowctl.core.engine.creation import new_task_run
from flowctl.core.engine.root import RootRun
from flowctl.core.engine.waits import Call, CallHook, Wait
from flowctl.store.home import Home
from flowctl.store.journal import FlowRunState, LogLine, Record, TaskRunState, decode
from flowctl.store.states import StateType

R = TypeVar("R")
NOON_US = 1_772_452_800_000_000


class Clock:
    """Says the same time until it is put forward."""

    def __init__(self) -> None:
        self.now = NOON_US

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += int(seconds * 1e6)


class Bench:
    """A flow run, whose lifecycle and whose tasks' lifecycles the test carries out itself."""

    def __init__(self, flow: Flow[..., Any] | None = None, **parameters: Any) -> None:
        self.clock = Clock()
        self.root = RootRun(start=None, clock=self.clock)
        self.root.new_run_number()
        self.flow_run = FlowRun(
            id=self.root.id,
            name="by-hand",
            flow=flow or Flow(_nothing),
            root=self.root,
            number=0,
            parent=None,
            parent_task=None,
            parameters=parameters,
            tags=frozenset(),
            state=State(StateType.PENDING, at=self.clock()),
        )

    def task_run(self, task: Task[..., Any], wait_for: Any = None, **arguments: Any) -> TaskRun:
        """Make a task run as if the flow's body had called the task."""
        return within(self.flow_run, lambda: new_task_run(task, arguments, wait_for))

    def records(self) -> list[Record]:
        return records_of(self.root.home, self.root.id)

    def states(self, run: FlowRun | TaskRun) -> list[str]:
        """List the states on record, as `TYPE/Name`."""
        return [
            f"{record.type}/{record.name}"
            for record in self.records()
            if (isinstance(record, TaskRunState) and run.is_task and record.task == run.number)
            or (isinstance(record, FlowRunState) and not run.is_task and record.run == run.number)
        ]

    def logged(self) -> str:
        return "\n".join(record.message for record in self.records() if isinstance(record, LogLine))


class Steps:
    """A lifecycle, step by step."""

    def __init__(self, life: Generator[Wait, Any, None]) -> None:
        self._life = life
        #: What it waits for; None when it has ended.
        self.wait: Wait | None = None
        self.resume()

    def resume(self, value: Any = None) -> None:
        """Let what it waits for have come to pass."""
        try:
            self.wait = self._life.send(value)
        except StopIteration:
            self.wait = None

    def throw(self, error: BaseException) -> None:
        """Let what it waits for have failed."""
        try:
            self.wait = self._life.throw(error)
        except StopIteration:
            self.wait = None

    def carry_out(self) -> None:
        """Make the call that it waits for, and resume it with the outcome."""
        call = self.wait
        assert isinstance(call, Call), call
        try:
            value = within(call.run, lambda: call.fn(*call.args, **call.kwargs))
        except BaseException as error:  # noqa: BLE001 - an outcome like another
            self.throw(error)
        else:
            self.resume(value)

    def to_the_end(self) -> list[str]:
        """Carry out all that is left; list what it waited for."""
        seen: list[str] = []
        while self.wait is not None:
            seen.append(_named(self.wait))
            if isinstance(self.wait, Call):
                self.carry_out()
            else:
                self.resume()
        return seen


def within(run: FlowRun | TaskRun, make: Callable[[], R]) -> R:
    """Call a function as if in the body of a run."""

    def body() -> R:
        CURRENT.set(run)
        return make()

    return copy_context().run(body)


def records_of(home: Home, run_id: str, attempt: int = 1) -> list[Record]:
    """Read a journal, and see that no record is missing."""
    with open(home.journal(run_id, attempt), "rb") as file:  # noqa: PTH123 - paths of a home are strings
        found = list(decode(file.read()))
    sequences = [sequence for _, sequence, _ in found]
    assert sequences == list(range(sequences[0], sequences[0] + len(found))), "a record is missing"
    return [record for _, _, record in found]


def the_run_of(home: Home) -> str:
    """Give the id of the only root run in a home."""
    (run_id,) = os.listdir(home.runs)  # noqa: PTH208 - as above
    return run_id


def _named(wait: Wait) -> str:
    if isinstance(wait, CallHook):
        return "hook " + str(getattr(wait.fn, "__name__", wait.fn))
    return type(wait).__name__


def _nothing() -> None:
    return
