"""`flowctl dev` as a test drives it: a process in a pipe or on a terminal, its output, and waits with a deadline."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

WAIT_S = 25.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def wait_until(condition: Callable[[], object], what: str, seen: Callable[[], str] = str) -> None:
    """Wait for a condition with a deadline."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WAIT_S:g} s for {what}; seen:\n{seen()}"
        time.sleep(0.005)


class Session:
    """One `flowctl dev` under test."""

    def __init__(self, folder: Path, *words: str, is_terminal: bool = False) -> None:
        master, slave = pty.openpty() if is_terminal else os.pipe()
        if is_terminal:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self._master = master
        self.text = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flowctl", "dev", *words],
            cwd=folder,
            env={**os.environ, "TERM": "xterm-256color"},
            stdin=slave if is_terminal else subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=(lambda: _take_terminal(slave)) if is_terminal else None,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, words: str, *, times: int = 1) -> None:
        """Wait until words stand in the output, so many times."""
        wait_until(lambda: self.count(words) >= times, f"{words!r} x {times}", lambda: self.text[-3000:])

    def count(self, words: str) -> int:
        return _ESCAPES.sub("", self.text).count(words)

    @property
    def is_waiting(self) -> bool:
        """Tell whether the last thing said is that it waits for a save."""
        return _ESCAPES.sub("", self.text).rstrip().endswith("ctrl+c ends")

    def settle(self) -> None:
        """Wait until it waits for a save."""
        wait_until(lambda: self.is_waiting, "the end of the run", lambda: self.text[-3000:])

    def press(self, key: str) -> None:
        """Type on the terminal."""
        os.write(self._master, key.encode())

    def end(self) -> int:
        """Have it end, and give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(WAIT_S)

    def kill(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self._reader.join(WAIT_S)
        os.close(self._master)

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self._master, 1 << 16)
            except OSError:
                return
            if not part:
                return
            self.text += part.decode(errors="replace")


def _take_terminal(slave: int) -> None:
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
