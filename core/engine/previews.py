"""Short texts for values of any kind: bounded in length, time and memory, with secrets hidden. They never raise.

Containers are written piece by piece until the room is used up; nobody asks a million-row table for its repr.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from itertools import islice
from math import isfinite
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from flowctl.core.authoring.secret_names import MASK, SECRET_NAMES, SecretNames, secret_names, without_credentials

#: `type` and `issubclass`, without the narrowing by which type checkers turn Any into unknown (so not Final, either).
_type: Callable[[Any], Any] = type
_is_a: Callable[[Any, Any], bool] = issubclass
_MASKED: Final = repr(MASK)
#: repr of longer integers costs the square of their length, and Python refuses beyond 4,300 digits.
_LARGEST: Final = 10**100
#: Integers up to here fit into every limit.
_SHORT: Final = 10**20
_DEEPEST: Final = 6
#: A string is looked at this far beyond its room, so that a password is not cut before its `@`.
_BEYOND: Final = 512
_LEAST_ROOM: Final = 24
#: Characters that one parameter may fill in the record of a run.
_MOST_JSON: Final = 16 * 1024
_PLAIN_AS_TEXT: Final = frozenset(
    {
        ("datetime", "date"),
        ("datetime", "time"),
        ("decimal", "Decimal"),
        ("pathlib", "PosixPath"),
        ("pathlib", "PurePosixPath"),
        ("uuid", "UUID"),
    }
)
_SMALL: Final = frozenset({int, str, float, bool, type(None)})
_CONTAINERS: Final[tuple[Any, ...]] = (list, tuple, dict, set, frozenset, deque)
_WITH_THEIR_REPR: Final[tuple[Any, ...]] = (*_CONTAINERS, OrderedDict, defaultdict)
_CONTAINER_REPRS: Final[frozenset[Any]] = frozenset(kind.__repr__ for kind in _WITH_THEIR_REPR)


def preview(value: Any, limit: int = 200, patterns: tuple[str, ...] = SECRET_NAMES) -> str:
    """Write a value in at most `limit` characters (24 or more: as long as numbers are)."""
    kind: Any = _type(value)
    if kind is str:
        if len(value) < 60 and "://" not in value and len(text := repr(value)) <= limit:
            return text
    elif value is None or kind is bool or kind is float or (kind is int and -_SHORT < value < _SHORT):
        return repr(value)
    elif (
        (kind is list or kind is dict or kind is tuple)
        and len(value) < 16
        and (small := _small_container(value, limit, patterns)) is not None
    ):
        return small
    return _cut(_Writer(secret_names(patterns)).write(value, limit, 0), limit)


def preview_arguments(bound: dict[str, Any], patterns: tuple[str, ...] = SECRET_NAMES, limit: int = 200) -> str:
    """Write bound arguments as `x=3, rows=[1, 2, … 1000 items]`, in about `limit` characters."""
    secrets = secret_names(patterns)
    parts: list[str] = []
    room = limit
    left = len(bound)
    for name, value in bound.items():
        left -= 1
        if room < _LEAST_ROOM and left:
            parts.append(f"… {left + 1} more")
            break
        kind: Any = _type(value)
        if value is None or kind is bool:
            text = f"{name}={value}"
        elif secrets[name]:
            text = f"{name}={_MASKED}"
        elif (
            kind is float
            or (kind is int and -_SHORT < value < _SHORT)
            or (kind is str and len(value) < 60 and "://" not in value)
        ):
            text = f"{name}={value!r}"
        else:
            text = f"{name}={preview(value, max(_LEAST_ROOM, room - left * _LEAST_ROOM - len(name)), patterns)}"
        parts.append(text)
        room -= len(text) + 2
    return _cut(", ".join(parts), limit)


def parameters_json(bound: dict[str, Any], patterns: tuple[str, ...] = SECRET_NAMES) -> str:
    """Make the JSON object of bound arguments: values as given where JSON has a word for them, else their preview."""
    if not bound:
        return "{}"
    secrets = secret_names(patterns)
    plain: dict[str, Any] = {}
    for name, value in bound.items():
        if value is not None and type(value) is not bool and secrets[name]:
            plain[name] = MASK
            continue
        try:
            plain[name] = _Plain(secrets).of(value, 0)
        except (Exception, SystemExit, GeneratorExit):  # too large, too deep, or it resists being looked at
            plain[name] = preview(value, 1000, patterns)
    import json

    return json.dumps(plain, ensure_ascii=True, allow_nan=False)


class _TooLarge(Exception):
    """A value would fill more of the record than one parameter may."""


class _Plain:
    """One value being made fit for JSON."""

    __slots__ = ("_room", "_secrets")

    def __init__(self, secrets: SecretNames) -> None:
        self._secrets = secrets
        self._room = _MOST_JSON

    def of(self, value: Any, depth: int) -> Any:
        kind: Any = _type(value)
        self._room -= len(value) if kind is str else 8
        if self._room < 0 or depth > 50:
            raise _TooLarge
        if kind is str:
            return without_credentials(value)
        if value is None or kind is bool or (kind is int and abs(value) < 2**63):
            return value
        if kind is float:
            return value if isfinite(value) else repr(value)
        if kind is list or kind is tuple:
            return [self.of(item, depth + 1) for item in value]
        if kind is dict:
            return {
                (key if type(key) is str else preview(key, 60)): (
                    MASK if type(key) is str and item is not None and self._secrets[key] else self.of(item, depth + 1)
                )
                for key, item in value.items()
            }
        if isinstance(value, Enum):
            return self.of(value.value, depth + 1)
        if kind.__module__ == "datetime" and kind.__name__ == "datetime":
            return value.isoformat()
        if (kind.__module__.partition(".")[0], kind.__name__) in _PLAIN_AS_TEXT:
            return self.of(str(value), depth + 1)
        return _Writer(self._secrets).write(value, 1000, 0)


def _small_container(value: Any, limit: int, patterns: tuple[str, ...]) -> str | None:
    """The plain repr, where it is surely short and tells no secret."""
    if _type(value) is dict:
        secrets = secret_names(patterns)
        for key in value:
            if type(key) is not str or len(key) > 60 or secrets[key]:
                return None
    parts = value.values() if _type(value) is dict else value
    if not _SMALL.issuperset(map(type, parts)):
        return None
    for part in parts:
        if type(part) is str:
            if len(part) > limit:
                return None
        elif type(part) is int and not -_SHORT < part < _SHORT:
            return None
    text = repr(value)
    return text if len(text) <= limit and "://" not in text else None


class _Writer:
    """One preview being written; knows which containers it stands in."""

    __slots__ = ("_inside", "_secrets")

    def __init__(self, secrets: SecretNames) -> None:
        self._secrets = secrets
        self._inside: set[int] = set()

    def write(self, value: Any, room: int, depth: int) -> str:
        kind: Any = _type(value)
        try:
            if kind is str:
                return _string(value, room)
            if kind is int:
                return repr(value) if -_LARGEST < value < _LARGEST else f"<int of {value.bit_length():,} bits>"
            if value is None or kind is float or kind is bool:
                return repr(value)
            if kind is bytes or kind is bytearray:
                return _cut(repr(value), room) if len(value) <= room else _bytes(value, room)
            if depth > _DEEPEST or room < 4:
                return "…"
            if id(value) in self._inside:
                return "…"
            self._inside.add(id(value))
            try:
                return self._write_object(value, kind, room, depth)
            finally:
                self._inside.discard(id(value))
        except (Exception, SystemExit, GeneratorExit) as error:  # reprs are the user's code
            return f"<{_name(kind)} repr raised {_name(type(error))}>"

    def _write_object(self, value: Any, kind: Any, room: int, depth: int) -> str:
        if kind.__repr__ in _CONTAINER_REPRS and _is_a(kind, _CONTAINERS):
            return self._container(value, kind, room, depth)
        if _is_a(kind, tuple) and hasattr(kind, "_fields"):
            return self._fields(kind, zip(kind._fields, value, strict=False), room, depth)
        if isinstance(value, (FunctionType, BuiltinFunctionType, MethodType)):
            return f"<function {value.__qualname__}>"
        if isinstance(value, (type, ModuleType)):
            return f"<{'class' if isinstance(value, type) else 'module'} {_name(value)}>"
        if hasattr(kind, "shape") and (shape := _shape(value)):
            return f"{_name(kind)}(shape=({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''}))"
        if (fields := _shown_fields(value, kind)) is not None:
            return self._fields(kind, fields, room, depth)
        if kind.__repr__ is object.__repr__:
            return f"<{_name(kind)} object>"
        return without_credentials(_cut(_one_line(repr(value)), room + _BEYOND))

    def _container(self, value: Any, kind: Any, room: int, depth: int) -> str:
        if _is_a(kind, dict):
            opening, closing = "{", "}"
            pieces = self._items(value.items(), depth)
        else:
            opening, closing = "[]" if _is_a(kind, (list, deque)) else "()" if _is_a(kind, tuple) else "{}"
            pieces = (self.write(item, _piece_room(room), depth + 1) for item in value)
            if _is_a(kind, (set, frozenset)) and not value:
                return f"{_name(kind)}()"
            if _is_a(kind, tuple) and len(value) == 1:
                closing = ",)"
        if kind not in (list, tuple, dict, set):
            opening, closing = f"{_name(kind)}({opening}", f"{closing})"
        return self._joined(opening, pieces, closing, len(value), room)

    def _items(self, items: Iterable[tuple[Any, Any]], depth: int) -> Iterator[str]:
        for key, value in items:
            if type(key) is str and value is not None and self._secrets[key]:
                yield f"{_string(key, 60)}: {_MASKED}"
            else:
                yield f"{self.write(key, 60, depth + 1)}: {self.write(value, 80, depth + 1)}"

    def _fields(self, kind: type, fields: Iterable[tuple[str, Any]], room: int, depth: int) -> str:
        listed = list(fields)
        pieces = (
            f"{name}={_MASKED if value is not None and self._secrets[name] else self.write(value, 80, depth + 1)}"
            for name, value in listed
        )
        return self._joined(f"{_name(kind)}(", pieces, ")", len(listed), room)

    def _joined(self, opening: str, pieces: Iterator[str], closing: str, count: int, room: int) -> str:
        ending = f"… {count} items{closing}"
        left = room - len(opening) - len(ending)
        parts: list[str] = []
        for piece in islice(pieces, 200):
            left -= len(piece) + 2
            if left < 0 and (parts or count > 1):
                break
            parts.append(piece)
        if len(parts) == count:
            return f"{opening}{', '.join(parts)}{closing}"
        return f"{opening}{', '.join(parts)}{', ' if parts else ''}{ending}"


def _piece_room(room: int) -> int:
    return max(16, min(room // 2, 80))


def _string(value: str, room: int) -> str:
    if len(value) <= room:
        text = repr(without_credentials(value))
        if len(text) <= room:
            return text
    mark = f"… {len(value):,} characters"
    seen = without_credentials(value[: room + _BEYOND])
    text = repr(seen[: max(1, room - len(mark) - 2)])
    return f"{text[: max(2, room - len(mark) - 1)].rstrip(text[0]) or text[0]}{text[0]}{mark}"


def _bytes(value: bytes | bytearray, room: int) -> str:
    mark = f"… {len(value):,} bytes"
    return f"{bytes(value[: max(1, (room - len(mark)) // 4)])!r}{mark}"


def _shape(value: Any) -> tuple[int, ...] | None:
    shape: Any = value.shape
    is_shape = _type(shape) is tuple and len(shape) < 20 and all(isinstance(size, int) for size in shape)
    return shape if is_shape else None


def _shown_fields(value: Any, kind: Any) -> list[tuple[str, Any]] | None:
    """The fields of a dataclass or pydantic model that has the repr it was born with; else None."""
    if hasattr(kind, "__dataclass_fields__") and hasattr(kind.__repr__, "__wrapped__"):
        fields: dict[str, Any] = getattr(kind, "__dataclass_fields__")  # noqa: B009
        return [(name, getattr(value, name)) for name, field in fields.items() if field.repr and hasattr(value, name)]
    if hasattr(kind, "__pydantic_fields__") and (kind.__repr__.__module__ or "").startswith("pydantic"):
        found: dict[str, Any] = getattr(kind, "__pydantic_fields__")  # noqa: B009
        return [(name, value.__dict__[name]) for name, field in found.items() if field.repr and name in value.__dict__]
    return None


def _name(kind: Any) -> str:
    try:
        return str(kind.__name__)[:80]
    except Exception:  # a metaclass or a module may have made a trap of its name
        return "object"


def _one_line(text: str) -> str:
    text = text if type(text) is str else str.__str__(text)
    return " ".join(text[:4000].split()) if "\n" in text else text


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: max(0, limit - 1)]}…"
