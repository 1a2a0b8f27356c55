"""The Run screen: tasks and timeline in the same rows, the log of the row under the cursor, parameters and history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, cast

from textual import on
from textual.containers import Container
from textual.widget import Widget

from flowctl.tui.history import Place
from flowctl.tui.model.critical_path import critical_path
from flowctl.tui.model.glyphs import OPEN, word_of
from flowctl.tui.model.runs_lines import done_of, run_took_s
from flowctl.tui.model.runs_list import Target
from flowctl.tui.model.snapshots import PastRun, RunDetail
from flowctl.tui.model.texts import Line, Span, left_of, progress, round_duration, short_duration
from flowctl.tui.model.time_scale import TimeWindow
from flowctl.tui.model.waterfall import Waterfall
from flowctl.tui.model.waterfall_lines import Drawing, drawing, glyph_of, header_line, row_line, window_of
from flowctl.tui.model.waterfall_nodes import Node
from flowctl.tui.screens.logging_view import LoggingView
from flowctl.tui.screens.preview import LATEST
from flowctl.tui.screens.run_lines import facts_lines
from flowctl.tui.screens.run_taking import edit_place, error_place, run_yanks, task_yanks
from flowctl.tui.screens.taking import SourcePlace, Yank
from flowctl.tui.widgets.bar import Bar
from flowctl.tui.widgets.log import LogPane
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

#: The log gets at least this part of the height, and the tree no more rows than it has.
_LOG_SHARE: Final = 0.4
_ZOOM: Final = 1.6
_MOST_PARAMETERS: Final = 12


class RunScreen(LoggingView):
    """One run with all its tasks."""

    SCOPE = "run"

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.waterfall: Waterfall | None = None
        self.detail: RunDetail | None = None
        self._picture: Drawing | None = None
        self._window: TimeWindow | None = None
        self._is_relative = False
        self._critical: frozenset[str] = frozenset()
        self._latest: tuple[PastRun, ...] = ()
        self._now = self.flowctl.clock()

    def body(self) -> Iterable[Widget]:
        yield Bar(id="facts")
        yield RowPane[Node](
            "tasks and timeline",
            key_of=lambda node: node.id,
            draw=self._draw,
            head=self._head,
            is_live=lambda _: self.is_live,
            version_of=lambda node: node.version,
            is_ruled=False,
            id="main",
        )
        with Container(id="split"):
            yield LogPane(id="log")
            yield TextPane("run", id="side")

    @property
    def rows(self) -> RowPane[Node]:
        """The tree."""
        return cast("RowPane[Node]", self.query_one("#main"))  # as `body` makes it

    @property
    def place(self) -> Place:
        return Place(self.flowctl.current_mode, self.run_id)

    # What is read.

    def ask(self) -> None:
        self.watch_store(lambda source: source.run_detail(self.run_id, self.detail), self._take)
        if self.waterfall is not None:
            self.feed.ask()

    def _take(self, detail: RunDetail) -> None:
        is_first, self.detail = self.detail is None, detail
        if self.waterfall is None:
            self.waterfall = Waterfall(detail)
        else:
            self.waterfall.update(detail)
        self._critical = critical_path(detail.tasks.values())
        self._repaint()
        if is_first:
            flow = detail.run.flow_name
            self.watch_store(lambda source: source.latest_of(flow, LATEST), self._take_latest)
            self._look_at_row()

    def _take_latest(self, latest: tuple[PastRun, ...]) -> None:
        self._latest = latest
        self.refresh_lines()

    def _repaint(self) -> None:
        if self.waterfall is None:
            return
        self._picture = None
        self._now = self.flowctl.clock()
        self.rows.look_version = self._now
        self.rows.put(self.waterfall.rows)
        self._share_height()
        self.refresh_lines()

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

    @property
    def node(self) -> Node | None:
        """The row under the cursor."""
        return self.rows.row

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
            self.feed.look_at(self.run_id, node.task_numbers, f"log  {node.name}")
        self.refresh_lines()

    @on(RowPane.Opened, "#main")
    def action_move_open(self) -> None:
        """Unfold the row, or open it."""
        node = self.node
        if node is None or self.waterfall is None or self.is_in_log:
            return
        if self.waterfall.unfold(node.id):
            self._repaint()
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

    def action_fold_toggle(self) -> None:
        if self.waterfall is not None and self.node is not None:
            key = self.waterfall.toggle(self.node.id)
            self._repaint()
            self.rows.move_to_key(key)

    def action_fold_all(self) -> None:
        if self.waterfall is not None and self.node is not None:
            is_folded = any(node.children and not self.waterfall.is_unfolded(node) for node in self.waterfall.rows)
            self.waterfall.fold_all(is_unfolded=is_folded)
            self._repaint()

    def action_move_next_problem(self) -> None:
        self._to_problem(1)

    def action_move_previous_problem(self) -> None:
        self._to_problem(-1)

    def _to_problem(self, step: int) -> None:
        if self.is_in_log:
            self.feed.next_problem(step)
            return
        key = None if self.waterfall is None or self.node is None else self.waterfall.next_problem(self.node.id, step)
        if key is None or self.waterfall is None:
            self.say("nothing here failed", "quiet")
            return
        place = self.waterfall.reveal(key)
        self._repaint()
        self.rows.move_to(place)

    def action_move_next_sibling(self) -> None:
        self.flowctl.open_neighbour(self.run_id, 1)

    def action_move_previous_sibling(self) -> None:
        self.flowctl.open_neighbour(self.run_id, -1)

    def neighbour_task(self, number: int, step: int) -> int | None:
        """Find the task run before or behind one in the tree."""
        detail, tree = self.detail, self.waterfall
        if detail is None or tree is None or number not in detail.tasks:
            return None
        key = tree.sibling(detail.tasks[number].id, step)
        node = None if key is None else tree.node(key)
        return None if node is None or node.task is None else node.task.number

    def action_look_zoom_in(self) -> None:
        self._zoom(_ZOOM)

    def action_look_zoom_out(self) -> None:
        self._zoom(1 / _ZOOM)

    def _zoom(self, factor: float) -> None:
        if self.waterfall is None:
            return
        whole = window_of(self.waterfall, self._now)
        node = self.node
        around = None if node is None else node.started_at
        window = (self._window or whole).zoomed(factor, around)
        self._window = None if window.span_s >= whole.span_s else window
        self._repaint()

    def action_look_times(self) -> None:
        self._is_relative = not self._is_relative
        if self.detail is not None:
            self.log_pane.since = self.detail.run.started_at if self._is_relative else None
            self.log_pane.refresh()
        self.rows.repaint()

    def action_look_log(self) -> None:
        node, name = self.node, "" if self.detail is None else self.detail.run.name
        numbers = () if node is None or node.flow is not None else tuple(node.task_numbers)
        self.flowctl.open_log(self.run_id, name if not numbers or node is None else f"{name} {node.name}", numbers)

    def targets(self) -> tuple[Target, ...]:
        if self.detail is None:
            return ()
        run = self.detail.run
        word = word_of(run.state_type, run.state_name)
        version = run.state_version if run.is_root else -1
        return (Target(run.root_id, version, run.name, run.flow_name, word, run.started_at),)

    def waiting_tasks(self) -> Sequence[int]:
        node, detail = self.node, self.detail
        if node is None or detail is None:
            return ()
        inside = set(node.task_numbers) if node.flow is None else None
        return [
            task.number
            for task in detail.tasks.values()
            if task.due_at is not None and not task.is_final and (inside is None or task.number in inside)
        ]

    def task_number(self) -> int | None:
        return None if self.node is None or self.node.task is None else self.node.task.number

    def yanks(self) -> dict[str, Yank]:
        if self.detail is None:
            return {}
        if self.node is not None and self.node.task is not None:
            return task_yanks(self.node.task, self.run_id, self.node.task.error)
        return run_yanks(self.detail.run)

    def source_place(self) -> SourcePlace | None:
        if self.detail is None:
            return None
        task = None if self.node is None else self.node.task
        return (None if task is None else error_place(task.error)) or edit_place(self.detail.run)

    def inspected(self) -> tuple[str, object] | None:
        node = self.node
        if node is not None and node.run is not None:
            return node.run.name, node.run
        return None

    # What is drawn.

    @property
    def is_live(self) -> bool:
        return self.detail is not None and not self.detail.run.is_final

    def tick(self, tick: int) -> None:
        super().tick(tick)
        if self.is_live:
            self._repaint()

    def _drawing(self, width: int) -> Drawing | None:
        if self.waterfall is None:
            return None
        if self._picture is None or self._picture.columns.total != width:
            glyphs = self.flowctl.ink.glyphs
            self._picture = drawing(
                self.waterfall,
                width,
                self._now,
                window=self._window,
                glyphs=glyphs,
                step=self.step,
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
        if self.detail is None:
            return ((" Runs", "quiet"),), ()
        run, glyphs = self.detail.run, self.flowctl.ink.glyphs
        word, took, usual = word_of(run.state_type, run.state_name), run_took_s(run, self._now), self.detail.typical_s
        of = f" of ~{round_duration(usual)}" if usual and word in OPEN else ""
        left = ((f" Runs {glyphs.crumb} {run.flow_name} {glyphs.crumb} ", "quiet"), (run.name, "title"))
        sign = glyph_of(word, glyphs, self.step)
        attempt = f"attempt {run.attempt} " if run.attempt > 1 else ""
        return left, ((f"{sign} {word}", word), (f" {short_duration(took)}{of} ", ""), (attempt, "quiet"))

    def refresh_lines(self) -> None:
        super().refresh_lines()
        if not self.is_mounted or self.detail is None:
            return
        self.query_one("#facts", Bar).put(*self._facts(self.detail))
        side = self.query_one("#side", TextPane)
        side.put(facts_lines(self.detail, self._latest, self._now, self.flowctl.ink.glyphs))

    def _facts(self, detail: RunDetail) -> tuple[Line, Line]:
        run, glyphs = detail.run, self.flowctl.ink.glyphs
        done, failed, total = done_of(run)
        word = word_of(run.state_type, run.state_name)
        spans: list[Span] = [(" ", "")]
        if total:
            spans += [
                (progress(done, total, 12, glyphs, failed), "failed" if failed else word),
                (f" {done}/{total}  ", ""),
            ]
        for name, value in list(run.parameters.items())[:_MOST_PARAMETERS]:
            spans += [(f" {name}=", "quiet"), (repr(value)[:200], "")]
        took, usual = run_took_s(run, self._now), detail.typical_s
        right: Line = ()
        if word in OPEN and took is not None and usual and took < usual:
            right = ((f"{left_of(usual - took)} ", "quiet"),)
        return tuple(spans), right
