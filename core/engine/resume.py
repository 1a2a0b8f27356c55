"""The record of a run's earlier attempts, as the next attempt needs it: what was completed, in which order.

A call is known again by its place in the tree of calls, its task and its arguments; among equal calls
order decides. So a completed task is not executed again, and a changed flow is noticed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.authoring.exceptions import FlowChanged, FlowctlError, ResultMissing
from flowctl.core.engine.keeping import Kept
from flowctl.core.engine.results import load
from flowctl.store.journal import (
    FlowRunCreated,
    FlowRunState,
    JournalOpened,
    TaskRunCreated,
    TaskRunState,
    decode,
)

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun, TaskRun
    from flowctl.store.home import Home

#: Where a call stands: the path of its parent, what was called, with which arguments, and which of equal calls it is.
Path = tuple[Any, ...]
#: Which of equal calls: its position among its parent's calls, or, where that may vary, the how many-th it is.
Which = Any
ROOT: Final[Path] = ()
#: Child processes of a pool number their own task runs from here on, times the child's number.
FIRST_OF_CHILDREN: Final = 1 << 32


class NotOnRecord(FlowctlError):
    """A run that is to be retried has no journal."""

    def __init__(self, run_id: str, folder: str) -> None:
        super().__init__(f"Run {run_id} has no journal in {folder}, so its tasks cannot be reused. Run the flow anew.")


class _Call:
    """A call on record."""

    __slots__ = ("attempt", "path", "result")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.result: list[Any] | None = None
        self.attempt = 0


class Recorded:
    """What earlier attempts of a run did; calls of the next attempt claim their records."""

    def __init__(self, home: Home, run_id: str, *, check_order: bool = True) -> None:
        self.run_id = run_id
        self.attempt = 0
        self.run_count = 0
        self.next_task = 1
        self.next_run = 1
        self.next_sequence = 0
        self.run_name = ""
        self.state_type = "PENDING"
        self.state_name = "Pending"
        self.created: FlowRunCreated | None = None
        #: The module that stands for `__main__` of a script when results are unpickled.
        self.main_module: str | None = None
        self._folder = home.run_folder(run_id)
        self._checks_order = check_order
        #: Processes that had tasks of their own, of all process pools so far.
        self.next_child = 0
        #: Parent's path, kind and digest -> calls not claimed yet: which of equal calls -> the call, in their order.
        self._calls: dict[Path, dict[Which, _Call]] = {}
        #: Every call on record.
        self.by_path: dict[Path, _Call] = {}
        #: Parent's path -> task keys by position, as the newest attempt that got there had them.
        self._order: dict[Path, dict[int, str]] = {}
        for attempt in _attempts(self._folder):
            self._read(home.journal(run_id, attempt), attempt)
        if self.created is None:
            raise NotOnRecord(run_id, self._folder)
        for path, call in self.by_path.items():
            self._calls.setdefault(path[:-1], {})[path[-1]] = call
        self.completed: int = sum(call.result is not None for call in self.by_path.values())

    def claim_task(self, run: TaskRun) -> Kept | None:
        """Give the value on record for this call, and let its own calls find their records."""
        parent = run.parent or run.flow_run
        return self._claim(run, (parent.path, run.task.task_key, run.digest), run.position, run.flow_run.root)

    def claim_flow(self, run: FlowRun) -> Kept | None:
        """Give the value on record for this subflow call."""
        parent = run.parent_task or run.parent
        if parent is None or run.flow is None:
            return None
        from flowctl.core.engine.previews import parameters_json

        text = parameters_json(run.parameters, run.root.settings.secret_names)
        return self._claim(run, (parent.path, "flow " + run.flow.name, text), None, run.root)

    def check_order(self, parent: FlowRun | TaskRun, task_key: str, position: int | None, root: Any) -> None:
        """Raise `FlowChanged` when an earlier attempt called something else at this position of the same parent."""
        if position is None or not self._checks_order or parent.path is None:
            return
        known = self._order.get(parent.path, {}).get(position)
        if known is None or known == task_key:
            return
        error = FlowChanged(
            f"The flow changed since attempt {self.attempt}: call {position + 1} of {parent.name!r} was task {known!r} "
            f"then and is {task_key!r} now, so the record of completed tasks does not fit any more. Undo the change, "
            "or run the flow anew."
        )
        root.broken = error
        raise error

    def _claim(self, run: FlowRun | TaskRun, key: Path, position: int | None, root: Any) -> Kept | None:
        if key[0] is None:
            return None
        with root.lock:
            calls = self._calls.get(key)
            call = None
            if calls and position in calls:
                call = calls.pop(position)
            elif calls and key[-1] is not None:
                # Equal calls stand for each other. Those without a digest may differ, so only their place tells.
                call = calls.pop(next(iter(calls)))
        if call is None:
            # New in this attempt; its own calls are new as well.
            run.path = None
            return None
        run.path = call.path
        if call.result is None:
            return None
        try:
            value = load(call.result, folder=f"{self._folder}/results", main_module=self.main_module)
        except ResultMissing:
            return None
        return Kept(value, call.result, call.attempt)

    def _read(self, journal: str, attempt: int) -> None:
        """Add one attempt's journal; calls that an earlier attempt had as well keep their place and its result."""
        reading = _Reading(self, attempt)
        self.attempt = attempt
        with open(journal, "rb") as file:
            data = file.read()
        for _, sequence, record in decode(data):
            self.next_sequence = max(self.next_sequence, sequence + 1)
            reading.add(record)
        self._order.update(reading.order)


