"""Rows of a waterfall: one for each run, and one for each group of runs that are folded together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from flowctl.store.records import FlowRunRow, TaskRunRow
from flowctl.store.states import StateType
from flowctl.tui.model.glyphs import OPEN, PROBLEMS, task_word_of, word_of

Kind = Literal["flow", "group", "task"]

#: The word of a group is the first of these that one of its members has.
_WORD_OF_GROUP: Final = (
    "running",
    "cancelling",
    "retrying",
    "paused",
    "crashed",
    "failed",
    "queued",
    "scheduled",
    "waiting",
    "cancelled",
    "blocked",
    "completed",
    "cached",
    "skipped",
)
_PLACE: Final = {word: place for place, word in enumerate(_WORD_OF_GROUP)}
#: Shared by all rows with nothing below them: 20,000 empty lists cost a fifth of the time to make the rows.
_NOTHING: Final[list[Node]] = []
#: Name of a state -> its type and word when it was last met: a lookup that hashes no enum.
_met: dict[str, tuple[StateType, str]] = {}


class Node:
    """One row; only its `Waterfall` changes it."""

    __slots__ = ("children", "flow", "id", "kind", "name", "parent", "task", "version", "word")

    def __init__(self, id_: str, kind: Kind, name: str) -> None:
        #: Stays the same as long as the run is shown.
        self.id = id_
        self.kind: Kind = kind
        self.name = name
        self.word = "waiting"
        #: Goes up whenever the row looks different, apart from what the clock does to it.
        self.version = 0
        self.task: TaskRunRow | None = None
        self.flow: FlowRunRow | None = None
        self.parent: Node | None = None
        #: Only read; `add` adds.
        self.children: list[Node] = _NOTHING

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} {self.word}>"

    @property
    def run(self) -> TaskRunRow | FlowRunRow | None:
        return self.task if self.task is not None else self.flow

    @property
    def started_at(self) -> datetime | None:
        return None if self.run is None else self.run.started_at

    @property
    def ended_at(self) -> datetime | None:
        return None if self.run is None else self.run.ended_at

    @property
    def due_at(self) -> datetime | None:
        return None if self.run is None else self.run.due_at

    @property
    def is_live(self) -> bool:
        """Whether the clock alone changes how it looks."""
        return self.word in OPEN and (self.started_at is not None or self.due_at is not None)

    @property
    def is_problem(self) -> bool:
        return self.kind != "group" and self.word in PROBLEMS

    @property
    def depth(self) -> int:
        """How many rows it hangs under."""
        depth, node = 0, self.parent
        while node is not None:
            depth, node = depth + 1, node.parent
        return depth

    @property
    def task_numbers(self) -> list[int]:
        """Numbers of the task runs that it stands for: to show their part of the log."""
        numbers: list[int] = []
        stack: list[Node] = [self]
        while stack:
            node = stack.pop()
            if node.task is not None:
                numbers.append(node.task.number)
            stack.extend(node.children)
        return sorted(numbers)

    def clear(self) -> None:
        """Hold nothing any more."""
        self.task = self.flow = self.parent = None
        self.children = _NOTHING

    def add(self, child: Node) -> None:
        """Hang a row under this one."""
        child.parent = self
        if self.children is _NOTHING:
            self.children = [child]
            # From now on it can be folded.
            self.version += 1
        else:
            self.children.append(child)


class Group(Node):
    """Runs of one task, or of one flow, under one parent."""

    __slots__ = ("counts", "first_start", "is_mapped", "last_end", "last_index")

    def __init__(self, id_: str, name: str, *, is_mapped: bool) -> None:
        super().__init__(id_, "group", name)
        self.is_mapped = is_mapped
        #: Of the last member, as `map` counted it.
        self.last_index = -1
        #: Word -> members.
        self.counts: dict[str, int] = {}
        self.first_start: datetime | None = None
        self.last_end: datetime | None = None

    @property
    def started_at(self) -> datetime | None:
        return self.first_start

    @property
    def ended_at(self) -> datetime | None:
        return None if self.word in OPEN else self.last_end

    @property
    def due_at(self) -> datetime | None:
        """The next try of those that wait for one, where no member is at work."""
        if self.word != "retrying":
            return None
        due = [child.due_at for child in self.children if child.due_at is not None]
        return min(due, default=None)

    def take(self, members: Sequence[Node]) -> None:
        """Take rows in, in their order."""
        if self.children is _NOTHING:
            self.children = []
        self.children.extend(members)
        for member in members:
            member.parent = self
            self.count(member, None)

    def count(self, member: Node, word_before: str | None) -> None:
        """Take in that a member is new, or changed."""
        counts, word = self.counts, member.word
        if word_before is not None:
            counts[word_before] -= 1
        counts[word] = counts.get(word, 0) + 1
        run = member.run
        if run is not None:
            if run.started_at is not None and (self.first_start is None or run.started_at < self.first_start):
                self.first_start = run.started_at
            if run.ended_at is not None and (self.last_end is None or run.ended_at > self.last_end):
                self.last_end = run.ended_at
        if len(counts) == 1 or _PLACE[word] < _PLACE[self.word]:
            self.word = word
        elif not counts.get(self.word):
            self.word = next(word for word in _WORD_OF_GROUP if counts.get(word))
        self.version += 1


def task_node(row: TaskRunRow) -> Node:
    """Make the row of a task run."""
    node = Node(row.id, "task", row.task_name)
    node.task = row
    node.word = word_of_task(row)
    return node


def flow_node(row: FlowRunRow) -> Node:
    """Make the row of a flow run."""
    node = Node(row.id, "flow", row.flow_name)
    node.flow = row
    node.word = word_of(row.state_type, row.state_name)
    return node


def word_of_task(row: TaskRunRow) -> str:
    """Give the word of a task run's state."""
    met = _met.get(row.state_name)
    if met is not None and met[0] is row.state_type:
        return met[1]
    if len(_met) > 1000:
        _met.clear()
    word = task_word_of(row.state_type, row.state_name)
    _met[row.state_name] = (row.state_type, word)
    return word
