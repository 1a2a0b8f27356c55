"""Real processes for races: each starts, says that it is ready, and waits for the word."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import IO

_WAIT = "import sys; print('ready', flush=True); sys.stdin.readline()\n"
TIMEOUT_S = 50


class Child:
    """A Python process that runs a script when it is told to go on."""

    def __init__(self, before: str, after: str, arguments: Sequence[str] = ()) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", before + "\n" + _WAIT + after, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        assert _pipe(self.process.stdout).readline() == "ready\n", _pipe(self.process.stderr).read()

    def go(self) -> None:
        _pipe(self.process.stdin).write("\n")
        _pipe(self.process.stdin).flush()

    def read_line(self) -> str:
        return _pipe(self.process.stdout).readline()

    def finish(self) -> tuple[str, str]:
        """Wait for its end; return what it wrote."""
        out, err = self.process.communicate(timeout=TIMEOUT_S)
        return out, err

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=TIMEOUT_S)


def run_together(before: str, after: str, arguments: Sequence[Sequence[str]]) -> list[Child]:
    """Run a script in several processes at the same moment; return them when all have ended well."""
    children = [Child(before, after, each) for each in arguments]
    for child in children:
        child.wait_until_ready()
    for child in children:
        child.go()
    for child in children:
        out, err = child.finish()
        assert child.process.returncode == 0, out + err
    return children


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
