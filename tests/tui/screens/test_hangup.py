"""The terminal goes away, with a signal or without, whatever the interface does just then: the process ends."""

from __future__ import annotations

import fcntl
import os
import random
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flowctl.store.home import Home
from tests.tui.screens.random_keys import NAMED, TYPED
from tests.tui.screens.sample import three_runs

WITHIN_S = 3.0
#: Interfaces that hang and that cannot draw, by what is done to them when Python starts.
HANGS = "import time\ndef hang(screen): time.sleep(1000)\nruns.RunsScreen.action_move_down = hang\n"
CANNOT_DRAW = "def broken(screen): raise RuntimeError('planted')\nruns.RunsScreen.frame_lines = broken\n"


class Window:
    """A terminal whose other end can be closed, and the interface in it."""

    def __init__(self, folder: Path, *, is_told: bool, planted: str = "") -> None:
        (folder / "sitecustomize.py").write_text(
            f"import flowctl.tui.screens.runs as runs\n{planted}" if planted else ""
        )
        path = f"{folder}:{os.environ.get('PYTHONPATH', '.')}"
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(slave)
        # The kernel tells only a process whose terminal it is.
        controls: Callable[[], object] | None = (lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if is_told else None
        self.program = subprocess.Popen(
            [sys.executable, "-m", "flowctl", "tui", "--no-daemon"],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=controls,
            env={**os.environ, "TERM": "xterm-256color", "ESCDELAY": "20", "PYTHONPATH": path},
        )  # fmt: skip
        os.close(slave)
        self.output = b""

    def until(self, text: bytes) -> None:
        deadline = time.monotonic() + 60
        while text not in self.output:
            assert time.monotonic() < deadline, self.output[-2000:]
            self.read(0.1)

    def read(self, wait_s: float = 0.0) -> None:
        if select.select([self._master], [], [], wait_s)[0]:
            self.output += os.read(self._master, 1 << 16)

    def press(self, keys: str | bytes) -> None:
        os.write(self._master, keys if isinstance(keys, bytes) else keys.encode())

    def settings(self) -> object:
        return termios.tcgetattr(self._master)

    def close(self) -> None:
        os.close(self._master)

    def code(self, within_s: float) -> int:
        try:
            return self.program.wait(within_s)
        finally:
            self.program.kill()
            self.program.wait()


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "not told"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_when_its_terminal_goes_the_interface_ends_whatever_it_shows(
    home: Home, tmp_path: Path, seed: int, is_told: bool
) -> None:
    chance = random.Random(seed)
    with three_runs(home):
        window = Window(tmp_path, is_told=is_told)
        window.until(b"neat-cat")
        window.until(b"\x1b[?1003h")
        for _ in range(10):
            window.press(b"".join(chance.choice(NAMED if chance.random() < 0.3 else TYPED) for _ in range(5)))
            window.read(0.05)
        if window.program.poll() is None:
            window.press(chance.choice("12345") + "?jjjkkk" * 20)
        window.close()

        assert window.code(WITHIN_S) in (0, 129)


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "not told"])
def test_when_its_terminal_goes_the_interface_ends_although_it_hangs(home: Home, tmp_path: Path, is_told: bool) -> None:
    with three_runs(home):
        window = Window(tmp_path, is_told=is_told, planted=HANGS)
        window.until(b"neat-cat")
        window.until(b"\x1b[?2004h")
        window.press("j" * 20)
        window.close()

        assert window.code(WITHIN_S) == 129


def test_one_that_hangs_is_terminated_and_its_terminal_is_as_it_was(home: Home, tmp_path: Path) -> None:
    with three_runs(home):
        window = Window(tmp_path, is_told=True, planted=HANGS)
        window.until(b"neat-cat")
        window.until(b"\x1b[?2004h")
        window.press("j")
        window.program.send_signal(signal.SIGTERM)
        window.until(b"\x1b[?1049l")

        assert window.code(WITHIN_S) == 143
        assert window.settings() == window.before
        window.close()


def test_one_whose_last_picture_cannot_be_drawn_is_left_all_the_same(home: Home, tmp_path: Path) -> None:
    with three_runs(home):
        window = Window(tmp_path, is_told=True, planted=CANNOT_DRAW)
        window.until(b"neat-cat")
        window.until(b"\x1b[?2004h")
        window.press("q")
        window.until(b"\x1b[?1049l")

        assert window.code(WITHIN_S) == 0
        window.close()
