"""Who holds the limits on tags, and who waits for them, by what runs have written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, cast

if TYPE_CHECKING:
    import sqlite3

_TAG: Final = "tag:"
#: Of more, nobody reads the names.
_MOST: Final = 500


class LimitUser(NamedTuple):
    """A task run that works under limits, or waits for some."""

    run_name: str
    task_name: str
    map_index: int | None
    #: Names of the limits.
    limits: tuple[str, ...]
    is_waiting: bool


def limit_users(connection: sqlite3.Connection, limits: Sequence[str]) -> list[LimitUser]:
    """List the task runs under way that are tagged with limits, those that came first before the others."""
    if not any(name.startswith(_TAG) for name in limits):
        return []
    rows = connection.execute(
        "SELECT f.name, k.name, t.map_index, t.tags, t.state_name FROM flow_run f INDEXED BY flow_run_active "
        "JOIN task_run t INDEXED BY task_run_open ON t.root = f.run JOIN task k ON k.task = t.task "
        "WHERE f.ended_at IS NULL AND f.number = 0 AND t.ended_at IS NULL AND t.state_name <> 'NotReady' "
        "AND t.tags IS NOT NULL AND (t.state_type = 'RUNNING' OR t.state_name = 'AwaitingConcurrencySlot') "
        "ORDER BY f.run, t.number LIMIT ?",
        (_MOST,),
    )
    found: list[LimitUser] = []
    for run_name, task_name, map_index, tags, state_name in rows:
        wanted = {f"{_TAG}{tag}" for tag in cast("list[object]", json.loads(tags))}
        names = tuple(name for name in limits if name in wanted)
        if names:
            is_waiting = state_name == "AwaitingConcurrencySlot"
            found.append(LimitUser(run_name, task_name, map_index, names, is_waiting))
    return found
