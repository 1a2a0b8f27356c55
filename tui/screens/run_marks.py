"""What one does with the rows of a list of runs: marks, order, problems, and what an action or a copy is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, cast

from textual import on

from flowctl.store.query_language import And, parse
from flowctl.tui.model.keys import Binding, shown_key
from flowctl.tui.model.run_rows import ListedRow
from flowctl.tui.model.runs_list import HEADINGS, SORTS, RunList, Target, target_of
from flowctl.tui.model.snapshots import ListedRun
from flowctl.tui.model.texts import Line, grouped
from flowctl.tui.screens.query_line import QueryLine
from flowctl.tui.screens.run_taking import edit_place, marked_yanks, run_yanks
from flowctl.tui.screens.taking import SourcePlace, Yank
from flowctl.tui.widgets.rows import RowPane

#: What can be done to several runs at once.
_OF_MARKED: Final = {
    "act.cancel": "cancel",
    "act.retry": "retry",
    "act.pause": "pause",
    "act.yank": "yank ids",
    "act.delete": "delete",
}
_PROBLEM: Final = parse("state:problem")
#: What does nothing to an empty list.
_OF_ROWS: Final = frozenset({"move.open", "move.next_problem", "look.log", "look.travel", "find.sort"})


class RunMarks(QueryLine):
    """A list of runs under a cursor; what is read and drawn is up to who derives from it."""

    ACTS_APART = True

    def __init__(self) -> None:
        super().__init__()
        self.runs = RunList()

    def show_rows(self) -> None:
        """Show the rows as they are now."""

    @property
    def rows(self) -> RowPane[ListedRow]:
        """The list."""
        return cast("RowPane[ListedRow]", self.query_one("#main"))  # as `body` makes it

    def sync(self) -> None:
        """One moves in the pane; the model is asked about the row there."""
        if (row := self.rows.row) is not None:
            self.runs.select(row.key)

    def order_changed(self) -> None:
        """Read the list in the order that is in force now."""

    def action_mark_toggle(self) -> None:
        self.sync()
        self.runs.toggle_mark()
        self.show_rows()

    def action_mark_range(self) -> None:
        self.sync()
        self._mark(self.runs.range_keys())

    def action_mark_all(self) -> None:
        """Mark all that fit the query, as they are listed now; where all are marked, none."""
        if self.runs.is_all_marked:
            self.runs.clear_marks()
            self.show_rows()
        else:
            self._mark(self.runs.rows.keys)

    def _mark(self, keys: Sequence[int]) -> None:
        """Mark runs; those that are not read yet are read first."""
        if (targets := self.runs.targets_at(keys)) is not None:
            self._take_marks(targets)
        else:
            self.say(f"marking {grouped(len(keys))} runs {self.flowctl.ink.glyphs.cut}", "quiet")
            self.bridge.once(lambda source: source.targets(keys), self._take_read_marks, is_slow=True)

    def _take_read_marks(self, targets: Mapping[int, Target]) -> None:
        self.hush()
        self._take_marks(targets)

    def _take_marks(self, targets: Mapping[int, Target]) -> None:
        self.runs.mark(targets)
        self.show_rows()

    @property
    def order(self) -> tuple[str, bool]:
        return self.runs.sort, self.runs.is_reversed

    def reorder(self, sort: str, *, is_reversed: bool) -> None:
        self.sync()
        self.runs.sort, self.runs.is_reversed = sort, is_reversed
        self.order_changed()

    def action_find_sort(self) -> None:
        self.reorder(SORTS[(SORTS.index(self.runs.sort) + 1) % len(SORTS)], is_reversed=False)

    def action_find_reverse(self) -> None:
        self.reorder(self.runs.sort, is_reversed=not self.runs.is_reversed)

    @on(RowPane.HeadingClicked, "#main")
    def _on_heading(self, event: RowPane.HeadingClicked) -> None:
        """Sort by a column; the same one again turns it around."""
        sort = HEADINGS.get(event.heading)
        if sort is not None:
            self.reorder(sort, is_reversed=sort == self.runs.sort and not self.runs.is_reversed)

    def action_move_next_problem(self) -> None:
        self.to_problem(1)

    def action_move_previous_problem(self) -> None:
        self.to_problem(-1)

    def to_problem(self, step: int) -> None:
        """Go to the next run of the list that failed."""
        self.sync()
        found = self.runs.next_problem(step)
        if found is None:
            query = self._query._replace(root=And((self._query.root, _PROBLEM.root)))
            self.bridge.once(lambda source: source.run_keys(query), partial(self._to_one_of, step), is_slow=True)
        else:
            self._follow(has_moved=found)

    def _to_one_of(self, step: int, keys: Sequence[int]) -> None:
        self.sync()
        self._follow(has_moved=self.runs.next_of(frozenset(keys), step))

    def _follow(self, *, has_moved: bool) -> None:
        if has_moved:
            self.rows.move_to(self.runs.place)
        else:
            self.say("no other run here failed", "quiet")

    def unmark(self, targets: Sequence[Target]) -> None:
        self.runs.unmark(frozenset(each.run_id for each in targets))
        self.show_rows()

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
            offered = [each for each in self.bindings if each.id in _OF_MARKED and self.can_run(each)]
            keys = [
                span
                for each in offered
                for span in ((f"  {shown_key(each.keys[0])}", "accent"), (f" {_OF_MARKED[each.id]}", ""))
            ]
            shown = len(self.runs.rows)
            more = f"* marks all {grouped(shown)}" if marks < shown else ""
            undo = self.flowctl.asked.undo_text
            right = ((f"{undo} ", "accent"),) if undo else ((f"{more}   esc clears ", "quiet"),)
            return ((f" {grouped(marks)} marked:", "mark"), *keys), right
        return super().note_line()

    def can_run(self, binding: Binding) -> bool:
        if not self.runs.rows and (binding.group in ("Act", "Mark") or binding.id in _OF_ROWS):
            return False
        return super().can_run(binding)

    def chosen_runs(self) -> tuple[Target, ...]:
        row = self.rows.row
        return self.runs.kinds() if self.runs.marks else (target_of(row),) if isinstance(row, ListedRun) else ()