class _Reading:
    """Puts the calls of one journal into the tree of calls."""

    def __init__(self, recorded: Recorded, attempt: int) -> None:
        self._recorded = recorded
        self._attempt = attempt
        #: Parent's path -> kind and digest -> how many there were in this try of the parent.
        self._seen: dict[Path, dict[Path, int]] = {}
        self._paths: dict[tuple[str, int], Path] = {("flow", 0): ROOT}
        self._tasks: dict[int, TaskRunCreated] = {}
        self.order: dict[Path, dict[int, str]] = {}

    def add(self, record: Any) -> None:
        recorded = self._recorded
        if isinstance(record, TaskRunCreated):
            if record.task < FIRST_OF_CHILDREN:
                recorded.next_task = max(recorded.next_task, record.task + 1)
            else:
                recorded.next_child = max(recorded.next_child, record.task // FIRST_OF_CHILDREN)
            self._tasks[record.task] = record
            parent = self._parent(record.parent_task, record.run)
            if parent is not None and record.position is not None:
                self.order.setdefault(parent, {})[record.position] = record.task_key
        elif isinstance(record, TaskRunState):
            self._add_task_state(record)
        elif isinstance(record, FlowRunCreated):
            self._add_flow(record)
        elif isinstance(record, FlowRunState):
            self._add_flow_state(record)
        elif isinstance(record, JournalOpened):
            recorded.attempt = record.attempt

    def _parent(self, parent_task: int | None, run: int | None) -> Path | None:
        key = ("task", parent_task) if parent_task is not None else ("flow", run or 0)
        return self._paths.get(key)

    def _place(self, parent: Path, kind: str, digest: Any, position: int | None) -> Path:
        which: Which = position
        if position is None:
            seen = self._seen.setdefault(parent, {})
            which = ("nth", seen.get((kind, digest), 0))
            seen[kind, digest] = which[1] + 1
        path = (parent, kind, digest, which)
        if path not in self._recorded.by_path:
            self._recorded.by_path[path] = _Call(path)
        return path

    def _begin_again(self, path: Path) -> None:
        """Take note that a body is begun, perhaps again: it makes its calls from the first one on."""
        self._seen.pop(path, None)
        self.order.pop(path, None)

    def _add_task_state(self, record: TaskRunState) -> None:
        created = self._tasks.get(record.task)
        if created is None:
            return
        path = self._paths.get(("task", record.task))
        if path is None and record.inputs is not None:
            parent = self._parent(created.parent_task, created.run)
            if parent is None:
                return
            path = self._place(parent, created.task_key, record.digest, created.position)
            self._paths[("task", record.task)] = path
        if path is not None and record.type == "RUNNING":
            self._begin_again(path)
        elif path is not None and record.type == "COMPLETED":
            self._complete(path, record.result)

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
            self._paths[("flow", record.run)] = self._place(parent, "flow " + record.flow_name, record.parameters, None)

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
            self._begin_again(path)

    def _complete(self, path: Path, result: list[Any] | None) -> None:
        call = self._recorded.by_path[path]
        if result is not None:
            call.result = result
            call.attempt = call.attempt or self._attempt


def _attempts(folder: str) -> list[int]:
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(name[8:]) for name in names if name.startswith("journal.") and name[8:].isdigit())
