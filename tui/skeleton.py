"""The first frame: on the screen before anything large is imported, so that the key press is answered at once.

It shows the frame of the Runs screen and, dimmed, the list as it was when the interface was last left.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
from typing import IO, Any, Final

from flowctl.store.home import Home
from flowctl.store.text import safe_text
from flowctl.tui.model.ascii import wants_ascii

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J"
#: What undoes all that the interface asks of a terminal.
RESTORE: Final = (
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2004l\x1b[?2048l\x1b[?7h\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)
_TABS = " [1 Runs]  2 Deploys   3 Flows   4 Logs   5 System"


#: Words after which the command line cannot be refused, so that nothing has to be said while the frame stands.
_PLAIN_WORDS: Final = frozenset({"tui", "--no-daemon", "--read-only", "--no-mouse", "--ascii"})
#: What ends a program at once unless it is told otherwise; until the interface is there nothing else is to be ended.
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_shown: IO[str] | None = None
#: How the terminal was set.
_settings: list[Any] | None = None


def show_first_frame(words: list[str]) -> None:
    """Show the frame while the interface is on its way, if that is what will come."""
    global _shown, _settings
    out = sys.stdout
    runs = [word for word in words if word not in _PLAIN_WORDS]
    if len(runs) > 1 or any(word.startswith("-") and word != "-" for word in runs):
        return
    if not (out.isatty() and sys.stdin.isatty()) or os.environ.get("TERM") in (None, "", "dumb"):
        return
    try:
        width, height = os.get_terminal_size(out.fileno())
    except OSError:
        return
    _shown, _settings = out, _quiet(sys.stdin.fileno())
    for number in _ENDING:
        signal.signal(number, _end)
    lines = [] if runs else remembered(Home.default())
    if "--ascii" in words or wants_ascii(os.environ, out.encoding):
        # The list may have been left in signs that this terminal does not show: rather none than a garbled one.
        lines = lines if all(line.isascii() for line in lines) else []
    out.write(_ENTER + frame(width, height, lines))
    out.flush()


def settings_before() -> list[Any] | None:
    """Tell how the terminal was set, until it is handed over."""
    return _settings


def hand_over() -> None:
    """Leave the terminal to the interface, which restores it itself."""
    global _shown, _settings
    _shown = _settings = None


def take_away() -> None:
    """Give the terminal back as it was, if the frame still stands."""
    out, settings = _shown, _settings
    hand_over()
    if out is not None:
        try:
            if settings is not None:
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, settings)
            out.write(RESTORE)
            out.flush()
        except (OSError, termios.error):
            pass  # the terminal is gone


def _quiet(terminal: int) -> list[Any] | None:
    """Have what is typed wait, letter by letter and unseen; return how the terminal was set."""
    try:
        before, after = termios.tcgetattr(terminal), termios.tcgetattr(terminal)
        after[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON)
        after[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
        # Ctrl-C ends it all the same; what stops it can wait until the interface knows how to.
        for key in (termios.VSUSP, termios.VQUIT):
            after[6][key] = b"\0"
        after[6][termios.VMIN], after[6][termios.VTIME] = 1, 0
        termios.tcsetattr(terminal, termios.TCSANOW, after)
    except termios.error:
        return None
    return before


def _end(number: int, _frame: object) -> None:
    take_away()
    os._exit(128 + number)


def frame(width: int, height: int, lines: list[str]) -> str:
    """Write the frame for a size, as escape sequences and text."""
    rows = [f"\x1b[1m{' flowctl'[:width]}\x1b[0m", f"\x1b[2m{_TABS[:width]}\x1b[0m"]
    if lines:
        rows += [f"\x1b[2m{line[:width]}\x1b[0m" for line in lines[: max(0, height - 4)]]
    else:
        rows += ["", f"\x1b[2m{'   opening'[:width]}\x1b[0m"]
    return "\r\n".join(rows[:height])


def remembered(home: Home) -> list[str]:
    """Read the list as it was on the screen last time."""
    try:
        with open(_path(home), encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - pathlib is slow to import
            # Whoever can write there is us; it costs nothing to be sure.
            return [safe_text(line, keep_newlines=False) for line in file.read(40_000).splitlines()]
    except OSError:
        return []


def remember(home: Home, lines: list[str]) -> None:
    """Keep the list for the next first frame; where that fails, the next one is empty."""
    try:
        descriptor = os.open(_path(home), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write("\n".join(lines))
    except OSError:
        pass


def _path(home: Home) -> str:
    return f"{home.path}/tui.frame"
