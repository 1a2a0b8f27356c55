"""Some cells of a line that are painted at once: what a clock changes each second, at a third of the usual cost.

Textual asks all widgets what they have in a region, and does so in a round of the loop of its own.
"""

# pyright: reportPrivateUsage=false
# Textual has no door for this; where one of these names goes, mypy says so.

from __future__ import annotations

from typing import cast

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.errors import NoWidget
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget


class _Cells(CompositorUpdate):
    def __init__(self, x: int, y: int, strip: Strip) -> None:
        self._x, self._y, self._strip = x, y, strip

    def render_segments(self, console: Console) -> str:
        """Write them where they belong."""
        return Control.move_to(self._x, self._y).segment.text + self._strip.render(console)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # Only what can also be drawn by Rich is taken to be painted.
        yield Control.move_to(self._x, self._y)
        yield from self._strip


def paint_cells(widget: Widget, x: int, width: int) -> None:
    """Paint cells of a widget of one line; in the usual way where they do not stand as they are seen."""
    app = cast("App[object]", widget.app)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open
    cells = Region(x, 0, width, 1)
    place = _place(app, widget, x)
    if place is None:
        widget.refresh(cells)
        return
    widget._styles_cache.set_dirty(cells)
    (strip,) = widget.render_lines(cells)
    app._display(app.screen, _Cells(*place, strip))  # pyright: ignore[reportUnknownMemberType] - as above


def _place(app: App[object], widget: Widget, x: int) -> tuple[int, int] | None:
    """Tell where on the screen a cell is seen; None where something is still to be painted, or covers it."""
    screen: Screen[object] = widget.screen
    if screen is not app.screen or app._batch_count or screen._dirty_widgets or screen._compositor._dirty_regions:
        return None
    if any(each._layout_required or each._repaint_required or each._scroll_required for each in (screen, widget)):
        return None
    try:
        left, y = widget.region.offset
        return (left + x, y) if screen.get_widget_at(left + x, y)[0] is widget else None
    except NoWidget:
        return None
