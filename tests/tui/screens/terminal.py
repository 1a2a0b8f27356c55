"""A terminal for tests: a program in a pseudo-terminal, what it wrote as a grid of letters, and keys for it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.cells import cell_len

ROOT = Path(__file__).parents[3]
_SEQUENCE = re.compile(
    r"\x1b\[(?P<args>[<=>?]?[0-9;:]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b[\]P_^X].*?(?:\x07|\x1b\\)|\x1b(?![\]\[P_^X])[ -/]*[0-~]",
    re.S,
)


class Screen:
    """What a terminal of a size shows after some output."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.rows = [[" "] * width for _ in range(height)]
        #: How each letter looks, as the sequences that said so.
        self.looks = [[""] * width for _ in range(height)]
        self._look = ""
        self.is_alternate = False
        self.has_cursor = True
        self._x = self._y = 0
        self._rest = ""

    def feed(self, text: str) -> None:
        """Take output, of which a sequence may come in two parts."""
        text = self._rest + text
        place = 0
        while place < len(text):
            if text[place] != "\x1b":
                self._letter(text[place])
                place += 1
                continue
            found = _SEQUENCE.match(text, place)
            if found is None:
                break
            self._obey(found["args"] or "", found["final"] or "")
            place = found.end()
        self._rest = text[place:]

    def text(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self.rows)

    def _letter(self, letter: str) -> None:
        if letter == "\r":
            self._x = 0
        elif letter == "\n":
            self._y = min(self._y + 1, self.height - 1)
        elif letter >= " ":
            cells = cell_len(letter)
            for place in range(self._x, min(self._x + cells, self.width)):
                if self._y < self.height:
                    self.rows[self._y][place] = letter if place == self._x else ""
                    self.looks[self._y][place] = self._look
            self._x += cells

    def _obey(self, args: str, final: str) -> None:
        if final == "m":
            self._look = "" if args in ("", "0") else self._look + args + ";"
        elif args.startswith("?") and final in "hl":
            is_on = final == "h"
            if "1049" in args:
                self.is_alternate = is_on
            if "25" in args.strip("?").split(";"):
                self.has_cursor = is_on
        elif final in ("H", "f"):
            row, _, column = args.partition(";")
            self._y, self._x = int(row or 1) - 1, int(column or 1) - 1
        elif final == "J" and args in ("2", ""):
            self.rows = [[" "] * self.width for _ in range(self.height)]
            self.looks = [[""] * self.width for _ in range(self.height)]


class Terminal:
    """A program with a terminal of its own."""

    def __init__(
        self,
        command: list[str],
        *,
        size: tuple[int, int],
        environment: dict[str, str],
        folder: Path = ROOT,
        echoes: bool = True,
    ) -> None:
        self.screen = Screen(*size)
        self.output = ""
        self.began_s = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            # Begun before it is known how the line is set and how large it is, it would set and ask too early.
            os.kill(os.getpid(), signal.SIGSTOP)
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)
        if not echoes:
            # What is typed before it listens, or while it is stopped, is not its output.
            settings = termios.tcgetattr(self._fd)
            settings[3] &= ~termios.ECHO
            termios.tcsetattr(self._fd, termios.TCSANOW, settings)
        #: How the line is set while no program has set it otherwise.
        self.before = self.settings()
        self._resize(*size)
        os.kill(self.pid, signal.SIGCONT)

    def press(self, keys: str | bytes) -> None:
        os.write(self._fd, keys if isinstance(keys, bytes) else keys.encode())

    def press_if_alive(self, keys: str | bytes) -> None:
        """Press keys, which nobody gets where the program has ended."""
        try:
            self.press(keys)
        except OSError:
            pass  # the other end is gone

    def read_for(self, seconds: float) -> None:
        """Read what comes in a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self._read(left):
                return

    def resize(self, width: int, height: int) -> None:
        self.screen = Screen(width, height)
        self._resize(width, height)
        os.kill(self.pid, signal.SIGWINCH)

    def until(self, condition: Callable[[], bool], *, within_s: float = 60) -> float:
        """Read until something is so; return when it was, in seconds since the start."""
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"it did not come true; the screen is:\n{self.screen.text()}"
            self._read(0.02)
        return time.perf_counter() - self.began_s

    def shows(self, text: str, *, within_s: float = 60) -> float:
        """Wait until a text stands on the screen."""
        return self.until(lambda: text in self.screen.text(), within_s=within_s)

    def wait(self, *, within_s: float = 60) -> int:
        """Read until the program ends; return its exit code, below 0 for a signal."""
        deadline = time.monotonic() + within_s
        while True:
            self._read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.drain()
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline, "it does not end"

    @property
    def has_ended(self) -> bool:
        """Whether the program has ended; `wait` then gives its exit code."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    @property
    def is_restored(self) -> bool:
        """Whether the terminal is as it was: no alternate screen, a cursor, no reports of mouse, focus and pasting."""
        modes = {
            mode: self.output.rfind(f"\x1b[?{mode}l") >= self.output.rfind(f"\x1b[?{mode}h")
            for mode in ("1000", "1003", "1004", "1049", "2004")
        }
        return not self.screen.is_alternate and self.screen.has_cursor and all(modes.values())

    def drain(self) -> None:
        """Read what an ended program has left, which may still be on its way."""
        while self._read(0.2):
            pass

    def go_on(self) -> None:
        """Have the program go on if it has stopped itself, as a shell would with `fg`."""
        with suppress(ChildProcessError):  # it has ended
            if os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG) is not None:
                os.kill(self.pid, signal.SIGCONT)

    def set(self, settings: list[Any]) -> None:
        """Set the line, as another program would."""
        termios.tcsetattr(self._fd, termios.TCSANOW, settings)

    def settings(self) -> list[Any]:
        """Give how the line is set: raw while the interface has it, as before afterwards."""
        return termios.tcgetattr(self._fd)

    def close(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass  # it has ended
        os.close(self._fd)

    def _read(self, wait_s: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], wait_s)
        if not ready:
            return False
        try:
            data = os.read(self._fd, 1 << 16)
        except OSError:
            return False  # the other end is gone
        text = data.decode("utf-8", "replace")
        self.output += text
        self.screen.feed(text)
        return bool(data)

    def _resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def planted(folder: Path, code: str) -> dict[str, str]:
    """Have Python run some code when it starts: what to put in the environment."""
    (folder / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '.')}"}
