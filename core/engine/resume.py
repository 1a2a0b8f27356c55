"""The record of a run's earlier attempts, read from its journals: what was completed, where in the tree of calls.

What the next attempt does with it is in `claims`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.engine.claims import Call, Claims, Path, Which, is_exact
from flowctl.core.engine.keeping import is_reused
from flowctl.store.journal import (
    FlowRunCreated,
    FlowRunState,
    JournalOpened,
    TaskRunCreated,
    TaskRunState,
    decode,
)
from flowctl.store.states import FINAL

if TYPE_CHECKING:
    from flowctl.store.home import Home

ROOT: Final[Path] = ()
#: Child processes of a pool number their own task runs from here on, times the child's number.
FIRST_OF_CHILDREN: Final = 1 << 32


class NotOnRecord(FlowctlError):
    """A run that is to be retried has no journal."""

    def __init__(self, run_id: str, folder: str) -> None:
        super().__init__(f"Run {run_id} has no journal in {folder}, so its tasks cannot be reused. Run the flow anew.")


class Recorded(Claims):
    """What earlier attempts of a run did, and where its numbers go on."""

    def __init__(self, home: Home, run_id: str, *, check_order: bool = True) -> None:
        folder = home.run_folder(run_id)
        super().__init__(folder, 0, None, checks_order=check_order)
        self.run_id = run_id
        self.run_count = 0
        self.next_task = 1
        self.next_run = 1
        self.next_sequence = 0
        #: Processes that had tasks of their own, of all process pools so far.
        self.next_child = 0
        self.run_name = ""
        self.state_type = "PENDING"
        self.state_name = "Pending"
        self.created: FlowRunCreated | None = None
        reading = _Reading(self)
        for attempt in _attempts(folder):
            self._read(reading, home.journal(run_id, attempt), attempt)
        if self.created is None:
            raise NotOnRecord(run_id, folder)
        reading.finish()
        for call in reading.calls.values():
            self.add(call)
        self.completed: int = sum(call.result is not None for call in reading.calls.values())

    def _read(self, reading: _Reading, journal: str, attempt: int) -> None:
        """Add one attempt's journal; calls that an earlier attempt had as well keep their place and its result."""
        self.attempt = attempt
        with open(journal, "rb") as file:
            data = file.read()
        for _, sequence, record in decode(data):
            self.next_sequence = max(self.next_sequence, sequence + 1)
            reading.add(record)


class _Try:
    """One execution of a body, as far as it tells which of its calls came in the order of the program."""

    __slots__ = ("free_from", "made", "number", "seen")

    def __init__(self, number: int) -> None:
        self.number = number
        #: Kind and digest -> how many there were.
        self.seen: dict[Path, int] = {}
        #: Calls that had a position.
        self.made = 0
        #: The first position after an outcome that no earlier try had.
        self.free_from: int | None = None


