"""A record as JSON on the whole screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from textual.widget import Widget

from flowctl.store.text import safe_text
from flowctl.tui.model.texts import Line, broken
from flowctl.tui.screens.taking import Yank
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.pane import TextPane

#: Of one value; `y l` copies all of it.
_MOST_LINES: Final = 40


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
        self.call_after_refresh(self._fill)

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        """Write the record, and what is longer than a line on several."""
        pane = self.query_one("#main", TextPane)
        width = pane.body_width or self.size.width
        lines: list[Line] = []
        for text in safe_text(self._text).split("\n"):
            name, colon, rest = text.partition('": ')
            line: Line = ((f" {name}{colon}", "quiet"), (rest, "")) if colon else ((f" {text}", ""),)
            lines += broken(line, width, _MOST_LINES) if len(text) >= width else [line]
        pane.put(lines)

    def yanks(self) -> dict[str, Yank]:
        return {"l": Yank("all of it", self._text)}

    def crumbs(self) -> tuple[Line, Line]:
        return ((f" {self._title_text}", "title"),), ((" esc back ", "quiet"),)
