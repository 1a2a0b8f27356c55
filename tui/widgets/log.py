"""A log without an end: only the lines in the window are drawn; at the end it follows, and it says when it does not."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from typing import Final

from textual.events import Click
from textual.message import Message
from textual.strip import Strip

from flowctl.tui.model.logs import LogLine, LogStyle, LogView, log_line, wrapped
from flowctl.tui.model.texts import Line
from flowctl.tui.widgets.pane import Pane

#: Lines from either end at which more is asked for.
_NEAR: Final = 40
_SPEAKER_FROM: Final = 70


class LogPane(Pane):
    """Lines of a `LogView` with a cursor, which shows once somebody moves it."""

    class Nears(Message):
        """The cursor comes near an end at which there is more."""

        def __init__(self, pane: LogPane, *, is_before: bool) -> None:
            super().__init__()
            self.pane = pane
            self.is_before = is_before

        @property
        def control(self) -> LogPane:
            return self.pane

    def __init__(self, title: str = "log", *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(title, id=id)
        self.log_view = LogView()
        self.wraps = False
        self.since: datetime | None = None
        self.search = ""
        #: What was said later is not shown: one looks at the past.
        self.until: datetime | None = None
        #: Whether each line says who said it; of one task alone it need not.
        self.has_speaker = True
        #: What stands there when it is known that there is nothing.
        self.empty: tuple[Line, ...] = ()
        self.is_read = False
        self._place = 0
        self._top = 0

    @property
    def line(self) -> LogLine | None:
        """The line under the cursor."""
        lines = self.log_view.lines
        return lines[min(self._place, len(lines) - 1)] if lines else None

    @property
    def place(self) -> int:
        return self._place

    def show(self, log_view: LogView) -> None:
        """Show another log, from its end."""
        self.log_view = log_view
        self._place = self._top = 0
        self.changed()

    def changed(self, moved: int = 0) -> None:
        """Draw anew; `moved` lines came in at the top (or went away, below 0), and what one looks at stays."""
        lines = self.log_view.lines
        if self.log_view.follows:
            self._place = max(0, len(lines) - 1)
        else:
            self._place = max(0, min(self._place + moved, len(lines) - 1))
            self._top = max(0, self._top + moved)
        self._keep_in_window()
        self.refresh()

    def move_by(self, lines: int) -> None:
        self.move_to(self._place + lines)

    def move_to(self, place: int) -> None:
        """Put the cursor on a line; the last one follows."""
        view = self.log_view
        if not view.lines:
            return
        last = len(view.lines) - 1
        self._place = max(0, min(place, last))
        view.follows = self._place == last and not view.has_after
        self._keep_in_window()
        self.refresh()
        if self._place < _NEAR and view.has_before:
            self.post_message(self.Nears(self, is_before=True))
        elif self._place > last - _NEAR and view.has_after:
            self.post_message(self.Nears(self, is_before=False))

    def show_until(self, at: datetime | None) -> None:
        """Show what was said by an instant, its last line at the bottom; None: all of it again."""
        self.until = at
        lines = self.log_view.lines
        if at is not None and lines:
            self.log_view.follows = False
            self._place = max(bisect_right(lines, at, key=lambda line: line.entry.row.at) - 1, 0)
            self._top = max(0, self._place - max(1, self.body_height) + 1)
        self.refresh()

    def toggle_wrap(self) -> None:
        """Wrap lines, or cut them at the edge."""
        self.wraps = not self.wraps
        self._keep_in_window()
        self.refresh()

    def body_line(self, y: int, width: int) -> Strip:
        rows = self._rows(width)
        if y < len(rows):
            place, line = rows[y]
            is_cursor = place == self._place and self.has_focus
            return self.ink.strip(line, width, "cursor" if is_cursor else "")
        if not self.log_view.lines and self.is_read and y < len(self.empty):
            return self.ink.strip(self.empty[y], width)
        return self.ink.strip((), width)

    def _rows(self, width: int) -> list[tuple[int, Line]]:
        """Draw what is in the window; Textual asks line by line for one and the same picture."""
        view = self.log_view
        what = (id(view), view.first, view.last, len(view.lines), self._top, self._place)
        shown = (self.search, self.since, self.until, self.has_speaker)
        key = (what, width, self.body_height, self.wraps, self.ink.name, shown)
        if self._drawn is not None and self._drawn[0] == key:
            return self._drawn[1]
        style = self._style(width)
        rows: list[tuple[int, Line]] = []
        for place in range(self._top, len(self.log_view.lines)):
            if len(rows) >= self.body_height:
                break
            line = self.log_view.lines[place]
            if self.until is not None and line.entry.row.at > self.until:
                break
            drawn = wrapped(line, style) if self.wraps else [log_line(line, style)]
            rows += [(place, each) for each in drawn]
        self._drawn = (key, rows)
        return rows

    _drawn: tuple[object, list[tuple[int, Line]]] | None = None

    def _style(self, width: int) -> LogStyle:
        speaker = 0
        if self.has_speaker and width >= _SPEAKER_FROM:
            speaker = 14 if width < 110 else 20
        return LogStyle(
            width, speaker, self.since, has_millis=width >= _SPEAKER_FROM, search=self.search, glyphs=self.ink.glyphs
        )

    def _keep_in_window(self) -> None:
        if not self.size.height:
            return  # not laid out yet
        height = max(1, self.body_height)
        last = len(self.log_view.lines) - 1
        if not self.wraps:
            self._top = max(self._place - height + 1, min(self._top, self._place))
            self._top = max(0, min(self._top, last + 1 - height))
            return
        style, rows, top = self._style(self.body_width), 0, self._place
        while top >= 0:
            rows += len(wrapped(self.log_view.lines[top], style)) if self.log_view.lines else 1
            if rows > height or top == 0:
                break
            top -= 1
        lowest = top + 1 if rows > height else top
        self._top = max(min(lowest, self._place), min(self._top, self._place))

    def on_resize(self) -> None:
        self._keep_in_window()
        # Textual keeps lines of the same width, and they may be others now.
        self.refresh()

    def on_click(self, event: Click) -> None:
        event.stop()
        y = event.y - (1 if self.is_boxed or self._is_ruled else 0)
        rows = self._rows(self.body_width)
        if 0 <= y < len(rows):
            self.move_to(rows[y][0])
