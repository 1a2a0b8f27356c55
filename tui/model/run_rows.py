"""All runs of a list by their keys, of which only those in and around the window have been read."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, overload

from flowctl.tui.model.snapshots import ListedRun

#: So many runs at the head of a list are read at once; those below them by their keys.
HEAD: Final = 200
_NO_KEYS: Final[Sequence[int]] = ()
#: Within so many times its length, a head's runs mostly stand in a list that is a little older.
_NEAR: Final = 4


class Unread(NamedTuple):
    """A run of the list that is still to be read."""

    key: int


ListedRow: TypeAlias = ListedRun | Unread


class RunRows(Sequence[ListedRow]):
    """The rows of the list; those that were not read stand in it too, so that places and lengths are true."""

    def __init__(self, keys: Sequence[int] = _NO_KEYS, known: Mapping[int, ListedRun] | None = None) -> None:
        self.keys = keys
        #: In the order of the list.
        self.known: Mapping[int, ListedRun] = {} if known is None else known

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, place: int) -> ListedRow: ...
    @overload
    def __getitem__(self, place: slice) -> list[ListedRow]: ...
    def __getitem__(self, place: int | slice) -> ListedRow | list[ListedRow]:
        if isinstance(place, slice):
            return [self.known.get(key) or Unread(key) for key in self.keys[place]]
        key = self.keys[place]
        return self.known.get(key) or Unread(key)

    def __iter__(self) -> Iterator[ListedRow]:
        return (self.known.get(key) or Unread(key) for key in self.keys)

    def place_of(self, key: Any, near: int = 0) -> int | None:  # whatever a pane takes for a key
        """Tell where a run is; looked for first where it was."""
        if near < len(self.keys) and self.keys[near] == key:
            return near
        try:
            return self.keys.index(key)
        except ValueError:
            return None

    def are_known(self, first: int, end: int) -> bool:
        """Tell whether all rows of a window have been read."""
        return all(key in self.known for key in self.keys[max(0, first) : end])


def joined(head: Sequence[int], whole: Sequence[int]) -> Sequence[int]:
    """Put a head that was read just now before the rest of a list that may be older; each run stands there once."""
    fresh = set(head)
    places = {key: place for place, key in enumerate(whole[: _NEAR * len(head)])}
    end = max((places[key] + 1 for key in head if key in places), default=0)
    # Of the old head, what the new one does not have has ended and gone farther down, or is no more.
    left = [key for key in whole[:end] if key not in fresh]
    rest = whole[end:]
    if not fresh <= places.keys():
        # One that began anew has come up from far below.
        rest = [key for key in rest if key not in fresh]
    return array("q", [*head, *left, *rest])


class RunWalk:
    """The runs of a list as one goes from one to the next of them, whatever becomes of the list meanwhile."""

    def __init__(self, rows: RunRows | None = None) -> None:
        self._keys: Sequence[int] = () if rows is None else rows.keys
        known: Mapping[int, ListedRun] = {} if rows is None else rows.known
        self._places = {known[key].id: place for place, key in enumerate(self._keys) if key in known}
        self._ids = {place: run_id for run_id, place in self._places.items()}

    def __len__(self) -> int:
        return len(self._keys)

    def place_of(self, run_id: str) -> int | None:
        """Tell where a run stands that one came by."""
        return self._places.get(run_id)

    def key_at(self, place: int) -> int | None:
        """Give the run at a place; None beyond the ends."""
        return self._keys[place] if 0 <= place < len(self._keys) else None

    def id_at(self, place: int) -> str | None:
        """Give the id of the run at a place, if it is known."""
        return self._ids.get(place)

    def come_by(self, place: int, run_id: str) -> None:
        """Take note which run stands at a place."""
        self._places[run_id], self._ids[place] = place, run_id
