"""Which actions the footer offers for what is chosen: those that the daemon would not refuse; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flowctl.store.records import TaskRunRow
from flowctl.store.states import StateType
from flowctl.tui.model.runs_list import Target

#: Ends after which there is something left to do.
_UNDONE: Final = frozenset({"failed", "crashed", "cancelled"})
_WAITING: Final = frozenset({StateType.PENDING, StateType.SCHEDULED})


def is_waiting(task: TaskRunRow | None) -> bool:
    """Tell whether a task waits for others, for room, or for its next try, so that it can be skipped."""
    return task is not None and task.state_type in _WAITING


def is_offered(id_: str, targets: Sequence[Target], task: TaskRunRow | None, waits: Sequence[int]) -> bool:
    """Tell whether an action makes sense for runs as they stand, or for the tasks of one that await a retry."""
    match id_:
        case "act.cancel" | "act.kill" | "act.bell":
            return any(not each.is_final for each in targets)
        case "act.pause":
            return any(each.is_at_work and each.word != "cancelling" for each in targets)
        case "act.retry":
            return bool(waits) or any(each.awaits_retry or each.word in _UNDONE for each in targets)
        case "act.rerun":
            # What failed is retried first of all; the other key is in the help.
            return bool(targets) and all(each.is_final and each.word not in _UNDONE for each in targets)
        case "act.delete":
            return any(not each.is_at_work for each in targets)
        case "act.skip":
            return is_waiting(task)
        case _:
            return True


def brief_of(id_: str, targets: Sequence[Target], waits: Sequence[int]) -> str | None:
    """Say in the footer what an action does to runs as they stand, where that is not what it is mostly called."""
    match id_:
        case "act.cancel" if targets and all(each.word == "cancelling" for each in targets if not each.is_final):
            return "cancel at once"
        case "act.pause" if targets and all(each.word == "paused" for each in targets):
            return "resume"
        case "act.retry" if waits or any(each.awaits_retry for each in targets):
            return "retry now"
        case _:
            return None
