"""What the overviews ask of the database: the last day in numbers, and the latest runs of each flow."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flowctl.store import reading
from flowctl.store.searching import FoundRun
from flowctl.store.tree_reading import TreeReader

_HOUR_US: Final = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefRun:
    """As much of a run as a strip of glyphs shows."""

    id: str
    state_type: str
    state_name: str
    took_s: float | None
    created_at: datetime


class OverviewReader(TreeReader):
    """A read-only connection for the overviews; it stays in the thread that opened it."""

    def journal_places(self, run_ids: Sequence[str]) -> dict[tuple[str, int], tuple[int, bool]]:
        """Tell how far journals of root runs are ingested: (run, attempt) -> (offset, whether it can be read)."""
        rows = self._rows(
            "SELECT run_id, attempt, offset, problem IS NULL FROM journal "
            "WHERE run_id IN (SELECT value FROM json_each(?))",
            json.dumps(run_ids),
        )
        return {(run_id, attempt): (offset, bool(readable)) for run_id, attempt, offset, readable in rows}

    def latest_of(self, flow_name: str, limit: int) -> list[BriefRun]:
        """List the latest root runs of a flow, oldest first."""
        rows = self._rows(
            "SELECT id, state_type, state_name, ended_at - started_at, created_at FROM flow_run "
            "WHERE parent IS NULL AND flow_name = ? ORDER BY created_at DESC, run DESC LIMIT ?",
            *(flow_name, limit),
        )
        return list(map(_brief, reversed(rows)))

    def latest_of_deployments(self, limit: int) -> dict[int, list[BriefRun]]:
        """List of each deployment the latest runs that have begun, or ended without beginning, oldest first."""
        rows = self._rows(
            "SELECT d.id, r.id, r.state_type, r.state_name, r.ended_at - r.started_at, r.created_at "
            "FROM deployment d JOIN flow_run r ON r.run IN (SELECT run FROM flow_run WHERE deployment_id = d.id "
            "AND NOT (state_type = 'SCHEDULED' AND started_at IS NULL) ORDER BY created_at DESC, run DESC LIMIT ?) "
            "ORDER BY d.id, r.created_at, r.run",
            limit,
        )
        latest: dict[int, list[BriefRun]] = {}
        for deployment_id, *row in rows:
            latest.setdefault(deployment_id, []).append(_brief(tuple(row)))
        return latest

    def kept_waiting(self, limit: int) -> list[FoundRun]:
        """List the root runs that are due and wait for others to make room, the longest waiting first."""
        rows = self._rows(
            "SELECT run FROM flow_run INDEXED BY flow_run_active WHERE ended_at IS NULL AND number = 0 "
            "AND state_name = 'AwaitingConcurrencySlot' ORDER BY coalesce(due_at, created_at) LIMIT ?",
            limit,
        )
        return self.found_runs([key for (key,) in rows])

    def source_of(self, flow_name: str) -> dict[str, object]:
        """Tell where the flow stood when it last ran."""
        rows = self._rows(
            f"{reading.FLOW_RUN} WHERE f.parent IS NULL AND f.flow_name = ? ORDER BY f.created_at DESC LIMIT 1",
            flow_name,
        )
        return reading.flow_run(rows[0], {}).source if rows else {}

    def hours(self, now: datetime, count: int) -> dict[tuple[int, str], int]:
        """Count the root runs of the last hours by (hours ago, type of state)."""
        now_us = reading.microseconds(now)
        rows = self._rows(
            "SELECT (? - created_at) / ?, state_type, count(*) FROM flow_run "
            "WHERE parent IS NULL AND created_at > ? AND created_at <= ? GROUP BY 1, 2",
            *(now_us, _HOUR_US, now_us - count * _HOUR_US, now_us),
        )
        return {(ago, type_): runs for ago, type_, runs in rows}

    def open_states(self) -> dict[tuple[str, str], int]:
        """Count the root runs that have not ended by type and name of their state."""
        rows = self._rows(
            "SELECT state_type, state_name, count(*) FROM flow_run INDEXED BY flow_run_active "
            "WHERE ended_at IS NULL AND number = 0 GROUP BY 1, 2"
        )
        return {(type_, name): runs for type_, name, runs in rows}

    def durations_since(self, since: datetime, limit: int = 20_000) -> list[float]:
        """List how long the runs took that completed, of those made since then, in seconds."""
        rows = self._rows(
            "SELECT ended_at - started_at FROM flow_run WHERE parent IS NULL AND state_type = 'COMPLETED' "
            "AND created_at > ? AND started_at IS NOT NULL ORDER BY created_at DESC LIMIT ?",
            *(reading.microseconds(since), limit),
        )
        return [took / 1e6 for (took,) in rows]

    def problems_since(self, since: datetime, limit: int) -> list[FoundRun]:
        """List the root runs that failed or crashed since then and whose flow has not completed since, newest first."""
        rows = self._rows(
            "SELECT f.run FROM flow_run f WHERE f.parent IS NULL AND f.state_type IN ('FAILED', 'CRASHED') "
            "AND f.created_at > ? AND NOT EXISTS (SELECT 1 FROM flow_run g WHERE g.parent IS NULL "
            "AND g.flow_name = f.flow_name AND g.created_at > f.created_at AND g.state_type = 'COMPLETED') "
            "ORDER BY f.created_at DESC LIMIT ?",
            *(reading.microseconds(since), limit),
        )
        return self.found_runs([key for (key,) in rows])


def _brief(row: reading.Row) -> BriefRun:
    return BriefRun(
        id=row[0],
        state_type=row[1],
        state_name=row[2],
        took_s=None if row[3] is None else row[3] / 1e6,
        created_at=reading.moment(row[4]),
    )


def file_size(path: str) -> int:
    """Give the size of a file in bytes; 0 where there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
