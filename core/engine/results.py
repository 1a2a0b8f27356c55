"""The values that runs return, kept and read back: small ones in the journal record, larger ones in files of their own.

Files are only read when they are ours alone: unpickling runs code, so that a file which others can write is
a program that others have written.
"""

from __future__ import annotations

import os
import sys
from _pickle import Pickler, Unpickler, dumps
from collections.abc import Callable
from io import BytesIO
from typing import Any, BinaryIO, Final

from flowctl.core.authoring.exceptions import FlowctlError, ResultMissing

#: `type`, without the narrowing by which type checkers turn Any into unknown (so not Final, either).
_type: Callable[[Any], Any] = type
_SCALARS: Final = frozenset({int, float, bool, type(None)})
_TEXTS: Final = _SCALARS | {str}
_SHORT: Final = 1024
_FEW: Final = 16
_PROTOCOL: Final = 5


class ResultNotStored(FlowctlError):
    """A value that was to be kept could not be made bytes."""

    def __init__(self, value: Any, serializer: str, error: Exception) -> None:
        kind = _type(value).__qualname__
        if isinstance(error, OSError) and error.filename:
            problem = f"could not be written to {error.filename}: {error.strerror}"
            remedy = "Make room there, or set persist_result=False."
        else:
            problem = f"cannot be kept with {serializer}: {_words(error)}"
            remedy = (
                "Return what JSON has words for, or use result_serializer='pickle'."
                if serializer.endswith("json")
                else "Return plain data, or set persist_result=False."
            )
        super().__init__(f"The result of type {kind} {problem}. {remedy}")


class _TooLarge(Exception):
    """More bytes came than there is room for."""


