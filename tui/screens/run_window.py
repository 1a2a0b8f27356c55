"""A list of runs of which only what is around the window is read, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flowctl.store.query_sql import is_indexed
from flowctl.tui.bridge import Question
from flowctl.tui.model.completion import Vocabulary
from flowctl.tui.model.run_rows import HEAD
from flowctl.tui.model.runs_list import vocabulary_of
from flowctl.tui.model.snapshots import RunsPage
from flowctl.tui.screens.run_marks import RunMarks

#: So many pages above and below the cursor are read, and read anew when it has left the inner ones.
_AROUND: Final = 3


class RunWindow(RunMarks):
    """What reads the list; how it looks is up to who derives from it."""

    def __init__(self) -> None:
        super().__init__()
        #: Whether it is known what fits, so that an empty list means that nothing does.
        self.is_read = False
        #: Which runs are read; None: those at the head of the list.
        self._wanted: Sequence[int] | None = None
        self._asked: Question[RunsPage] | None = None
        self._page: RunsPage | None = None

    @property
    def reads(self) -> bool:
        """Whether what is around the cursor is to be read; not while the list shows the past."""
        return True

    def put_rows(self) -> None:
        """Show the rows that there are; those that look as before are not drawn anew."""

    def ask_runs(self) -> None:
        """Ask for the list in the order that is in force."""
        query, sort, is_reversed = self._query, *self.order
        # Other orders, and what no index answers, are told by the keys of the whole list alone.
        room = HEAD if sort == "age" and not is_reversed and is_indexed(query) else 0
        self._asked = self.watch_store(lambda source: source.runs_page(query, room, self._read_keys(room)), self.take)
        self.watch_store(
            lambda source: source.run_keys(query, sort, is_reversed=is_reversed), self._take_keys, is_slow=True
        )

    def take(self, page: RunsPage) -> None:
        """Take in what was read."""
        known, self._page = self._page, page
        if page != known:
            self.sync()
            self.runs.update(page)
            self.is_read = self.is_read or page.head is not None
            self.put_rows()
            if known is None or known.typical != page.typical:
                self.rows.repaint()

    def reads_around(self) -> bool:
        """Have read what is around the cursor, unless it is known; tell whether something in the window is not."""
        if self._asked is None or not self.reads:
            return False
        rows, place, page = self.runs.rows, self.runs.place, self.rows.page
        first, end = max(0, place - _AROUND * page), place + _AROUND * page
        if len(rows) <= HEAD:
            first, end = 0, HEAD
        inner = (_AROUND - 1) * page
        if not rows.are_known(place - inner, place + inner):
            self._wanted = None if self.runs.is_in_head(end) else tuple(rows.keys[first:end])
            self.bridge.again(self._asked)
        return not rows.are_known(place - page, place + page)

    def query_changed(self) -> None:
        self.order_changed()

    def order_changed(self) -> None:
        self._wanted = self._page = None
        self.runs.expect()
        self.on_screen_resume()

    def vocabulary(self) -> Vocabulary:
        return vocabulary_of(self.runs.rows.known.values(), self.runs.typical)

    def _read_keys(self, room: int) -> Sequence[int] | None:
        return () if self._wanted is None and not room else self._wanted

    def _take_keys(self, keys: Sequence[int]) -> None:
        self.is_read = True
        self.sync()
        self.runs.take_keys(keys)
        # What is new in the window is read first: rows that are only blank for a moment would flicker.
        if not self.reads_around():
            self.show_rows()
