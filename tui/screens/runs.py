"""The Runs screen: what runs, what waits, what failed; the list is the product, so it gets the height."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from textual import on
from textual.containers import Container
from textual.widget import Widget

from flowctl.store.query_language import EVERYTHING, Query
from flowctl.tui.bridge import Question
from flowctl.tui.model import runs_lines
from flowctl.tui.model.glyphs import OPEN, PROBLEMS, word_of
from flowctl.tui.model.runs_list import SORTS, RunList, Target
from flowctl.tui.model.snapshots import Counts, ListedRun, RunsPage
from flowctl.tui.model.texts import Line, Span, between, grouped
from flowctl.tui.screens.filtering import Filtering
from flowctl.tui.screens.preview import Preview
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.bar import Bar
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

#: Rows of the first page, and by how many it grows when the cursor comes near the end.
_PAGE: Final = 200
_NEAR: Final = 40
#: A held key passes many runs: the preview waits until it rests.
_REST_S: Final = 0.08


class RunsScreen(Filtering, View):
    """All root runs."""

    SCOPE = "runs"

    def __init__(self) -> None:
        super().__init__()
        self.runs = RunList()
        self._query: Query = EVERYTHING
        self._limit = _PAGE
        self._total: int | None = None
        self._has_more = False
        self._is_read = False
        self._now = datetime.now(UTC)
        self._asked: Question[RunsPage] | None = None
        self.preview = Preview(self)

    def body(self) -> Iterable[Widget]:
        yield Bar(id="query")
        with Container(id="strip"):
            yield TextPane("last 24 h", id="day")
            yield TextPane("needs you", id="needs")
        with Container(id="split"):
            yield RowPane[ListedRun](
                "runs",
                key_of=lambda row: row.id,
                draw=self._draw,
                head=self._head,
                is_live=lambda row: not row.run.is_final,
                version_of=lambda row: row,
                is_ruled=False,
                id="main",
            )
            yield TextPane(id="preview")

    @property
    def rows(self) -> RowPane[ListedRun]:
        """The list."""
        return self.query_one("#main", RowPane)

    # What is read.

    def ask(self) -> None:
        self._asked = self.watch_store(lambda source: source.runs_page(self._query, self._limit), self._take)
        self.watch_store(lambda source: source.matching(self._query), self._take_total, is_slow=True)
        self.preview.ask()

    def _take(self, page: RunsPage) -> None:
        self._is_read = True
        self._now = page.at
        self._has_more = page.next is not None
        self._sync()
        self.runs.update(page)
        self._show()

    def _take_total(self, total: int) -> None:
        self._total = total
        self.refresh_lines()

    def _show(self) -> None:
        rows = self.rows
        rows.marks = self.runs.marks
        rows.empty = self._empty_lines() if self._is_read else ()
        rows.put(self.runs.rows)
        if self.runs.cursor is not None:
            rows.move_to(self.runs.index())
        self.refresh_lines()

    def requery(self, query: Query) -> None:
        """Show the runs that fit another query."""
        self._query, self._limit, self._total = query, _PAGE, None
        self.on_screen_resume()

    def _sync(self) -> None:
        """The list is moved through in the pane; what the model is asked for is about the row there."""
        if (row := self.rows.row) is not None:
            self.runs.select(row.id)

    @on(RowPane.Moved, "#main")
    def _on_moved(self) -> None:
        self._sync()
        self.set_timer(_REST_S, self._rest(self.runs.cursor))
        if self._has_more and self.rows.place > len(self.runs.rows) - _NEAR and self._asked is not None:
            self._limit += _PAGE
            self._has_more = False
            self.bridge.again(self._asked)

    def _rest(self, cursor: str | None):  # type: ignore[no-untyped-def]
        def look() -> None:
            if self.runs.cursor == cursor:
                self.preview.look_at(self.runs.row())

        return look
