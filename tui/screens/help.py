"""The Help screen: the keys that work on the screen one came from, found by typing; enter does what a key would do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from textual import on
from textual.events import Key
from textual.widget import Widget

from flowctl.tui.model.glyphs import WORDS
from flowctl.tui.model.help_grid import Cell, Spot, beside, columns_of, first_spot, grid_of, next_spot
from flowctl.tui.model.keys import Binding, help_of, keys_of
from flowctl.tui.model.texts import Line, Span, fit
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.bar import Bar
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

#: A line of the grid, with its number.
Row = tuple[int, tuple[Cell, ...]]
_QUERY: Final = 'state:failed flow:etl* age<2h took>1.5x -tag:test "timeout"'
_NEEDS: Final = ", needs the daemon"
_SAFE: Final = "Lower case is safe or asks; UPPER CASE confirms. Quitting never stops a run."


class HelpScreen(View):
    """The keys of another screen."""

    SCOPE = "system"

    def __init__(self, of: View) -> None:
        super().__init__()
        self._of = of
        self._search = ""
        self._grid: list[tuple[Cell, ...]] = []
        self._spot = Spot(-1, 0)

    def body(self) -> Iterable[Widget]:
        yield Bar(id="query")
        yield RowPane[Row](
            f"keys for {self._of.SCOPE}", key_of=lambda row: row[0], draw=self._draw, is_ruled=False,
            version_of=lambda row: (row, self._spot), id="main",
        )  # fmt: skip
        yield TextPane("query and states", id="about")

    def on_mount(self) -> None:
        self._show()
        self.query_one("#about", TextPane).put(self._about())

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    @property
    def rows(self) -> RowPane[Row]:
        """The keys, under the names of their groups."""
        return cast("RowPane[Row]", self.query_one("#main"))  # as `body` makes it

    def _show(self) -> None:
        if not self.query("#query"):
            return
        found = help_of(self._of.bindings, self._of.SCOPE, self._search)
        self._grid = grid_of(found, columns_of(self.flowctl.size.width))
        self.rows.empty = [(), ((f"   No key here is about {self._search!r}.", ""),)]
        self.rows.put(list(enumerate(self._grid)))
        self._put_cursor(first_spot(self._grid))
        text: Line = ((f" {self._search}", "title"),) if self._search else ((" / searches keys", "quiet"),)
        self.query_one("#query", Bar).put(text, (("enter does it   esc closes ", "quiet"),))

    def _put_cursor(self, spot: Spot | None) -> None:
        if spot is not None:
            self._spot = spot
            self.rows.move_to(spot.line)
            self.rows.refresh()

    def action_move_down(self) -> None:
        self._put_cursor(next_spot(self._grid, self._spot, 1))

    def action_move_up(self) -> None:
        self._put_cursor(next_spot(self._grid, self._spot, -1))

    def action_move_first(self) -> None:
        self._put_cursor(first_spot(self._grid))

    @on(RowPane.Moved, "#main")
    def _on_moved(self) -> None:
        """Where the pane was moved by a page or the mouse, go to the key nearest to it."""
        line = self.rows.place
        # Since it was moved there may be fewer keys, or none.
        if line != self._spot.line and line < len(self._grid):
            spot = Spot(line, min(self._spot.column, len(self._grid[line]) - 1))
            is_key = isinstance(self._grid[line][spot.column], Binding)
            self._spot = spot if is_key else next_spot(self._grid, spot, 1) or self._spot
            self.rows.refresh()

    def on_key(self, event: Key) -> None:
        """Go to the column beside, where left and right would leave."""
        if self.is_typing or event.key not in ("left", "right"):
            return
        event.stop()
        event.prevent_default()
        self._put_cursor(beside(self._grid, self._spot, 1 if event.key == "right" else -1))

    @on(RowPane.Opened, "#main")
    def action_move_open(self) -> None:
        """Close the help and do what the key does."""
        cell = self._grid[self._spot.line][self._spot.column] if self._grid else None
        if isinstance(cell, Binding):
            self.flowctl.pop_screen()
            self._of.call_later(self._of.run_action, cell.action)

    def action_find_search(self) -> None:
        self.type_into(
            "#query",
            self._search,
            placeholder="part of what you want to do",
            typed=self._typed,
            dropped=lambda: self._typed(""),
        )

    def _typed(self, text: str) -> None:
        self._search = text
        self._show()

    def clear_something(self) -> bool:
        had, self._search = bool(self._search), ""
        if had:
            self._show()
        return had

    def action_app_help(self) -> None:
        self.leave()

    def crumbs(self) -> tuple[Line, Line]:
        return ((f" Help {self.flowctl.ink.glyphs.crumb} ", "quiet"), (f"keys for {self._of.SCOPE}", "title")), ()

    def _draw(self, row: Row, look: RowLook) -> Line:
        line, cells = row
        width = look.width // max(len(cells), 1)
        spans: list[Span] = []
        for column, cell in enumerate(cells):
            spans += self._cell(cell, width, is_cursor=self._spot == (line, column))
        return tuple(spans)

    def _cell(self, cell: Cell, width: int, *, is_cursor: bool) -> Line:
        ink = self.flowctl.ink
        if cell is None:
            return ((" " * width, ""),)
        if isinstance(cell, str):
            return ((fit(f" {cell}", width), "title"),)
        keys_width = 10 if width < 44 else 14
        keys = keys_of(cell, is_ascii=ink.is_ascii)
        is_grey = cell.needs_daemon and not self.flowctl.has_daemon
        room = width - keys_width - 4
        words = cell.title
        if is_grey and len(words) + len(_NEEDS) <= room:
            words += _NEEDS
        look = "quiet" if is_grey else "title" if is_cursor else ""
        return (
            (f"{ink.glyphs.cursor if is_cursor else ' '} ", "accent"),
            (fit(keys, keys_width, cut=ink.glyphs.cut), "quiet" if is_grey else "accent"),
            (fit(f" {words}", width - keys_width - 3, cut=ink.glyphs.cut) + " ", look),
        )

    def _about(self) -> list[Line]:
        glyphs = self.flowctl.ink.glyphs
        states: list[Span] = [(f" {glyphs.states[word]} {word} ", word) for word in WORDS]
        third = len(states) // 3 + 1
        return [
            ((" query   ", "quiet"), (_QUERY, "")),
            ((" states ", "quiet"), *states[:third]),
            (("        ", "quiet"), *states[third : 2 * third]),
            (("        ", "quiet"), *states[2 * third :]),
            ((f" {_SAFE}", "quiet"),),
        ]
