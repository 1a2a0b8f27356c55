"""Named limits: how many runs, or parts of them, may hold one at once.

The database has them; run processes, which open no database, read them from a file beside the slots.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


def set_limit(connection: sqlite3.Connection, name: str, slots: int) -> None:
    """Make a limit or change it; work inside a transaction of the caller's."""
    query = "INSERT INTO run_limit (name, slots) VALUES (?, ?) ON CONFLICT DO UPDATE SET slots = excluded.slots"
    connection.execute(query, (name, slots)).close()


def remove_limit(connection: sqlite3.Connection, name: str) -> bool:
    """Remove a limit; tell whether there was one."""
    return connection.execute("DELETE FROM run_limit WHERE name = ?", (name,)).rowcount > 0


def list_limits(connection: sqlite3.Connection) -> dict[str, int]:
    """List all limits by name."""
    return dict(connection.execute("SELECT name, slots FROM run_limit ORDER BY name").fetchall())


def limits_path(home: str) -> str:
    """Name the file in which run processes find the limits."""
    return f"{home}/limits/limits.json"


def publish(connection: sqlite3.Connection, home: str) -> None:
    """Put the limits where run processes find them, whole or not at all; to be called after the commit."""
    import json

    path = limits_path(home)
    found = list_limits(connection)
    if not found and not os.path.exists(path):
        return
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    descriptor = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, json.dumps(found).encode())
    finally:
        os.close(descriptor)
    os.rename(f"{path}.new", path)
