"""One line of the screen that always stands in its place: health, where one is, what was said, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from flowctl.tui.model.texts import Line, between

if TYPE_CHECKING:
    from flowctl.tui.app import FlowctlApp


class Bar(Widget):
    """A line in two parts, of which the left one is cut first."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    class Pressed(Message):
        """A bar was clicked; `span` is the place of the span that was hit in its line."""

        def __init__(self, bar: Bar, span: int) -> None:
            super().__init__()
            self.bar = bar
            self.span = span

        @property
        def control(self) -> Bar:
            return self.bar

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._left: Line = ()
        self._right: Line = ()

    def put(self, left: Line, right: Line = ()) -> None:
        """Say something else; what is the same already costs nothing."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - there is one line
        """Draw the line."""
        app = cast("FlowctlApp", self.app)  # pyright: ignore[reportUnknownMemberType] - no other one mounts it
        ink, width = app.ink, self.size.width
        return ink.strip(between(self._left, self._right, width) if self._right else self._left, width)

    def on_click(self, event: Click) -> None:
        event.stop()
        from rich.cells import cell_len

        column = 0
        for place, (text, _) in enumerate(self._left):
            column += cell_len(text)
            if event.x < column:
                self.post_message(self.Pressed(self, place))
                return
