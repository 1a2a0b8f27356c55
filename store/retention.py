"""Which runs have been kept long enough, and how much room everything takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from flowctl.store.home import Home
from flowctl.store.sqlite import sqlite3

_DAY_US: Final = 86_400_000_000
_FINAL: Final = "parent IS NULL AND ended_at IS NOT NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is kept; 0 means no bound."""

    #: Runs that ended so many days ago go.
    days: int
    #: So many of the latest runs stay.
    runs: int
    #: Bytes that the home may take.
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Bytes on the disk."""

    database: int
    runs: int
    cache: int
    snapshots: int

    @property
    def total(self) -> int:
        return self.database + self.runs + self.cache + self.snapshots


def expired_runs(connection: sqlite3.Connection, policy: Policy, *, now_us: int, limit: int = -1) -> list[str]:
    """List the root runs that are over and beyond the bounds of age and number, the oldest first."""
    found: dict[str, None] = {}
    if policy.days:
        # A run was made before it ended, and by that there is an index.
        limit_at = now_us - policy.days * _DAY_US
        query = (
            f"SELECT id FROM flow_run WHERE {_FINAL} AND created_at < ? AND ended_at < ? ORDER BY created_at LIMIT ?"
        )
        found.update(dict.fromkeys(_ids(connection, query, limit_at, limit_at, limit)))
    if policy.runs:
        query = (
            "WITH last AS (SELECT created_at, run FROM flow_run WHERE parent IS NULL "
            "ORDER BY created_at DESC, run DESC LIMIT 1 OFFSET ?) "
            f"SELECT f.id FROM last JOIN flow_run f ON {_FINAL} AND f.created_at <= last.created_at "
            "AND (f.created_at < last.created_at OR f.run <= last.run) ORDER BY f.created_at LIMIT ?"
        )
        found.update(dict.fromkeys(_ids(connection, query, policy.runs, limit)))
    return list(found) if limit < 0 else list(found)[:limit]


def forget_requests(connection: sqlite3.Connection, *, before_us: int) -> None:
    """Delete what is known of requests from before a time; whoever asks again under an old id is asking anew."""
    connection.execute("DELETE FROM request WHERE at < ?", (before_us,)).close()


def runs_to_free(connection: sqlite3.Connection, home: Home, *, excess: int) -> list[str]:
    """List the oldest root runs that are over whose files take as much as is too much."""
    found: list[str] = []
    for run_id in _ids(connection, f"SELECT id FROM flow_run WHERE {_FINAL} ORDER BY created_at"):
        if excess <= 0:
            break
        # Their rows go too, and take some of the room as well.
        excess -= size_below(home.run_folder(run_id))
        found.append(run_id)
    return found


def room_of(home: Home) -> Room:
    """Measure what a home takes; looks at every file of every run."""
    return Room(
        database=sum(_size(home.database + end) for end in ("", "-wal", "-shm")),
        runs=size_below(home.runs),
        cache=size_below(home.cache),
        snapshots=size_below(f"{home.path}/snapshots"),
    )


def size_below(folder: str) -> int:
    """Measure the files of a folder and all below it, in blocks of the disk; what vanishes meanwhile counts nothing."""
    total = 0
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    try:
                        if entry.is_dir(follow_symlinks=False):
                            pending.append(entry.path)
                        else:
                            total += entry.stat(follow_symlinks=False).st_blocks * 512
                    except OSError:
                        continue
        except OSError:
            continue
    return total


def _ids(connection: sqlite3.Connection, query: str, *values: object) -> list[str]:
    return [run_id for (run_id,) in connection.execute(query, values).fetchall()]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_blocks * 512
    except OSError:
        return 0
