"""What lists ask of the database: runs that fit a query, a window at a time, and what is usual for a flow."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import Final, NamedTuple

from flowctl.store import reading
from flowctl.store.queries import Reader
from flowctl.store.query_language import Query
from flowctl.store.query_sql import Condition, compile_query
from flowctl.store.records import FlowRunRow
from flowctl.store.run_orders import ORDERS
from flowctl.store.states import StateType
from flowctl.store.terms import read_terms

#: What is usual is told by so many of the latest completed runs, among so many of the latest.
TYPICAL_OF: Final = 30
_AMONG: Final = 200
_PIECE: Final = 500
#: Errors that only say that another run did not complete.
_FOLLOWS: Final = frozenset({"UnfinishedRun", "UpstreamTaskError"})


class Standing(NamedTuple):
    """As much of a root run as whoever acts on many has to know."""

    key: int
    id: str
    state_version: int
    name: str
    flow_name: str
    state_type: str
    state_name: str
    started_at: datetime | None
    #: It goes on, and one of its tasks waits for its next try.
    awaits_retry: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRun:
    """A root run with what a list needs beside its record."""

    #: Its number in the database.
    key: int
    run: FlowRunRow
    #: When the next of its tasks is tried again.
    retry_at: datetime | None
    #: Of that task: what it said when it failed, its latest try and how many it may have.
    retry_message: str | None = None
    retry_tries: tuple[int, int | None] | None = None
    #: What its first task says that waits for a slot of a limit.
    waits_for_slot: str | None = None
    #: Since when it is paused.
    paused_at: datetime | None = None
    #: Of a run that failed only because it needed the value of a task that did not complete: what that one said.
    cause: str | None = None


class Searcher(Reader):
    """A read-only connection that knows the query language; it stays in the thread that opened it."""

    def interrupt(self) -> None:
        """Break off what another thread is reading by this connection; the only method that another thread may call."""
        with suppress(sqlite3.ProgrammingError):  # closed meanwhile: there is nothing to break off
            self._connection.interrupt()

    def search(
        self,
        query: Query,
        *,
        now: datetime,
        typical: Mapping[str, float],
        has_ended: bool | None = None,
        limit: int | None = None,
    ) -> list[int]:
        """List the keys of root runs that fit, the newest first."""
        condition = compile_query(query, now=now)
        table, half = "flow_run f", "" if has_ended is None else " AND f.ended_at IS NOT NULL"
        if has_ended is False:
            # Few at any time: SQLite would rather walk all runs in their order than sort these.
            table, half = "flow_run f INDEXED BY flow_run_active", " AND f.ended_at IS NULL"
        rows = self._rows(
            f"{_with_typical(condition)} SELECT f.run FROM {table} WHERE f.parent IS NULL"
            f"{half} AND {condition.sql} ORDER BY f.created_at DESC, f.run DESC LIMIT ?",
            *_typical_values(condition, typical),
            *condition.values,
            -1 if limit is None else limit,
        )
        return [key for (key,) in rows]

    def found_runs(self, keys: Sequence[int]) -> list[FoundRun]:
        """Read root runs by their keys, in that order; those that were deleted are left out."""
        found: dict[int, FoundRun] = {}
        for start in range(0, len(keys), _PIECE):
            piece = keys[start : start + _PIECE]
            marks = ", ".join("?" * len(piece))
            rows = self._rows(f"{reading.FLOW_RUN} WHERE f.run IN ({marks})", *piece)
            runs = self._flow_runs(rows)
            open_ = [row[0] for row, run in zip(rows, runs, strict=True) if not run.is_final]
            waiting = ", ".join("?" * len(open_))
            # Beside `min`, SQLite gives the other columns of the row that it is in.
            waits: dict[tuple[int, str], tuple[int, str | None, int, str | None]] = {
                (root, name): tuple(rest)
                for root, name, *rest in self._rows(
                    "SELECT t.root, t.state_name, min(t.due_at), t.message, t.run_count, t.terms FROM task_run t "
                    f"WHERE t.root IN ({waiting}) AND t.ended_at IS NULL AND t.state_name <> 'NotReady' "
                    "AND t.state_name IN ('AwaitingRetry', 'AwaitingConcurrencySlot') GROUP BY t.root, t.state_name",
                    *open_,
                )
            }
            for row, run in zip(rows, runs, strict=True):
                plain = FoundRun(key=row[0], run=run, retry_at=None)
                if (retry := waits.get((row[0], "AwaitingRetry"))) is not None:
                    plain = _waiting(plain, *retry)
                if (slot := waits.get((row[0], "AwaitingConcurrencySlot"))) is not None:
                    plain = replace(plain, waits_for_slot=slot[1])
                if run.state_type == StateType.PAUSED:
                    plain = replace(plain, paused_at=self._paused_at(row[0]))
                found[row[0]] = plain
                if run.error is not None and run.error.type_name in _FOLLOWS:
                    found[row[0]] = replace(plain, cause=self._first_failure(row[0], run.attempt))
        return [found[key] for key in keys if key in found]

    def _paused_at(self, run: int) -> datetime | None:
        rows = self._rows("SELECT max(at) FROM flow_run_state WHERE run = ? AND applied = 1", run)
        return reading.moment(rows[0][0]) if rows and rows[0][0] is not None else None

    def _first_failure(self, root: int, attempt: int) -> str | None:
        rows = self._rows(
            "SELECT message FROM task_run WHERE root = ? AND attempt = ? AND state_type IN ('FAILED', 'CRASHED') "
            "ORDER BY ended_at LIMIT 1",
            *(root, attempt),
        )
        return rows[0][0] if rows else None

    def keys(
        self,
        query: Query,
        *,
        now: datetime,
        typical: Mapping[str, float],
        order: str = "age",
        is_reversed: bool = False,
    ) -> array[int]:
        """Give the keys of all root runs that fit, in one of the `ORDERS`."""
        condition = compile_query(query, now=now)
        values = (*_typical_values(condition, typical), *condition.values)

        def read(table: str, half: str) -> array[int]:
            rows = self._rows(
                f"{_with_typical(condition)} SELECT f.run FROM {table} WHERE f.parent IS NULL{half} "
                f"AND {condition.sql} ORDER BY {ORDERS[order]}f.created_at DESC, f.run DESC",
                *values,
            )
            keys = array("q", (key for (key,) in rows))
            if is_reversed:
                keys.reverse()
            return keys

        every = read("flow_run f", "")
        if order != "age":
            return every
        # What has not ended stands first in both directions: it is what one looks for. Those taken out of all, rather
        # than asked for by halves: then it would have to look at every row.
        first = read("flow_run f INDEXED BY flow_run_active", " AND f.ended_at IS NULL")
        active = set(first)
        return first + array("q", (key for key in every if key not in active)) if active else every

    def runs_there(self) -> tuple[int, int | None, tuple[int, ...]]:
        """Tell what changes when a root run comes, goes or ends: their number, the newest key, those that go on."""
        rows = self._rows("SELECT count(*), max(run) FROM flow_run WHERE parent IS NULL")
        active = self._rows("SELECT run FROM flow_run INDEXED BY flow_run_active WHERE ended_at IS NULL AND number = 0")
        return rows[0][0], rows[0][1], tuple(key for (key,) in active)

    def standings(self, keys: Sequence[int]) -> list[Standing]:
        """Tell how root runs stand, in the order of their keys; those that were deleted are left out."""
        found: dict[int, Standing] = {}
        for start in range(0, len(keys), _PIECE):
            piece = keys[start : start + _PIECE]
            rows = self._rows(
                "SELECT f.run, f.id, f.state_version, f.name, f.flow_name, f.state_type, f.state_name, f.started_at, "
                "f.ended_at IS NULL AND EXISTS (SELECT 1 FROM task_run t WHERE t.root = f.run AND t.ended_at IS NULL "
                "AND t.state_name <> 'NotReady' AND t.state_name = 'AwaitingRetry') "
                f"FROM flow_run f WHERE f.run IN ({', '.join('?' * len(piece))})",
                *piece,
            )
            for row in rows:
                started = None if row[7] is None else reading.moment(row[7])
                found[row[0]] = Standing._make((*row[:7], started, bool(row[8])))
        return [found[key] for key in keys if key in found]

    def run_count(self) -> int:
        """Count the root runs."""
        count: int = self._rows("SELECT count(*) FROM flow_run WHERE parent IS NULL")[0][0]
        return count

    def typical_durations(self, flows: Iterable[str] | None = None) -> dict[str, float]:
        """Tell how long the runs of each flow usually take, in seconds; those that never completed are left out."""
        found = {flow: self.former_durations(flow) for flow in (self.flow_names() if flows is None else flows)}
        return {flow: median(each) for flow, each in found.items() if each}

    def former_durations(self, flow: str) -> list[float]:
        """List how long the latest completed runs of a flow took, in seconds: what is usual is their median."""
        rows = self._rows(
            "SELECT ended_at - started_at FROM (SELECT state_type, started_at, ended_at FROM flow_run "
            "WHERE parent IS NULL AND flow_name = ? ORDER BY created_at DESC LIMIT ?) "
            "WHERE state_type = 'COMPLETED' AND started_at IS NOT NULL LIMIT ?",
            *(flow, _AMONG, TYPICAL_OF),
        )
        return [took / 1e6 for (took,) in rows]


def _with_typical(condition: Condition) -> str:
    if not condition.needs_typical:
        return ""
    return "WITH typical (flow, us) AS MATERIALIZED (SELECT key, value FROM json_each(?))"


def _typical_values(condition: Condition, typical: Mapping[str, float]) -> list[object]:
    if not condition.needs_typical:
        return []
    import json

    return [json.dumps({flow: seconds * 1e6 for flow, seconds in typical.items()})]


def _waiting(found: FoundRun, due_us: int, message: str | None, run_count: int, text: str | None) -> FoundRun:
    terms = None if text is None else read_terms(text)
    return replace(
        found,
        retry_at=reading.moment(due_us),
        retry_message=message,
        retry_tries=(run_count, None if terms is None else terms.tries),
    )
