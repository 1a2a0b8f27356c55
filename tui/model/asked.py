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


class _Mark(NamedTuple):
    word: str
    state_version: int
    until_s: float


class Asked:
    """Marks on runs that something was asked of, and the one thing that `u` takes back."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._marks: dict[str, _Mark] = {}
        self._undo: Undo | None = None
        self._overdue: list[Callable[[], None]] = []

    def mark(self, verb: str, targets: Iterable[Target]) -> None:
        """Mark runs until their state moves on from the one that was seen."""
        word = _PENDING.get(verb)
        if word is not None:
            until = self._monotonic() + _LONGEST_S
            self._marks.update((each.run_id, _Mark(word, each.state_version, until)) for each in targets)

    def unmark(self, targets: Iterable[Target]) -> None:
        """Take marks away: it was refused, or taken back."""
        for each in targets:
            self._marks.pop(each.run_id, None)

    def word(self, run_id: str, state_version: int) -> str | None:
        """Say what was asked of a run in the state that is shown now; None: nothing, or it has been settled."""
        mark = self._marks.get(run_id) if self._marks else None
        if mark is None:
            return None
        if mark.state_version == -1:
            # Nobody said which state was seen: it is the one that is shown first.
            mark = self._marks[run_id] = mark._replace(state_version=state_version)
        if mark.state_version != state_version or self._monotonic() > mark.until_s:
            del self._marks[run_id]
            return None
        return mark.word

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

    def _settle(self) -> None:
        if self._undo is not None and self._undo.then is not None:
            self._overdue.append(self._undo.then)
        self._undo = None
