"""The Runs screen: what runs, what waits, what failed; the list is the product, so it gets the height."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from textual import on
from textual.containers import Container
from textual.widget import Widget

from flowctl.tui.history import Place
from flowctl.tui.model import runs_lines
from flowctl.tui.model.needs import Need, need_lines, next_need
from flowctl.tui.model.plans import Ahead
from flowctl.tui.model.run_rows import ListedRow, RunWalk, Unread
from flowctl.tui.model.snapshots import Counts, ListedRun, RunsPage
from flowctl.tui.model.texts import Line, grouped
from flowctl.tui.model.travel import moments_of_runs, rows_at
from flowctl.tui.screens.dashboard import day_lines, empty_lines, next_lines
from flowctl.tui.screens.preview import Preview
from flowctl.tui.screens.query_line import REST_S
from flowctl.tui.screens.run_window import RunWindow
from flowctl.tui.screens.travelling import Travelling
from flowctl.tui.ticking import QUICK
from flowctl.tui.widgets.bar import Bar
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

#: The main views' names come before the picture of the day.
_DAY_FROM: Final = 78


class RunsScreen(Travelling, RunWindow):
    """All root runs."""

    SCOPE = "runs"

    def __init__(self) -> None:
        super().__init__()
        self._now = self.flowctl.clock()
        #: With it, the times of all rows are written anew.
        self._day = self._now.astimezone().date()
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
            yield RowPane[ListedRow](
                "runs",
                key_of=lambda row: row.key,
                draw=self._draw,
                head=self._head,
                is_live=lambda row: isinstance(row, ListedRun) and not row.run.is_final,
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
        self.ask_runs()
        self.watch_store(lambda source: source.ahead(), self._take_ahead, is_slow=True)
        self._preview.ask()

    def _take_ahead(self, ahead: Ahead) -> None:
        self._ahead = ahead
        self._show_strip()

    def take(self, page: RunsPage) -> None:
        self._now = self.instant or page.at
        super().take(page)
        self._preview.look_at(self.runs.row())

    @property
    def reads(self) -> bool:
        return self.instant is None

    @property
    def _all(self) -> int | None:
        return None if self.flowctl.counts is None else self.flowctl.counts.total

    def moments(self) -> list[datetime]:
        return moments_of_runs(self.runs.rows.known.values())

    def show_instant(self) -> None:
        """Let the rows stand as they did."""
        self._now = self.instant or self.flowctl.clock()
        self.show_rows()

    def show_rows(self) -> None:
        self.put_rows()
        self.rows.repaint()
        self.refresh_lines()

    def put_rows(self) -> None:
        rows = self.rows
        rows.marks = self.runs.marks
        rows.empty = empty_lines(self._query.text, self._all) if self.is_read else (((" opening…", "quiet"),),)
        past = None if self.instant is None else rows_at(self.runs.rows.known.values(), self.instant)
        rows.put(self.runs.rows if past is None else past)
        if past is None and self.runs.cursor is not None:
            rows.move_to(self.runs.place)

    @on(RowPane.Moved, "#main")
    def _on_moved(self) -> None:
        self.sync()
        self._file = None
        cursor = self.runs.cursor
        self.set_timer(REST_S, lambda: self._rest(cursor))
        self.reads_around()

    def _rest(self, cursor: int | None) -> None:
        if self.runs.cursor == cursor and self.is_current:
            self._preview.look_at(self.runs.row())
            self.refresh_lines()

    @on(RowPane.Opened, "#main")
    def action_move_open(self) -> None:
        """Open the run under the cursor."""
        self.sync()
        if (row := self.runs.row()) is not None:
            self.flowctl.run_walk = RunWalk(self.runs.rows)
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
        row = self.runs.row()
        here = self._file if self._file is not None else None if row is None else row.id
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
        elif need.run is not None and self.runs.select(need.run.key):
            self.rows.move_to(self.runs.place)
        elif need.run is not None:
            # It is not among what is listed.
            self.flowctl.open_run(need.key)

    # The query.

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
        shown = (row for row in self.rows.window if isinstance(row, ListedRun))
        return any(runs_lines.word_of_run(row.run) == "running" for row in shown)

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

    def _draw(self, row: ListedRow, look: RowLook) -> Line:
        columns = runs_lines.list_columns(look.width)
        if isinstance(row, Unread):
            return runs_lines.unread_line(columns, self.flowctl.ink.glyphs, is_cursor=look.is_cursor)
        return runs_lines.run_line(
            row,
            columns,
            self._now,
            typical=self.runs.typical,
            glyphs=self.flowctl.ink.glyphs,
            step=self.step,
            is_cursor=look.is_cursor,
            is_marked=look.is_marked,
            pending=self._pending(row),
        )

    def _pending(self, row: ListedRow) -> str | None:
        if isinstance(row, Unread):
            return None
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
        dot, text = self.flowctl.ink.glyphs.dot, self._query.text
        count = grouped(len(self.runs.rows)) + ("" if self.runs.is_whole else "+" if self.runs.rows else "")
        total = "" if not text or self._all is None else f" of {grouped(self._all)}"
        order = f"sort {self.runs.sort} {'▴' if self.runs.is_reversed else '▾'}"
        left: Line = ((" / ", "accent"), (text, "title")) if text else ((" / ", "quiet"), ("filter", "quiet"))
        self.query_one("#query", Bar).put(left, ((f"{count}{total} {dot} {order} ", "quiet"),))
        self.rows.retitle("runs", f"{count}{total}")
        self._show_preview()

    def _show_preview(self) -> None:
        pane = self.query_one("#preview", TextPane)
        glyphs = self.flowctl.ink.glyphs
        pane.retitle(*self._preview.title(glyphs, self._now, pane.body_width))
        pane.put(self._preview.lines(pane.body_width, pane.body_height, self._now, glyphs, step=self.step))

    def take_counts(self, counts: Counts) -> None:  # noqa: ARG002 - the application keeps them
        self._show_zones()

    def on_resize(self) -> None:
        """Fill the list once it is known how high it is."""
        self.call_after_refresh(self.reads_around)

    @on(TextPane.Resized)
    def _on_pane_resized(self) -> None:
        self._show_zones()
        self._show_preview()

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
