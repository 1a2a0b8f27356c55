"""Copying text out of the interface, by the first way that works here; the remark says which one it was.

Terminals differ: a tool of the desktop is surest on this machine, an escape sequence (OSC 52) reaches through SSH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flowctl.tui.app import FlowctlApp

#: Command, the variable without which it has nowhere to copy to, and the encoding that it reads.
_LOCAL: Final = (
    (["pbcopy"], None, "utf-8"),
    (["wl-copy"], "WAYLAND_DISPLAY", "utf-8"),
    (["xclip", "-selection", "clipboard"], "DISPLAY", "utf-8"),
    (["xsel", "--clipboard", "--input"], "DISPLAY", "utf-8"),
    # Windows takes anything else for text of its old code page.
    (["clip.exe"], None, "utf-16"),
)
_PATIENCE_S: Final = 1.0
#: Terminals and what stands between take some hundred thousand characters in a sequence, and drop a longer one whole.
_MOST_TOLD: Final = 500_000


def copy(text: str, *, home: str, is_remote: bool, write_osc52: Callable[[str], None]) -> str:
    """Copy a text; return by which ways, in a few words."""
    ways: list[str] = []
    tool = None if is_remote else _copy_locally(text)
    if tool is not None:
        ways.append(tool)
    else:
        if len(text) <= _MOST_TOLD:
            write_osc52(text)
            ways.append("the terminal (OSC 52)")
        if os.environ.get("TMUX") and _feed(["tmux", "load-buffer", "-w", "-"], text):
            ways.append("tmux")
    if _keep(f"{home}/tui.clip", text):
        # Of what is in a file one has to know where that is, when it is nowhere else.
        ways.append("tui.clip" if ways else f"{home}/tui.clip alone: it is too much for a terminal")
    return ", ".join(ways) or "nothing: it is too much for a terminal, and tui.clip cannot be written"


def copy_apart(app: FlowctlApp, text: str | Callable[[], str], name: str) -> None:
    """Copy a text in a thread, which can wait for other programs and make what is long; then say by which way."""

    def work() -> None:
        made = text if isinstance(text, str) else text()
        ways = copy(made, home=app.home.path, is_remote=app.look.is_remote, write_osc52=write)
        app.call_later(tell, ways)

    def write(made: str) -> None:
        app.call_later(app.copy_to_clipboard, made)

    def tell(ways: str) -> None:
        if app.view is not None:
            app.view.say(f"copied {name} to {ways}")

    app.run_worker(work, thread=True, group="clipboard", exit_on_error=False)


def _copy_locally(text: str) -> str | None:
    """Copy by the first tool that does; give its name."""
    for command, variable, encoding in _LOCAL:
        is_usable = (variable is None or os.environ.get(variable)) and shutil.which(command[0])
        if is_usable and _feed(command, text, encoding):
            return command[0]
    return None


def _feed(command: list[str], text: str, encoding: str = "utf-8") -> bool:
    try:
        done = subprocess.run(
            command, input=text.encode(encoding, "replace"), timeout=_PATIENCE_S, check=False,
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
