"""Puts on record what became of a look into a flow file: the versions before and after, and what is other."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Final, NamedTuple

from flowctl.core.daemon.inspection import Inspected
from flowctl.core.daemon.lookout import Packed
from flowctl.core.daemon.reloading import Reloaded
from flowctl.store import file_queries, plan_queries
from flowctl.store.file_records import FlowFileRow, ReloadCause, ReloadOutcome
from flowctl.store.plan_records import DeploymentRow, Origin
from flowctl.store.reloads import record_reload
from flowctl.store.sqlite import sqlite3

_OUTCOMES: Final = {
    "reloaded": ReloadOutcome.LOADED,
    "broken": ReloadOutcome.BROKEN,
    "gone": ReloadOutcome.GONE,
    "failed": ReloadOutcome.FAILED,
}


class Cause(NamedTuple):
    """Why a file was looked into; for a module, which."""

    kind: ReloadCause = ReloadCause.SAVED
    because: str | None = None


class Entry:
    """An entry of the log that is being made: opened before a file is taken in, closed with what became of it."""

    def __init__(self, connection: sqlite3.Connection, path: str, now: datetime, *, cause: Cause | None = None) -> None:
        self._connection = connection
        self._path = path
        self._now = now
        self._cause = cause or Cause()
        self._before = file_queries.flow_file(connection, path)
        self._schedules = self._asked_for()

    def of(self, reloaded: Reloaded, found: Inspected | None = None, packed: Packed | None = None) -> Reloaded:
        """Put it on record, if there is something to tell, and give it back."""
        outcome = _OUTCOMES.get(reloaded.outcome)
        after = file_queries.flow_file(self._connection, self._path)
        if outcome is None or self._is_old_news(outcome, after):
            return reloaded
        cause = self._cause if self._before is not None else self._cause._replace(kind=ReloadCause.FOUND)
        is_other = outcome is ReloadOutcome.LOADED and packed is not None
        record_reload(
            self._connection,
            self._path,
            outcome,
            reloaded.text,
            self._now,
            cause=cause.kind,
            because=cause.because,
            version_before=0 if self._before is None else self._before.version,
            version=0 if after is None else after.version,
            import_us=None if found is None else found.import_us,
            changes=[*(packed.changes if is_other and packed is not None else ()), *self._moved_schedules()],
            runs=file_queries.runs_under_way_of(self._connection, self._path),
        )
        return reloaded

    def _is_old_news(self, outcome: ReloadOutcome, after: FlowFileRow | None) -> bool:
        """Tell whether a file that was broken when the daemon last saw it is so still."""
        if self._cause.kind is not ReloadCause.AGAIN or outcome is not ReloadOutcome.BROKEN:
            return False
        before = self._before
        return before is not None and after is not None and before.hash == after.hash

    def _moved_schedules(self) -> list[str]:
        before, after = self._schedules, self._asked_for()
        gone = [f"schedule {said} of {name} is gone" for name, said in sorted(before - after)]
        new = [f"schedule {said} of {name} is new" for name, said in sorted(after - before)]
        return [*gone, *new]

    def _asked_for(self) -> set[tuple[str, str]]:
        """List deployment and expression of all schedules that depend on the file."""
        return {
            (row.name, f"{each.expression} ({each.timezone})") for row in self._deployments() for each in row.schedules
        }

    def _deployments(self) -> list[DeploymentRow]:
        if not self._path.endswith(".toml"):
            return plan_queries.deployments_of_file(self._connection, self._path)
        folder = os.path.dirname(self._path)
        rows = plan_queries.deployments(self._connection)
        return [row for row in rows if row.origin is Origin.TOML and row.reference.cwd == folder]
