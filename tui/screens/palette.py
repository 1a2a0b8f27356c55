"""The command palette: everything that a key does here, themes, and runs by name, found by typing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple, cast

from textual import on
from textual.widget import Widget

from flowctl.tui.model.keys import keys_of, palette_of
from flowctl.tui.model.texts import Line, fit
from flowctl.tui.model.themes import THEMES
from flowctl.tui.screens.beginning import entries
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.bar import Bar
from flowctl.tui.widgets.rows import RowLook, RowPane


class Entry(NamedTuple):
    """One thing to do."""

    title: str
    keys: str
    do: Callable[[], object]


class PaletteScreen(View):
    """Commands for another screen."""

    SCOPE = "system"

    def __init__(self, of: View) -> None:
        super().__init__()
        self._of = of
        app = of.flowctl
        self._entries = [
            Entry(each.title, keys_of(each), partial(of.call_later, of.run_action, each.action))
            for each in palette_of(of.bindings, of.SCOPE)
        ]
        self._entries += [Entry(title, "", partial(of.call_later, do)) for title, do in entries(of)]
        self._entries += [
            Entry(f"theme: {theme.title}", name, partial(app.restyle, name)) for name, theme in THEMES.items()
        ]

    def body(self) -> Iterable[Widget]:
        yield Bar(id="query")
        yield RowPane[Entry]("commands", key_of=lambda row: row.title, draw=self._draw, is_ruled=False, id="main")

    def on_mount(self) -> None:
        self._filter("")
        self.call_after_refresh(self.action_find_search)

    @property
    def rows(self) -> RowPane[Entry]:
        """The commands."""
        return cast("RowPane[Entry]", self.query_one("#main"))  # as `body` makes it

    def action_find_search(self) -> None:
        self.type_into(
            "#query", "", placeholder="what to do, or the name of a run", typed=self._filter,
            entered=self._entered, dropped=self.leave,
        )  # fmt: skip

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        rows = [each for each in self._entries if all(word in f"{each.title} {each.keys}".lower() for word in words)]
        if len(text) >= 2:
            rows.append(Entry(f"open the run {text!r}", "", lambda: self._of.flowctl.open_by_name(text)))
        self.rows.put(rows)
        self.rows.move_to(0)

    def _entered(self, _text: str) -> None:
        self.action_move_open()

    @on(RowPane.Opened, "#main")
    def action_move_open(self) -> None:
        """Close the palette and do it."""
        row = self.rows.row
        self.flowctl.pop_screen()
        if row is not None:
            row.do()

    def crumbs(self) -> tuple[Line, Line]:
        return ((" Commands", "title"),), ((" esc closes ", "quiet"),)

    def _draw(self, row: Entry, look: RowLook) -> Line:
        glyphs = self.flowctl.ink.glyphs
        width = max(10, look.width - 22)
        return (
            (f"{glyphs.cursor if look.is_cursor else ' '} ", "accent"),
            (fit(row.title, width, cut=glyphs.cut), ""),
            (fit(row.keys, 20, cut=glyphs.cut), "accent"),
        )
