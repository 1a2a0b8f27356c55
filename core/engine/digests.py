"""The identity of a call's arguments, by which a later attempt knows that it makes the same call again."""

from __future__ import annotations

import marshal
from _blake2 import blake2b  # hashlib.blake2b, without the OpenSSL that importing hashlib loads
from collections.abc import Callable
from typing import Any, Final

from flowctl.core.authoring.canonical import CannotHash, canonical_hash

#: More of the arguments is not looked at: hashing must not cost more than the task.
LIMIT: Final = 1024 * 1024
SIZE: Final = 8

#: `type`, without the narrowing by which type checkers turn Any into unknown (so not Final, either).
_type: Callable[[Any], Any] = type
_NUMBERS: Final = frozenset({int, float, bool, type(None)})
_SCALARS: Final = _NUMBERS | {str, bytes}
_FEW: Final = 64
_SHORT: Final = 4096


def digest(bound: dict[str, Any], main_name: str | None = None) -> bytes | None:
    """Hash bound arguments in 8 bytes, the same in every process; None when they have no lasting identity."""
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
        return canonical_hash(bound, size=SIZE, limit=LIMIT, main_name=main_name)
    except CannotHash:
        return None


def _is_plain(values: list[Any] | tuple[Any, ...]) -> bool:
    """Tell whether marshal writes them alike in every process: numbers and short texts only."""
    kinds = set(map(type, values))
    if kinds <= _NUMBERS:
        return True
    return kinds <= _SCALARS and all(type(item) in _NUMBERS or len(item) <= _SHORT for item in values)
