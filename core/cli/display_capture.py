"""What child processes and C libraries write on a terminal, caught before it tears the live display apart.

File descriptors 1 and 2 become a pseudo-terminal for as long as the display lives, so that programs go on
behaving as on a terminal; a thread hands on what they write.
"""

from __future__ import annotations

import os
import sys
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import IO, Final

#: Written by ourselves: when the reader sees it, it has seen all that was written before.
_MARK: Final = b"\x00flowctl read up to here\x00"
_LONGEST_WAIT_S: Final = 0.5


class Capture:
    """Takes the place of the terminal on descriptors 1 and 2."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._before: dict[int, int] = {}
        self._master = self._slave = -1
        self._seen = threading.Event()

    def start(self, stream: IO[str]) -> IO[str]:
        """Begin; give a stream that still leads to the terminal. Where that cannot be done, nothing changes."""
        try:
            private = os.fdopen(os.dup(stream.fileno()), "w", encoding="utf-8", errors="replace", newline="")
            self._master, self._slave = os.openpty()
            _same_size(stream.fileno(), self._slave)
        except OSError:
            return stream
        self._before = {number: os.dup(number) for number in (1, 2) if os.isatty(number)}
        self.resume()
        threading.Thread(target=self._read, name="flowctl capture", daemon=True).start()
        return private

    def suspend(self) -> None:
        """Give the terminal back, as for a question to the user."""
        _flush()
        for number, before in self._before.items():
            os.dup2(before, number)
        self._drain()

    def resume(self) -> None:
        _flush()
        for number in self._before:
            os.dup2(self._slave, number)

    def stop(self) -> None:
        """Give the terminal back for good; children that still run may go on writing."""
        if not self._before:
            return
        self.suspend()
        for before in self._before.values():
            os.close(before)
        self._before = {}
        os.close(self._slave)

    def _drain(self) -> None:
        """Wait until all that was written so far has been handed on."""
        if self._before:
            self._seen.clear()
            os.write(self._slave, _MARK)
            self._seen.wait(_LONGEST_WAIT_S)

    def _read(self) -> None:
        decoder = getincrementaldecoder("utf-8")("replace")
        rest = b""
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the last writer is gone
                break
            if not data:
                break
            data = rest + data
            seen = _MARK in data
            data = data.replace(_MARK, b"")
            cut = _begun_mark(data)
            data, rest = data[: len(data) - cut], data[len(data) - cut :]
            if text := decoder.decode(data):
                self._take(text)
            if seen:
                self._seen.set()
        os.close(self._master)


def _begun_mark(data: bytes) -> int:
    """Give the length of the beginning of a mark at the end of the data."""
    return next((size for size in range(len(_MARK) - 1, 0, -1) if data.endswith(_MARK[:size])), 0)


def _flush() -> None:
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None and not stream.closed:
            stream.flush()


def _same_size(terminal: int, slave: int) -> None:
    import termios

    termios.tcsetwinsize(slave, termios.tcgetwinsize(terminal))
