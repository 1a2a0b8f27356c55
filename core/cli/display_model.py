"""What a display knows of a run: a pure reducer of journal records, of bounded size however many tasks there are.

A task run of its own is remembered only while it is open; then it is a number in its `Group`.
"""

from __future__ import annotations

from collections import deque
from heapq import heappush, heapreplace
from typing import Final, NamedTuple

from flowctl.core.cli.display_groups import MOST_PROBLEMS, Group, Run, group_for_flow, group_for_task
from flowctl.core.cli.display_problems import Problem, problem_text
from flowctl.core.cli.display_words import OPEN, PROBLEMS, is_narration, word_of
from flowctl.store.journal import FlowRunCreated, FlowRunState, LogLine, Record, TaskRunCreated, TaskRunState

_MOST_SLOWEST: Final = 5
_MOST_LOGS: Final = 50


class Tail(NamedTuple):
    """A log line that is still on the screen."""

    at: int
    level: int
    source: str
    message: str


class RunModel:
    """The root run and all below it, as the records so far tell."""

    def __init__(self) -> None:
        self.root = Group(None, None, "", is_flow=True)
        self.run_id = ""
        self.attempt = 1
        #: What to type for the run in further commands; the latest, as it runs here.
        self.spec = "-"
        self.tags: list[str] = []
        self.parameters = "{}"
        #: Newest state of the root run.
        self.state: FlowRunState | None = None
        self.tasks: dict[int, Run] = {}
        self.flows: dict[int, Run] = {}
        #: Task runs by word, over the whole tree.
        self.counts: dict[str, int] = {}
        self.task_total = 0
        self.subflow_total = 0
        self.warning_count = 0
        #: Log lines of the flow's that may be shown; the last of them are in `logs`.
        self.log_count = 0
        #: Finished task runs that took longest: (seconds, number, name), the shortest of them first.
        self.slowest: list[tuple[float, int, str]] = []
        self.logs: deque[Tail] = deque(maxlen=_MOST_LOGS)
        self.least_level = 0

    def apply(self, record: Record) -> Run | None:
        """Take one record in; return the run that it moved or that wrote the line, as it is after it."""
        if isinstance(record, TaskRunState):
            return self._task_state(record)
        if isinstance(record, TaskRunCreated):
            return self._task_created(record)
        if isinstance(record, LogLine):
            return self._log(record)
        if isinstance(record, FlowRunState):
            return self._flow_state(record)
        if isinstance(record, FlowRunCreated):
            return self._flow_created(record)
        self.run_id, self.attempt = record.run_id, record.attempt
        return None

    def _flow_created(self, record: FlowRunCreated) -> Run:
        if record.run == 0:
            group = self.root
            group.name = record.flow_name
            self.run_id, self.tags, self.parameters = record.id, record.tags, record.parameters
        else:
            self.subflow_total += 1
            parent = self._parent(record.parent_task, record.parent_run)
            group = group_for_flow(parent, record.flow_name)
        run = self.flows[record.run] = Run(group, record.run, record.name)
        group.enter(run)
        return run

    def _flow_state(self, record: FlowRunState) -> Run | None:
        run = self.flows.get(record.run)
        if run is None:
            return None
        if record.run_name:
            run.name = record.run_name
            if run.group.total == 1:
                run.group.run_name = record.run_name
        if record.run == 0:
            self.state = record
        if not self._move(run, record) and record.run != 0:
            del self.flows[record.run]
        return run

    def _task_created(self, record: TaskRunCreated) -> Run:
        group = group_for_task(self._parent(record.parent_task, record.run), record.task_key, record.task_name)
        run = self.tasks[record.task] = Run(group, record.task, record.name)
        if record.map_index is not None:
            group.is_mapped = True
        group.enter(run)
        self.task_total += 1
        self.counts["queued"] = self.counts.get("queued", 0) + 1
        return run

    def _task_state(self, record: TaskRunState) -> Run | None:
        run = self.tasks.get(record.task)
        if run is None:
            return None
        if record.run_name:
            run.name = record.run_name
            if run.group.total == 1:
                run.group.run_name = record.run_name
        before = run.word
        is_open = self._move(run, record)
        counts = self.counts
        counts[before] -= 1
        counts[run.word] = counts.get(run.word, 0) + 1
        if not is_open:
            del self.tasks[record.task]
            if run.started_at:
                self._note_duration((record.at - run.started_at) / 1_000_000, run)
        return run

    def _move(self, run: Run, record: TaskRunState | FlowRunState) -> bool:
        """Count the run under its new word; tell whether it is still open."""
        group = run.group
        word = word_of(record.type, record.name)
        counts = group.counts
        counts[run.word] -= 1
        counts[word] = counts.get(word, 0) + 1
        if run.word == "retrying":
            group.waiting.pop(run.number, None)
        run.word = word
        run.run_count = record.run_count
        if word == "running":
            if not run.started_at:
                run.started_at = record.at
                if not group.started_at:
                    group.started_at = record.at
            return True
        if word in OPEN:
            if word == "retrying":
                run.due = record.due or 0
                run.message = problem_text(None, record.message)
                group.waiting[run.number] = run
            return True
        group.open -= 1
        group.ended_at = record.at
        if word in PROBLEMS and len(group.problems) < MOST_PROBLEMS:
            group.problems.append(Problem(run.run_name, word, problem_text(record.error, record.message), record.error))
        return False

    def _log(self, record: LogLine) -> Run | None:
        run = self.flows.get(record.run) if record.task is None else self.tasks.get(record.task)
        if is_narration(record):
            if run is not None and (found := record.message.rpartition(" - Retry ")[2]) is not record.message:
                # "… - Retry 1/3 will start …": the limit stands in no other record.
                limit = found.partition(" ")[0].partition("/")[2]
                run.retries = int(limit) if limit.isdigit() else 0
            return run
        if record.level >= 30:
            self.warning_count += 1
        if record.level >= self.least_level:
            self.log_count += 1
            source = "" if run is None or run.number == 0 else run.run_name
            self.logs.append(Tail(record.at, record.level, source, record.message[:1000]))
        return run

    def _parent(self, task: int | None, run: int | None) -> Group:
        found = self.tasks.get(task) if task is not None else None
        if found is None and run is not None:
            found = self.flows.get(run)
        return self.root if found is None else found.group

    def _note_duration(self, seconds: float, run: Run) -> None:
        if len(self.slowest) < _MOST_SLOWEST:
            heappush(self.slowest, (seconds, run.number, run.run_name))
        elif seconds > self.slowest[0][0]:
            heapreplace(self.slowest, (seconds, run.number, run.run_name))
