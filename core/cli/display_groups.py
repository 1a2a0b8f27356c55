"""Runs of one task or flow, folded into one: the nodes of the tree that a display shows.

The tree is as large as the program, not as the run: what the runs of a group call hangs under that group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flowctl.core.cli.display_problems import Problem
from flowctl.core.cli.display_words import PROBLEMS
from flowctl.store.journal import default_run_name

#: Problems of one group that are kept with their errors.
MOST_PROBLEMS: Final = 3
#: Subflow runs of one flow that get a group of their own; the rest share one.
_OWN_GROUPS: Final = 6
#: Groups below one parent; what comes later under new names shares one.
_MOST_GROUPS: Final = 400


class Group:
    """The runs of one task or flow under one parent, folded: counts, times, the first problems."""

    __slots__ = (
        "children",
        "counts",
        "ended_at",
        "is_flow",
        "is_mapped",
        "key",
        "name",
        "open",
        "parent",
        "problems",
        "run_name",
        "runs",
        "started_at",
        "total",
        "waiting",
    )

    def __init__(self, parent: Group | None, key: object, name: str, *, is_flow: bool) -> None:
        self.parent = parent
        self.key = key
        self.name = name
        self.is_flow = is_flow
        #: True: made by `map`, so that more are to come.
        self.is_mapped = False
        #: Name of the first run; it is shown while it is the only one.
        self.run_name = ""
        self.total = 0
        self.open = 0
        self.counts: dict[str, int] = {}
        #: Microseconds since the epoch; 0 before.
        self.started_at = 0
        self.ended_at = 0
        self.children: dict[object, Group] = {}
        #: Open runs that wait for their next attempt.
        self.waiting: dict[int, Run] = {}
        self.problems: list[Problem] = []
        #: How many subflow runs of each flow were made below.
        self.runs: dict[str, int] | None = None

    def enter(self, run: Run) -> None:
        """Count a run that was just made."""
        if not self.total:
            self.run_name = run.run_name
        self.total += 1
        self.open += 1
        self.counts["queued"] = self.counts.get("queued", 0) + 1

    @property
    def word(self) -> str:
        """The state of the whole: of open ones the liveliest, else the worst."""
        counts = self.counts
        if self.open:
            return next(word for word in ("running", "retrying", "paused", "queued") if counts.get(word))
        for word in ("crashed", "failed", "cancelled", "blocked", "completed", "cached"):
            if counts.get(word):
                return word
        return "queued"

    @property
    def problem_count(self) -> int:
        return sum(self.counts.get(word, 0) for word in PROBLEMS)

    @property
    def done(self) -> int:
        return self.total - self.open

    def elapsed_s(self, now: float) -> float | None:
        """Seconds from the first start to the last end, or to now; None before the first start."""
        if not self.started_at:
            return None
        end = now if self.open else self.ended_at / 1_000_000
        return max(end - self.started_at / 1_000_000, 0.0)


class Run:
    """One open task run or flow run."""

    __slots__ = ("due", "group", "message", "name", "number", "retries", "run_count", "started_at", "word")

    def __init__(self, group: Group, number: int, name: str | None) -> None:
        self.group = group
        self.number = number
        #: None: the default name.
        self.name = name
        self.word = "queued"
        self.started_at = 0
        self.run_count = 0
        self.due = 0
        #: Most retries, once it is known.
        self.retries = 0
        self.message = ""

    @property
    def run_name(self) -> str:
        return self.name or default_run_name(self.group.name, self.number)


def problems_below(group: Group) -> Iterator[Problem]:
    """Give the kept problems of all groups under one, its own left out."""
    for child in group.children.values():
        yield from child.problems
        yield from problems_below(child)


def group_for_task(parent: Group, task_key: str, task_name: str) -> Group:
    key = (task_key, task_name)
    found = parent.children.get(key) or _recursion(parent, key)
    if found is not None:
        return found
    if len(parent.children) >= _MOST_GROUPS:
        return _last_group(parent, is_flow=False)
    group = parent.children[key] = Group(parent, key, task_name, is_flow=False)
    return group


def group_for_flow(parent: Group, flow_name: str) -> Group:
    if (found := _recursion(parent, flow_name)) is not None:
        return found
    if parent.runs is None:
        parent.runs = {}
    if len(parent.children) >= _MOST_GROUPS and flow_name not in parent.runs:
        return _last_group(parent, is_flow=True)
    made = parent.runs[flow_name] = parent.runs.get(flow_name, 0) + 1
    slot = (flow_name, min(made, _OWN_GROUPS + 1))
    found = parent.children.get(slot)
    if found is None:
        found = parent.children[slot] = Group(parent, flow_name, flow_name, is_flow=True)
    return found


def _recursion(parent: Group, key: object) -> Group | None:
    """Find the group among those above: what calls itself is folded into its first appearance."""
    above: Group | None = parent
    while above is not None:
        if above.key == key:
            return above
        above = above.parent
    return None


def _last_group(parent: Group, *, is_flow: bool) -> Group:
    group = parent.children.get("others")
    if group is None:
        group = parent.children["others"] = Group(parent, "others", "other tasks", is_flow=is_flow)
    return group
