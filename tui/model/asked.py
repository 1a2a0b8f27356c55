"""What was asked of runs and has not shown yet, and what can still be taken back; pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from flowctl.tui.model.runs_list import Target

#: How long something can be taken back.
UNDO_S: Final = 10.0
#: A request whose effect never shows leaves no mark behind for longer.
_LONGEST_S: Final = 60.0
#: Verb -> what a row says until its state has moved on.
_PENDING: Final = {
    "cancel": "cancelling…",
    "kill": "killing…",
    "pause": "pausing…",
    "resume": "resuming…",
    "retry": "retrying…",
    "delete": "deleting…",
}


def sign_of(pending: str | None, word: str) -> str:
    """Say under which sign a state is shown while something is asked of it."""
    return "cancelling" if pending in (_PENDING["cancel"], _PENDING["kill"]) else word


class Undo(NamedTuple):
    """Something that can be taken back for a while."""

    said: str
    until_s: float
    #: Called on the loop when it is taken back.
    take_back: Callable[[], None]
    #: Carried out, in a thread, once it can no more be taken back; None: it has been done already.
    then: Callable[[], None] | None = None


class _Request(NamedTuple):
    word: str
    until_s: float
    #: Id of a run -> version of the state that was seen. One of each request: it may be about 100,000 runs.
    versions: dict[str, int]


class Asked:
    """Marks on runs that something was asked of, and the one thing that `u` takes back."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        #: The latest first.
        self._requests: list[_Request] = []
        self._undo: Undo | None = None
        self._overdue: list[Callable[[], None]] = []

    def mark(self, verb: str, targets: Iterable[Target]) -> None:
        """Mark runs until their state moves on from the one that was seen."""
        word, now_s = _PENDING.get(verb), self._monotonic()
        if word is not None:
            versions = {each.run_id: each.state_version for each in targets}
            still = (each for each in self._requests if each.versions and now_s <= each.until_s)
            self._requests = [_Request(word, now_s + _LONGEST_S, versions), *still]

    def unmark(self, targets: Iterable[Target]) -> None:
        """Take marks away: it was refused, or taken back."""
        for each in targets:
            self._forget(each.run_id)

    def word(self, run_id: str, state_version: int) -> str | None:
        """Say what was asked of a run in the state that is shown now; None: nothing, or it has been settled."""
        for request in self._requests:
            # Nobody said which state was seen (-1): it is the one that is shown first.
            if request.versions.get(run_id) == -1:
                request.versions[run_id] = state_version
            if request.versions.get(run_id) == state_version and self._monotonic() <= request.until_s:
                return request.word
            if request.versions.pop(run_id, None) is not None:
                # What was asked before it is settled, too.
                self._forget(run_id)
        return None

    def hold(self, said: str, take_back: Callable[[], None], then: Callable[[], None] | None = None) -> None:
        """Let something be taken back for some seconds; what could be taken back before no more can."""
        self._settle()
        self._undo = Undo(said, self._monotonic() + UNDO_S, take_back, then)

    def take_back(self) -> bool:
        """Take back what can be; False where there is nothing."""
        undo = self.undo
        self._undo = None
        if undo is not None:
            undo.take_back()
        return undo is not None

    @property
    def undo(self) -> Undo | None:
        """What can be taken back now."""
        if self._undo is not None and self._monotonic() > self._undo.until_s:
            self._settle()
        return self._undo

    @property
    def undo_text(self) -> str:
        """Say what `u` takes back, and for how long yet."""
        undo = self.undo
        return "" if undo is None else f"undo: {undo.said} (u, {undo.until_s - self._monotonic():.0f} s)"

    def due(self) -> list[Callable[[], None]]:
        """Give, once, what has to be carried out now."""
        _ = self.undo
        due, self._overdue = self._overdue, []
        return due

    def rest(self) -> list[Callable[[], None]]:
        """Give all that was held back, for when the interface is left."""
        self._settle()
        return self.due()

    def _forget(self, run_id: str) -> None:
        for request in self._requests:
            request.versions.pop(run_id, None)

    def _settle(self) -> None:
        if self._undo is not None and self._undo.then is not None:
            self._overdue.append(self._undo.then)
        self._undo = None
