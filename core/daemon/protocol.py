"""The words on the daemon's socket: one JSON object a line, a request one way and an answer the other.

{"v": 1, "id": "…", "do": "cancel", "run_id": "…"}
{"v": 1, "id": "…", "ok": true, …}      {"v": 1, "id": "…", "ok": false, "error": {"kind": "stale", "message": "…"}}
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple, cast

from flowctl.core.authoring.exceptions import FlowctlError

VERSION: Final = 1
#: A longer line is refused, and its sender cut off.
LONGEST_LINE: Final = 4 << 20
_LONGEST_ID: Final = 200
#: Why a request is refused, in a word.
KINDS: Final = ("stale", "not_found", "refused", "bad_request", "busy")

#: Fields of a request or an answer: whatever JSON has a word for.
Fields = dict[str, Any]


class Refused(FlowctlError):
    """The daemon does not do what it was asked; the message says why and what to do."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class Request(NamedTuple):
    """What somebody asks of the daemon."""

    id: str
    verb: str
    fields: Fields


def read_request(line: bytes) -> Request:
    """Read one line; raise `Refused` where it makes no sense."""
    found = _read(line)
    version, request_id, verb = found.pop("v", None), found.pop("id", None), found.pop("do", None)
    if version != VERSION:
        raise Refused(
            "bad_request",
            f"This daemon speaks version {VERSION} of its language, not {version!r:.20}. "
            "Restart it with the flowctl that you use: `flowctl daemon restart`.",
        )
    if not isinstance(request_id, str) or not 0 < len(request_id) <= _LONGEST_ID:
        raise Refused("bad_request", f"A request needs an id: a text of 1 to {_LONGEST_ID} characters.")
    if not isinstance(verb, str):
        raise Refused("bad_request", 'A request needs a verb: {"do": "status"}.')
    return Request(request_id, verb, found)


def id_of(line: bytes) -> str | None:
    """Find the id of a request that makes no sense otherwise, so that its sender knows which one is refused."""
    try:
        request_id = _read(line).get("id")
    except Refused:
        return None
    return request_id if isinstance(request_id, str) and len(request_id) <= _LONGEST_ID else None


def write_request(request_id: str, verb: str, fields: Fields) -> bytes:
    """Write a request as a line."""
    return _line({"v": VERSION, "id": request_id, "do": verb, **fields})


def write_answer(request_id: str | None, fields: Fields) -> bytes:
    """Write what came of a request as a line."""
    return _line({"v": VERSION, "id": request_id, "ok": True, **fields})


def write_refusal(request_id: str | None, refused: Refused) -> bytes:
    """Write as a line why a request is refused."""
    error = {"kind": refused.kind, "message": refused.message}
    return _line({"v": VERSION, "id": request_id, "ok": False, "error": error})


def write_news(fields: Fields) -> bytes:
    """Write as a line what subscribers get unasked."""
    return _line({"v": VERSION, **fields})


def read_answer(line: bytes) -> Fields:
    """Read what the daemon sent; raise `Refused` for a refusal."""
    found = _read(line)
    if found.get("ok") is False:
        error: Any = found.get("error")
        if isinstance(error, dict):
            words = cast("dict[str, object]", error)
            raise Refused(str(words.get("kind")), str(words.get("message")))
    return found


def _read(line: bytes) -> Fields:
    try:
        text = line.decode("utf-8")
        found: object = json.loads(text, parse_constant=_no_number)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise Refused("bad_request", "The request is nested too deeply.") from None
    except ValueError as error:
        raise Refused("bad_request", f"The request is no line of JSON: {error!s:.200}.") from None
    if not isinstance(found, dict):
        raise Refused("bad_request", "A request is a JSON object.")
    return cast("Fields", found)


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number in JSON")


def _line(fields: Fields) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), default=str).encode(errors="replace") + b"\n"
