"""Copying text out of the interface, by the first way that works here; the remark says which one it was.

Terminals differ: a tool of the desktop is surest on this machine, an escape sequence (OSC 52) reaches through SSH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Final

_LOCAL: Final = (
    ("pbcopy", ["pbcopy"], None),
    ("wl-copy", ["wl-copy"], "WAYLAND_DISPLAY"),
    ("xclip", ["xclip", "-selection", "clipboard"], "DISPLAY"),
    ("xsel", ["xsel", "--clipboard", "--input"], "DISPLAY"),
    ("clip.exe", ["clip.exe"], None),
)
_PATIENCE_S: Final = 1.0


def copy(text: str, *, home: str, is_remote: bool, write_osc52: Callable[[str], None]) -> str:
    """Copy a text; return by which ways, in a few words."""
    ways: list[str] = []
    if not is_remote and (tool := _local_tool()) is not None and _feed(tool, text):
        ways.append(tool[0])
    else:
        write_osc52(text)
        ways.append("the terminal (OSC 52)")
        if os.environ.get("TMUX") and _feed(["tmux", "load-buffer", "-w", "-"], text):
            ways.append("tmux")
    if _keep(f"{home}/tui.clip", text):
        ways.append("tui.clip")
    return ", ".join(ways)


def _local_tool() -> list[str] | None:
    for name, command, variable in _LOCAL:
        if (variable is None or os.environ.get(variable)) and shutil.which(name):
            return list(command)
    return None


def _feed(command: list[str], text: str) -> bool:
    try:
        done = subprocess.run(
            command, input=text.encode(errors="replace"), timeout=_PATIENCE_S, check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _keep(path: str, text: str) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError:
        return False
    return True
