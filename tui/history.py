"""Where one has been: back, forward, and to the last view, as in a browser; pure."""

from __future__ import annotations

from typing import Final, NamedTuple

_LONGEST: Final = 100


class Place(NamedTuple):
    """A screen that one can come back to."""

    mode: str
    run_id: str | None = None
    task: int | None = None


class History:
    """The places in order, and which one one is at."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._here = -1

    @property
    def here(self) -> Place | None:
        return self._places[self._here] if self._places else None

    def visit(self, place: Place) -> None:
        """Come to a place; what was forward of it is forgotten, unless it is where one is already."""
        if place == self.here:
            return
        self._places = [*self._places[: self._here + 1], place][-_LONGEST:]
        self._here = len(self._places) - 1

    def back(self) -> Place | None:
        """Go one place back; None at the first one."""
        return self._go(-1)

    def forward(self) -> Place | None:
        """Go one place forward; None at the last one."""
        return self._go(1)

    def last(self) -> Place | None:
        """Go to where one was before, and with the next call back here."""
        if self._here < 1:
            return None
        other = self._places[self._here - 1]
        self.visit(other)
        return other

    def _go(self, step: int) -> Place | None:
        if not 0 <= self._here + step < len(self._places):
            return None
        self._here += step
        return self._places[self._here]
