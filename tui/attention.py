"""Which failures somebody has looked at, and what still needs a person."""

from __future__ import annotations

from flowctl.store.home import Home
from flowctl.store.records import FlowRunRow
from flowctl.tui.data.looked_at import load_looked_at, save_looked_at
from flowctl.tui.model.glyphs import PROBLEMS, word_of
from flowctl.tui.model.needs import Need, needs_of
from flowctl.tui.model.plans import Ahead
from flowctl.tui.model.snapshots import Counts


class Attention:
    """What somebody has opened since it failed; it outlasts the interface."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._looked_at: dict[str, int] | None = None

    def see(self, run: FlowRunRow) -> None:
        """Take note that somebody looks at a run."""
        seen = self._seen
        if word_of(run.state_type, run.state_name) in PROBLEMS and seen.get(run.id, -1) < run.state_version:
            seen.pop(run.id, None)
            seen[run.id] = run.state_version
            save_looked_at(self._home, seen)

    def needs(self, counts: Counts | None, ahead: Ahead | None = None) -> tuple[Need, ...]:
        """List what needs somebody, in the order in which it is walked."""
        return needs_of(counts, ahead, self._seen)

    @property
    def _seen(self) -> dict[str, int]:
        if self._looked_at is None:
            self._looked_at = load_looked_at(self._home)
        return self._looked_at
