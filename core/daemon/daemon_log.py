"""The daemon's own log: one file of dated lines, which makes room for itself by moving the older ones aside."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from flowctl.core.daemon.paths import log_path
from flowctl.store.home import Home
from flowctl.store.text import safe_text

#: The file and the one before it: twice this much at most.
LARGEST: Final = 2 << 20
_LONGEST_LINE: Final = 4000


class DaemonLog:
    """Lines of the daemon; on a full disk they are dropped, and nothing else happens."""

    def __init__(self, home: Home, *, is_shown: bool, now: Callable[[], datetime] | None = None) -> None:
        self._path = log_path(home)
        #: The lines go to stderr too: the daemon is in the foreground.
        self._is_shown = is_shown
        self._now = now or (lambda: datetime.now(UTC))

    def write(self, text: str) -> None:
        """Write one line."""
        self._append(safe_text(text, keep_newlines=False)[:_LONGEST_LINE])

    def write_defect(self, where: str, error: BaseException) -> None:
        """Write an error that nobody foresaw, with its traceback."""
        lines = "".join(traceback.format_exception(error))
        self._append(f"{where} failed:\n{safe_text(lines)[-4 * _LONGEST_LINE :]}".rstrip())

    def take_over_output(self) -> None:
        """Send to the log whatever this process and its children print."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)

    def _append(self, text: str) -> None:
        line = f"{self._now().astimezone():%Y-%m-%d %H:%M:%S} {text}\n"
        if self._is_shown:
            sys.stderr.write(line)
            sys.stderr.flush()
        try:
            self._make_room()
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, line.encode(errors="replace"))
            finally:
                os.close(descriptor)
        except OSError:
            pass  # a full disk: the status, which needs no disk, tells what is wrong

    def _make_room(self) -> None:
        try:
            size = os.stat(self._path).st_size
        except FileNotFoundError:
            return
        if size > LARGEST:
            os.replace(self._path, self._path + ".1")
            if not self._is_shown:
                self.take_over_output()
