"""Results by cache key, one file each, that any run of this home may use.

A file is `magic | crc32 of the rest | header length | header | value`. The header (msgpack) tells key, task, serializer
and times, so that what is in the cache can be listed and cleaned without unpickling anything.
"""

from __future__ import annotations

from _blake2 import blake2b  # hashlib.blake2b, without the OpenSSL that importing hashlib loads
from typing import Any, Final
from zlib import crc32

import msgpack

from flowctl.core.authoring.exceptions import ResultMissing
from flowctl.core.engine.results import read_private, written

_MAGIC: Final = b"flowctl cache 1\n"
_LENGTH: Final = len(_MAGIC) + 4
_START: Final = _LENGTH + 4


def look_up(folder: str, key: str, now: int) -> list[Any] | None:
    """Give the `result` field kept under a key, its value inline; None where there is none that is whole and valid.

    Times are microseconds since the epoch, as in the journal. A file that others can write to counts as none.
    """
    try:
        data = read_private(_path(folder, key), what="The cached result")
    except ResultMissing:
        return None
    if crc32(data[_LENGTH:]) != int.from_bytes(data[len(_MAGIC) : _LENGTH], "little"):
        return None
    header = read_header(data)
    if header is None or header.get("key") != key:
        return None
    expires_at = header.get("expires_at")
    if expires_at is not None and expires_at <= now:
        return None
    value = data[header["start"] :]
    return [header.get("serializer"), value, None, len(value)]


def store(
    folder: str,
    key: str,
    result: list[Any],
    expires_at: int | None,
    *,
    now: int,
    results_folder: str = "",
    task_key: str = "",
) -> None:
    """Put a `result` field under a key, for good once this returns; the last of several writers wins.

    A result that is a file is read from `results_folder`, for the run it belongs to may be deleted.
    """
    serializer, inline, name, *_ = result
    value: bytes = inline if inline is not None else read_private(f"{results_folder}/{name}", what="The result")
    header = msgpack.packb(
        {
            "key": key,
            "task_key": task_key,
            "serializer": serializer,
            "created_at": now,
            "expires_at": expires_at,
            "size": len(value),
        },
        unicode_errors="surrogatepass",
    )
    assert header is not None
    rest = b"".join((len(header).to_bytes(4, "little"), header, value))
    written(_path(folder, key), b"".join((_MAGIC, crc32(rest).to_bytes(4, "little"), rest)))


def read_header(data: bytes) -> dict[str, Any] | None:
    """Read the metadata at the beginning of a cache file, with `start`, where its value begins; None if damaged."""
    end = _START + int.from_bytes(data[_LENGTH:_START], "little")
    if not data.startswith(_MAGIC) or len(data) < end:
        return None
    try:
        header: Any = msgpack.unpackb(data[_START:end], unicode_errors="surrogatepass")
    except Exception:  # msgpack has no root for its errors
        return None
    return {**header, "start": end} if isinstance(header, dict) else None


def _path(folder: str, key: str) -> str:
    return f"{folder}/{blake2b(key.encode('utf-8', 'surrogatepass'), digest_size=20).hexdigest()}"
