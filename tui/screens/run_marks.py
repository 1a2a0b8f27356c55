"""What one does with the rows of a list of runs: marks, order, problems, and what an action or a copy is about."""

from __future__ import annotations

from typing import cast

from textual import on

from flowctl.tui.model.keys import Binding
from flowctl.tui.model.offers import is_offered
from flowctl.tui.model.runs_lines import shown_word
from flowctl.tui.model.runs_list import HEADINGS, SORTS, RunList, Target, target_of
from flowctl.tui.model.snapshots import ListedRun
from flowctl.tui.model.texts import Line, grouped
from flowctl.tui.screens.query_line import QueryLine
from flowctl.tui.screens.run_taking import edit_place, marked_yanks, run_yanks
from flowctl.tui.screens.taking import SourcePlace, Yank
from flowctl.tui.widgets.rows import RowPane


class RunMarks(QueryLine):
    """A list of runs under a cursor; what is read and drawn is up to who derives from it."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = RunList()
        #: Whether more runs fit than are listed.
        self.has_more = False

    def show_rows(self) -> None:
        """Show the rows as they are now."""

    @property
    def rows(self) -> RowPane[ListedRun]:
        """The list."""
        return cast("RowPane[ListedRun]", self.query_one("#main"))  # as `body` makes it

    def sync(self) -> None:
        """One moves in the pane; the model is asked about the row there."""
        if (row := self.rows.row) is not None:
            self.runs.select(row.id)

    def action_mark_toggle(self) -> None:
        self.sync()
        self.runs.toggle_mark()
        self.show_rows()

    def action_mark_range(self) -> None:
        self.sync()
        self.runs.mark_range()
        self.show_rows()

    def action_mark_all(self) -> None:
        self.runs.mark_all()
        self.show_rows()

    def action_find_sort(self) -> None:
        self.sync()
        self.runs.sort_by(SORTS[(SORTS.index(self.runs.sort) + 1) % len(SORTS)])
        self.show_rows()

    def action_find_reverse(self) -> None:
        self.sync()
        self.runs.sort_by(self.runs.sort, is_reversed=not self.runs.is_reversed)
        self.show_rows()

    @on(RowPane.HeadingClicked, "#main")
    def _on_heading(self, event: RowPane.HeadingClicked) -> None:
        """Sort by a column; the same one again turns it around."""
        sort = HEADINGS.get(event.heading)
        if sort is not None:
            self.sync()
            self.runs.sort_by(sort, is_reversed=sort == self.runs.sort and not self.runs.is_reversed)
            self.show_rows()

    def action_move_next_problem(self) -> None:
        self.to_problem(1)

    def action_move_previous_problem(self) -> None:
        self.to_problem(-1)

    def to_problem(self, step: int) -> None:
        """Go to the next run of the list that failed."""
        self.sync()
        if self.runs.next_problem(step):
            self.rows.move_to(self.runs.index())
        else:
            self.say("no other run here failed", "quiet")

    def targets(self) -> tuple[Target, ...]:
        self.sync()
        self.runs.refresh_marks()
        return self.runs.targets()

    def yanks(self) -> dict[str, Yank]:
        self.sync()
        if self.runs.marks:
            return marked_yanks(self.targets())
        row = self.runs.row()
        return {} if row is None else run_yanks(row.run)

    def source_place(self) -> SourcePlace | None:
        self.sync()
        row = self.runs.row()
        return None if row is None else edit_place(row.run)

    def inspected(self) -> tuple[str, object] | None:
        self.sync()
        row = self.runs.row()
        return None if row is None else (row.run.name, row.run)

    def note_line(self) -> tuple[Line, Line]:
        if not self._note and (marks := len(self.runs.marks)):
            verbs = (("c", "cancel"), ("r", "retry"), ("p", "pause"), ("y", "yank ids"), ("D", "delete"))
            keys = [span for key, verb in verbs for span in ((f"  {key}", "accent"), (f" {verb}", ""))]
            shown = len(self.runs.rows)
            more = f"* marks all {grouped(shown)}" if marks < shown else "of the rows listed" if self.has_more else ""
            undo = self.flowctl.asked.undo_text
            right = ((f"{undo} ", "accent"),) if undo else ((f"{more}   esc clears ", "quiet"),)
            return ((f" {marks} marked:", "mark"), *keys), right
        return super().note_line()

    def brief_of(self, binding: Binding) -> str:
        row = self.rows.row
        if binding.id == "act.pause" and row is not None and row.run.state_type == "PAUSED":
            return "resume"
        if binding.id == "act.retry" and row is not None and shown_word(row) == "retrying":
            return "retry now"
        return super().brief_of(binding)

    def can_run(self, binding: Binding) -> bool:
        row = self.rows.row
        if row is None:
            return binding.group not in ("Act", "Mark") and binding.id != "move.open"
        # Looking must not renew what is marked.
        chosen = list(self.runs.marks.values()) or [target_of(row)]
        return is_offered(binding.id, chosen, None, ())
