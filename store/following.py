"""Reads a journal while another process writes it: each look gives the records that are new."""

from __future__ import annotations

from typing import Final

from flowctl.store.home import Home
from flowctl.store.journal import Record, decode

#: So much of the file is in memory at once.
_STRETCH_BYTES: Final = 1 << 20


class Follower:
    """A place in the journal of one attempt of a run."""

    def __init__(self, home: Home, run_id: str, attempt: int) -> None:
        self.attempt = attempt
        self._path = home.journal(run_id, attempt)
        self._offset = 0
        self._stretch = _STRETCH_BYTES

    def look(self) -> list[Record]:
        """Read the next records, at most a stretch of them; an empty list where nothing new is whole yet."""
        try:
            with open(self._path, "rb") as journal:
                journal.seek(self._offset)
                data = journal.read(self._stretch)
        except FileNotFoundError:
            return []
        found = [(end, record) for end, _, record in decode(data)]
        records = [record for _, record in found]
        self._offset += found[-1][0] if found else 0
        # A record longer than the stretch is read with a longer one.
        is_cut = not records and len(data) == self._stretch and any(data[:4])
        self._stretch = self._stretch * 4 if is_cut else _STRETCH_BYTES
        return self.look() if is_cut else records
