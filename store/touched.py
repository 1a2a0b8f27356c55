"""The rows that a stretch of a journal touches: fetched when first asked for, changed in memory, each written once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from flowctl.store.rows import (
    FILL_IN_FLOW,
    INSERT_FLOW,
    INSERT_TASK,
    SELECT_FLOW,
    SELECT_FLOW_BY_ID,
    SELECT_TASK,
    UPDATE_FLOW,
    UPDATE_TASK,
    FlowRow,
    TaskRow,
    inserted_flow,
    inserted_task,
    updated_flow,
    updated_task,
)
from flowctl.store.sqlite import sqlite3

_INSERT_STATE: Final = (
    "INSERT INTO flow_run_state (run, attempt, seq, inferred, at, type, name, message, run_count, error, applied) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_NEXT_INFERRED: Final = (
    "SELECT coalesce(max(inferred), 0) + 1 FROM flow_run_state WHERE run = ? AND attempt = ? AND seq = ?"
)
_INSERT_ATTEMPT: Final = (
    "INSERT OR REPLACE INTO task_attempt "
    "(root, number, run_count, started_at, ended_at, state_type, state_name, message, error) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ADD_COUNT: Final = (
    "INSERT INTO task_count (run, attempt, state_name, tasks) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET tasks = tasks + excluded.tasks"
)
# Two attempts at once could give one number twice, which the run's lock prevents; should it be broken, the first stays.
_INSERT_LOG: Final = (
    "INSERT OR IGNORE INTO log (seq, root, run, task, at, level, logger, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_RESULT: Final = (
    "INSERT OR REPLACE INTO result (root, number, serializer, data, file, size) VALUES (?, ?, ?, ?, ?, ?)"
)
_DELETE_RESULT: Final = "DELETE FROM result WHERE root = ? AND number = ?"


class TouchedRows:
    """Rows of one root run; what is new or changed goes into the database by `write`."""

    def __init__(self, connection: sqlite3.Connection, run_id: str) -> None:
        self._connection = connection
        self._flows: dict[int, FlowRow | None] = {}
        self._task_ids: dict[tuple[str, str], int] = {}
        self._last_run: int | None = None
        self._last_task: int | None = None
        #: Task runs by number; None: there is none.
        self.tasks: dict[int, TaskRow | None] = {}
        #: Flow runs to write.
        self.changed: dict[int, FlowRow] = {}
        #: Values for `FILL_IN_FLOW`.
        self.filled_in: list[tuple[object, ...]] = []
        #: New rows of the tables of these names, as values.
        self.states: list[tuple[object, ...]] = []
        self.inferred: list[tuple[object, ...]] = []
        self.attempts: list[tuple[object, ...]] = []
        self.logs: list[tuple[object, ...]] = []
        #: Number -> result as in a state record; None: the one on record no longer holds.
        self.results: dict[int, list[Any] | None] = {}
        row = connection.execute(SELECT_FLOW_BY_ID, (run_id,)).fetchone()
        self.root: FlowRow | None = FlowRow(*row, is_new=False) if row else None
        if self.root is not None:
            self._flows[0] = self.root

    def flow(self, number: int) -> FlowRow | None:
        """Find a flow run by its number."""
        if number not in self._flows:
            row = None
            if self.root is not None and not self.root.is_new:
                row = self._connection.execute(SELECT_FLOW, (self.root.run, number)).fetchone()
            self._flows[number] = FlowRow(*row, is_new=False) if row else None
        return self._flows[number]

    def task(self, number: int) -> TaskRow | None:
        """Find a task run by its number."""
        if number not in self.tasks:
            row = None
            if self.root is not None and not self.root.is_new:
                row = self._connection.execute(SELECT_TASK, (self.root.run, number)).fetchone()
            self.tasks[number] = task = TaskRow(*row) if row else None
            if task is not None:
                task.counted_as = task.state_name
        return self.tasks[number]

    def has_task(self, number: int) -> bool:
        """Tell whether a task run of that number exists."""
        if self._last_task is None:
            self._last_task = 0
            if self.root is not None and not self.root.is_new:
                query = "SELECT coalesce(max(number), 0) FROM task_run WHERE root = ?"
                self._last_task = int(self._connection.execute(query, (self.root.run,)).fetchone()[0])
        # Numbers grow, so that nearly all are beyond the last and need no look.
        return self.tasks.get(number) is not None if number > self._last_task else self.task(number) is not None

    def add_flow(self, flow: FlowRow) -> None:
        """Take in a new flow run."""
        self._flows[flow.number] = self.changed[flow.number] = flow
        if flow.number == 0:
            self.root = flow

    def next_run(self) -> int:
        """Give the number by which the other tables speak of a new flow run."""
        if self._last_run is None:
            query = "SELECT coalesce(max(run), 0) FROM flow_run"
            self._last_run = int(self._connection.execute(query).fetchone()[0])
        self._last_run += 1
        return self._last_run

    def task_id(self, key: str, name: str) -> int:
        """Give the number of a task."""
        found = self._task_ids.get((key, name))
        if found is None:
            row = self._connection.execute("SELECT task FROM task WHERE key = ? AND name = ?", (key, name)).fetchone()
            if row is None:
                query = "INSERT INTO task (key, name) VALUES (?, ?) RETURNING task"
                row = self._connection.execute(query, (key, name)).fetchone()
            self._task_ids[key, name] = found = int(row[0])
        return found

    def open_flows(self) -> list[FlowRow]:
        """List the subflows that are not over, those in the database included."""
        if self.root is not None and not self.root.is_new:
            query = "SELECT number FROM flow_run WHERE root = ? AND ended_at IS NULL"
            for (number,) in self._connection.execute(query, (self.root.run,)).fetchall():
                self.flow(number)
        return [flow for flow in self._flows.values() if flow is not None and flow.number > 0 and flow.is_open]

    def open_tasks(self) -> list[TaskRow]:
        """List the task runs that are not over, those in the database included."""
        if self.root is not None and not self.root.is_new:
            query = "SELECT number FROM task_run WHERE root = ? AND ended_at IS NULL AND state_name <> 'NotReady'"
            for (number,) in self._connection.execute(query, (self.root.run,)).fetchall():
                self.task(number)
        return [task for task in self.tasks.values() if task is not None and task.is_open]

    def last_record(self, run_id: str, attempt: int) -> tuple[int, int, str | None] | None:
        """Read number and time of the last record of an attempt, and what made no sense in its journal."""
        query = "SELECT last_seq, last_at, problem FROM journal WHERE run_id = ? AND attempt = ?"
        row: tuple[int, int, str | None] | None = self._connection.execute(query, (run_id, attempt)).fetchone()
        return row

    def last_told(self, flow: FlowRow) -> int:
        """Tell when the latest state of a flow run in the database was told."""
        query = "SELECT coalesce(max(at), 0) FROM flow_run_state WHERE run = ? AND attempt = ?"
        return int(self._connection.execute(query, (flow.run, flow.attempt)).fetchone()[0])

    def write(self) -> None:
        """Put the rows into the database."""
        for statement, rows in self._changes():
            # An idle statement costs a cursor, and there are thousands of small journals to catch up with.
            if rows:
                self._connection.executemany(statement, rows)
        for run, attempt, seq, _, *state in self.inferred:
            # The daemon may have changed the state after that record, too.
            ((place,),) = self._connection.execute(_NEXT_INFERRED, (run, attempt, seq)).fetchall()
            self._connection.execute(_INSERT_STATE, (run, attempt, seq, place, *state)).close()

    def _changes(self) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
        flows = list(self.changed.values())
        yield INSERT_FLOW, [inserted_flow(flow) for flow in flows if flow.is_new]
        yield UPDATE_FLOW, [updated_flow(flow) for flow in flows if not flow.is_new]
        yield FILL_IN_FLOW, self.filled_in
        yield _INSERT_STATE, self.states
        tasks = [task for task in self.tasks.values() if task is not None]
        yield INSERT_TASK, [inserted_task(task) for task in tasks if task.counted_as is None]
        yield UPDATE_TASK, [updated_task(task) for task in tasks if task.counted_as is not None]
        yield _ADD_COUNT, _count_changes(tasks)
        yield _INSERT_ATTEMPT, self.attempts
        yield _INSERT_LOG, self.logs
        if self.root is not None:
            root = self.root.run
            yield _DELETE_RESULT, [(root, number) for number, result in self.results.items() if result is None]
            yield (
                _INSERT_RESULT,
                [(root, number, *result[:4]) for number, result in self.results.items() if result is not None],
            )


def _count_changes(tasks: list[TaskRow]) -> list[tuple[object, ...]]:
    """List what to add to `task_count`."""
    changes: dict[tuple[int, int, str], int] = {}
    for task in tasks:
        if task.counted_as == task.state_name:
            continue
        key = (task.run, task.attempt, task.state_name)
        changes[key] = changes.get(key, 0) + 1
        if task.counted_as is not None:
            key = (task.run, task.attempt, task.counted_as)
            changes[key] = changes.get(key, 0) - 1
    return [(*key, change) for key, change in changes.items()]
