"""Which tasks a run's duration hangs on: from the one that ended last, back by whatever each had to wait for; pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime

from flowctl.store.records import TaskRunRow

#: Of runs larger than this it is not worked out: it is asked for at each change.
MOST_TASKS = 3000


def critical_path(tasks: Iterable[TaskRunRow]) -> frozenset[str]:
    """Give the ids of the task runs on the path; none of a run that has no task that began, or far too many."""
    begun = [task for task in tasks if task.started_at is not None]
    if not 1 < len(begun) <= MOST_TASKS:
        return frozenset()
    by_id = {task.id: task for task in begun}
    ended = sorted((task for task in begun if task.ended_at is not None), key=_end)
    ends = [_end(task) for task in ended]
    running = [task for task in begun if task.ended_at is None]
    # What is still at work holds the run up; of several, what began first.
    here: TaskRunRow | None = min(running, key=_start) if running else ended[-1]
    path: set[str] = set()
    while here is not None and here.id not in path:
        path.add(here.id)
        waited = [by_id[id_] for ids in here.upstreams.values() for id_ in ids if id_ in by_id]
        before = [task for task in waited if task.ended_at is not None]
        if before:
            here = max(before, key=_end)
        else:
            # Nothing was handed on: in a flow that calls one task after the other, the one before held it up.
            place = bisect_right(ends, _start(here))
            here = ended[place - 1] if place else None
    return frozenset(path)


def _start(task: TaskRunRow) -> datetime:
    assert task.started_at is not None  # only those that began are looked at
    return task.started_at


def _end(task: TaskRunRow) -> datetime:
    assert task.ended_at is not None  # only those that ended are asked
    return task.ended_at
