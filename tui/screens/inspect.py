"""A record as JSON on the whole screen."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from flowctl.store.text import safe_text
from flowctl.tui.model.texts import Line
from flowctl.tui.screens.taking import Yank
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.pane import TextPane


class InspectScreen(View):
    """One record with all its fields."""

    SCOPE = "system"

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title_text = title
        self._text = text

    def body(self) -> Iterable[Widget]:
        pane = TextPane(self._title_text, id="main")
        yield pane

    def on_mount(self) -> None:
        lines: list[Line] = []
        for text in safe_text(self._text).split("\n"):
            name, colon, rest = text.partition('": ')
            lines.append(((" " + name + colon, "quiet"), (rest, "")) if colon else ((" " + text, ""),))
        self.query_one("#main", TextPane).put(lines)

    def yanks(self) -> dict[str, Yank]:
        return {"l": Yank("all of it", self._text)}

    def crumbs(self) -> tuple[Line, Line]:
        return ((f" {self._title_text}", "title"),), ((" esc back ", "quiet"),)
