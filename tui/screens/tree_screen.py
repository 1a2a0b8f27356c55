"""What a screen with the tree of a run does: folding, problems, neighbours, time axis, what actions are about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

from flowctl.store.records import TaskRunRow
from flowctl.tui.model.glyphs import word_of
from flowctl.tui.model.keys import Binding
from flowctl.tui.model.runs_list import Target
from flowctl.tui.model.snapshots import RunDetail
from flowctl.tui.model.texts import countdown
from flowctl.tui.model.time_scale import TimeWindow
from flowctl.tui.model.waterfall import Waterfall
from flowctl.tui.model.waterfall_lines import named, window_of
from flowctl.tui.model.waterfall_nodes import Node
from flowctl.tui.screens.logging_view import LoggingView
from flowctl.tui.screens.run_taking import edit_place, error_place, run_yanks, task_yanks
from flowctl.tui.screens.taking import SourcePlace, Yank
from flowctl.tui.widgets.rows import RowPane

_ZOOM: Final = 1.6


class TreeScreen(LoggingView):
    """A run's tasks under a cursor; what is read and drawn is up to who derives from it."""

    ACTS_APART = True

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.waterfall: Waterfall | None = None
        self.detail: RunDetail | None = None
        self._window: TimeWindow | None = None
        self._now: datetime = self.flowctl.clock()
        self._waiting: tuple[RunDetail, tuple[str, int], list[int]] | None = None

    def repaint(self) -> None:
        """Draw the rows anew."""

    @property
    def rows(self) -> RowPane[Node]:
        """The tree."""
        return cast("RowPane[Node]", self.query_one("#main"))  # as `body` makes it

    @property
    def node(self) -> Node | None:
        """The row under the cursor."""
        return self.rows.row

    def action_fold_toggle(self) -> None:
        if self.waterfall is not None and self.node is not None:
            key = self.waterfall.toggle(self.node.id)
            self.repaint()
            self.rows.move_to_key(key)

    def action_fold_all(self) -> None:
        if self.waterfall is not None and self.node is not None:
            is_folded = any(node.children and not self.waterfall.is_unfolded(node) for node in self.waterfall.rows)
            self.waterfall.fold_all(is_unfolded=is_folded)
            self.repaint()

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
        self.repaint()
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
        self.repaint()

    def action_look_log(self) -> None:
        node, name = self.node, "" if self.detail is None else self.detail.run.name
        numbers = () if node is None or node.flow is not None else tuple(node.task_numbers)
        self.flowctl.open_log(self.run_id, name if not numbers or node is None else f"{name} {node.name}", numbers)

    def action_look_graph(self) -> None:
        if self.waterfall is not None:
            from flowctl.tui.screens.graph import GraphScreen

            self.flowctl.push_screen(GraphScreen(self.waterfall))

    def acts_on(self) -> str:
        node = self.node
        return "" if node is None else node.name if node.task is None else named(node.task)

    def brief_of(self, binding: Binding) -> str:
        node = self.node
        if binding.id == "act.retry" and node is not None and node.due_at is not None and node.word == "retrying":
            return f"retry now ({countdown((node.due_at - self._now).total_seconds())})"
        return super().brief_of(binding)

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
        # Every key of the footer asks for it.
        asked = (node.id, node.version)
        if self._waiting is None or self._waiting[0] is not detail or self._waiting[1] != asked:
            waiting = [task.number for task in detail.tasks.values() if task.due_at and not task.is_final]
            inside = set(node.task_numbers) if waiting and node.flow is None else None
            waiting = [number for number in waiting if inside is None or number in inside]
            self._waiting = (detail, asked, waiting)
        return self._waiting[2]

    def task_here(self) -> TaskRunRow | None:
        return None if self.node is None else self.node.task

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
