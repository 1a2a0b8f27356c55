"""Where in a file a problem is: the lines around it, and the columns that a caret belongs under."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from types import TracebackType
from typing import Any, Final

#: Lines shown before and after the one that is meant.
_BEFORE: Final = 3
_AFTER: Final = 2
_LONGEST_LINE: Final = 500


def surroundings_of(error: BaseException, file: str, line: int) -> dict[str, Any]:
    """Give `lines`, pairs of number and text, and `caret`, first and last column in the line (None: not known)."""
    lines = _lines(file, line)
    text = next((text for number, text in lines if number == line), "")
    caret = _caret_of_syntax(error, file, line) or _caret_of_trace(error.__traceback__, file, line, text)
    if caret is not None and not 0 <= caret[0] < caret[1] <= len(text) + 1:
        caret = None
    return {"lines": [list(pair) for pair in lines], "caret": None if caret is None else list(caret)}


def _lines(file: str, line: int) -> list[tuple[int, str]]:
    import linecache

    if not line:
        return []
    try:
        linecache.checkcache(file)
        first = max(line - _BEFORE, 1)
        found = linecache.getlines(file)[first - 1 : line + _AFTER]
    except Exception:  # noqa: BLE001 - a loader of the user's, a file of another encoding
        return []
    return _numbered(found, first)


def lines_around(text: bytes, line: int) -> list[tuple[int, str]]:
    """Give the lines of a text around one of them, with their numbers."""
    if not line:
        return []
    first = max(line - _BEFORE, 1)
    return _numbered(text.decode("utf-8", "replace").splitlines()[first - 1 : line + _AFTER], first)


def _numbered(lines: Iterable[str], first: int) -> list[tuple[int, str]]:
    return [(number, text.rstrip("\r\n")[:_LONGEST_LINE]) for number, text in enumerate(lines, first)]


def _caret_of_syntax(error: BaseException, file: str, line: int) -> tuple[int, int] | None:
    if not isinstance(error, SyntaxError) or (error.filename, error.lineno) != (file, line) or not error.offset:
        return None
    start = error.offset - 1
    is_one_line = error.end_lineno == line and error.end_offset is not None and error.end_offset > error.offset
    return start, (error.end_offset or 0) - 1 if is_one_line else start + 1


def _caret_of_trace(trace: TracebackType | None, file: str, line: int, text: str) -> tuple[int, int] | None:
    """Find the columns in the innermost frame of that line; nothing where they are the whole line anyway."""
    found: tuple[int, int] | None = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == file and trace.tb_lineno == line:
            place = next(islice(code.co_positions(), trace.tb_lasti // 2, None), None)
            if place is not None and place[0] == place[1] == line and place[2] is not None and place[3] is not None:
                found = place[2], place[3]
        trace = trace.tb_next
    if found is None:
        return None
    # Columns of code are counted in bytes.
    encoded = text.encode()
    start, end = (len(encoded[:place].decode("utf-8", "replace")) for place in found)
    return None if text[start:end].strip() == text.strip() else (start, end)
