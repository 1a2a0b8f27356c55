"""One hash for equal values: in every process, whatever the hash seed, the order of a dict, the objects shared.

Pickled bytes would not do: they tell `("ab", "ab")` made of one string from the same made of two, and follow the
order of sets. So builtin containers are walked, and other objects are taken apart as pickle would.
"""

from __future__ import annotations

import marshal
import sys
from _blake2 import blake2b  # hashlib.blake2b, without the OpenSSL that importing hashlib loads
from collections.abc import Callable, Iterable
from copyreg import dispatch_table
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final

#: `type`, without the narrowing by which type checkers turn Any into unknown (so not Final, either).
_type: Callable[[Any], Any] = type
_SCALARS: Final = frozenset({int, str, float, bool, bytes, type(None), complex})
_MAINS: Final = frozenset({"__main__", "__mp_main__"})
_CHUNK: Final = 4096
#: Characters of a long text that are encoded at once.
_STRETCH: Final = 1 << 20
_SORTABLE: Final[tuple[set[type], ...]] = ({str}, {int}, {bytes})
#: What a container or object weighs against the limit, beside its contents: taking one apart takes as long as so many
#: bytes take, and more.
_PIECE: Final = 4096
#: Stands behind the hash of a value of which only a part was looked at.
CUT: Final = b"~"
_DEEPEST: Final = 200
_MOST_PIECES: Final = 20_000_000


class CannotHash(ValueError):
    """A value has parts that exist in one process only, or holds itself."""


class _Full(Exception):
    """The limit is reached: what was hashed so far has to do."""


def canonical_hash(value: Any, *, size: int = 16, limit: int | None = None, main_name: str | None = None) -> bytes:
    """Hash a value in `size` bytes; raise `CannotHash` where that is impossible.

    With a `limit`, only about so many bytes of the value are looked at, and the length of what was cut; the hash of a
    value that was cut is one byte longer.
    `main_name` is the name of the module `__main__` where it has no file to be named after.
    """
    walker = _Walker(limit, main_name, size)
    try:
        walker.add(value, 0)
    except _Full:
        walker.update(b"cut")
        return walker.digest() + CUT
    except CannotHash:
        raise
    except Exception as error:  # locks, generators, open files; and what a __reduce__ of the user's raises
        raise CannotHash(f"{type(error).__name__}: {error}") from error
    return walker.digest()


