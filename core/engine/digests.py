"""The identity of a call's arguments, by which a later attempt knows that it makes the same call again."""

from __future__ import annotations

import marshal
from _blake2 import blake2b  # hashlib.blake2b, without the OpenSSL that importing hashlib loads
from collections.abc import Callable
from typing import Any, Final

from flowctl.core.authoring.canonical import CUT, CannotHash, canonical_hash

#: About a quarter of a second of hashing, however the arguments are made up; more of them is not looked at.
LIMIT: Final = 256 * 1024 * 1024
SIZE: Final = 8

#: `type`, without the narrowing by which type checkers turn Any into unknown (so not Final, either).
_type: Callable[[Any], Any] = type
_NUMBERS: Final = frozenset({int, float, bool, type(None)})
_SCALARS: Final = _NUMBERS | {str, bytes}
_FEW: Final = 64
_SHORT: Final = 4096


class Shared:
    """The arguments that all calls of one `map` have in common: hashed once, however large they are."""

    __slots__ = ("_hashes", "_names")

    def __init__(self, names: list[str]) -> None:
        self._names = names
        #: Name -> the value and its hash.
        self._hashes: dict[str, tuple[Any, bytes]] = {}

    def replaced(self, bound: dict[str, Any], main_name: str | None) -> dict[str, Any]:
        """Put hashes in the place of the arguments in common."""
        replaced = dict(bound)
        for name in self._names:
            value, known = bound[name], self._hashes.get(name)
            if known is None or known[0] is not value:
                hashed = canonical_hash(value, size=16, limit=LIMIT, main_name=main_name)
                known = self._hashes[name] = (value, hashed)
            replaced[name] = known[1]
        return replaced

    def is_cut(self) -> bool:
        """Tell whether one of them was hashed in part only."""
        return any(len(hashed) > 16 for _, hashed in self._hashes.values())


def digest(bound: dict[str, Any], main_name: str | None = None, shared: Shared | None = None) -> bytes | None:
    """Hash bound arguments in 8 bytes, the same in every process; None when they have no lasting identity.

    Where they are too large to be hashed as a whole, it has one byte more.
    """
    for value in bound.values():
        kind: Any = _type(value)
        if kind in _NUMBERS:
            continue
        if kind is str or kind is bytes:
            if len(value) > _SHORT:
                break
        elif (kind is not list and kind is not tuple) or len(value) > _FEW or not _is_plain(value):
            break
    else:
        return blake2b(marshal.dumps(bound, 0), digest_size=SIZE).digest()
    try:
        if shared is None:
            return canonical_hash(bound, size=SIZE, limit=LIMIT, main_name=main_name)
        hashed = canonical_hash(shared.replaced(bound, main_name), size=SIZE, limit=LIMIT, main_name=main_name)
        return hashed[:SIZE] + CUT if shared.is_cut() else hashed
    except CannotHash:
        return None


def _is_plain(values: list[Any] | tuple[Any, ...]) -> bool:
    """Tell whether marshal writes them alike in every process: numbers and short texts only."""
    kinds = set(map(type, values))
    if kinds <= _NUMBERS:
        return True
    return kinds <= _SCALARS and all(type(item) in _NUMBERS or len(item) <= _SHORT for item in values)
