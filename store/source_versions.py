"""The text of a flow file with the local modules that it is made of, as one piece that is kept under its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

#: Behind a change of the form the old pieces are still read.
_FORM = 1


def pack(files: Mapping[str, bytes]) -> bytes:
    """Put files together, path by path, so that the same files give the same bytes."""
    import msgpack

    packed: bytes = msgpack.packb(
        [_FORM, [[path, files[path]] for path in sorted(files)]], unicode_errors="surrogateescape"
    )
    return packed


def unpack(content: bytes) -> dict[str, bytes]:
    """Take files apart again; empty for what is no such piece."""
    import msgpack

    try:
        form, files = msgpack.unpackb(content, unicode_errors="surrogateescape")
        return dict(files) if form == _FORM else {}
    except (ValueError, TypeError):
        return {}


def digests(content: bytes) -> dict[str, str]:
    """Give the hash of each file's text."""
    return {path: hashlib.sha256(text).hexdigest() for path, text in unpack(content).items()}
