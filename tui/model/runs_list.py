"""The list of runs as a state machine: rows by key, a cursor that never moves by itself, marks, the next problem.

How a row is drawn stands in `runs_lines`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from flowctl.tui.model.completion import Vocabulary
from flowctl.tui.model.glyphs import OPEN, PROBLEMS, word_of
from flowctl.tui.model.run_rows import RunRows, Unread, joined
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
    def kind(self) -> tuple[str, bool]:
        """What decides which actions make sense for it."""
        return self.word, self.awaits_retry

    @property
    def is_final(self) -> bool:
        return self.word not in OPEN

    @property
    def is_at_work(self) -> bool:
        """Whether a process carries it out."""
        return self.word in _AT_WORK


class RunList:
    """Runs that fit a query, of which some are read, and what the user did to the list."""

    def __init__(self) -> None:
        self.rows = RunRows()
        self.typical: Mapping[str, float] = {}
        #: Key of the row that the cursor is on; None: the list is empty.
        self.cursor: int | None = None
        self.marks: dict[int, Target] = {}
        self.sort: str = "age"
        self.is_reversed = False
        #: Whether the list holds all runs that fit, not only its head.
        self.is_whole = False
        self._place = 0
        self._anchor: int | None = None
        self._head: Sequence[int] | None = None
        self._has_more = True
        self._whole: Sequence[int] | None = None
        self._kinds: tuple[Target, ...] | None = None

    def update(self, page: RunsPage) -> None:
        """Take in what was read. The cursor stays on its run; where that is gone, on the one now in its place."""
        has_moved = page.head is not None and (page.head, page.has_more) != (self._head, self._has_more)
        self._head, self._has_more, self.typical = page.head, page.has_more, page.typical
        before = self.rows.known
        # One that is as it was stays the same object, which is drawn already.
        known = {row.key: before[row.key] if before.get(row.key) == row else row for row in page.rows}
        self.rows = RunRows(self.rows.keys, known)
        if has_moved:
            self._arrange()

    def take_keys(self, keys: Sequence[int]) -> None:
        """Take in which runs fit, all of them and in their order."""
        self._whole = keys
        self._arrange()

    def expect(self) -> None:
        """Another query or order is in force: what is listed stays until what fits that is known."""
        self._head = self._whole = None
        self._has_more, self.is_whole = True, False

    def is_in_head(self, end: int) -> bool:
        """Tell whether all rows before a place are of the head, or of a list that is no longer than that."""
        return self._head is not None and min(end, len(self.rows)) <= len(self._head)

    def row(self, key: int | None = None) -> ListedRun | None:
        """Give a row, or the one that the cursor is on; None where it is not read."""
        key = self.cursor if key is None else key
        return None if key is None else self.rows.known.get(key)

    @property
    def place(self) -> int:
        """Where the cursor is."""
        return self._place

    def move(self, by: int) -> None:
        """Move the cursor by some rows; it stops at the ends."""
        if self.rows:
            self._place = min(max(self._place + by, 0), len(self.rows) - 1)
            self.cursor = self.rows.keys[self._place]

    def select(self, key: int) -> bool:
        """Put the cursor on a run; False where it is not in the list."""
        place = self.rows.place_of(key, self._place)
        if place is None:
            return False
        self.cursor, self._place = key, place
        return True

    def next_problem(self, step: int = 1) -> bool | None:
        """Put the cursor on the next (-1: the previous) run that failed or crashed, beyond the end too.

        None: to know which one that is, more has to be read.
        """
        count, here = len(self.rows), self._place
        for distance in range(1, count + 1):
            row = self.rows[(here + step * distance) % count]
            if isinstance(row, Unread):
                return None
            if word_of(row.run.state_type, row.run.state_name) in PROBLEMS:
                return self._go_to((here + step * distance) % count)
        return False

    def next_of(self, keys: Container[int], step: int) -> bool:
        """Put the cursor on the next of some runs, beyond the end too."""
        every, count, here = self.rows.keys, len(self.rows), self._place
        places = ((here + step * distance) % count for distance in range(1, count + 1))
        place = next((place for place in places if every[place] in keys), None)
        return place is not None and self._go_to(place)

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away; the cursor goes down."""
        row = self.row()
        if row is None:
            return
        if row.key in self.marks:
            del self.marks[row.key]
        else:
            self.marks[row.key] = target_of(row)
        self._kinds = None
        self._anchor = row.key
        self.move(1)

    def range_keys(self) -> Sequence[int]:
        """Give the runs from the row that was marked last to the cursor, which the next range goes on from."""
        anchor = None if self._anchor is None else self.rows.place_of(self._anchor)
        first, last = sorted((self._place if anchor is None else anchor, self._place))
        self._anchor = self.cursor
        return self.rows.keys[first : last + 1]

    def mark(self, targets: Mapping[int, Target]) -> None:
        """Mark some runs as they stood."""
        self.marks.update(targets)
        self._kinds = None

    def unmark(self, run_ids: Container[str]) -> None:
        """Take the marks of some runs away."""
        self.marks = {key: each for key, each in self.marks.items() if each.run_id not in run_ids}
        self._kinds = None

    def targets_at(self, keys: Sequence[int]) -> dict[int, Target] | None:
        """Freeze what is listed of some runs; None where not all of them are read."""
        known = self.rows.known
        if len(keys) > len(known) or not all(key in known for key in keys):
            return None
        return {key: target_of(known[key]) for key in keys}

    @property
    def is_all_marked(self) -> bool:
        """Whether every row of the list is marked."""
        return len(self.marks) >= len(self.rows) and all(key in self.marks for key in self.rows.keys)

    def clear_marks(self) -> bool:
        """Take all marks away; False where there were none."""
        had = bool(self.marks)
        self.marks = {}
        self._anchor = self._kinds = None
        return had

    def targets(self) -> tuple[Target, ...]:
        """Give what an action is about: the marked runs, else the one under the cursor. It never changes afterwards."""
        if self.marks:
            return tuple(self.marks.values())
        row = self.row()
        return () if row is None else (target_of(row),)

    def kinds(self) -> tuple[Target, ...]:
        """Give one of each kind of what an action is about: however many are marked, they can be told by these."""
        if not self.marks:
            return self.targets()
        if self._kinds is None:
            self._kinds = tuple({each.kind: each for each in self.marks.values()}.values())
        return self._kinds

    def refresh_marks(self) -> None:
        """Let the marks know the states that are shown now: when a dialog opens, not later."""
        for key, row in self.rows.known.items():
            if key in self.marks:
                self.marks[key] = target_of(row)
        self._kinds = None

    def _go_to(self, place: int) -> bool:
        has_moved = self.rows.keys[place] != self.cursor
        self._place, self.cursor = place, self.rows.keys[place]
        return has_moved

    def _arrange(self) -> None:
        head, whole = self._head, self._whole
        if head is not None and not self._has_more:
            keys = head
        elif whole is None:
            if head is None:
                return  # nothing is known yet of what is asked for now
            keys = head
        else:
            keys = whole if head is None else joined(head, whole)
        self.is_whole = whole is not None or not self._has_more
        self.rows = RunRows(keys, self.rows.known)
        place = None if self.cursor is None else self.rows.place_of(self.cursor, self._place)
        self._place = min(self._place, max(0, len(keys) - 1)) if place is None else place
        self.cursor = keys[self._place] if keys else None


def vocabulary_of(rows: Iterable[ListedRun], flows: Iterable[str]) -> Vocabulary:
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
