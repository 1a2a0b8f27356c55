"""The list of runs as a state machine: rows by id, a cursor that never moves by itself, marks, the next problem.

How a row is drawn stands in `runs_lines`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from flowctl.tui.model.completion import Vocabulary
from flowctl.tui.model.glyphs import OPEN, PROBLEMS, word_of
from flowctl.tui.model.snapshots import ListedRun, RunsPage

_AT_WORK: Final = frozenset({"running", "retrying", "paused", "cancelling"})
SORTS: Final = ("age", "state", "flow", "took", "name")
#: The heading of a column -> the order that goes by it.
HEADINGS: Final = {"STATE": "state", "FLOW": "flow", "RUN": "name", "TIME": "took", "WHEN": "age"}


class Target(NamedTuple):
    """What an action is about, frozen when it was asked for: later changes can neither add to it nor redirect it."""

    run_id: str
    #: The state that whoever asked saw.
    state_version: int
    name: str
    flow_name: str
    word: str
    started_at: datetime | None = None
    #: Some of its tasks wait for their next try.
    awaits_retry: bool = False

    @property
    def is_final(self) -> bool:
        return self.word not in OPEN

    @property
    def is_at_work(self) -> bool:
        """Whether a process carries it out."""
        return self.word in _AT_WORK


class RunList:
    """Runs that fit a query, a window of them, and what the user did to the list."""

    def __init__(self) -> None:
        self.rows: list[ListedRun] = []
        self.typical: Mapping[str, float] = {}
        #: Id of the row that the cursor is on; None: the list is empty.
        self.cursor: str | None = None
        self.marks: dict[str, Target] = {}
        self.sort: str = "age"
        self.is_reversed = False
        self._indices: dict[str, int] = {}
        self._anchor: str | None = None

    def update(self, page: RunsPage, *, more: Sequence[RunsPage] = ()) -> frozenset[str]:
        """Take in what was read; return the ids of rows that look different. The cursor stays on its run.

        Where that is gone, the cursor goes to the one that is now in its place. Marks of runs that are gone go.
        """
        before = {row.id: row for row in self.rows}
        at = self._indices.get(self.cursor or "", 0)
        seen: dict[str, ListedRun] = {}
        for each in (page, *more):
            for row in each.rows:
                # A run that ended between two pages stands on both.
                seen.setdefault(row.id, row)
        typical_before, self.typical = self.typical, page.typical
        self._arrange(seen.values())
        if not self.rows:
            self.cursor = None
        elif self.cursor not in self._indices:
            self.cursor = self.rows[min(at, len(self.rows) - 1)].id
        changed = {
            id_
            for id_, row in seen.items()
            if before.get(id_) != row or typical_before.get(row.run.flow_name) != self.typical.get(row.run.flow_name)
        }
        return frozenset(changed)

    def sort_by(self, sort: str, *, is_reversed: bool = False) -> None:
        """Put the rows in another order; the cursor stays on its run."""
        self.sort, self.is_reversed = sort, is_reversed
        self._arrange(self.rows)

    def row(self, id_: str | None = None) -> ListedRun | None:
        """Give a row, or the one that the cursor is on."""
        index = self._indices.get((self.cursor if id_ is None else id_) or "")
        return None if index is None else self.rows[index]

    def index(self, id_: str | None = None) -> int:
        """Tell where a row is, or the cursor; 0 where it is nowhere."""
        return self._indices.get((self.cursor if id_ is None else id_) or "", 0)

    def move(self, by: int) -> None:
        """Move the cursor by some rows; it stops at the ends."""
        self.move_to(self.index() + by)

    def move_to(self, index: int) -> None:
        """Put the cursor on a row by its place; -1 is the last one."""
        if self.rows:
            last = len(self.rows) - 1
            self.cursor = self.rows[last if index == -1 and not self.index() else min(max(index, 0), last)].id

    def select(self, id_: str) -> bool:
        """Put the cursor on a run; False where it is not in the list."""
        if id_ not in self._indices:
            return False
        self.cursor = id_
        return True

    def next_problem(self, step: int = 1) -> bool:
        """Put the cursor on the next (-1: the previous) run that failed or crashed, beyond the end too."""
        count, here = len(self.rows), self.index()
        for distance in range(1, count + 1):
            row = self.rows[(here + step * distance) % count]
            if word_of(row.run.state_type, row.run.state_name) in PROBLEMS:
                moved = row.id != self.cursor
                self.cursor = row.id
                return moved
        return False

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away; the cursor goes down."""
        row = self.row()
        if row is None:
            return
        if row.id in self.marks:
            del self.marks[row.id]
        else:
            self.marks[row.id] = target_of(row)
        self._anchor = row.id
        self.move(1)

    def mark_range(self) -> None:
        """Mark everything from the row that was marked last to the cursor."""
        anchor = self._anchor if self._anchor in self._indices else self.cursor
        if anchor is None:
            return
        first, last = sorted((self.index(anchor), self.index()))
        for row in self.rows[first : last + 1]:
            self.marks[row.id] = target_of(row)
        self._anchor = self.cursor

    def mark_all(self) -> None:
        """Mark all rows that are here; where all are marked, none."""
        if all(row.id in self.marks for row in self.rows):
            self.clear_marks()
        else:
            self.marks.update((row.id, target_of(row)) for row in self.rows)

    def clear_marks(self) -> bool:
        """Take all marks away; False where there were none."""
        had = bool(self.marks)
        self.marks.clear()
        self._anchor = None
        return had

    def targets(self) -> tuple[Target, ...]:
        """Give what an action is about: the marked runs, else the one under the cursor. It never changes afterwards."""
        if self.marks:
            # In the order in which they stand; those that are filtered away come last.
            return tuple(sorted(self.marks.values(), key=lambda each: self._indices.get(each.run_id, len(self.rows))))
        row = self.row()
        return () if row is None else (target_of(row),)

    def refresh_marks(self) -> None:
        """Let the marks know the states that are shown now: when a dialog opens, not later."""
        for id_ in self.marks:
            row = self.row(id_)
            if row is not None:
                self.marks[id_] = target_of(row)

    def _arrange(self, rows: Iterable[ListedRun]) -> None:
        ordered = sorted(rows, key=lambda row: (-row.run.created_at.timestamp(), -row.key))
        match self.sort:
            case "state":
                ordered.sort(key=lambda row: _URGENCY.get(word_of(row.run.state_type, row.run.state_name), 9))
            case "flow":
                ordered.sort(key=lambda row: row.run.flow_name.lower())
            case "name":
                ordered.sort(key=lambda row: row.run.name.lower())
            case "took":
                ordered.sort(key=_took_order)
            case _:
                pass
        if self.is_reversed:
            ordered.reverse()
        if self.sort == "age":
            # What has not ended stands first in both directions: it is what one looks for.
            ordered.sort(key=lambda row: row.run.is_final)
        self.rows = ordered
        self._indices = {row.id: index for index, row in enumerate(ordered)}


