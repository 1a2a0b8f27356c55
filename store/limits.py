"""Named limits: how many runs, or parts of them, may hold one at once."""

from __future__ import annotations

from flowctl.store.sqlite import sqlite3


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
