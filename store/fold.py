"""Folds the records of one journal into rows: the only place where a recorded run changes its state.

A fold takes a stretch of the journal. It fetches the rows that the stretch touches, changes them in memory, and
writes each once. Whatever the stretches are, the database comes out the same: what a later record needs to know of
earlier ones is in the rows themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from flowctl.store.aftermath import Exit
from flowctl.store.journal import (
    FORMAT,
    FlowRunCreated,
    FlowRunState,
    JournalOpened,
    LogLine,
    Record,
    TaskRunCreated,
    TaskRunState,
)
from flowctl.store.rows import ALLOWED, FINAL_TYPES, TYPES, FlowRow, TaskRow
from flowctl.store.sqlite import sqlite3
from flowctl.store.touched import TouchedRows

_CRASHED: Final = "The process ended without a word (killed, or the machine went down)."
_CANCELLED: Final = "A person cancelled it."
_CLOSED: Final = "Its flow run ended before it did."
_BORN_CLOSED: Final = "An older attempt of its flow run went on beside the newer one."

to_json: Final[Callable[[Any], str]] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=repr).encode


class Fold:
    """A stretch of one journal, from its first record to `write`."""

    def __init__(self, connection: sqlite3.Connection, run_id: str, attempt: int) -> None:
        self._rows = TouchedRows(connection, run_id)
        self._run_id = run_id
        self._attempt = attempt
        self._seq = -1
        root = self._rows.root
        # A newer attempt has begun: what this journal still says is kept, and no longer changes the run.
        self._is_fenced = root is not None and root.attempt > attempt
        #: The process that writes this journal, as columns of `journal`.
        self.writer: tuple[int, int, str, str, str, str] | None = None
        #: The first record that fits nothing told before.
        self.problem: str | None = None

    def take(self, seq: int, record: Record) -> None:
        """Fold one record in; raise `ValueError` or `TypeError` where it makes no sense by itself."""
        self._seq = seq
        self._WAYS[type(record)](self, record)

    def conclude(self, attempt: int, ending: Exit | None = None) -> None:
        """Record that the process of an attempt is dead: whatever is open crashed at its last record.

        Where a cancel was asked for, this is the moment at which it is carried out.
        """
        root, last = self._rows.root, self._rows.last_record(self._run_id, attempt)
        if root is None or last is None:
            return
        seq, at, problem = last
        is_cancelled = root.state_type == "CANCELLING" or (not root.is_open and root.state_type == "CANCELLED")
        closing = ("CANCELLED", "Cancelled") if is_cancelled else ("CRASHED", "Crashed")
        # A newer attempt may be planned by now, and wait for a process of its own.
        if root.is_open and root.attempt <= attempt:
            if is_cancelled:
                # Behind the daemon's word that it is being cancelled, which may be newer than the last record.
                self._infer(root, seq, max(at, self._rows.last_told(root)), *closing, root.message or _CANCELLED)
            else:
                reason = _CRASHED if ending is None else ending.sentence
                self._infer(root, seq, at, *closing, problem or reason)
        self._close_open(seq, at, *closing)

    def write(self) -> None:
        """Put what came of the records into the database."""
        self._rows.write()

    def _opened(self, record: JournalOpened) -> None:
        if record.format > FORMAT:
            raise ValueError(f"its format is {record.format}, this flowctl knows {FORMAT}")
        if record.run_id != self._run_id or record.attempt != self._attempt:
            raise ValueError(f"it is the journal of attempt {record.attempt} of run {record.run_id}")
        self.writer = (record.at, record.pid, record.boot_id, record.host, record.python, record.flowctl)

    def _flow_created(self, record: FlowRunCreated) -> None:
        rows = self._rows
        if record.run == 0:
            if record.id != self._run_id:
                raise ValueError(f"it is the journal of run {record.id}")
            if rows.root is not None:
                self._taken_up(rows.root, record)
                return
        elif rows.root is None or rows.flow(record.parent_run or 0) is None or rows.flow(record.run) is not None:
            self._misfit(f"flow run {record.run} does not fit what was told before")
            return
        flow = self._new_flow(record)
        rows.add_flow(flow)
        self._tell(flow, record, None, applied=1)
        if self._is_fenced:
            self._infer(flow, self._seq, record.at, "CRASHED", "Crashed", _BORN_CLOSED)

    def _new_flow(self, record: FlowRunCreated) -> FlowRow:
        run = self._rows.next_run()
        root = self._rows.root
        parent = None if record.run == 0 else self._rows.flow(record.parent_run or 0)
        return FlowRow(
            run,
            record.id,
            record.flow_name,
            run if root is None else root.run,
            record.run,
            None if parent is None else parent.run,
            record.parent_task,
            record.at,
            record.parameters,
            to_json(record.tags) if record.tags else "[]",
            record.arguments,
            *(record.name, self._attempt, "PENDING", "Pending", None, 0),
            *(None, None, None, to_json(record.source), None, None, 0),
            is_new=True,
        )

    def _taken_up(self, root: FlowRow, record: FlowRunCreated) -> None:
        """Begin the next attempt of a run; what the one before left open ended with its process."""
        is_planned = root.attempt == self._attempt and root.state_type in ("SCHEDULED", "PENDING")
        if root.attempt >= self._attempt and not is_planned:
            self._tell(root, record, None, applied=0)
            return
        if is_planned:
            root.name = record.name
            tags = to_json(record.tags) if record.tags else "[]"
            self._rows.filled_in.append((record.flow_name, record.parameters, tags, record.arguments, root.run))
        else:
            self.conclude(root.attempt)
        self._rows.changed[0] = root
        root.attempt = self._attempt
        root.state_version += 1
        root.state_type, root.state_name, root.message = "PENDING", "Pending", None
        root.started_at = root.ended_at = root.due_at = root.value = root.error = None
        root.source = to_json(record.source)
        self._rows.results[0] = None
        self._tell(root, record, None, applied=1)

    def _flow_state(self, record: FlowRunState) -> None:
        if record.type not in TYPES:
            raise ValueError(f"no state type is called {record.type!r}")
        flow = self._rows.flow(record.run)
        if flow is None:
            self._misfit(f"flow run {record.run} changes its state, but was never created")
            return
        error = to_json(record.error) if record.error is not None else None
        # Once a cancel was asked for, the end of the process decides, and not what its flow says on the way there.
        is_overruled = record.run == 0 and flow.state_type == "CANCELLING"
        if flow.attempt != self._attempt or is_overruled or (flow.state_type, record.type) not in ALLOWED:
            self._tell(flow, record, error, applied=0)
            return
        flow.run_count = record.run_count
        flow.due_at = record.due
        flow.value = record.value
        flow.error = error
        if record.run_name is not None:
            flow.name = record.run_name
        if record.result is not None:
            self._rows.results[-record.run] = record.result
        self._advance(flow, record.at, record.type, record.name, record.message)
        self._tell(flow, record, error, applied=1)
        if record.run == 0 and record.type in FINAL_TYPES:
            ending = ("CANCELLED", "Cancelled") if record.type == "CANCELLED" else ("CRASHED", "Crashed")
            self._close_open(self._seq, record.at, *ending)

    def _advance(self, flow: FlowRow, at: int, type_: str, name: str, message: str | None) -> None:
        self._rows.changed[flow.number] = flow
        flow.state_version += 1
        flow.state_type, flow.state_name, flow.message = type_, name, message
        if type_ == "RUNNING" and flow.started_at is None:
            flow.started_at = at
        if type_ in FINAL_TYPES:
            flow.ended_at = at
            flow.due_at = None

    def _infer(self, flow: FlowRow, seq: int, at: int, type_: str, name: str, message: str) -> None:
        """End a flow run by a state that no record tells."""
        flow.value = flow.error = None
        self._advance(flow, at, type_, name, message)
        self._rows.inferred.append((flow.run, flow.attempt, seq, 1, at, type_, name, message, flow.run_count, None, 1))

    def _tell(self, flow: FlowRow, record: FlowRunState | FlowRunCreated, error: str | None, *, applied: int) -> None:
        state: tuple[object, ...] = ("PENDING", "Pending", None, flow.run_count)
        if isinstance(record, FlowRunState):
            state = (record.type, record.name, record.message, record.run_count)
        self._rows.states.append((flow.run, self._attempt, self._seq, 0, record.at, *state, error, applied))

    def _task_created(self, record: TaskRunCreated) -> None:
        number = record.task
        rows = self._rows
        root, flow = rows.root, rows.flow(record.run)
        if root is None or flow is None or rows.has_task(number):
            self._misfit(f"task run {number} does not fit what was told before")
            return
        rows.tasks[number] = task = TaskRow(
            root.run,
            number,
            flow.run,
            record.parent_task,
            rows.task_id(record.task_key, record.task_name),
            self._attempt,
            record.at,
            record.map_index,
            record.position,
            to_json(record.tags) if record.tags else None,
            to_json(record.upstreams) if record.upstreams else None,
            record.terms,
            record.name,
        )
        if self._is_fenced:
            _close_task(task, record.at, "CRASHED", "Crashed", _BORN_CLOSED)

    def _task_state(self, record: TaskRunState) -> None:
        task = self._rows.tasks.get(record.task) or self._rows.task(record.task)
        if task is None:
            self._misfit(f"task run {record.task} changes its state, but was never created")
            return
        type_, at = record.type, record.at
        if (task.state_type, type_) not in ALLOWED or task.attempt != self._attempt or self._is_fenced:
            if type_ not in TYPES:
                raise ValueError(f"no state type is called {type_!r}")
            return
        error = to_json(record.error) if record.error is not None else None
        if type_ == "RUNNING":
            if task.started_at is None:
                task.started_at = at
            elif record.run_count != task.run_count:
                self._end_try(task, at, record.message, error)
                task.tried_at = at
        elif type_ == "SCHEDULED":
            self._end_try(task, at, record.message, error)
        elif type_ in FINAL_TYPES:
            task.ended_at = at
        task.state_type = type_
        task.state_name = record.name
        task.message = record.message
        task.run_count = record.run_count
        task.due_at = record.due
        task.value = record.value
        task.error = error
        if record.run_name is not None:
            task.name = record.run_name
        if record.inputs is not None:
            task.inputs = record.inputs
        if record.digest is not None:
            task.digest = record.digest
        if record.result is not None:
            self._rows.results[record.task] = record.result

    def _end_try(self, task: TaskRow, at: int, message: str | None, error: str | None) -> None:
        """Keep a try of the body that another one will follow."""
        if task.state_type != "RUNNING":
            return
        started_at = task.tried_at or task.started_at
        self._rows.attempts.append(
            (task.root, task.number, task.run_count, started_at, at, "FAILED", "Failed", message, error)
        )

    def _log_line(self, record: LogLine) -> None:
        flow = self._rows.flow(record.run)
        if flow is None:
            self._misfit(f"flow run {record.run} logs, but was never created")
            return
        self._rows.logs.append(
            (self._seq, flow.root, flow.run, record.task, record.at, record.level, record.logger, record.message)
        )

    def _close_open(self, seq: int, at: int, type_: str, name: str) -> None:
        """Leave no open task or subflow under a run that is over."""
        for flow in self._rows.open_flows():
            self._infer(flow, seq, at, type_, name, _CLOSED)
        for task in self._rows.open_tasks():
            _close_task(task, at, type_, name, _CLOSED)

    def _misfit(self, problem: str) -> None:
        self.problem = self.problem or problem

    # Of the class: methods bound to one fold would keep it and its rows alive in a circle.
    _WAYS: Final[dict[type[Record], Callable[[Fold, Any], None]]] = {
        JournalOpened: _opened,
        FlowRunCreated: _flow_created,
        FlowRunState: _flow_state,
        TaskRunCreated: _task_created,
        TaskRunState: _task_state,
        LogLine: _log_line,
    }


def _close_task(task: TaskRow, at: int, type_: str, name: str, message: str) -> None:
    task.state_type, task.state_name, task.message = type_, name, message
    task.ended_at = at
    task.due_at = task.value = task.error = None
