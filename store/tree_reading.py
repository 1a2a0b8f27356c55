"""What one run's screens ask of the database: the tree below it, what changed in it, windows of its log."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final

from flowctl.store import reading
from flowctl.store.records import FlowRunRow, LogRow, TaskRunRow
from flowctl.store.searching import Searcher

#: What is usual for tasks is told by so many of the latest completed runs of the flow, and so many tasks of each.
_FORMER_RUNS: Final = 10
_FORMER_TASKS: Final = 500
_PIECE: Final = 500
#: Of a task whose value goes to thousands, not all are listed.
_MOST_LINKS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a flow run stands in the database."""

    run: int
    root: int
    root_id: str
    #: The newest of the root run.
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLine:
    """A log record and its place: the key of its root run, then its number there."""

    root: int
    row: LogRow
    #: Number and own name of the task run that said it, and the name of its task.
    task: int | None
    task_name: str | None
    map_index: int | None
    flow_name: str


class TreeReader(Searcher):
    """A read-only connection for the screens of one run; it stays in the thread that opened it."""

    def place(self, flow_run_id: str) -> Place | None:
        """Find a flow run; None: it is not on record."""
        rows = self._rows(
            "SELECT f.run, f.root, r.id, r.attempt FROM flow_run f JOIN flow_run r ON r.run = f.root WHERE f.id = ?",
            flow_run_id,
        )
        if not rows:
            return None
        run, root, root_id, attempt = rows[0]
        return Place(run=run, root=root, root_id=root_id, attempt=attempt)

    def tree_runs(self, place: Place) -> list[FlowRunRow]:
        """List the flow runs of a tree in its newest attempt, the root run first."""
        query = f"{reading.FLOW_RUN} WHERE f.root = ? AND (f.number = 0 OR f.attempt = ?) ORDER BY f.number"
        return self._flow_runs(self._rows(query, place.root, place.attempt))

    def tree_tasks(self, place: Place, *, after: int = 0, also: Collection[int] = ()) -> list[TaskRunRow]:
        """List the task runs of a tree in its newest attempt: those with a higher number than `after`, and `also`."""
        rows = self._rows(
            f"{reading.TASK_RUN} WHERE t.root = ? AND t.number > ? AND t.attempt = ? ORDER BY t.number",
            *(place.root, after, place.attempt),
        )
        numbers = sorted(also)
        for start in range(0, len(numbers), _PIECE):
            piece = numbers[start : start + _PIECE]
            marks = ", ".join("?" * len(piece))
            query = f"{reading.TASK_RUN} WHERE t.root = ? AND t.number IN ({marks}) ORDER BY t.number"
            rows += self._rows(query, place.root, *piece)
        return self._task_runs(rows, place.root, place.root_id)

    def linked_tasks(self, place: Place, task: TaskRunRow) -> list[TaskRunRow]:
        """List the task runs whose values one takes, and those that take its own."""
        numbers = {int(id_[24:], 16) for ids in task.upstreams.values() for id_ in ids if id_[:24] == task.id[:24]}
        rows = self._rows(
            f"{reading.TASK_RUN} WHERE t.root = ? AND t.attempt = ? AND (t.number IN (SELECT value FROM json_each(?)) "
            "OR (t.number > ? AND t.upstreams IS NOT NULL AND EXISTS (SELECT 1 FROM json_tree(t.upstreams) u "
            "WHERE u.type = 'integer' AND u.value = ?))) ORDER BY t.number LIMIT ?",
            *(place.root, task.attempt, json.dumps(sorted(numbers)), task.number, task.number, _MOST_LINKS),
        )
        return self._task_runs(rows, place.root, place.root_id)

    def process_of(self, place: Place) -> int | None:
        """Tell the process that wrote the newest journal of a tree last."""
        rows = self._rows("SELECT pid FROM journal WHERE run_id = ? AND attempt = ?", place.root_id, place.attempt)
        return rows[0][0] if rows else None

    def former_values(self, root_id: str, task: TaskRunRow, limit: int = 3) -> list[str]:
        """Give what a task gave in the latest runs of the flow before this one, the newest first; as short texts."""
        runs = self._rows(
            "SELECT o.run FROM flow_run r JOIN flow_run o ON o.flow_name = r.flow_name AND o.parent IS NULL "
            "WHERE r.id = ? AND o.created_at < r.created_at ORDER BY o.created_at DESC LIMIT ?",
            *(root_id, _FORMER_RUNS),
        )
        values: list[str] = []
        for (run,) in runs:
            values += [
                value
                for (value,) in self._rows(
                    "SELECT t.value FROM task_run t JOIN task k ON k.task = t.task WHERE t.root = ? AND k.key = ? "
                    "AND t.map_index IS ? AND t.state_type = 'COMPLETED' AND t.value IS NOT NULL LIMIT 1",
                    *(run, task.task_key, task.map_index),
                )
            ]
            if len(values) >= limit:
                break
        return values

    def times_failed(self, flow_name: str, task_key: str, since: datetime, limit: int = 100) -> int:
        """Count the runs of a flow made since then in which a task failed, among the latest that did not complete."""
        rows = self._rows(
            "SELECT count(*) FROM (SELECT run FROM flow_run WHERE parent IS NULL AND flow_name = ? "
            "AND created_at > ? AND state_type <> 'COMPLETED' ORDER BY created_at DESC LIMIT ?) f "
            "WHERE EXISTS (SELECT 1 FROM task_run t JOIN task k ON k.task = t.task "
            "WHERE t.root = f.run AND k.key = ? AND t.state_type = 'FAILED')",
            *(flow_name, reading.microseconds(since), limit, task_key),
        )
        count: int = rows[0][0]
        return count

    def log_matches(
        self, place: Place | None, text: str, *, level: int = 0, tasks: Sequence[int] = (), most: int
    ) -> int:
        """Count the records of a log with a text in them, up to `most`."""
        conditions, values = _wanted(place, level, tasks, text)
        query = f"SELECT count(*) FROM (SELECT 1 FROM log l WHERE {' AND '.join(conditions)} LIMIT ?)"
        count: int = self._rows(query, *values, most)[0][0]
        return count

    def log_tally(self, place: Place, tasks: Sequence[int] = ()) -> tuple[int, int, int, int]:
        """Count the records of a log: all of them, the errors and the warnings; and give the number of the last."""
        below = "" if place.run == place.root else f" AND run IN ({_BELOW})"
        own = " AND task IN (SELECT value FROM json_each(?))" if tasks else ""
        rows = self._rows(
            "SELECT count(*), coalesce(sum(level >= 40), 0), coalesce(sum(level >= 30 AND level < 40), 0), "
            "coalesce(max(seq), 0) "
            f"FROM log WHERE root = ?{below}{own}",
            *(place.root, *([place.run] if below else []), *([json.dumps(list(tasks))] if own else [])),
        )
        every, errors, warnings, last = rows[0]
        return every, errors, warnings, last

    def typical_tasks(self, flow_name: str) -> dict[str, float]:
        """Tell how long each task of a flow usually takes, in seconds, by its key."""
        runs = self._rows(
            "SELECT run FROM (SELECT run, state_type FROM flow_run WHERE parent IS NULL AND flow_name = ? "
            "ORDER BY created_at DESC LIMIT 100) WHERE state_type = 'COMPLETED' LIMIT ?",
            *(flow_name, _FORMER_RUNS),
        )
        took: dict[str, list[int]] = {}
        for (run,) in runs:
            for key, us in self._rows(
                "SELECT k.key, t.ended_at - t.started_at FROM task_run t JOIN task k ON k.task = t.task "
                "WHERE t.root = ? AND t.state_type = 'COMPLETED' AND t.started_at IS NOT NULL LIMIT ?",
                *(run, _FORMER_TASKS),
            ):
                took.setdefault(key, []).append(us)
        return {key: median(each) / 1e6 for key, each in took.items()}

    def log_lines(
        self,
        place: Place | None,
        *,
        after: tuple[int, int] | None = None,
        before: tuple[int, int] | None = None,
        level: int = 0,
        tasks: Sequence[int] = (),
        text: str = "",
        limit: int = 256,
    ) -> list[FoundLine]:
        """List log records in order: the first ones behind `after`, else the last ones before `before`, or at the end.

        Without a place they are those of all root runs, run by run in the order in which they came to be known.
        """
        conditions, values = _wanted(place, level, tasks, text)
        if after or before:
            sign, (root, seq) = (">", after) if after else ("<", before or (0, 0))
            conditions.append(f"(l.root, l.seq) {sign} (?, ?)" if place is None else f"l.seq {sign} ?")
            values += [root, seq] if place is None else [seq]
        order = "" if after else " DESC"
        rows = self._rows(
            "SELECT r.id, f.id, f.flow_name, l.root, l.seq, l.at, l.level, l.logger, l.message, l.task, k.name, "
            "t.map_index FROM (SELECT * FROM log l "
            f"{'WHERE ' if conditions else ''}{' AND '.join(conditions)} "
            f"ORDER BY l.root{order}, l.seq{order} LIMIT ?) l "
            "JOIN flow_run f ON f.run = l.run JOIN flow_run r ON r.run = l.root "
            "LEFT JOIN task_run t ON t.root = l.root AND t.number = l.task LEFT JOIN task k ON k.task = t.task "
            f"ORDER BY l.root{order}, l.seq{order}",
            *values,
            limit,
        )
        lines = [
            FoundLine(
                root=row[3],
                row=reading.log_line((row[1], *row[4:10]), row[0]),
                task=row[9],
                task_name=row[10],
                map_index=row[11],
                flow_name=row[2],
            )
            for row in rows
        ]
        return lines if after else lines[::-1]


def _wanted(place: Place | None, level: int, tasks: Sequence[int], text: str) -> tuple[list[str], list[object]]:
    """Make the conditions for records of a log, and what is bound in them."""
    conditions: list[str] = []
    values: list[object] = []

    def want(condition: str, *bound: object) -> None:
        conditions.append(condition)
        values.extend(bound)

    if place is not None:
        want("l.root = ?", place.root)
        if place.run != place.root:
            want(f"l.run IN ({_BELOW})", place.run)
    if level > 0:
        want("l.level >= ?", level)
    if tasks:
        want("l.task IN (SELECT value FROM json_each(?))", json.dumps(list(tasks)))
    if text:
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        want("l.message LIKE ? ESCAPE '\\'", f"%{escaped}%")
    return conditions, values


_BELOW: Final = (
    "WITH RECURSIVE below (run) AS (VALUES (?) UNION ALL "
    "SELECT f.run FROM flow_run f JOIN below ON f.parent = below.run WHERE f.parent IS NOT NULL) SELECT run FROM below"
)
