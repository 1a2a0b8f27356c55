"""How many lines, errors and warnings a log has: counted once, then with whatever comes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from flowctl.tui.model.glyphs import Glyphs
from flowctl.tui.model.snapshots import LogEntry
from flowctl.tui.model.texts import counted, grouped

_ERROR, _WARNING = 40, 30


class Tally(NamedTuple):
    """What one log has, up to one record."""

    lines: int
    errors: int
    warnings: int
    #: The number of the last record that is counted; 0: there is none.
    until: int

    def with_entries(self, entries: Iterable[LogEntry]) -> Tally:
        """Count those that came behind it; who counts and who follows a log are not the same, and may overlap."""
        fresh = [entry for entry in entries if entry.seq > self.until]
        if not fresh:
            return self
        errors = sum(entry.row.level >= _ERROR for entry in fresh)
        warnings = sum(_WARNING <= entry.row.level < _ERROR for entry in fresh)
        return Tally(
            self.lines + len(fresh),
            self.errors + errors,
            self.warnings + warnings,
            max(entry.seq for entry in fresh),
        )

    def words(self, glyphs: Glyphs) -> str:
        """Write it: `1 204 lines ✗ 2 ! 3`; of a log with nothing in it, nothing."""
        if not self.lines:
            return ""
        errors = f" {glyphs.states['failed']} {grouped(self.errors)}" if self.errors else ""
        return counted(self.lines, "line") + errors + (f" ! {grouped(self.warnings)}" if self.warnings else "")
