"""A list that a line of text filters: its order, its problems alone, the walk from one problem to the next."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from textual import on

from flowctl.tui.model.filtered import fits, next_place
from flowctl.tui.model.keys import Binding
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.rows import RowPane

T = TypeVar("T")


class FilteredList(View, Generic[T]):
    """What such a list has in common; what its rows are is up to each."""

    #: What can be typed into its line.
    FILTER_HINT: ClassVar[str] = ""
    #: What is said where no row is a problem.
    ALL_WELL: ClassVar[str] = ""
    #: Order -> what it compares; what compares alike stays in the order in which it was read.
    SORTS: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}  # what sorts is text or a number
    #: The heading of a column -> the order that a click on it asks for.
    HEADINGS: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.typed = ""
        self.has_problems_only = False
        self.sort = next(iter(self.SORTS))
        self.is_reversed = False
        #: The row that the cursor is to go to.
        self._wanted: Hashable | None = None

    @property
    def rows(self) -> RowPane[T]:
        """The list."""
        raise NotImplementedError

    def words_of(self, row: T) -> str:
        """Give what a row is found by."""
        raise NotImplementedError

    def is_problem(self, row: T) -> bool:
        """Tell whether somebody should look at a row."""
        raise NotImplementedError

    def show_rows(self) -> None:
        """Show the rows as they are now."""
        raise NotImplementedError

    def wants(self, key: Hashable) -> None:
        """Put the cursor on a row, as soon as it is listed."""
        self._wanted = key
        self.typed, self.has_problems_only = "", False
        if self.stands:
            self.show_rows()

    def put(self, rows: Iterable[T]) -> None:
        """List the rows that are let through."""
        self.rows.put(self.listed(rows))
        if self._wanted is not None and self.rows.move_to_key(self._wanted):
            self._wanted = None

    def listed(self, rows: Iterable[T]) -> list[T]:
        """Give the rows that are let through, in order."""
        shown = [
            row
            for row in rows
            if fits(self.words_of(row), self.typed) and (not self.has_problems_only or self.is_problem(row))
        ]
        shown.sort(key=self.SORTS[self.sort], reverse=self.is_reversed)
        return shown

    @property
    def order(self) -> str:
        """How the rows are ordered, in words."""
        return f"sort {self.sort} {'▴' if self.is_reversed else '▾'}"

    def action_find_search(self) -> None:
        before = self.typed
        self.type_into(
            "#note",
            before,
            placeholder=self.FILTER_HINT,
            typed=self._filter,
            dropped=lambda: self._filter(before),
        )

    def _filter(self, text: str) -> None:
        self.typed = text
        self.show_rows()

    def clear_something(self) -> bool:
        if not (self.typed or self.has_problems_only):
            return False
        self.typed, self.has_problems_only = "", False
        self.show_rows()
        return True

    def action_find_problems(self) -> None:
        self.has_problems_only = not self.has_problems_only
        self.show_rows()

    def action_find_sort(self) -> None:
        names = list(self.SORTS)
        self._sort_by(names[(names.index(self.sort) + 1) % len(names)], is_reversed=self.is_reversed)

    def action_find_reverse(self) -> None:
        self._sort_by(self.sort, is_reversed=not self.is_reversed)

    @on(RowPane.HeadingClicked, "#main")
    def _on_heading(self, event: RowPane.HeadingClicked) -> None:
        """Sort by a column; the same one again turns it around."""
        sort = next((sort for word, sort in self.HEADINGS.items() if event.heading.startswith(word)), None)
        if sort is not None:
            self._sort_by(sort, is_reversed=sort == self.sort and not self.is_reversed)

    def _sort_by(self, sort: str, *, is_reversed: bool) -> None:
        self.sort, self.is_reversed = sort, is_reversed
        self.show_rows()

    def action_move_next_problem(self) -> None:
        self._to_problem(1)

    def action_move_previous_problem(self) -> None:
        self._to_problem(-1)

    def _to_problem(self, step: int) -> None:
        rows = self.rows
        place = next_place(rows.rows, rows.place, step, self.is_problem)
        if place is None:
            self.say(self.ALL_WELL, "quiet")
        else:
            rows.move_to(place)

    def can_run(self, binding: Binding) -> bool:
        return bool(self.rows.rows) or (binding.group not in ("Act", "Mark") and binding.id != "move.open")
