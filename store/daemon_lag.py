"""How far a daemon is behind the journals, for readers who want to see what was written before they looked.

The daemon ingests within some milliseconds. Who runs a flow and looks at it at once should not be faster than that.
"""

from __future__ import annotations

import os
import time
from typing import Final

from flowctl.store.home import Home
from flowctl.store.liveness import attempts, is_alive
from flowctl.store.sqlite import SCHEMA_VERSION, open_reader, schema_version, sqlite3

#: A daemon that is further behind (a full disk, a debugger) is not waited for: what is there is shown.
WAIT_S: Final = 1.0
_LOOK_EVERY_S: Final = 0.004
#: Of a journal so much is looked through to find its end; who writes more than that is behind anyway.
_MOST_BYTES: Final = 1 << 20


class Lag:
    """What the journals of the active runs hold at one moment."""

    def __init__(self, home: Home, run_ids: list[str]) -> None:
        self._home = home
        self._deadline = time.monotonic() + WAIT_S
        self._waited_for = dict.fromkeys(run_ids)
        #: (run, attempt) -> where its records ended when first looked at.
        self._ends: dict[tuple[str, int], int] = {}

    def is_over(self) -> bool:
        """Tell whether all of it is in the database, or waiting for that makes no sense; else pause for a moment."""
        if time.monotonic() > self._deadline or self._is_ingested():
            return True
        time.sleep(_LOOK_EVERY_S)
        return False

    def _is_ingested(self) -> bool:
        if not os.path.exists(self._home.database):
            return not self._waited_for
        connection = open_reader(self._home.database)
        try:
            if schema_version(connection) < SCHEMA_VERSION:
                return False
            for run_id in tuple(self._waited_for):
                if self._is_run_ingested(connection, run_id):
                    del self._waited_for[run_id]
        finally:
            connection.close()
        return not self._waited_for

    def _is_run_ingested(self, connection: sqlite3.Connection, run_id: str) -> bool:
        if not os.path.exists(self._home.active_marker(run_id)):
            return True
        known = attempts(self._home, run_id)
        if known:
            query = "SELECT offset, problem FROM journal WHERE run_id = ? AND attempt = ?"
            offset, problem = connection.execute(query, (run_id, known[-1])).fetchone() or (0, None)
            key = (run_id, known[-1])
            if key not in self._ends:
                self._ends[key] = _end_of(self._home.journal(*key), offset)
            if problem is not None:
                return True
            if offset < self._ends[key]:
                return False
        # A dead one is still to be found dead, and its marker to be removed.
        return is_alive(self._home, run_id)


def _end_of(path: str, offset: int) -> int:
    """Find where the whole records of a journal end, from one that is known on."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return offset
    try:
        data = os.pread(descriptor, _MOST_BYTES, offset)
    finally:
        os.close(descriptor)
    place = 0
    while length := int.from_bytes(data[place : place + 4], "little"):
        if place + 8 + length > len(data):
            break
        place += 8 + length
    return offset + place
