"""The reading side of the store: what commands and screens ask of the database, answered in records."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, Self, TypeVar

from flowctl.store import reading
from flowctl.store.finding import find_run
from flowctl.store.home import Home
from flowctl.store.limits import list_limits
from flowctl.store.migrations import create
from flowctl.store.problems import DatabaseTooNew, DatabaseTooOld, RunNotFound
from flowctl.store.records import AttemptRow, FlowRunRow, LogRow, StateRow, StoredResult, TaskRunRow
from flowctl.store.retention import Policy, expired_runs
from flowctl.store.sqlite import BUSY_S, SCHEMA_VERSION, open_reader, schema_version, sqlite3, translated
from flowctl.store.states import StateType

#: SQLite takes some thousand values in one statement; lists are asked for in pieces of this size.
_PIECE: Final = 500
_T = TypeVar("_T")


class Reader:
    """A read-only connection; it stays in the thread that opened it."""

    def __init__(
        self, connection: sqlite3.Connection, home: Home, *, busy_s: float = BUSY_S, is_real: bool = True
    ) -> None:
        #: False: it stands in for a database that is not made yet.
        self.is_real = is_real
        self._connection = connection
        self._home = home
        self._busy_s = busy_s

    @classmethod
    def open(cls, home: Home, *, busy_s: float = BUSY_S) -> Self:
        """Open the database of a home; where there is none yet, it reads as empty."""
        if not os.path.exists(home.database):
            return cls(_empty(), home, is_real=False)
        connection = open_reader(home.database, busy_s=busy_s)
        version = schema_version(connection)
        if version == SCHEMA_VERSION:
            return cls(connection, home, busy_s=busy_s)
        connection.close()
        if version:
            raise DatabaseTooOld(home.database, version, SCHEMA_VERSION)
        # Another process is just making it, or died before its first transaction.
        return cls(_empty(), home, is_real=False)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def data_version(self) -> int:
        """Tell a number that changes whenever another process has changed the database."""
        version: int = self._rows("PRAGMA data_version")[0][0]
        return version

    def check_schema(self) -> None:
        """Raise `DatabaseTooNew` or `DatabaseTooOld` where another flowctl has changed the schema meanwhile."""
        with self._translated():
            version = schema_version(self._connection)
        if version > SCHEMA_VERSION:
            raise DatabaseTooNew(self._home.database, version, SCHEMA_VERSION)
        if version < SCHEMA_VERSION:
            raise DatabaseTooOld(self._home.database, version, SCHEMA_VERSION)

    def find_run(self, spec: str) -> FlowRunRow:
        """Find a run by its id, its name (the latest), the beginning of its id, or `-` for the latest root run.

        Raise `RunNotFound` or `AmbiguousRun`.
        """
        with self._translated():
            return self.flow_run(find_run(self._connection, spec))

    def runs(
        self,
        *,
        states: Iterable[StateType | str] = (),
        flow: str | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
        limit: int = 50,
        include_subflows: bool = False,
    ) -> list[FlowRunRow]:
        """List the latest runs, newest first; `since` and `before` are about when they were created."""
        conditions: list[str] = []
        values: list[object] = []
        for condition, value in (
            ("flow_name = ?", flow),
            ("created_at >= ?", None if since is None else reading.microseconds(since)),
            ("created_at < ?", None if before is None else reading.microseconds(before)),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        # Each index holds one state of one half of the runs in the order wanted: a branch for each, merged.
        kinds: list[str | None] = [*sorted({StateType(state).value for state in states})]
        branches: list[tuple[list[str], list[object]]] = [
            ([half, *(["state_type = ?"] if state else []), *conditions], [*([state] if state else []), *values])
            for half in ("parent IS NULL", *(["parent IS NOT NULL"] if include_subflows else []))
            for state in kinds or [None]
        ]
        picked = " UNION ALL ".join(
            f"SELECT run, created_at FROM (SELECT run, created_at FROM flow_run WHERE {' AND '.join(each)} "
            "ORDER BY created_at DESC, run DESC LIMIT ?)"
            for each, _ in branches
        )
        bound = [value for _, each in branches for value in (*each, limit)]
        rows = self._rows(
            f"WITH picked AS (SELECT run FROM ({picked}) ORDER BY created_at DESC, run DESC LIMIT ?) "
            f"{reading.FLOW_RUN} JOIN picked ON picked.run = f.run ORDER BY f.created_at DESC, f.run DESC",
            *bound,
            limit,
        )
        return self._flow_runs(rows)

    def flow_run(self, flow_run_id: str) -> FlowRunRow:
        """Read one flow run; raise `RunNotFound`."""
        rows = self._rows(f"{reading.FLOW_RUN} WHERE f.id = ?", flow_run_id)
        if not rows:
            raise RunNotFound(flow_run_id)
        return self._flow_runs(rows)[0]

    def subflows(self, flow_run_id: str) -> list[FlowRunRow]:
        """List the flow runs that were called in the body of this one or of its tasks, in order."""
        return self._flow_runs(
            self._rows(
                f"{reading.FLOW_RUN} WHERE f.parent = (SELECT run FROM flow_run WHERE id = ?) AND f.parent IS NOT NULL "
                "ORDER BY f.number",
                flow_run_id,
            )
        )

    def task_runs(
        self, flow_run_id: str, *, attempt: int | None = None, after: int = 0, limit: int | None = None
    ) -> list[TaskRunRow]:
        """List the task runs of a flow run (not of its subflows) in one attempt, the newest if none is named.

        `after` is the number of the last one seen, to go on from there.
        """
        run = self._run(flow_run_id)
        if run is None:
            return []
        number, root, root_id, newest = run
        rows = self._rows(
            f"{reading.TASK_RUN} WHERE t.run = ? AND t.number > ? AND t.attempt = ? ORDER BY t.number LIMIT ?",
            *(number, after, attempt or newest, -1 if limit is None else limit),
        )
        return self._task_runs(rows, root, root_id)

    def task_run(self, flow_run_id: str, task_number: int) -> TaskRunRow | None:
        """Read one task run by its number in the tree of a run."""
        run = self._run(flow_run_id)
        if run is None:
            return None
        _, root, root_id, _ = run
        rows = self._rows(f"{reading.TASK_RUN} WHERE t.root = ? AND t.number = ?", root, task_number)
        return self._task_runs(rows, root, root_id)[0] if rows else None

    def state_history(self, flow_run_id: str) -> list[StateRow]:
        """List every state that a flow run was ever said to be in, in order."""
        rows = self._rows(
            f"{reading.STATE} WHERE run = (SELECT run FROM flow_run WHERE id = ?) ORDER BY attempt, seq, inferred",
            flow_run_id,
        )
        return [reading.state(row) for row in rows]

    def logs(
        self,
        flow_run_id: str,
        *,
        tree: bool = False,
        after_seq: int = 0,
        level: int = 0,
        task: int | None = None,
        limit: int | None = None,
    ) -> list[LogRow]:
        """List log records in order: of one flow run, or with `tree` of its subflows too; or of one task run.

        `after_seq` is the number of the last one seen, to go on from there.
        """
        run = self._run(flow_run_id)
        if run is None:
            return []
        number, root, root_id, _ = run
        conditions, values = ["l.root = ?", "l.seq > ?", "l.level >= ?"], [root, after_seq, level]
        if task is not None:
            conditions.append("l.task = ?")
            values.append(task)
        elif not tree:
            # A subflow's own lines have an index; those of a root run are most of its tree anyway.
            conditions[0] = "l.root = ? AND l.run = ?" if number == root else "l.run <> l.root AND l.run = ?"
            values[0:1] = [root, number] if number == root else [number]
        elif number != root:
            conditions.append(f"l.run IN ({_DESCENDANTS})")
            values.append(number)
        values.append(-1 if limit is None else limit)
        rows = self._rows(f"{reading.LOG} WHERE {' AND '.join(conditions)} ORDER BY l.seq LIMIT ?", *values)
        return [reading.log_line(row, root_id) for row in rows]

    def result(self, flow_run_id: str, task_number: int | None = None) -> StoredResult | None:
        """Read the value on record of a flow run, or of a task run in its tree; None where none was kept."""
        rows = self._rows(
            "SELECT s.serializer, s.data, s.file, s.size, r.id "
            "FROM flow_run f JOIN flow_run r ON r.run = f.root JOIN result s ON s.root = f.root "
            "WHERE f.id = ? AND s.number = coalesce(?, -f.number)",
            *(flow_run_id, task_number),
        )
        if not rows:
            return None
        serializer, data, file, size, root_id = rows[0]
        # The name comes from a journal: it may not lead out of the folder.
        path = f"{self._home.run_folder(root_id)}/results/{os.path.basename(file)}" if file else None
        return StoredResult(serializer=serializer, data=data, path=path, size=size)

    def counts(self) -> dict[StateType, int]:
        """Count the root runs by the type of their state."""
        rows = self._rows("SELECT state_type, count(*) FROM flow_run WHERE parent IS NULL GROUP BY state_type")
        return {StateType(type_): count for type_, count in rows}

    def flow_names(self) -> list[str]:
        """List the flows that ever ran as root runs."""
        # One step in the index for each flow, not for each run.
        rows = self._rows(
            "WITH RECURSIVE flow (name) AS ("
            "SELECT min(flow_name) FROM flow_run WHERE parent IS NULL UNION ALL "
            "SELECT (SELECT min(flow_name) FROM flow_run WHERE parent IS NULL AND flow_name > flow.name) "
            "FROM flow WHERE flow.name IS NOT NULL) SELECT name FROM flow WHERE name IS NOT NULL"
        )
        return [name for (name,) in rows]

    def limits(self) -> dict[str, int]:
        """List the named limits and how many may hold each at once."""
        with self._translated():
            return list_limits(self._connection)

    def read_with(self, read: Callable[[sqlite3.Connection], _T]) -> _T:
        """Read by a function of a connection, such as those of `plan_queries`."""
        with self._translated():
            return read(self._connection)

    def expired(self, policy: Policy, *, now: datetime) -> list[str]:
        """List the root runs that have been kept long enough."""
        with self._translated():
            return expired_runs(self._connection, policy, now_us=reading.microseconds(now))

    def _flow_runs(self, rows: Sequence[reading.Row]) -> list[FlowRunRow]:
        counts: dict[int, dict[str, int]] = {row[0]: {} for row in rows}
        for piece in _pieces([(row[0], row[7]) for row in rows]):
            marks = ", ".join(["(?, ?)"] * len(piece))
            for run, name, tasks in self._rows(
                # CROSS: SQLite would rather read all counts than look each of these up.
                f"WITH asked (run, attempt) AS (VALUES {marks}) "
                "SELECT c.run, c.state_name, c.tasks FROM asked CROSS JOIN task_count c USING (run, attempt) "
                "WHERE c.tasks > 0 ORDER BY c.state_name",
                *(value for pair in piece for value in pair),
            ):
                counts[run][name] = tasks
        return [reading.flow_run(row, counts[row[0]]) for row in rows]

    def _task_runs(self, rows: Sequence[reading.Row], root: int, root_id: str) -> list[TaskRunRow]:
        earlier: dict[int, list[AttemptRow]] = {}
        # One that completed at its first try has none, and most do.
        for piece in _pieces([row[0] for row in rows if row[10] > 1 or (row[10] and row[6] != "COMPLETED")]):
            marks = ", ".join("?" * len(piece))
            query = f"{reading.ATTEMPT} WHERE root = ? AND number IN ({marks}) ORDER BY number, run_count"
            for row in self._rows(query, root, *piece):
                earlier.setdefault(row[0], []).append(reading.attempt(row))
        flow_ids: dict[int, str] = {}
        if any(row[12] and "-" in row[12] for row in rows):
            flow_ids.update(self._rows("SELECT number, id FROM flow_run WHERE root = ?", root))
        return [reading.task_run(row, root_id, flow_ids, earlier.get(row[0], ())) for row in rows]

    def _run(self, flow_run_id: str) -> tuple[int, int, str, int] | None:
        """Read a flow run's number, its root's number and id, and its attempt."""
        rows = self._rows(
            "SELECT f.run, f.root, r.id, f.attempt FROM flow_run f JOIN flow_run r ON r.run = f.root WHERE f.id = ?",
            flow_run_id,
        )
        return rows[0] if rows else None

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._home.database, busy_s=self._busy_s, is_reading=True)

    def _rows(self, query: str, *values: object) -> list[reading.Row]:
        # All at once: an unfinished SELECT would keep the write-ahead log from being shortened.
        with self._translated():
            return self._connection.execute(query, values).fetchall()


_DESCENDANTS: Final = (
    "WITH RECURSIVE below (run) AS (VALUES (?) UNION ALL "
    "SELECT f.run FROM flow_run f JOIN below ON f.parent = below.run WHERE f.parent IS NOT NULL) SELECT run FROM below"
)


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    create(connection)
    return connection


def _pieces(items: Sequence[_T]) -> list[Sequence[_T]]:
    return [items[start : start + _PIECE] for start in range(0, len(items), _PIECE)]
