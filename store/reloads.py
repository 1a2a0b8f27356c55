"""Writes the log of reloads: what became of each look into a flow file; inside a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from flowctl.store.file_records import ReloadCause, ReloadOutcome
from flowctl.store.fold import to_json
from flowctl.store.reading import microseconds
from flowctl.store.sqlite import sqlite3

#: Older ones are dropped: some weeks of saving, half a megabyte.
KEPT: Final = 2_000
_LONGEST_MESSAGE: Final = 2_000


def record_reload(
    connection: sqlite3.Connection,
    path: str,
    outcome: ReloadOutcome,
    message: str,
    now: datetime,
    *,
    cause: ReloadCause = ReloadCause.SAVED,
    because: str | None = None,
    version_before: int = 0,
    version: int = 0,
    import_us: int | None = None,
    changes: Sequence[str] = (),
    runs: int = 0,
) -> int:
    """Put on record what became of a flow file; return the id of the entry."""
    ((made,),) = connection.execute(
        "INSERT INTO reload (path, at, outcome, cause, because, version_before, version, import_us, changes, message, "
        "runs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            path,
            microseconds(now),
            outcome.value,
            cause.value,
            because,
            version_before,
            version,
            import_us,
            to_json(list(changes)),
            message[:_LONGEST_MESSAGE],
            runs,
        ),
    ).fetchall()
    connection.execute("DELETE FROM reload WHERE id <= ?", (made - KEPT,)).close()
    return int(made)
