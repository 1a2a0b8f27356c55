"""What a person asks of a run under way, and what comes of it: pause, resume, retry now, skip a task.

The asking stands in the run's control file, one JSON object a line: `{"do": "pause", "attempt": 1}`, `resume`, and
`retry_now` or `skip_task` with the number of a `task`. One thread of the run process looks ten times a second.
A paused run starts no task; those under way go on. A skipped task is Completed, named Skipped, its value None: who
skips a task wants the rest to go on. The value is not kept, so a later attempt of the run carries the task out.
"""

from __future__ import annotations

import os
from _thread import allocate_lock, start_new_thread
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.authoring.states import State
from flowctl.core.engine.pen import advance_flow, advance_task, settle
from flowctl.core.engine.waits import Wait, WaitFor
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun, TaskRun

LOOK_EVERY_S: Final = 0.1
#: A task that is said to wait for its retry, and does not yet, is looked for so often.
_PATIENCE: Final = 20


class Wishes:
    """What keeps tasks of a run from starting."""

    __slots__ = ("gate", "skipped")

    def __init__(self) -> None:
        #: While the run is paused: stands for a task run that all others wait for.
        self.gate: Any = None
        #: Numbers of task runs that are not to start.
        self.skipped: set[int] = set()


class _Gate:
    """Has of a task run what waiting for it needs, see `gathering`."""

    is_task: Final = False

    __slots__ = ("flow_run", "waiters")

    def __init__(self, flow_run: FlowRun) -> None:
        self.flow_run = flow_run
        self.waiters: list[Any] | None = []


def control_path(folder: str) -> str:
    """Name the control file, in the folder of a root run."""
    return f"{folder}/control"


def heeded(run: TaskRun) -> Generator[Wait, Any, bool]:
    """Wait while the run is paused; tell whether the task run was skipped instead of starting."""
    root = run.flow_run.root
    while (wishes := root.wishes) is not None and root.cancelled is None:
        if run.number in wishes.skipped:
            message = "A person skipped it."
            advance_task(run, State(StateType.COMPLETED, "Skipped", message, at=root.clock()))
            wishes.skipped.discard(run.number)
            settle(run)
            return True
        gate = wishes.gate
        if gate is None:
            break
        yield WaitFor([gate])
    return False


def attend(run: FlowRun) -> None:
    """Look at the control file of a root run from now on, as long as it is open."""
    global _is_looking
    _attended[run] = _Control(run)
    if not _is_looking:
        _is_looking = True
        start_new_thread(_look, ())
    elif _bell.locked():
        _bell.release()


class _Control:
    """The control file of one run, and how far it was read."""

    def __init__(self, run: FlowRun) -> None:
        self._run = run
        self._path = control_path(run.root.home.run_folder(run.root.id))
        self._offset = 0
        #: Task number -> how often it will still be looked for, to end its retry delay.
        self._to_wake: dict[int, int] = {}

    def look(self) -> bool:
        """Do what is asked for, and take in what the run's processes wrote; tell whether there is more of that."""
        run, root = self._run, self._run.root
        try:
            size = os.stat(self._path).st_size
        except OSError:
            size = 0
        if size > self._offset:
            self._read(size)
        if self._to_wake:
            self._wake()
        wishes: Wishes | None = root.wishes
        if wishes is not None:
            if root.cancelled is not None:
                self._open_gate(wishes)
            elif wishes.gate is not None:
                paused: State[Any] = State(StateType.PAUSED, "Paused", "A person paused it.", at=root.clock())
                advance_flow(run, paused, only_from=StateType.RUNNING)
            elif not wishes.skipped:
                root.wishes = None
        return root.output is not None and root.output.take()

    def _read(self, size: int) -> None:
        import json

        with open(self._path, "rb") as file:
            file.seek(self._offset)
            data = file.read(size - self._offset)
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            try:
                asked = json.loads(line)
                if asked["attempt"] == self._run.root.attempt:
                    self._do(asked["do"], int(asked.get("task") or 0))
            except (ValueError, TypeError, KeyError):
                continue  # of a newer flowctl, whose daemon sees that nothing comes of it

    def _do(self, what: str, task: int) -> None:
        run, root = self._run, self._run.root
        wishes = root.wishes or Wishes()
        if what == "pause" and wishes.gate is None:
            wishes.gate = _Gate(run)
            root.wishes = wishes
        elif what == "resume":
            running: State[Any] = State(StateType.RUNNING, "Running", "A person resumed it.", at=root.clock())
            advance_flow(run, running, only_from=StateType.PAUSED)
            self._open_gate(wishes)
        elif what == "retry_now":
            self._to_wake[task] = _PATIENCE
        elif what == "skip_task":
            wishes.skipped.add(task)
            root.wishes = wishes
            self._to_wake[task] = _PATIENCE
            if wishes.gate is not None:
                # Those that wait at the gate look again: one of them may be the one to skip.
                former, wishes.gate = wishes.gate, _Gate(run)
                settle(former)

    def _open_gate(self, wishes: Wishes) -> None:
        gate, wishes.gate = wishes.gate, None
        if gate is not None:
            settle(gate)

    def _wake(self) -> None:
        for number, patience in list(self._to_wake.items()):
            run: TaskRun | None = self._run.root.waiting.get(number)
            if run is not None and run.wake is not None:
                try:
                    run.wake()
                except RuntimeError:
                    pass  # its time came at this moment
                patience = 1
            if patience > 1:
                self._to_wake[number] = patience - 1
            else:
                del self._to_wake[number]


_attended: Final[dict[FlowRun, _Control]] = {}
_is_looking = False
_bell = allocate_lock()


def _look() -> None:
    """Attend all open root runs of this process; sleep for good while there is none."""
    while True:
        has_more = False
        for run, control in list(_attended.items()):
            if run.root.is_closed:
                _attended.pop(run, None)
                continue
            try:
                has_more = control.look() or has_more
            except Exception:
                # A full disk, a run that closes at this moment: the run itself meets it, and tells.
                continue
        if not has_more:
            _bell.acquire(timeout=LOOK_EVERY_S if _attended else -1)


def _leave_to_parent() -> None:
    global _is_looking, _bell
    _attended.clear()
    _is_looking = False
    _bell = allocate_lock()


os.register_at_fork(after_in_child=_leave_to_parent)
