"""Deployments that were lost with a database: no journal tells of them, but a copy of the database may."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from flowctl.store.copies import open_copy
from flowctl.store.sqlite import sqlite3

_HAS_ANY: Final = "SELECT EXISTS (SELECT 1 FROM deployment)"
#: Whoever was asked about plans has seen them: that there are none is as somebody wanted it.
_WAS_ASKED: Final = "SELECT EXISTS (SELECT 1 FROM request WHERE kind GLOB 'deploy*' OR kind GLOB 'watch_*')"


class LostPlans(NamedTuple):
    """What a copy of the database has and the database itself never had."""

    path: str
    deployments: int

    def __str__(self) -> str:
        noun = "deployment" if self.deployments == 1 else "deployments"
        return (
            f"A copy of the database has {self.deployments} {noun} that went with the database when it was deleted: "
            f"`flowctl db rebuild` brings {'it' if self.deployments == 1 else 'them'} back."
        )


def lost_plans(connection: sqlite3.Connection, copies: Iterable[str]) -> LostPlans | None:
    """Find the first of some copies that has deployments, where the database has none and was never asked for any."""
    if any(connection.execute(query).fetchone()[0] for query in (_HAS_ANY, _WAS_ASKED)):
        return None
    return next((LostPlans(path, count) for path in copies if (count := _deployments_in(path))), None)


def _deployments_in(path: str) -> int:
    try:
        copy = open_copy(path)
        try:
            count: int = copy.execute("SELECT count(*) FROM deployment").fetchone()[0]
        finally:
            copy.close()
    except sqlite3.Error:
        return 0  # of another schema, damaged, just deleted: it is none to rely on
    return count
