"""The process of one run under `flowctl dev`: it waits, already warm, until it is told to run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import flowctl
from flowctl.core.cli.dev_run import COMMAND
from flowctl.core.daemon import processes
from flowctl.core.engine.root import RUN_VARIABLE

#: What happened, and what belongs to it: whatever its kind brings along.
Event = tuple[str, Any]


class Child:
    """A process for one run: ready, then running, then ended."""

    def __init__(self, plan: Mapping[str, Any], tell: Callable[[Event], object]) -> None:
        self.code: int | None = None
        self._token = f"dev-{os.urandom(8).hex()}"
        theirs, self._go = os.pipe()
        told, their_told = os.pipe()
        folder = str(Path(flowctl.__file__).parent.parent)
        # It waits with Ctrl-C blocked, from its first moment, and lets it through when it runs.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", COMMAND.format(folder=folder), json.dumps(plan), str(theirs), str(their_told)],
            pass_fds=(theirs, their_told),
            env={**os.environ, RUN_VARIABLE: self._token},
        )
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))
        self._identity = processes.find(self._process.pid) or processes.Process(self._process.pid, 0)
        os.close(theirs)
        os.close(their_told)
        self._told = told
        threading.Thread(target=self._listen, args=(tell,), name="flowctl dev child", daemon=True).start()

    def go(self) -> None:
        """Have it run."""
        try:
            os.write(self._go, b"!")
        except BrokenPipeError:
            pass  # it died while it waited; its end is told as any other

    def cancel(self, number: int = signal.SIGINT) -> None:
        """Ask it to end."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it, and what it started."""
        processes.kill_tree(self._members)
        self._process.wait()

    def _members(self) -> list[processes.Process]:
        found = processes.members(
            processes.look_at_all(), self._identity, run_id=self._token, folder=f"/{self._token}", is_leading=False
        )
        return [each.process for each in found]

    def _listen(self, tell: Callable[[Event], object]) -> None:
        with os.fdopen(self._told, encoding="utf-8") as lines:
            for line in lines:
                tell(("told", (self, json.loads(line))))
        self.code = self._process.wait()
        os.close(self._go)
        tell(("ended", self))