class _Reading:
    """Puts the calls of all journals into one tree of calls."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self.calls: dict[Path, Call] = {}
        #: Parent's path -> its newest try.
        self._tries: dict[Path, _Try] = {}
        self._tries_made = 0
        #: Parent's path -> calls that only their position tells.
        self._placed: dict[Path, list[Call]] = {}
        #: Parent's path -> position -> task key, and the try that had it there.
        self._order: dict[Path, dict[int, tuple[str, int]]] = {}
        self._paths: dict[tuple[str, int], Path] = {("flow", 0): ROOT}
        self._tasks: dict[int, TaskRunCreated] = {}
        self._parents: dict[tuple[str, int], Path] = {}

    def add(self, record: Any) -> None:
        recorded = self._recorded
        if isinstance(record, TaskRunCreated):
            if record.task < FIRST_OF_CHILDREN:
                recorded.next_task = max(recorded.next_task, record.task + 1)
            else:
                recorded.next_child = max(recorded.next_child, record.task // FIRST_OF_CHILDREN)
            self._add_task(record)
        elif isinstance(record, TaskRunState):
            self._add_task_state(record)
        elif isinstance(record, FlowRunCreated):
            self._add_flow(record)
        elif isinstance(record, FlowRunState):
            self._add_flow_state(record)
        elif isinstance(record, JournalOpened):
            recorded.attempt = record.attempt

    def finish(self) -> None:
        """Forget what does not hold any more, and say which order is to be expected."""
        for parent in list(self._tries):
            self._end_try(parent)
        for parent, order in self._order.items():
            self._recorded.expect(parent, {position: key for position, (key, _) in order.items()})

    def _add_task(self, record: TaskRunCreated) -> None:
        self._tasks[record.task] = record
        parent = self._parent(record.parent_task, record.run)
        if parent is None:
            return
        self._parents["task", record.task] = parent
        if record.position is not None and (around := self._tries.get(parent)) is not None:
            self._order.setdefault(parent, {})[record.position] = (record.task_key, around.number)
            around.made = record.position + 1

    def _parent(self, parent_task: int | None, run: int | None) -> Path | None:
        key = ("task", parent_task) if parent_task is not None else ("flow", run or 0)
        return self._paths.get(key)

    def _place(self, parent: Path, kind: str, digest: Any, position: int | None) -> Path:
        around = self._tries.get(parent)
        which: Which = position
        if position is None:
            seen = {} if around is None else around.seen
            which = ("nth", seen.get((kind, digest), 0))
            seen[kind, digest] = which[1] + 1
        path = (parent, kind, digest, which)
        call = self.calls.get(path)
        if call is None:
            call = self.calls[path] = Call(path)
            if position is not None and not is_exact(digest):
                self._placed.setdefault(parent, []).append(call)
        call.seen = 0 if around is None else around.number
        return path

    def _begin_try(self, path: Path) -> None:
        """Take note that a body is begun, perhaps again: it makes its calls from the first one on."""
        self._end_try(path)
        self._tries_made += 1
        self._tries[path] = _Try(self._tries_made)

    def _end_try(self, parent: Path) -> None:
        """Forget what was found at places that the newest try did not come to, once it had gone a way of its own."""
        ended = self._tries.get(parent)
        if ended is None or ended.free_from is None:
            return
        for call in self._placed.get(parent, ()):
            if call.seen != ended.number and call.path[-1] >= ended.free_from:
                call.result = None
        order = self._order.get(parent, {})
        for position, (_, number) in list(order.items()):
            if number != ended.number and position >= ended.free_from:
                del order[position]

    def _add_task_state(self, record: TaskRunState) -> None:
        created = self._tasks.get(record.task)
        if created is None:
            return
        path = self._paths.get(("task", record.task))
        if path is None and record.inputs is not None:
            parent = self._parents.get(("task", record.task))
            if parent is None:
                return
            path = self._place(parent, created.task_key, record.digest, created.position)
            self._paths["task", record.task] = path
        if path is not None and record.type == "RUNNING":
            self._begin_try(path)
        elif path is not None and record.type == "COMPLETED":
            self._complete(path, record.result)
        if record.type in FINAL or record.name == "NotReady":
            self._note_end(self._parents.get(("task", record.task)), record.name, record.message)

    def _add_flow(self, record: FlowRunCreated) -> None:
        recorded = self._recorded
        if record.run < FIRST_OF_CHILDREN:
            recorded.next_run = max(recorded.next_run, record.run + 1)
        if record.run == 0:
            recorded.created = record
            recorded.run_name = record.name
            return
        parent = self._parent(record.parent_task, record.parent_run)
        if parent is not None:
            self._parents["flow", record.run] = parent
            self._paths["flow", record.run] = self._place(parent, "flow " + record.flow_name, record.parameters, None)

    def _add_flow_state(self, record: FlowRunState) -> None:
        recorded = self._recorded
        path = self._paths.get(("flow", record.run))
        if record.run == 0:
            recorded.state_type, recorded.state_name = record.type, record.name
            recorded.run_count = max(recorded.run_count, record.run_count)
            recorded.run_name = record.run_name or recorded.run_name
        elif record.type == "COMPLETED" and path is not None:
            self._complete(path, record.result)
        if record.type == "RUNNING" and path is not None:
            self._begin_try(path)
        elif record.run != 0 and record.type in FINAL:
            self._note_end(self._parents.get(("flow", record.run)), record.name, record.message)

    def _note_end(self, parent: Path | None, name: str, message: str | None) -> None:
        around = None if parent is None else self._tries.get(parent)
        if around is not None and around.free_from is None and not is_reused(name, message):
            around.free_from = around.made

    def _complete(self, path: Path, result: list[Any] | None) -> None:
        call = self.calls[path]
        if result is not None:
            call.result = result
            call.attempt = call.attempt or self._recorded.attempt


def _attempts(folder: str) -> list[int]:
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(name[8:]) for name in names if name.startswith("journal.") and name[8:].isdigit())
