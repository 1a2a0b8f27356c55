"""The Task screen: what is about to happen, each try, what went wrong in it, what went in and came out, its log."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from textual.containers import Container
from textual.widget import Widget

from flowctl.tui.model.glyphs import task_word_of
from flowctl.tui.model.snapshots import TaskDetail
from flowctl.tui.model.texts import Line
from flowctl.tui.model.time_scale import TimeScale
from flowctl.tui.screens.error_lines import error_lines
from flowctl.tui.screens.task_lines import (
    Try,
    bar_cells,
    head_line,
    input_lines,
    scale_of,
    standing_lines,
    tries_of,
    try_line,
)
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

#: More tries than these scroll.
_MOST_TRIES: Final = 6


class TaskScreen(View):
    """One task run."""

    SCOPE = "task"

    def __init__(self, run_id: str, number: int) -> None:
        super().__init__()
        self.run_id = run_id
        self.number = number
        self.detail: TaskDetail | None = None
        self._tries: list[Try] = []
        self._now = datetime.now(UTC)
        self._shows_all = False

    def body(self) -> Iterable[Widget]:
        yield TextPane(is_ruled=False, id="standing")
        yield RowPane[Try](
            "attempts",
            key_of=lambda row: row.number,
            draw=self._draw,
            head=self._head,
            is_live=lambda row: row.is_live,
            version_of=lambda row: row,
            is_ruled=False,
            id="main",
        )
        with Container(id="split"):
            yield TextPane("error", id="error")
            yield TextPane("inputs", id="inputs")
        yield LogPane("log", id="log")
