"""How a person's word for a run leads to its id."""

from __future__ import annotations

import re
from typing import Final

from flowctl.store.problems import AmbiguousRun, RunNotFound
from flowctl.store.sqlite import sqlite3

#: Fewer characters of an id fit too many runs, and look like names.
SHORTEST_PREFIX: Final = 4

_SHOWN: Final = 5
#: Among how many of the latest runs a near name is looked for.
_REMEMBERED: Final = 500
_ID_PART: Final = re.compile(r"[0-9a-f-]{4,36}")


def find_run(connection: sqlite3.Connection, spec: str) -> str:
    """Return the id of the run that is meant, see `Reader.find_run`."""
    if spec == "-":
        found = _latest(connection)
    else:
        # A whole name says more than the beginning of an id that happens to be spelled the same.
        found = _by_id(connection, spec) or _by_name(connection, spec) or _by_prefix(connection, spec)
    if found is None:
        raise RunNotFound(spec, _nearest(connection, spec))
    return found


def _latest(connection: sqlite3.Connection) -> str | None:
    query = "SELECT id FROM flow_run WHERE parent IS NULL ORDER BY created_at DESC, run DESC LIMIT 1"
    return _one(connection, query)


def _by_id(connection: sqlite3.Connection, spec: str) -> str | None:
    return _one(connection, "SELECT id FROM flow_run WHERE id = ?", spec.lower())


def _by_name(connection: sqlite3.Connection, spec: str) -> str | None:
    query = "SELECT id FROM flow_run WHERE name = ? ORDER BY created_at DESC, run DESC LIMIT 1"
    return _one(connection, query, spec)


def _by_prefix(connection: sqlite3.Connection, spec: str) -> str | None:
    prefix = spec.lower()
    if not _ID_PART.fullmatch(prefix):
        return None
    # Ids are written in characters below "g".
    query = "SELECT id, name FROM flow_run WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
    found = connection.execute(query, (prefix, prefix + "g", _SHOWN + 1)).fetchall()
    if len(found) > 1:
        raise AmbiguousRun(spec, found[:_SHOWN], more=len(found) > _SHOWN)
    return str(found[0][0]) if found else None


def _nearest(connection: sqlite3.Connection, spec: str) -> list[str]:
    from difflib import get_close_matches

    query = "SELECT name FROM flow_run WHERE parent IS NULL ORDER BY created_at DESC, run DESC LIMIT ?"
    names = [name for (name,) in connection.execute(query, (_REMEMBERED,)).fetchall()]
    # Each name once, the latest first.
    return get_close_matches(spec, list(dict.fromkeys(names)), n=3, cutoff=0.6)


def _one(connection: sqlite3.Connection, query: str, *values: object) -> str | None:
    row = connection.execute(query, values).fetchone()
    return str(row[0]) if row else None
