"""The Runs screen: what runs, what waits, what failed; the list is the product, so it gets the height."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from textual import on
from textual.containers import Container
from textual.widget import Widget

from flowctl.tui.bridge import Question
from flowctl.tui.history import Place
from flowctl.tui.model import runs_lines
from flowctl.tui.model.completion import Vocabulary
from flowctl.tui.model.needs import Need, need_lines, next_need
from flowctl.tui.model.plans import Ahead
from flowctl.tui.model.runs_list import vocabulary_of
from flowctl.tui.model.snapshots import Counts, ListedRun, RunsPage
from flowctl.tui.model.texts import Line, grouped
from flowctl.tui.model.travel import moments_of_runs, rows_at
from flowctl.tui.screens.dashboard import day_lines, empty_lines, next_lines
from flowctl.tui.screens.preview import Preview
from flowctl.tui.screens.query_line import REST_S
from flowctl.tui.screens.run_marks import RunMarks
from flowctl.tui.screens.travelling import Travelling
from flowctl.tui.ticking import QUICK
from flowctl.tui.widgets.bar import Bar
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

#: Rows of the first page, and by how many it grows when the cursor comes near the end.
_PAGE: Final = 200
_NEAR: Final = 40
#: The main views' names come before the picture of the day.
_DAY_FROM: Final = 78


class RunsScreen(Travelling, RunMarks):
    """All root runs."""

    SCOPE = "runs"

    def __init__(self) -> None:
        super().__init__()
        self._limit = _PAGE
        self._total: int | None = None
        self._is_read = False
        self._now = self.flowctl.clock()
        #: With it, the times of all rows are written anew.
        self._day = self._now.astimezone().date()
        self._asked: Question[RunsPage] | None = None
        self._page: RunsPage | None = None
        self._ahead: Ahead | None = None
        self._preview = Preview(self)
        #: The file that needs somebody and was gone to last.
        self._file: str | None = None

    def body(self) -> Iterable[Widget]:
        yield Bar(id="query")
        with Container(id="strip"):
            yield TextPane("last 24 h", id="day")
            yield TextPane("next up", id="next")
            yield TextPane("needs you", id="needs")
        with Container(id="split"):
            yield RowPane[ListedRun](
                "runs",
                key_of=lambda row: row.id,
                draw=self._draw,
                head=self._head,
                is_live=lambda row: not row.run.is_final,
                version_of=lambda row: (row, self._pending(row), self._day),
                is_ruled=False,
                id="main",
            )
            yield TextPane(id="preview")

    @property
    def place(self) -> Place:
        return Place("runs")

    # What is read.

    def ask(self) -> None:
        self._asked = self.watch_store(lambda source: source.runs_page(self._query, self._limit), self._take)
        self.watch_store(lambda source: source.matching(self._query), self._take_total, is_slow=True)
        self.watch_store(lambda source: source.ahead(), self._take_ahead, is_slow=True)
        self._preview.ask()

    def _take_ahead(self, ahead: Ahead) -> None:
        self._ahead = ahead
        self._show_strip()

    def _take(self, page: RunsPage) -> None:
        self._is_read = True
        self._now = self.instant or page.at
        self.has_more = page.next is not None
        self.sync()
        known, self._page = self._page, page
        if known is None or (known.rows, known.typical) != (page.rows, page.typical):
            # Else only what the rows do not show was written, as a line of a log.
            self.runs.update(page)
            self.show_rows()
        self._preview.look_at(self.runs.row())

    @property
    def _all(self) -> int | None:
        return None if self.flowctl.counts is None else self.flowctl.counts.total

    def moments(self) -> list[datetime]:
        return moments_of_runs(self.runs.rows)

    def show_instant(self) -> None:
        """Let the rows stand as they did."""
        self._now = self.instant or self.flowctl.clock()
        self.show_rows()

    def _take_total(self, total: int) -> None:
        self._total = total

    def show_rows(self) -> None:
        rows = self.rows
        rows.marks = self.runs.marks
        rows.empty = empty_lines(self._query.text, self._all) if self._is_read else (((" opening…", "quiet"),),)
        rows.put(list(self.runs.rows if self.instant is None else rows_at(self.runs.rows, self.instant)))
        if self.instant is None and self.runs.cursor is not None:
            rows.move_to(self.runs.index())
        rows.repaint()
        self.refresh_lines()

    @on(RowPane.Moved, "#main")
    def _on_moved(self) -> None:
        self.sync()
        self._file = None
        cursor = self.runs.cursor
        self.set_timer(REST_S, lambda: self._rest(cursor))
        if self.has_more and self.rows.place > len(self.runs.rows) - _NEAR and self._asked is not None:
            self._limit += _PAGE
            self.has_more = False
            self.bridge.again(self._asked)

    def _rest(self, cursor: str | None) -> None:
        if self.runs.cursor == cursor and self.is_current:
            self._preview.look_at(self.runs.row())
            self.refresh_lines()

    @on(RowPane.Opened, "#main")
    def action_move_open(self) -> None:
        """Open the run under the cursor."""
        self.sync()
        if (row := self.runs.row()) is not None:
            self.flowctl.run_order = [each.id for each in self.runs.rows]
            self.flowctl.open_run(row.id)

    def action_look_log(self) -> None:
        self.sync()
        if (row := self.runs.row()) is not None:
            self.flowctl.attention.see(row.run)
            self.flowctl.open_log(row.id, row.run.name)

    # What needs a person.

    @property
    def _needs(self) -> tuple[Need, ...]:
        return self.flowctl.attention.needs(self.flowctl.counts, self._ahead)

    def to_problem(self, step: int) -> None:
        """Go to the next thing that needs a person, wherever it stands; else to the next failure of the list."""
        self.sync()
        # Who has filtered the list is busy with what is in it.
        needs = () if self._query.text else self._needs
        here = self._file if self._file is not None else self.runs.cursor
        need = next_need(needs, here, step)
        self._file = None
        if need is None:
            if needs:
                self.say("nothing else needs you", "quiet")
            else:
                super().to_problem(step)
        elif need.file is not None:
            self._file = need.key
            self.flowctl.open_file(need.key)
        elif self.runs.select(need.key):
            self.rows.move_to(self.runs.index())
        elif need.run is not None:
            # It is not among what is listed.
            self.flowctl.open_run(need.key)

    # The query.

    def query_changed(self) -> None:
        self._limit, self._total, self._page = _PAGE, None, None
        self.on_screen_resume()

    def vocabulary(self) -> Vocabulary:
        return vocabulary_of(self.runs.rows, self.runs.typical)

    def clear_something(self) -> bool:
        if self.return_to_now():
            return True
        if self.runs.clear_marks():
            self.show_rows()
            return True
        if self._query.text:
            self.requery("")
            return True
        return False

    # What is drawn.

    @property
    def is_live(self) -> bool:
        return any(runs_lines.word_of_run(row.run) == "running" for row in self.rows.window)

    def tick(self, tick: int) -> None:
        super().tick(tick)
        self._now = self.instant or self.flowctl.clock()
        if (day := self._now.astimezone().date()) != self._day:
            self._day = day
            self.rows.repaint()
        self.rows.tick(tick)
        if self._preview.is_live:
            self._show_preview()
        if tick % QUICK == 0:
            self._show_strip()

    def frame_lines(self) -> list[str]:
        rows = self.rows
        above = [""] * max(0, rows.region.y - 2)
        return [*above, *(rows.render_line(y).text.rstrip() for y in range(rows.size.height))]

    def _head(self, width: int) -> Line:
        return runs_lines.header(runs_lines.list_columns(width))

    def _draw(self, row: ListedRun, look: RowLook) -> Line:
        return runs_lines.run_line(
            row,
            runs_lines.list_columns(look.width),
            self._now,
            typical=self.runs.typical,
            glyphs=self.flowctl.ink.glyphs,
            step=self.step,
            is_cursor=look.is_cursor,
            is_marked=look.is_marked,
            pending=self._pending(row),
        )

    def _pending(self, row: ListedRun) -> str | None:
        return self.flowctl.asked.word(row.id, row.run.state_version)

    def refresh_rows(self) -> None:
        self.rows.refresh()

    def crumbs(self) -> tuple[Line, Line]:
        counts = self.flowctl.counts
        right: Line = ()
        if counts is not None and counts.total:
            width = self.flowctl.size.width
            if width >= _DAY_FROM:
                label = " 24h " if width >= _DAY_FROM + 5 else " "
                right = (*runs_lines.day_line(counts, self.flowctl.ink.glyphs), (label, "quiet"))
        return self.tabs("runs"), self.travel_line() or right

    def refresh_lines(self) -> None:
        super().refresh_lines()
        if not self.stands:
            return
        shown, dot = len(self.runs.rows), self.flowctl.ink.glyphs.dot
        total = "" if self._total is None or self._total == shown else f" of {grouped(self._total)}"
        order = f"sort {self.runs.sort} {'▴' if self.runs.is_reversed else '▾'}"
        text = self._query.text
        left: Line = ((" / ", "accent"), (text, "title")) if text else ((" / ", "quiet"), ("filter", "quiet"))
        self.query_one("#query", Bar).put(left, ((f"{grouped(shown)}{total} {dot} {order} ", "quiet"),))
        self.rows.retitle("runs", f"{grouped(shown)}{total}")
        self._show_preview()

    def _show_preview(self) -> None:
        pane = self.query_one("#preview", TextPane)
        glyphs = self.flowctl.ink.glyphs
        pane.retitle(*self._preview.title(glyphs, self._now, pane.body_width))
        pane.put(self._preview.lines(pane.body_width, pane.body_height, self._now, glyphs, step=self.step))

    def take_counts(self, counts: Counts) -> None:  # noqa: ARG002 - the application keeps them
        self._show_zones()

    def on_resize(self) -> None:
        """Fill the zones once it is known how wide they are."""
        self.call_after_refresh(self._show_zones)

    def _show_zones(self) -> None:
        """Write the zones above the list."""
        counts, day = self.flowctl.counts, self.query_one("#day", TextPane)
        if counts is not None and day.size.height:
            day.put(day_lines(counts, self.flowctl.ink.glyphs, day.body_width))
        self._show_strip()

    def _show_strip(self) -> None:
        """Write those of them that count down with the clock."""
        counts, glyphs, now = self.flowctl.counts, self.flowctl.ink.glyphs, self._now
        coming, needs = self.query_one("#next", TextPane), self.query_one("#needs", TextPane)
        if not needs.size.height:
            return
        if counts is not None:
            needs.put(need_lines(self._needs, needs.body_width, needs.body_height, glyphs, now))
            needs.retitle("needs you", "} next" if self._needs else "")
        if self._ahead is not None:
            coming.put(next_lines(self._ahead, now, coming.body_width, glyphs))
            coming.retitle("next up", f"2 all {grouped(self._ahead.firing)}" if self._ahead.firing else "2 all")
