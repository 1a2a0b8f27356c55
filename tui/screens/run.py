"""The Run screen: tasks and timeline in the same rows, the log of the row under the cursor, parameters and history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from flowctl.tui.model.snapshots import RunDetail
from flowctl.tui.model.texts import Line, Span, clock, fit, progress, round_duration, short_duration
from flowctl.tui.model.glyphs import OPEN, word_of
from flowctl.tui.model.waterfall import Waterfall
from flowctl.tui.model.waterfall_lines import Drawing, drawing, glyph_of, header_line, row_line
from flowctl.tui.model.waterfall_nodes import Node
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.bar import Bar
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

#: The log gets at least so much of the height, as a part.
_LOG_SHARE: Final = 0.4


class RunScreen(View):
    """One run with all its tasks."""

    SCOPE = "run"

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.waterfall: Waterfall | None = None
        self._detail: RunDetail | None = None
        self._picture: Drawing | None = None
        self._now = datetime.now(UTC)

    def body(self) -> Iterable[Widget]:
        yield Bar(id="facts")
        yield RowPane[Node](
            "tasks and timeline",
            key_of=lambda node: node.id,
            draw=self._draw,
            head=self._head,
            is_live=lambda node: node.is_live,
            version_of=lambda node: node.version,
            is_ruled=False,
            id="main",
        )

    def ask(self) -> None:
        self.watch_store(lambda source: source.run_detail(self.run_id, self._detail), self._take)

    @property
    def rows(self) -> RowPane[Node]:
        return self.query_one("#main", RowPane)

    def _take(self, detail: RunDetail) -> None:
        self._detail = detail
        if self.waterfall is None:
            self.waterfall = Waterfall(detail)
        else:
            self.waterfall.update(detail)
        self._repaint()

    def _repaint(self) -> None:
        if self.waterfall is None:
            return
        self._picture = None
        self._now = datetime.now(UTC)
        self.rows.look_version = self._now
        self.rows.put(self.waterfall.rows)
        self.refresh_lines()

    def refresh_lines(self) -> None:
        super().refresh_lines()
        if self._detail is not None and self.is_mounted:
            self.query_one("#facts", Bar).put(self._facts())

    @property
    def is_live(self) -> bool:
        return self._detail is not None and not self._detail.run.is_final

    def tick(self, tick: int) -> None:
        super().tick(tick)
        if self.is_live:
            self._repaint()

    def _drawing(self, width: int) -> Drawing | None:
        if self.waterfall is None:
            return None
        if self._picture is None or self._picture.columns.total != width:
            self._picture = drawing(
                self.waterfall, width, self._now, glyphs=self.flowctl.ink.glyphs, step=self._tick
            )
        return self._picture

    def _head(self, width: int) -> Line:
        picture = self._drawing(width)
        return () if picture is None else header_line(picture)

    def _draw(self, node: Node, look: RowLook) -> Line:
        picture = self._drawing(look.width)
        if picture is None or self.waterfall is None:
            return ()
        return row_line(self.waterfall, node, picture, is_cursor=look.is_cursor)

    def crumbs(self) -> tuple[Line, Line]:
        if self._detail is None:
            return ((" Runs", "quiet"),), ()
        run, glyphs = self._detail.run, self.flowctl.ink.glyphs
        word = word_of(run.state_type, run.state_name)
        took = None if run.started_at is None else ((run.ended_at or self._now) - run.started_at).total_seconds()
        left = ((f" Runs {glyphs.crumb} {run.flow_name} {glyphs.crumb} ", "quiet"), (run.name, "title"))
        usual = self._detail.typical_s
        of = f" of ~{round_duration(usual)}" if usual and word in OPEN else ""
        right = (
            (f"{glyph_of(word, glyphs, self._tick)} {word}", word),
            (f" {short_duration(took)}{of} ", ""),
        )
        return left, right

    def _facts(self) -> Line:
        assert self._detail is not None
        run = self._detail.run
        done = sum(count for name, count in run.task_counts.items() if name in ("Completed", "Cached"))
        total = sum(run.task_counts.values())
        failed = sum(count for name, count in run.task_counts.items() if name in ("Failed", "TimedOut", "Crashed"))
        bar = progress(done, total, 12, self.flowctl.ink.glyphs, failed)
        spans: list[Span] = [(" ", ""), (bar, word_of(run.state_type, run.state_name)), (f" {done}/{total}   ", "")]
        spans += [(f"{name}={value!r} ", "quiet") for name, value in list(run.parameters.items())[:8]]
        return tuple(spans)
