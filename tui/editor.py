"""Opening a file at a line in the person's own editor; each has its own way to be told of the line.

An editor that takes the terminal is ended with the interface: two that read one terminal would be left behind.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from pathlib import PurePath
from typing import Final, NamedTuple

#: Editors with windows of their own: the interface stays where it is.
_WINDOWED: Final = frozenset(
    {"code", "codium", "subl", "gedit", "kate", "pycharm", "idea", "zed", "mate", "xed", "gvim"}
)
_PLACE_AFTER: Final = {"code": "--goto {file}:{line}", "codium": "--goto {file}:{line}"}
_COLON: Final = frozenset({"subl", "zed", "hx", "helix"})
#: What does not end itself within so long when it is told to is killed.
_ENDS_S: Final = 1.0
_LOOK_EVERY_S: Final = 0.02
#: The editor that has the terminal.
_at_work: subprocess.Popen[bytes] | None = None


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


def run(command: list[str]) -> None:
    """Have an editor in the terminal until it ends; raise `OSError` where it cannot be started."""
    global _at_work
    with subprocess.Popen(command) as _at_work:
        try:
            _at_work.wait()
        finally:
            _at_work = None


def end(number: signal.Signals) -> None:
    """End the editor in the terminal, and all that it is made of; called in a thread."""
    from flowctl.core.daemon.processes import descendants, look_at_all, send, send_all

    editor = _at_work
    if editor is None:
        return
    # A shell dies without those that it waits for.
    seen = look_at_all()
    left = [seen[pid].process for pid in descendants(seen, editor.pid)]
    for each in left:
        send(each, number)
        send(each, signal.SIGCONT)  # a stopped one hears nothing
    until_s = time.monotonic() + _ENDS_S
    while _at_work is editor and time.monotonic() < until_s:
        time.sleep(_LOOK_EVERY_S)
    send_all(left, signal.SIGKILL)
