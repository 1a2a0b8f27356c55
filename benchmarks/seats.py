"""A program in a pseudo-terminal of its own: keys go in, what it writes comes out with the time at which it came."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Final, Self

_PATIENCE_S: Final = 60.0


#: Columns and rows.
WIDE: Final = (140, 40)
NARROW: Final = (80, 24)


class Seat:
    """The person in front of a terminal."""

    def __init__(
        self, command: list[str], *, size: tuple[int, int] = WIDE, environment: Mapping[str, str] | None = None
    ) -> None:
        self.output = bytearray()
        self.began_s = perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", *reversed(size), 0, 0))
            os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})})
            os.execv(command[0], command)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has ended by itself
        os.waitpid(self.pid, 0)
        os.close(self._fd)

    def press(self, keys: str) -> float:
        """Press keys; give the time at which that was."""
        now = perf_counter()
        os.write(self._fd, keys.encode())
        return now

    def until(self, is_so: Callable[[bytes], bool]) -> float:
        """Read until what came since `forget` is so; give the time at which it was."""
        deadline = perf_counter() + _PATIENCE_S
        while not is_so(bytes(self.output)):
            assert perf_counter() < deadline, self.output[-3000:]
            self.read(0.5)
        return perf_counter()

    def read(self, wait_s: float) -> bool:
        """Read what comes, or nothing within a while."""
        ready, _, _ = select.select([self._fd], [], [], wait_s)
        if not ready:
            return False
        self.output += os.read(self._fd, 1 << 16)
        return True

    def rest(self, seconds: float, quiet_s: float = 0.0) -> None:
        """Read for so long, and where asked for until nothing has come for a while."""
        end = perf_counter() + seconds
        while (left := end - perf_counter()) > 0:
            if not self.read(min(left, quiet_s or left)) and quiet_s:
                return

    def forget(self) -> None:
        """Begin anew with what came."""
        self.output.clear()

    def cpu_percent(self, seconds: float) -> float:
        """Read for so long; tell what share of the processor it took meanwhile, as the scheduler counts it."""
        before, began = self._busy_s(), perf_counter()
        self.rest(seconds)
        after, passed = self._busy_s(), perf_counter() - began
        return sum(busy - before.get(thread, 0.0) for thread, busy in after.items()) / passed * 100

    def keys(self, size: int, keys: str, within_s: float = 2.0) -> list[float]:
        """Press keys one by one, each when nothing comes any more; tell how many ms each took until something came."""
        took: list[float] = []
        for number in range(size):
            self.rest(within_s, quiet_s=0.02)
            self.forget()
            pressed = self.press(keys[number % len(keys)])
            took.append((self.until(bool) - pressed) * 1e3)
        return took

    def _busy_s(self) -> dict[str, float]:
        """Tell the seconds of each thread; the ticks of `stat` are too coarse for what is nearly idle."""
        return {
            folder.name: int((folder / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9
            for folder in Path(f"/proc/{self.pid}/task").iterdir()
        }

    @property
    def memory_mb(self) -> float:
        """What it holds of memory, what it shares with others divided among them."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024
