"""A line of the screen that always stands in its place: health, where one is, what was said, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from textual.events import Click
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from flowctl.tui.model.texts import Line, between, broken, width_of
from flowctl.tui.widgets.cells import paint_cells

if TYPE_CHECKING:
    from flowctl.tui.app import FlowctlApp


class Bar(Widget):
    """A line in two parts, of which the left one is cut first."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    class Pressed(Message):
        """A bar was clicked: in which column, and the place of the span there in the whole line."""

        def __init__(self, bar: Bar, line: Line, span: int, column: int) -> None:
            super().__init__()
            self.bar = bar
            self.line = line
            self.span = span
            self.column = column

        @property
        def control(self) -> Bar:
            return self.bar

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._left: Line = ()
        self._right: Line = ()

    def put(self, left: Line, right: Line = ()) -> None:
        """Say something else; what is the same already costs nothing."""
        if (left, right) == (self._left, self._right):
            return
        cells = width_of(right)
        is_right_alone = left == self._left and cells == width_of(self._right)
        self._left, self._right = left, right
        if is_right_alone and 0 < cells < self.size.width:
            self._draw_cells(self.size.width - cells, cells)
        else:
            self.refresh()

    def _draw_cells(self, x: int, width: int) -> None:
        """Have some cells drawn anew."""
        self.refresh(Region(x, 0, width, 1))

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line, but for those who override it
        """Draw the line."""
        app = cast("FlowctlApp", self.app)  # pyright: ignore[reportUnknownMemberType] - no other one mounts it
        return app.ink.strip(self._line(), self.size.width)

    def _line(self) -> Line:
        return between(self._left, self._right, self.size.width) if self._right else self._left

    def on_click(self, event: Click) -> None:
        event.stop()
        column, line = 0, self._line()
        for place, span in enumerate(line):
            column += width_of([span])
            if event.x < column:
                self.post_message(self.Pressed(self, line, place, event.x))
                return
        self.post_message(self.Pressed(self, (*line, ("", "")), len(line), event.x))


class ClockBar(Bar):
    """A bar with a clock to the right: eight cells of a line, written each second."""

    def _draw_cells(self, x: int, width: int) -> None:
        paint_cells(self, x, width)


class Remark(Bar):
    """A bar for sentences: one that is too long is broken between words, and the bar grows, if there is room."""

    _MOST_LINES: Final = 4

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._lines: list[Line] = []

    def put(self, left: Line, right: Line = ()) -> None:
        """Say something else, in as many lines as it needs; the right part goes with the last one."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self._grow()
            self.refresh()

    def on_resize(self) -> None:
        self._grow()

    def render_line(self, y: int) -> Strip:
        """Draw one of its lines."""
        if not self._lines:
            return super().render_line(y)
        app = cast("FlowctlApp", self.app)  # pyright: ignore[reportUnknownMemberType] - no other one mounts it
        line = self._lines[y] if y < len(self._lines) else ()
        return app.ink.strip(line, self.size.width)

    def _grow(self) -> None:
        width, beside = self.size.width, width_of(self._right)
        most = min(self._MOST_LINES, self.screen.size.height // 5)
        self._lines = []
        if most > 1 and width and width_of(self._left) + beside > width:
            self._lines = broken(self._left, width, most)
            if beside and len(self._lines) < most and width_of(self._lines[-1]) + beside >= width:
                self._lines.append(())
            if beside:
                self._lines[-1] = between(self._lines[-1], self._right, width)
        height = max(len(self._lines), 1)
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height