class _Bounded:
    """A file in memory that refuses to grow beyond its limit, so that a huge value stops at once."""

    __slots__ = ("_limit", "_parts", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self._size += size
        if self._size > self._limit:
            raise _TooLarge
        self._parts.append(bytes(data))
        return size

    def value(self) -> bytes:
        return b"".join(self._parts)


def keep(
    value: Any, *, folder: str, name: str, serializer: str = "pickle", limit: int, persist: bool
) -> list[Any] | None:
    """Make the `result` field of a record: inline up to `limit` bytes, beyond that a file if `persist`, else None.

    Raises `ResultNotStored` when the value is to persist and cannot; the file is on disk when this returns.
    """
    if serializer == "pickle":
        kind: Any = _type(value)
        if kind in _SCALARS or (kind is str and len(value) < _SHORT) or _is_small(value, kind):
            data = dumps(value, _PROTOCOL)
            if len(data) <= limit:
                return ["pickle", data, None, len(data)]
        elif not persist and (kind is str or kind is bytes) and len(value) > limit:
            return None
    try:
        data = _inline(value, serializer, limit)
    except _TooLarge:
        if not persist:
            return None
        return _in_file(value, folder, name, serializer)
    except Exception as error:  # __reduce__ and __getstate__ are the user's code
        if not persist:
            return None
        raise ResultNotStored(value, serializer, error) from error
    return [serializer, data, None, len(data)]


def keep_bytes(
    data: bytes, *, folder: str, name: str, serializer: str, limit: int, persist: bool = True
) -> list[Any] | None:
    """Make the `result` field for a value that is bytes already, as one from the cache."""
    if len(data) <= limit:
        return [serializer, data, None, len(data)]
    if not persist:
        return None
    written(f"{folder}/{name}", data)
    return [serializer, None, name, len(data)]


def load(result: list[Any], *, folder: str, main_module: str | None = None) -> Any:
    """Give the value of a `result` field; raise `ResultMissing` where that is impossible.

    `main_module` is the module in which classes are found that were pickled as `__main__`'s.
    """
    serializer, inline, name, *_ = result
    data: bytes = inline if inline is not None else _read(folder, name)
    try:
        if serializer.startswith("compressed/"):
            import zlib

            data = zlib.decompress(data)
        if serializer.endswith("json"):
            import json

            return json.loads(data)
        return _Loader(BytesIO(data), main_module).load()
    except Exception as error:  # unpickling runs the user's code
        raise ResultMissing(
            f"The result on record cannot be read: {_words(error)}. "
            "It needs the modules and classes that it was made with."
        ) from error


def written(path: str, data: bytes) -> None:
    """Write a file that is whole on disk, or not there: a new one, synced, then renamed over the old."""

    def fill(file: BinaryIO) -> None:
        file.write(data)

    _write(path, fill)


def _is_small(value: Any, kind: Any) -> bool:
    """Tell whether a container surely fits and pickles, so that it needs no watched file."""
    if (kind is not list and kind is not dict and kind is not tuple) or len(value) > _FEW:
        return False
    if kind is dict and not all(type(key) is str and len(key) < _SHORT for key in value):
        return False
    parts = value.values() if kind is dict else value
    kinds = set(map(type, parts))
    if kinds <= _SCALARS:
        return True
    return kinds <= _TEXTS and all(len(part) < _SHORT for part in parts if type(part) is str)


def _inline(value: Any, serializer: str, limit: int) -> bytes:
    if serializer == "pickle":
        target = _Bounded(limit)
        try:
            Pickler(target, _PROTOCOL).dump(value)
        except _TooLarge:
            raise
        except Exception:  # lambdas, inner functions and classes: cloudpickle takes them by value
            target = _Bounded(limit)
            _by_value(value, target)
        return target.value()
    data = _bytes_of(value, serializer)
    if len(data) > limit:
        raise _TooLarge
    return data


def _in_file(value: Any, folder: str, name: str, serializer: str) -> list[Any]:
    path = f"{folder}/{name}"

    def fill(file: BinaryIO) -> None:
        if serializer != "pickle":
            file.write(_bytes_of(value, serializer))
            return
        try:
            Pickler(file, _PROTOCOL).dump(value)
        except OSError:
            raise
        except Exception:  # as above
            file.seek(0)
            file.truncate()
            _by_value(value, file)

    try:
        size = _write(path, fill)
    except Exception as error:  # a full disk; and __reduce__ and __getstate__ are the user's code
        if isinstance(error, OSError) and error.filename is None:
            error.filename = path
        raise ResultNotStored(value, serializer, error) from error
    return [serializer, None, name, size]


def _bytes_of(value: Any, serializer: str) -> bytes:
    if serializer.endswith("json"):
        import json

        data = json.dumps(value, ensure_ascii=False, allow_nan=True).encode("utf-8", "surrogatepass")
    else:
        try:
            data = dumps(value, _PROTOCOL)
        except Exception:  # as above
            target = BytesIO()
            _by_value(value, target)
            data = target.getvalue()
    if serializer.startswith("compressed/"):
        import zlib

        data = zlib.compress(data)
    return data


def _by_value(value: Any, target: Any) -> None:
    import cloudpickle

    pickler: Any = cloudpickle.Pickler(target, _PROTOCOL)
    pickler.dump(value)


class _Loader(Unpickler):
    def __init__(self, file: BinaryIO, main_module: str | None) -> None:
        super().__init__(file)
        self._main_module = main_module

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if module_name == "__main__" and self._main_module and self._main_module != "__main__":
            if self._main_module not in sys.modules:
                __import__(self._main_module)
            module_name = self._main_module
        return super().find_class(module_name, global_name)


def _read(folder: str, name: Any) -> bytes:
    path = f"{folder}/{name}"
    if not isinstance(name, str) or not name or "/" in name or name.startswith("."):
        raise ResultMissing(f"The record names no file of results: {name!r}.")
    return read_private(path, what="The result")


def read_private(path: str, *, what: str) -> bytes:
    """Read a file that is ours and that nobody else can write or read; raise `ResultMissing` otherwise."""
    import stat

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise ResultMissing(f"{what} cannot be read from {path}: {error.strerror}.") from error
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ResultMissing(f"{what} is not read from {path}: it is no regular file.")
        if found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise ResultMissing(
                f"{what} is not read from {path}: others could have changed it "
                f"(owner {found.st_uid}, mode {stat.S_IMODE(found.st_mode):04o}). If it is yours, chmod 600 it."
            )
        return file.read()


def _write(path: str, fill: Callable[[BinaryIO], None]) -> int:
    folder = os.path.dirname(path) or "."
    temporary = f"{folder}/.{os.getpid()}-{os.urandom(6).hex()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(temporary, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, flags, 0o600)
    try:
        with open(descriptor, "wb") as file:
            fill(file)
            file.flush()
            size = file.tell()
            _sync(descriptor)
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    _sync_folder(folder)
    return size


def _words(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # the str of an exception is the user's code, too
        return type(error).__name__


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":
        import fcntl

        try:  # there fsync leaves the data in the drive's cache
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
        except OSError:
            pass
    os.fsync(descriptor)
