"""The state words of runs, and the table of transitions that are allowed.

A state is a *type* (one of nine, below) and a *name* (`Completed`, `Cached`, `TimedOut`, or a
word of the user's). The words are Prefect's, because users know them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class StateType(StrEnum):
    """What kind of moment a run is in; each member says who moves the run onward."""

    #: Waits for a time: a schedule's occurrence or a retry's due time. The engine moves it on.
    SCHEDULED = "SCHEDULED"
    #: Exists, not started: waits for upstreams or a worker. Name `NotReady`: an upstream did not complete, for good.
    PENDING = "PENDING"
    #: The body executes. Name `Retrying`: a second or later attempt.
    RUNNING = "RUNNING"
    #: The body returned. Name `Cached`: its recorded result was used instead.
    COMPLETED = "COMPLETED"
    #: The body raised, or returned a failed state, and no retries are left. Name `TimedOut`: its time was up.
    FAILED = "FAILED"
    #: A cancel was carried out.
    CANCELLED = "CANCELLED"
    #: The process or the thread of control ended under the run.
    CRASHED = "CRASHED"
    #: Waits for a person.
    PAUSED = "PAUSED"
    #: A cancel was asked for; the process is not gone yet.
    CANCELLING = "CANCELLING"


_OPEN: Final = frozenset(
    {
        StateType.SCHEDULED,
        StateType.PENDING,
        StateType.RUNNING,
        StateType.PAUSED,
        StateType.CANCELLING,
    }
)
_ENDS: Final = frozenset({StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED})

#: Where a run may go from each type within one attempt. Types without an entry are final.
NEXT: Final[dict[StateType, frozenset[StateType]]] = {
    StateType.SCHEDULED: _ENDS | _OPEN - {StateType.PAUSED},
    StateType.PENDING: _ENDS | _OPEN,
    StateType.RUNNING: _ENDS | _OPEN - {StateType.PENDING},
    StateType.PAUSED: _ENDS | {StateType.RUNNING, StateType.SCHEDULED, StateType.CANCELLING},
    StateType.CANCELLING: frozenset({StateType.CANCELLED, StateType.CRASHED}),
}
FINAL: Final = frozenset(StateType) - NEXT.keys()


def is_allowed(before: StateType | None, after: StateType, *, new_attempt: bool = False) -> bool:
    """Tell whether a run may go from one state type to the next; only a new attempt leaves a final state."""
    if before is None:
        return after not in (StateType.CANCELLING, StateType.PAUSED)
    if before in FINAL:
        return new_attempt and after in (StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING)
    return after in NEXT[before]
