"""Limits on tags: how many task runs with a tag run at once, in all processes together; a try holds a slot of each.

Who waits takes no thread: it sleeps as a retry does. Within a process those who wait stand in line, and only the first
looks at the slots; whoever lets go of one wakes it. Whoever is called in the body of a holder, or in a flow run that
the daemon started with the tag, is lent the slot of that one, since waiting for it would be waiting for oneself.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flowctl.core.authoring.states import State
from flowctl.core.engine.pen import advance_task
from flowctl.core.engine.slots import take_slot
from flowctl.core.engine.waits import Sleep, Wait
from flowctl.store.limits import limits_path
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import TaskRun
    from flowctl.core.engine.root import RootRun

#: The first in line looks whether another process let go of a slot: after so long, then less and less often.
_FIRST_LOOK_S: Final = 0.005
_MOST_LOOK_S: Final = 0.1
#: The others are woken; should that once be missed, they see for themselves.
_IN_LINE_S: Final = 1.0


class _Slot(NamedTuple):
    """What a task run holds of one limit."""

    name: str
    #: The file that is locked; None where the slot is lent.
    descriptor: int | None
    lender: TaskRun | RootRun | None


_held: Final[dict[TaskRun, list[_Slot]]] = {}
#: Who has lent its slot of which limit, and to whom.
_lent: Final[dict[tuple[Any, str], TaskRun]] = {}
#: Limit -> who waits for a slot of it, in the order of their coming.
_lines: Final[dict[str, deque[TaskRun]]] = {}
_known: tuple[tuple[str, int, int], dict[str, int]] | None = None


def awaited(run: TaskRun) -> Generator[Wait, Any, None]:
    """Wait until the run holds a slot of every limit on its tags, or is not to start any more."""
    root = run.flow_run.root
    names = _limits_of(run)
    if not names or (not any(_lines.get(name) for name in names) and _took(run, names)):
        return
    said = ", ".join(f"{name} ({count})" for name, count in names.items())
    message = f"Waits for a slot of the limit {said}."
    advance_task(run, State(StateType.PENDING, "AwaitingConcurrencySlot", message, at=root.clock()))
    stood_for = list(names)
    for name in stood_for:
        _lines.setdefault(name, deque()).append(run)
    root.waiting[run.number] = run
    pause_s = _FIRST_LOOK_S
    try:
        while not _is_off(run):
            names = _limits_of(run)
            is_first = all(_lines[name][0] is run for name in stood_for)
            if is_first and _took(run, names):
                return
            yield Sleep(run, pause_s if is_first else _IN_LINE_S)
            pause_s = min(pause_s * 1.5, _MOST_LOOK_S) if is_first else pause_s
    finally:
        root.waiting.pop(run.number, None)
        for name in stood_for:
            _lines[name].remove(run)
        _wake_first(stood_for)


def let_go(run: TaskRun) -> None:
    """Give back the slots of a run, if it has any."""
    held = _held.pop(run, None)
    if held is None:
        return
    for slot in held:
        _free(slot)
    _wake_first([slot.name for slot in held])


def _limits_of(run: TaskRun) -> dict[str, int]:
    """Give the limits on the tags of a run, by name; always in one order, so that no two wait for each other."""
    limits = _limits(limits_path(run.flow_run.root.home.path))
    return {name: limits[name] for name in sorted(f"tag:{tag}" for tag in run.tags) if name in limits} if limits else {}


def _limits(path: str) -> dict[str, int]:
    """Read the limits that there are; anew whenever they have changed."""
    global _known
    try:
        seen = os.stat(path)
    except OSError:
        return {}
    mark = (path, seen.st_mtime_ns, seen.st_ino)
    if _known is None or _known[0] != mark:
        import json

        try:
            with open(path, encoding="utf-8") as file:
                _known = (mark, json.load(file))
        except (OSError, ValueError):
            return {}
    return _known[1]


def _took(run: TaskRun, names: dict[str, int]) -> bool:
    """Take a slot of each, or none."""
    held: list[_Slot] = []
    for name, count in names.items():
        lender = next(_lenders(run, name), None)
        if lender is not None and _lent.setdefault((lender, name), run) is run:
            held.append(_Slot(name, None, lender))
            continue
        descriptor = take_slot(run.flow_run.root.home.path, name, count)
        if descriptor is None:
            for slot in held:
                _free(slot)
            return False
        held.append(_Slot(name, descriptor, None))
    if held:
        _held[run] = held
    return True


def _lenders(run: TaskRun, name: str) -> Iterator[TaskRun | RootRun]:
    """Find who around a run holds a slot of a limit, the nearest first."""
    around = run.parent or run.flow_run.parent_task
    while around is not None:
        if any(slot.name == name for slot in _held.get(around, ())):
            yield around
        around = around.parent or around.flow_run.parent_task
    if name in run.flow_run.root.slots:
        yield run.flow_run.root


def _free(slot: _Slot) -> None:
    if slot.descriptor is None:
        _lent.pop((slot.lender, slot.name), None)
        return
    import fcntl

    # By name: a process that was forked meanwhile may have the file open too.
    fcntl.flock(slot.descriptor, fcntl.LOCK_UN)
    os.close(slot.descriptor)


def _wake_first(names: list[str]) -> None:
    for name in names:
        line = _lines.get(name)
        try:
            wake = line[0].wake if line else None
            if wake is not None:
                wake()
        except (IndexError, RuntimeError):
            continue  # it left the line, or its time came, at this moment


def _is_off(run: TaskRun) -> bool:
    root = run.flow_run.root
    is_skipped = root.wishes is not None and run.number in root.wishes.skipped
    return root.cancelled is not None or run.flow_run.is_over or is_skipped


def _leave_to_parent() -> None:
    for held in _held.values():
        for slot in held:
            if slot.descriptor is not None:
                os.close(slot.descriptor)
    for each in (_held, _lent, _lines):
        each.clear()


os.register_at_fork(after_in_child=_leave_to_parent)
