"""A column of lines with a cursor that others move: one of several that stand beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Click
from textual.message import Message
from textual.strip import Strip

from flowctl.tui.model.texts import Line
from flowctl.tui.widgets.pane import TextPane


class ColumnPane(TextPane):
    """Lines, one of which may be the one under the cursor."""

    class Picked(Message):
        """A line was clicked."""

        def __init__(self, pane: ColumnPane, line: int, *, is_double: bool) -> None:
            super().__init__()
            self.pane = pane
            self.line = line
            self.is_double = is_double

    _cursor: int | None = None

    def show(self, lines: Sequence[Line], cursor: int | None) -> None:
        """Show lines, with the cursor on one of them, which comes into sight."""
        before, self._cursor = self._cursor, cursor
        self.put(list(lines))
        if cursor is not None:
            # The first row is seen with the name of its group.
            top = max(cursor - self.body_height + 1, min(self._top, cursor if cursor > 1 else 0))
            if top != self._top:
                self._top = top
                self.refresh()
        for place in {before, cursor} - {None}:
            assert place is not None
            self.refresh_body_line(place - self._top)

    def body_line(self, y: int, width: int) -> Strip:
        place = y + self._top
        line = self._lines[place] if place < len(self._lines) else ()
        if place != self._cursor:
            return self.ink.strip(line, width)
        return self.ink.strip(((f"{self.ink.glyphs.cursor} ", "accent"), *line[1:]), width, "cursor")

    def on_click(self, event: Click) -> None:
        event.stop()
        place = event.y - (1 if self.is_boxed or self._is_ruled else 0) + self._top
        if 0 <= place < len(self._lines):
            self.post_message(self.Picked(self, place, is_double=event.chain == 2))
