"""The Help screen: the keys that work on the screen one came from, found by typing; enter does what a key would do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from textual import on
from textual.widget import Widget

from flowctl.tui.model.glyphs import WORDS
from flowctl.tui.model.keys import GROUPS, Binding, help_of, keys_of
from flowctl.tui.model.texts import Line, Span, fit
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.bar import Bar
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

_QUERY: Final = 'state:failed flow:etl* age<2h took>1.5x -tag:test "timeout"'
_SAFE: Final = "Lower case is safe or asks; UPPER CASE confirms. Quitting never stops a run."


class HelpScreen(View):
    """The keys of another screen."""

    SCOPE = "system"

    def __init__(self, of: View) -> None:
        super().__init__()
        self._of = of
        self._search = ""

    def body(self) -> Iterable[Widget]:
        yield Bar(id="query")
        yield RowPane[Binding | str](
            f"keys for {self._of.SCOPE}", key_of=lambda row: row if isinstance(row, str) else row.id,
            draw=self._draw, is_ruled=False, version_of=lambda row: row, id="main",
        )  # fmt: skip
        yield TextPane("query and states", id="about")

    def on_mount(self) -> None:
        self._show()
        self.query_one("#about", TextPane).put(self._about())

    @property
    def rows(self) -> RowPane[Binding | str]:
        """The keys, under the names of their groups."""
        return cast("RowPane[Binding | str]", self.query_one("#main"))  # as `body` makes it

    def _show(self) -> None:
        found = help_of(self._of.bindings, self._of.SCOPE, self._search)
        rows: list[Binding | str] = []
        for group in GROUPS:
            if bindings := found.get(group):
                rows += [group.upper(), *bindings]
        self.rows.empty = [(), ((f"   No key here is about {self._search!r}.", ""),)]
        self.rows.put(rows)
        if rows and isinstance(self.rows.row, str):
            self.rows.move_to(1)
        text: Line = ((f" {self._search}", "title"),) if self._search else ((" / searches keys", "quiet"),)
        self.query_one("#query", Bar).put(text, (("enter does it   esc closes ", "quiet"),))

    @on(RowPane.Opened, "#main")
    def action_move_open(self) -> None:
        """Close the help and do what the key does."""
        row = self.rows.row
        if isinstance(row, Binding):
            self.flowctl.pop_screen()
            self._of.call_later(self._of.run_action, row.action)

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

    def _draw(self, row: Binding | str, look: RowLook) -> Line:
        glyphs = self.flowctl.ink.glyphs
        sign = glyphs.cursor if look.is_cursor else " "
        if isinstance(row, str):
            return ((f" {row}", "title"),)
        keys = keys_of(row, is_ascii=self.flowctl.ink.is_ascii)
        is_grey = row.needs_daemon and not self.flowctl.has_daemon
        spans: list[Span] = [
            (f"{sign}  ", "accent"),
            (fit(keys, 15, cut=glyphs.cut), "quiet" if is_grey else "accent"),
            (f" {row.title}", "quiet" if is_grey else ""),
            ("   needs the daemon" if is_grey else "", "quiet"),
        ]
        return tuple(spans)

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