_URGENCY: Final = {
    "crashed": 0,
    "failed": 0,
    "retrying": 1,
    "paused": 2,
    "running": 3,
    "cancelling": 3,
    "queued": 4,
    "scheduled": 5,
    "cancelled": 6,
}


def _took_order(row: ListedRun) -> float:
    """The longest first; what has not ended yet before that, what never began at the end."""
    run = row.run
    if run.started_at is None:
        return float("inf")
    return float("-inf") if run.ended_at is None else -(run.ended_at - run.started_at).total_seconds()


def vocabulary_of(rows: Sequence[ListedRun], flows: Iterable[str]) -> Vocabulary:
    """Say which flows, tags, parameters and so on some runs have, to ask for."""
    runs = [row.run for row in rows]
    return Vocabulary(
        flows=tuple(sorted({*flows, *(run.flow_name for run in runs)})),
        tags=tuple(sorted({tag for run in runs for tag in run.tags})),
        parameters=tuple(sorted({name for run in runs for name in run.parameters})),
        deployments=tuple(sorted({run.deployment for run in runs if run.deployment})),
        names=tuple(run.name for run in runs),
    )


def target_of(row: ListedRun) -> Target:
    """Freeze what an action on a row is about."""
    run = row.run
    return Target(
        run.id,
        run.state_version,
        run.name,
        run.flow_name,
        word_of(run.state_type, run.state_name),
        run.started_at,
        row.retry_at is not None and not run.is_final,
    )
