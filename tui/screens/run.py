"""The Run screen: tasks and timeline in the same rows, the log of the row under the cursor, parameters and history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from textual import on
from textual.containers import Container
from textual.widget import Widget

from flowctl.store.records import TaskRunRow
from flowctl.tui.bridge import Question
from flowctl.tui.history import Place
from flowctl.tui.model.asked import sign_of
from flowctl.tui.model.critical_path import critical_path
from flowctl.tui.model.retry_words import next_flow_try
from flowctl.tui.model.run_rows import RunWalk
from flowctl.tui.model.runs_lines import word_at_work
from flowctl.tui.model.snapshots import PastRun, RunDetail
from flowctl.tui.model.texts import Line, countdown, grouped, width_of
from flowctl.tui.model.waterfall import Waterfall
from flowctl.tui.model.waterfall_lines import Drawing, drawing, glyph_of, header_line, named, row_line
from flowctl.tui.model.waterfall_nodes import Node
from flowctl.tui.screens.preview import LATEST
from flowctl.tui.screens.run_lines import facts_bar, facts_lines, standing_words
from flowctl.tui.screens.run_past import RunPast
from flowctl.tui.widgets.bar import Bar
from flowctl.tui.widgets.log import LogPane
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

if TYPE_CHECKING:
    from flowctl.tui.data.source import Source

#: The log gets at least this part of the height, and the tree no more rows than it has.
_LOG_SHARE: Final = 0.4


class Reading(NamedTuple):
    """What was read of a run."""

    detail: RunDetail
    #: The first time, the tree of it.
    tree: Waterfall | None
    critical: frozenset[str]


class RunScreen(RunPast):
    """One run with all its tasks."""

    SCOPE = "run"

    def __init__(self, run_id: str, log_at: tuple[int, int] | None = None) -> None:
        super().__init__(run_id)
        #: The place in the log to begin at.
        self._log_at = log_at
        self._picture: Drawing | None = None
        self._is_relative = False
        self._critical: frozenset[str] = frozenset()
        self._latest: tuple[PastRun, ...] = ()
        #: Id of the task under the cursor, and what it gave in the latest runs before.
        self._former: tuple[str, tuple[str, ...]] = ("", ())
        self._asks_former: Question[tuple[str, ...]] | None = None

    def body(self) -> Iterable[Widget]:
        yield Bar(id="facts")
        yield RowPane[Node](
            "tasks and timeline",
            key_of=lambda node: node.id,
            draw=self._draw,
            head=self._head,
            is_live=lambda _: self.is_live,
            version_of=lambda node: (node.version, self._window),
            is_ruled=False,
            id="main",
        )
        with Container(id="split"):
            yield LogPane(id="log")
            yield TextPane("run", id="side")

    @property
    def place(self) -> Place:
        return Place(self.flowctl.current_mode, self.run_id)

    # What is read.

    def ask(self) -> None:
        self.watch_store(self._read, self._take)
        if self.waterfall is not None:
            self.feed.ask()
        self._ask_latest()

    def _ask_latest(self) -> None:
        if self.detail is not None:
            flow = self.detail.run.flow_name
            self.watch_store(lambda source: source.latest_of(flow, LATEST), self._take_latest)

    def _read(self, source: Source) -> Reading:
        detail = source.run_detail(self.run_id, self.detail)
        # Of many tasks a tree takes longer than a key may wait, so the first one is built here.
        tree = Waterfall(detail) if self.waterfall is None else None
        return Reading(detail, tree, critical_path(detail.tasks.values()))

    def _take(self, reading: Reading) -> None:
        detail = reading.detail
        is_first, self.detail = self.detail is None, detail
        self.flowctl.attention.see(detail.run)
        self._critical = reading.critical
        self.waterfall = self.waterfall or reading.tree
        self.show_detail(detail)
        if is_first:
            self._ask_latest()
            self._look_at_row()
            if self._log_at is not None:
                self.feed.go_to(self._log_at)

    def _take_latest(self, latest: tuple[PastRun, ...]) -> None:
        self._latest = latest
        self.refresh_lines()

    def repaint(self) -> None:
        if self.waterfall is None:
            return
        self._picture = None
        self._now = self.instant or self.flowctl.clock()
        self.axis = None if self.instant is None else self.axis
        self.rows.look_version = self._now
        self.rows.put(self.waterfall.rows)
        self._entitle()
        self._share_height()
        self.refresh_lines()

    def _entitle(self) -> None:
        """Say in the frame of the tree what its signs mean, where it has one."""
        glyphs = self.flowctl.ink.glyphs
        signs = (
            (glyphs.failed_try, "failed try"),
            (glyphs.wait, "waiting"),
            (glyphs.due, "next try"),
            (glyphs.now, "now"),
        )
        legend = f" {glyphs.dot} ".join(f"{sign} {word}" for sign, word in signs)
        zoom = "zoom fit" if self._window is None else "zoomed"
        self.rows.retitle(self.rows.title, f"{zoom} + - {glyphs.dot} critical path bold", legend)

    def _share_height(self) -> None:
        """Give the tree the rows it has, and the log what is left, but not less than its share."""
        assert self.waterfall is not None
        rows = self.rows
        frame = 2 if rows.is_boxed else 0
        room = self.flowctl.size.height - 5
        wanted = min(len(self.waterfall.rows) + 1 + frame, max(4, round(room * (1 - _LOG_SHARE))))
        if rows.styles.height is None or rows.styles.height.value != wanted:
            rows.styles.height = wanted

    # Moving.

    @on(RowPane.Moved, "#main")
    def _look_at_row(self) -> None:
        node = self.node
        if node is None or self.waterfall is None:
            return
        self.waterfall.select(node.id)
        if node is self.waterfall.root:
            self.feed.look_at(self.run_id, (), "log")
        elif node.flow is not None:
            self.feed.look_at(node.flow.id, (), f"log  {node.flow.flow_name}")
        else:
            name = node.name if node.task is None else named(node.task)
            self.feed.look_at(self.run_id, node.task_numbers, f"log  {name}")
        self._ask_former(node.task)
        self.refresh_lines()

    def _ask_former(self, task: TaskRunRow | None) -> None:
        """Read what the task under the cursor gave before, where there is a place to show it."""
        if self._asks_former is not None:
            self.bridge.drop(self._asks_former)
        self._former = ("", ())
        if task is None or self.detail is None or not self.query_one("#side").display:
            return
        root, name = self.detail.run.root_id, named(task)

        def take(values: tuple[str, ...]) -> None:
            self._former = (name, values)
            self.refresh_lines()

        self._asks_former = self.bridge.once(lambda source: source.former_values(root, task), take, is_slow=True)

    @on(RowPane.Opened, "#main")
    def action_move_open(self) -> None:
        """Unfold the row, or open it."""
        node = self.node
        if node is None or self.waterfall is None or self.is_in_log:
            return
        if self.waterfall.unfold(node.id):
            self.repaint()
        elif node.task is not None:
            self.flowctl.open_run(self.run_id, node.task.number)
        elif node.flow is not None and node is not self.waterfall.root:
            self.flowctl.open_run(node.flow.id)

    def clear_something(self) -> bool:
        if super().clear_something():
            return True
        if self.is_in_log:
            self.rows.focus()
            return True
        return False

    def action_look_times(self) -> None:
        self._is_relative = not self._is_relative
        if self.detail is not None:
            self.log_pane.since = self.detail.run.started_at if self._is_relative else None
            self.log_pane.refresh()
        self.rows.repaint()

    # What is drawn.

    @property
    def is_live(self) -> bool:
        return self.detail is not None and not self.detail.run.is_final and self.instant is None

    def tick(self, tick: int) -> None:
        super().tick(tick)
        if self.is_live:
            self.repaint()

    def _drawing(self, width: int) -> Drawing | None:
        if self.waterfall is None:
            return None
        if self._picture is None or self._picture.columns.total != width:
            glyphs = self.flowctl.ink.glyphs
            self._picture = drawing(
                self.waterfall,
                width,
                self._now,
                window=self._window or self.axis,
                glyphs=glyphs,
                step=self.step if self.instant is None else 2,
                critical=self._critical,
            )
        return self._picture

    def _head(self, width: int) -> Line:
        picture = self._drawing(width)
        return () if picture is None else header_line(picture, is_relative=self._is_relative)

    def _draw(self, node: Node, look: RowLook) -> Line:
        picture = self._drawing(look.width)
        if picture is None or self.waterfall is None:
            return ()
        return row_line(self.waterfall, node, picture, is_cursor=look.is_cursor)

    def crumbs(self) -> tuple[Line, Line]:
        if self.shown is None:
            return ((" Runs", "quiet"),), ()
        run, glyphs = self.shown.run, self.flowctl.ink.glyphs
        word = word_at_work(run)
        left = ((f" Runs {glyphs.crumb} {run.flow_name} {glyphs.crumb} ", "quiet"), (run.name, "title"))
        pending = self.flowctl.asked.word(run.id, run.state_version)
        shown = sign_of(pending, word)
        attempt = f"attempt {run.attempt} " if run.attempt > 1 else ""
        timing = f" {standing_words(run, self.shown.typical_s, self._now)} "
        said = pending or word
        if said == "retrying" and run.due_at is not None:
            said = f"{next_flow_try(run)} in {countdown((run.due_at - self._now).total_seconds())}"
        state = f"{glyph_of(shown, glyphs, self.step)} {said}"
        standing: Line = ((state, shown), (timing, ""), (attempt, "quiet"))
        right = (*self.travel_line(), *standing)
        place = self._place_among(self.flowctl.run_walk)
        return left, (*right, *place) if width_of((*left, *right, *place)) < self.flowctl.size.width else right

    def _place_among(self, walk: RunWalk) -> Line:
        """Say which of the listed runs it is, and how to get to its neighbours."""
        place = walk.place_of(self.run_id)
        if place is None or len(walk) < 2:
            return ()
        where = f"  {grouped(place + 1)} of {grouped(len(walk))} "
        return ((where, "quiet"), (",", "accent"), (" ", ""), (".", "accent"), (" ", ""))

    def refresh_lines(self) -> None:
        super().refresh_lines()
        if not self.stands or self.shown is None:
            return
        glyphs = self.flowctl.ink.glyphs
        self.query_one("#facts", Bar).put(*facts_bar(self.shown, self._now, glyphs))
        side = self.query_one("#side", TextPane)
        side.put(facts_lines(self.shown, self._latest, self._former, self._now, glyphs))
