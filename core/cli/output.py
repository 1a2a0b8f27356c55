"""Where commands write: one console that obeys NO_COLOR, FORCE_COLOR and COLUMNS, and JSON for machines."""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any, cast

from rich.console import Console

from flowctl.core.cli.display_words import Glyphs
from flowctl.core.cli.palette import is_plain
from flowctl.store.text import safe_text

#: Lines of a pipe are never cut or folded.
_PIPE_WIDTH = 100_000


def make_console(*, stderr: bool = False) -> Console:
    """Make a console that reads no markup, no emoji codes and no numbers out of what it prints."""
    stream = sys.stderr if stderr else sys.stdout
    width = None
    if not stream.isatty() and not os.environ.get("COLUMNS", "").isdigit():
        width = _PIPE_WIDTH
    file = cast("IO[str]", _Plain(stream)) if is_plain() else stream  # rich uses no more of a file than `_Plain` has
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)


class _Plain:
    """A stream that puts our own signs, and those that rich cuts lines with, into ASCII."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._glyphs = Glyphs(is_ascii=True)

    def write(self, text: str) -> int:
        return self._stream.write(self._glyphs.plain(text))

    def __getattr__(self, name: str) -> Any:  # whatever the stream has
        return getattr(self._stream, name)


def to_json(value: Any, *, indent: int | None = 2) -> str:  # whatever JSON has a word for
    """Write JSON that is safe on a terminal: readable letters, unless there are some that a terminal obeys."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    return text if safe_text(text) == text else json.dumps(value, indent=indent, default=str)


def print_json(value: Any) -> None:
    """Write one JSON document."""
    sys.stdout.write(to_json(value) + "\n")
