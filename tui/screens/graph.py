"""The graph of a run on the whole screen: what waits for what."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from flowctl.tui.model.graph_lines import graph_lines
from flowctl.tui.model.texts import Line, plain
from flowctl.tui.model.waterfall import Waterfall
from flowctl.tui.screens.taking import Yank
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.pane import TextPane


class GraphScreen(View):
    """The tasks of one run by what they wait for; it stands as long as it is looked at."""

    SCOPE = "system"

    def __init__(self, waterfall: Waterfall) -> None:
        super().__init__()
        self._waterfall = waterfall
        self._lines: list[Line] = []

    def body(self) -> Iterable[Widget]:
        yield TextPane("what waits for what", id="main")

    def on_mount(self) -> None:
        ink = self.flowctl.ink
        self._lines = graph_lines(self._waterfall, self.flowctl.clock(), glyphs=ink.glyphs, is_ascii=ink.is_ascii)
        pane = self.query_one("#main", TextPane)
        pane.retitle(pane.title, "by futures, and by values handed on as they were")
        pane.put(self._lines or [((" no task has been called yet", "quiet"),)])

    def action_look_graph(self) -> None:
        self.leave()

    def yanks(self) -> dict[str, Yank]:
        return {"l": Yank("the graph", "\n".join(plain(line).rstrip() for line in self._lines))}

    def crumbs(self) -> tuple[Line, Line]:
        run, crumb = self._waterfall.detail.run, self.flowctl.ink.glyphs.crumb
        where = ((f" Runs {crumb} {run.flow_name} {crumb} {run.name} {crumb} ", "quiet"), ("graph", "title"))
        return where, ((" esc back ", "quiet"),)
