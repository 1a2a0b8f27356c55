"""Which run a plain value came from: what a task gave is recognised when it goes into the next one.

The object itself is recognised, by identity, so no value is kept alive for this, and nothing waits for it. Another
one that comes to stand at the same place in memory is told apart by its type, and by what it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType, NoneType
from typing import Any, Final
from weakref import ref

#: The latest values are known; a flow that hands on older ones has them unlinked.
_MOST: Final = 1_000
#: Of containers up to this size the items are known too: a task that gives a pair, one that takes some values.
_FEW: Final = 8
#: Of these there is one object for equal values, whoever made it.
_SHARED: Final[frozenset[Any]] = frozenset(
    {NoneType, bool, type, FunctionType, BuiltinFunctionType, MethodType, ModuleType, type(...)}
)
_SMALL_INTS: Final = range(-5, 257)
#: Shorter texts are mostly words of the code.
_LEAST_TEXT: Final = 4
_CONTAINERS: Final[frozenset[Any]] = frozenset({list, tuple, dict, set, frozenset})
#: `type`, without the narrowing by which type checkers turn Any into unknown (so not Final, either).
_type: Callable[[Any], Any] = type


class HandedOn:
    """The latest values that the runs below one root run gave."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        #: id of the object -> what tells it from another one there, and the number of the run.
        self._known: dict[int, tuple[Any, int]] = {}

    def note(self, number: int, value: Any) -> None:
        """Remember what a run gave; flow runs have negative numbers."""
        mark = _mark(value)
        if mark is None:
            return
        known = self._known
        known[id(value)] = (mark, number)
        if _type(value) in (tuple, list) and len(value) <= _FEW:
            for item in value:
                # What it only hands on came from elsewhere.
                if (mark := _mark(item)) is not None and self.source(item) is None:
                    known[id(item)] = (mark, number)
        while len(known) > _MOST:
            try:
                known.pop(next(iter(known)), None)
            except (RuntimeError, StopIteration):  # another thread did
                break

    def source(self, value: Any) -> int | None:
        """Tell which run gave this very object; None where none is known to."""
        found = self._known.get(id(value))
        if found is None:
            return None
        mark, number = found
        if isinstance(mark, ref):
            return number if mark() is value else None
        return number if mark == _mark(value) else None

    def sources(self, value: Any) -> list[int]:
        """List the runs that gave a value or, of a small container, what is in it."""
        if not self._known:
            return []
        if (number := self.source(value)) is not None:
            return [number]
        kind = _type(value)
        if kind not in _CONTAINERS or not value or len(value) > _FEW:
            return []
        found = (self.source(item) for item in tuple(value.values() if kind is dict else value))
        return list(dict.fromkeys(number for number in found if number is not None))

    def add_to(
        self,
        upstreams: dict[str, list[int]] | None,
        arguments: dict[str, Any],
        mapped: dict[str, Any] | None,
    ) -> dict[str, list[int]] | None:
        """Add the sources of plain arguments to those of futures, by parameter; of a `map`, those of the whole."""
        if not self._known:
            return upstreams
        for parameter, value in arguments.items():
            if upstreams is not None and upstreams.get(parameter):
                continue
            found = self.sources(value)
            if not found and mapped is not None:
                found = self.sources(mapped.get(parameter))
            if found:
                upstreams = {} if upstreams is None else upstreams
                upstreams[parameter] = found
        return upstreams


def _mark(value: Any) -> Any:
    """Make what tells an object from a later one at the same place; None where it is nothing that one can follow."""
    kind = _type(value)
    if kind is int:
        return None if value in _SMALL_INTS else (int, value)
    if kind in _SHARED or issubclass(kind, type):
        return None
    if kind is float:
        return (float, value)
    if kind is str or kind is bytes:
        return (kind, hash(value)) if len(value) >= _LEAST_TEXT else None
    try:
        if kind is list or kind is tuple:
            return (kind, len(value), id(value[0]), id(value[-1])) if value else None
        if kind in _CONTAINERS:
            if not value:
                return None
            first = next(iter(value))
            return (kind, len(value), id(first), id(value[first]) if kind is dict else 0)
        return ref(value)
    except TypeError:  # it has no place for that
        return (kind,)
    except (LookupError, RuntimeError, StopIteration):  # another thread changes it meanwhile
        return None
