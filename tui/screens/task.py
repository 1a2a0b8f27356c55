"""The Task screen: what is about to happen, each try, what went wrong in it, what went in and came out, its log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, cast

from textual import on
from textual.containers import Container
from textual.widget import Widget

from flowctl.store.errors import ErrorReport
from flowctl.store.records import TaskRunRow
from flowctl.tui.history import Place
from flowctl.tui.model.glyphs import word_of
from flowctl.tui.model.keys import Binding, shown_key
from flowctl.tui.model.runs_list import Target
from flowctl.tui.model.snapshots import TaskDetail
from flowctl.tui.model.texts import Line, countdown, grouped, width_of
from flowctl.tui.model.time_scale import TimeScale
from flowctl.tui.model.waterfall_lines import named
from flowctl.tui.screens.error_lines import error_lines, place_of
from flowctl.tui.screens.logging_view import LoggingView
from flowctl.tui.screens.run_taking import edit_place, error_place, task_yanks
from flowctl.tui.screens.taking import SourcePlace, Yank
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
from flowctl.tui.widgets.log import LogPane
from flowctl.tui.widgets.pane import SPLIT_FROM, TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

#: More tries than these scroll.
_MOST_TRIES: Final = 5
#: On lower screens all frames but the innermost own one are folded.
_TALL: Final = 30
#: Of the height below the tries, the texts get at most this part, and the log the rest.
_TEXT_SHARE: Final = 0.65


class TaskScreen(LoggingView):
    """One task run."""

    SCOPE = "task"
    ACTS_APART = True

    def __init__(self, run_id: str, number: int) -> None:
        super().__init__()
        self.run_id = run_id
        self.number = number
        self.detail: TaskDetail | None = None
        self._tries: list[Try] = []
        self._scale: TimeScale | None = None
        self._now = self.flowctl.clock()
        self._shows_all = False
        #: In so many runs of the last week the task failed.
        self._failed = 0

    def body(self) -> Iterable[Widget]:
        yield TextPane(is_ruled=False, is_bare=True, id="standing")
        yield RowPane[Try](
            "attempts",
            key_of=lambda row: row.number,
            draw=self._draw,
            head=self._head,
            is_live=lambda row: row.is_live,
            version_of=lambda row: (row, self._scale),
            is_ruled=False,
            id="main",
        )
        with Container(id="split"):
            yield TextPane("error", id="error")
            yield TextPane("inputs and result", id="inputs")
        yield LogPane(id="log")

    @property
    def rows(self) -> RowPane[Try]:
        """The tries."""
        return cast("RowPane[Try]", self.query_one("#main"))  # as `body` makes it

    @property
    def place(self) -> Place:
        return Place(self.flowctl.current_mode, self.run_id, self.number)

    def ask(self) -> None:
        self.watch_store(lambda source: source.task_detail(self.run_id, self.number), self._take)
        self.feed.look_at(self.run_id, (self.number,), "log")
        self.feed.ask()

    def _take(self, detail: TaskDetail) -> None:
        is_first, self.detail = self.detail is None, detail
        self._tries = tries_of(detail.task)
        if is_first and any(each.error for each in self._tries) and detail.run.is_root:
            flow, key = detail.run.flow_name, detail.task.task_key
            self.bridge.once(lambda source: source.times_failed(flow, key), self._take_failed, is_slow=True)
        self._repaint()
        if is_first:
            # What failed last tells more than the first try.
            self.rows.move_to(max((n for n, each in enumerate(self._tries) if each.started_at), default=0))

    def _take_failed(self, count: int) -> None:
        self._failed = count
        if self.stands:
            self._show_texts()

    def _repaint(self) -> None:
        if self.detail is None:
            return
        self._now, self._scale = self.flowctl.clock(), None
        rows = self.rows
        rows.look_version = self._now
        rows.put(self._tries)
        frame = 2 if rows.is_boxed else 0
        glyphs = self.flowctl.ink.glyphs
        signs = ((glyphs.work, "at work"), (glyphs.failed_try, "failed"), (glyphs.wait, "waiting"), (glyphs.due, "due"))
        select = "( ) select" if len(self._tries) > 1 else ""
        rows.retitle(rows.title, select, f" {glyphs.dot} ".join(f"{sign} {word}" for sign, word in signs))
        rows.styles.height = min(len(self._tries), _MOST_TRIES) + 1 + frame if self._tries else 0
        self._show_texts()
        self.refresh_lines()

    @on(RowPane.Moved, "#main")
    def _show_texts(self) -> None:
        if self.detail is None:
            return
        glyphs, standing = self.flowctl.ink.glyphs, self.query_one("#standing", TextPane)
        standing.put(standing_lines(self.detail, self._now, standing.body_width, glyphs, step=self.step))
        pane, row, error = self.query_one("#error", TextPane), self.rows.row, self._error()
        pane.display = error is not None
        if error is not None and row is not None:
            pane.retitle(f"{error.type_name}  attempt {row.number}", self._alike(row, error))
            is_short = self.flowctl.size.height < _TALL
            lines = error_lines(error, glyphs, shows_all=self._shows_all, width=pane.body_width, is_short=is_short)
            pane.put(lines)
        inputs = self.query_one("#inputs", TextPane)
        lines = input_lines(self.detail, glyphs)
        inputs.put(lines)
        self._share_height(pane, inputs, len(lines))

    def _alike(self, row: Try, error: ErrorReport) -> str:
        """Say whether an earlier try failed by the same error, and in how many runs the task did."""
        ink, said = self.flowctl.ink, list[str]()
        earlier = next((each for each in self._tries if each.error is not None), row)
        if earlier.number != row.number and earlier.error == error:
            said.append(f"same as attempt {earlier.number}")
        if self._failed > 1:
            enter = shown_key("enter", is_ascii=ink.is_ascii)
            said.append(f"failed in {grouped(self._failed)} runs in 7 days, {enter} shows")
        return f" {ink.glyphs.dot} ".join(said)

    def _share_height(self, error: TextPane, inputs: TextPane, facts: int) -> None:
        """Let the error and the inputs have what they need, one above the other, as long as the log keeps its part."""
        split = self.query_one("#split")
        if self.flowctl.size.width >= SPLIT_FROM:
            split.styles.height = inputs.styles.height = None
            return
        room = max(4, round((self.flowctl.size.height - 8 - len(self._tries)) * _TEXT_SHARE))
        shown = len(error.lines) + 1 if error.display else 0
        split.styles.height = min(shown + facts + 1, room)
        # Where both do not fit, what went wrong comes first.
        inputs.styles.height = max(2, min(facts + 1, room - shown))

    def _error(self) -> ErrorReport | None:
        row = self.rows.row
        if row is not None:
            return row.error
        return None if self.detail is None else self.detail.task.error

    # Keys.

    @on(RowPane.Opened, "#main")
    def action_move_open(self) -> None:
        """Show the runs of the last week that did not complete, where the task failed in others too."""
        if self.detail is not None and self._failed > 1 and not self.is_in_log:
            self.flowctl.show_runs(f'flow:"{self.detail.run.flow_name}" state:problem age<7d')

    def can_run(self, binding: Binding) -> bool:
        return (binding.id != "move.open" or self._failed > 1) and super().can_run(binding)

    def action_move_next_attempt(self) -> None:
        self._to_attempt(1)

    def action_move_previous_attempt(self) -> None:
        self._to_attempt(-1)

    def _to_attempt(self, step: int) -> None:
        """Go to another try, in the log too; at the last one the log goes on."""
        self.rows.move_by(step)
        row = self.rows.row
        if row is None or row.started_at is None:
            return
        pane, lines = self.log_pane, self.log_pane.log_view.lines
        is_last = not any(each.started_at and each.number > row.number for each in self._tries)
        place = next((n for n, line in enumerate(lines) if line.entry.row.at >= row.started_at), None)
        if is_last and not pane.log_view.follows:
            self.feed.follow()
        elif not is_last and place is not None:
            pane.move_to(place)
            self.feed.retitle()

    def action_fold_toggle(self) -> None:
        self._shows_all = not self._shows_all
        self._show_texts()

    action_fold_all = action_fold_toggle

    def action_move_next_problem(self) -> None:
        self._to_problem(1)

    def action_move_previous_problem(self) -> None:
        self._to_problem(-1)

    def _to_problem(self, step: int) -> None:
        if self.is_in_log:
            self.feed.next_problem(step)
            return
        places = [n for n, each in enumerate(self._tries) if each.error is not None]
        beyond = [n for n in places if (n - self.rows.place) * step > 0]
        if not beyond:
            self.say("no other attempt failed", "quiet")
            return
        self.rows.move_to(min(beyond) if step > 0 else max(beyond))

    def action_move_next_sibling(self) -> None:
        self._to_sibling(1)

    def action_move_previous_sibling(self) -> None:
        self._to_sibling(-1)

    def _to_sibling(self, step: int) -> None:
        number = self.flowctl.neighbour_task(self.run_id, self.number, step)
        if number is None:
            self.say("no other task there", "quiet")
        else:
            self.flowctl.replace_task(self.run_id, number)

    def clear_something(self) -> bool:
        if super().clear_something():
            return True
        if self.focused is not None and self.focused is not self.rows:
            self.rows.focus()
            return True
        return False

    def action_look_log(self) -> None:
        if self.detail is not None:
            self.flowctl.open_log(self.run_id, self.detail.task.name, (self.number,))

    def brief_of(self, binding: Binding) -> str:
        task = None if self.detail is None else self.detail.task
        if binding.id == "act.retry" and task is not None and task.due_at is not None and not task.is_final:
            return f"retry now ({countdown((task.due_at - self._now).total_seconds())})"
        return super().brief_of(binding)

    def targets(self) -> tuple[Target, ...]:
        if self.detail is None:
            return ()
        run = self.detail.run
        word = word_of(run.state_type, run.state_name)
        version = run.state_version if run.is_root else -1
        return (Target(run.root_id, version, run.name, run.flow_name, word, run.started_at),)

    def waiting_tasks(self) -> Sequence[int]:
        task = None if self.detail is None else self.detail.task
        return (self.number,) if task is not None and task.due_at is not None and not task.is_final else ()

    def task_here(self) -> TaskRunRow | None:
        return None if self.detail is None else self.detail.task

    def yanks(self) -> dict[str, Yank]:
        return {} if self.detail is None else task_yanks(self.detail.task, self.run_id, self._error())

    def source_place(self) -> SourcePlace | None:
        if self.detail is None:
            return None
        return error_place(self._error()) or edit_place(self.detail.run)

    def inspected(self) -> tuple[str, object] | None:
        return None if self.detail is None else (self.detail.task.name, self.detail.task)

    # What is drawn.

    @property
    def is_live(self) -> bool:
        return self.detail is not None and not self.detail.task.is_final

    def tick(self, tick: int) -> None:
        super().tick(tick)
        if self.is_live:
            self._repaint()

    def _scaled(self, width: int) -> TimeScale:
        assert self.detail is not None  # there are no rows without it
        cells = bar_cells(width)
        if self._scale is None or self._scale.cells != cells:
            self._scale = scale_of(self.detail.task, self._tries, cells, self._now)
        return self._scale

    def _head(self, width: int) -> Line:
        if self.detail is None:
            return ()
        return head_line(self._scaled(width), width, self._now if self.is_live else None)

    def _draw(self, row: Try, look: RowLook) -> Line:
        glyphs = self.flowctl.ink.glyphs
        return try_line(row, self._scaled(look.width), self._now, glyphs, is_cursor=look.is_cursor, step=self.step)

    def crumbs(self) -> tuple[Line, Line]:
        if self.detail is None:
            return ((" Runs", "quiet"),), ()
        run, task, crumb = self.detail.run, self.detail.task, self.flowctl.ink.glyphs.crumb
        error = self._error()
        frame = None if error is None else error.own_frame
        right: Line = (("e", "accent"), (f" {place_of(frame)} ", "quiet")) if frame is not None else ()
        if (where := self.flowctl.task_place(self.run_id, self.number)) is not None:
            tries = f"attempt {task.run_count} of {task.terms.tries}  " if task.terms and task.terms.retries else ""
            tries = tries if self.flowctl.size.width >= SPLIT_FROM else ""
            right = ((f"task {where[0]} of {where[1]}  {tries}", "quiet"), *right)
        name = named(task)
        paths = (f" Runs {crumb} {run.flow_name} {crumb} {run.name} {crumb} ", f" {run.name} {crumb} ", " ")
        room = self.flowctl.size.width - width_of(right) - width_of(((name, ""),)) - 1
        path = next((each for each in paths if width_of(((each, ""),)) <= room), " ")
        return ((path, "quiet"), (name, "title")), right