class _Walker:
    """One hash being made."""

    __slots__ = ("_hash", "_inside", "_limit", "_main_name", "_pieces", "_taken", "digest")

    def __init__(self, limit: int | None, main_name: str | None, size: int) -> None:
        self._hash = blake2b(digest_size=size)
        self.digest = self._hash.digest
        self._limit = limit
        self._main_name = main_name
        self._inside: set[int] = set()
        self._taken = 0
        self._pieces = 0

    def update(self, data: bytes) -> None:
        self._hash.update(data)

    def add(self, value: Any, depth: int) -> None:
        """Take a value in. Each kind begins with a letter of its own, and with a length where it has one."""
        kind: Any = _type(value)
        if kind in _SCALARS:
            self._scalar(value, kind)
            return
        self._pieces += 1
        self._count(_PIECE)
        if self._pieces > _MOST_PIECES:
            raise CannotHash("it has more than 20 million parts")
        if depth > _DEEPEST:
            raise CannotHash(f"it is nested more than {_DEEPEST} deep")
        if id(value) in self._inside:
            raise CannotHash("it contains itself")
        self._inside.add(id(value))
        if kind is list or kind is tuple:
            self.update(b"%c%d:" % (b"l" if kind is list else b"t", len(value)))
            self._sequence(value, depth)
        elif kind is dict:
            self._dict(value, depth)
        elif kind is set or kind is frozenset:
            self.update(b"%c%d:" % (b"s" if kind is set else b"z", len(value)))
            self._unordered(value, depth)
        elif kind is bytearray or kind is memoryview:
            self._bytes(b"y", value)
        elif isinstance(value, (type, FunctionType, BuiltinFunctionType)):
            self._named(value, depth)
        elif isinstance(value, MethodType):
            self.update(b"m")
            self.add(value.__func__, depth + 1)
            self.add(value.__self__, depth + 1)
        elif kind.__name__ == "PickleBuffer" and kind.__module__ == "pickle":
            self._bytes(b"p", value.raw())
        elif isinstance(value, ModuleType):
            self.update(b"o" + self._module(value.__name__))
        else:
            self._object(value, kind, depth)
        self._inside.discard(id(value))

    def _scalar(self, value: Any, kind: Any) -> None:
        if kind is bytes:
            self._bytes(b"b", value)
        elif kind is str and len(value) > _CHUNK:
            self.update(b"u%d:" % len(value))
            for start in range(0, len(value), _STRETCH):
                data = value[start : start + _STRETCH].encode("utf-8", "surrogatepass")
                self.update(data)
                self._count(len(data))
        else:
            data = marshal.dumps(value, 0)
            self._count(len(data))
            self.update(data)

    def _bytes(self, letter: bytes, data: Any) -> None:
        view = memoryview(data).cast("B")
        self.update(b"%c%d:" % (letter, len(view)))
        if self._limit is not None and self._taken + len(view) > self._limit:
            room = self._limit - self._taken
            self._hash.update(view[:room])
            self._hash.update(view[-room:] if room else b"")
            raise _Full
        self._taken += len(view)
        self._hash.update(view)

    def _sequence(self, values: Any, depth: int) -> None:
        for start in range(0, len(values), _CHUNK):
            chunk = values[start : start + _CHUNK]
            if _SCALARS.issuperset(map(type, chunk)) and not any(
                type(item) in (str, bytes) and len(item) > _CHUNK for item in chunk
            ):
                data = marshal.dumps(chunk, 0)
                self._count(len(data))
                self.update(data)
            else:
                for item in chunk:
                    self.add(item, depth + 1)

    def _dict(self, value: dict[Any, Any], depth: int) -> None:
        self.update(b"d%d:" % len(value))
        keys: Iterable[Any]
        if set(map(type, value)) in _SORTABLE:
            keys = sorted(value)
        else:
            keys = (
                key for _, key in sorted(((self._apart(key, depth), key) for key in value), key=lambda pair: pair[0])
            )
        for key in keys:
            self.add(key, depth + 1)
            self.add(value[key], depth + 1)

    def _unordered(self, values: Any, depth: int) -> None:
        if set(map(type, values)) in _SORTABLE:
            self._sequence(sorted(values), depth)
        else:
            self.update(b"".join(sorted(self._apart(item, depth) for item in values)))

    def _apart(self, value: Any, depth: int) -> bytes:
        """Hash one element of something that has no order, so that elements can be put in one."""
        inner = _Walker(None, self._main_name, 16)
        inner._inside = self._inside
        inner.add(value, depth + 1)
        return inner.digest()

    def _named(self, value: Any, depth: int) -> None:
        """A class or function is known by its place; a lambda or inner function by its code and what it closes over."""
        name = value.__qualname__
        self.update(b"g" + self._module(value.__module__ or "") + b":" + name.encode("utf-8", "surrogatepass") + b";")
        if isinstance(value, FunctionType) and ("<locals>" in name or "<lambda>" in name):
            self.update(marshal.dumps(value.__code__, 0))
            self.add(value.__defaults__, depth + 1)
            self.add(value.__kwdefaults__, depth + 1)
            self.add(tuple(cell.cell_contents for cell in value.__closure__ or ()), depth + 1)
        elif isinstance(value, BuiltinFunctionType) and not isinstance(value.__self__, (ModuleType, type(None))):
            self.add(value.__self__, depth + 1)

    def _object(self, value: Any, kind: Any, depth: int) -> None:
        reduce = dispatch_table.get(kind)
        parts: Any = reduce(value) if reduce else value.__reduce_ex__(5)
        if isinstance(parts, str):
            self.update(b"n" + self._module(kind.__module__) + b":" + parts.encode() + b";")
            return
        state: Any
        make, arguments, state, items, pairs = (*parts, None, None, None)[:5]
        self.update(b"r")
        self.add(make, depth + 1)
        self.add(arguments, depth + 1)
        if _type(state) is dict and "__pydantic_fields_set__" in state:
            # Which fields were given and which left to their defaults makes no difference to equality.
            state = {key: part for key, part in state.items() if key != "__pydantic_fields_set__"}
        self.add(state, depth + 1)
        if items is not None:
            self.update(b"i")
            self._sequence(list(items), depth)
        if pairs is not None:
            self.update(b"j")
            self._dict(dict(pairs), depth)

    def _module(self, name: str) -> bytes:
        """A module is known by the name of its file: it is the same as `__main__`, `etl` and `jobs.etl`."""
        if name in _MAINS and self._main_name:
            name = self._main_name
        file = getattr(sys.modules.get(name), "__file__", None)
        if isinstance(file, str):
            folder, _, last = file.rpartition("/")
            known = last.partition(".")[0]
            name = folder.rpartition("/")[2] if known == "__init__" else known
        else:
            name = name.rpartition(".")[2]
        return name.encode("utf-8", "surrogatepass")

    def _count(self, taken: int) -> None:
        self._taken += taken
        if self._limit is not None and self._taken > self._limit:
            raise _Full
