"""Opening a file at a line in the person's own editor; each has its own way to be told of the line."""

from __future__ import annotations

import os
import shlex
from pathlib import PurePath
from typing import Final, NamedTuple

#: Editors with windows of their own: the interface stays where it is.
_WINDOWED: Final = frozenset(
    {"code", "codium", "subl", "gedit", "kate", "pycharm", "idea", "zed", "mate", "xed", "gvim"}
)
_PLACE_AFTER: Final = {"code": "--goto {file}:{line}", "codium": "--goto {file}:{line}"}
_COLON: Final = frozenset({"subl", "zed", "hx", "helix"})


class Call(NamedTuple):
    """A command, and whether it takes the terminal."""

    command: list[str]
    is_windowed: bool


def call_of(file: str, line: int) -> Call | None:
    """Make the command that opens a file at a line; None where no editor is named."""
    wanted = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not wanted:
        return None
    try:
        words = shlex.split(wanted)
    except ValueError:
        return None
    if not words:
        return None
    name = PurePath(words[0]).name
    line = max(line, 1)
    if name in _PLACE_AFTER:
        place = [word.format(file=file, line=line) for word in _PLACE_AFTER[name].split()]
    elif name in _COLON:
        place = [f"{file}:{line}"]
    else:
        place = [f"+{line}", file]
    return Call([*words, *place], name in _WINDOWED)
