"""What a dead run process left behind beside its journal: its last output, and how it ended.

Whoever finds the process dead adds the output to the journal, where the rest of the log is. How it ended is told by
the process that started it, in the file `exit.<attempt>`; runs that a shell started have none.
"""

from __future__ import annotations

import json
import os
from signal import Signals
from typing import Any, Final, NamedTuple, Self

from flowctl.store.home import Home
from flowctl.store.journal import LogLine, encode
from flowctl.store.locks import take_at_once
from flowctl.store.output import OutputFiles, output_path
from flowctl.store.sqlite import sqlite3

_INFO: Final = 20
_KILL: Final = 9


class Exit(NamedTuple):
    """The end of a run process."""

    #: Its exit status, or the number of the signal that killed it, negative.
    code: int
    #: It was killed while the kernel killed for want of memory.
    is_out_of_memory: bool
    #: The most memory that it or a process it waited for ever had, in bytes.
    memory: int
    #: Microseconds of processor time, with the processes it waited for.
    cpu_us: int

    @classmethod
    def read(cls, home: Home, run_id: str, attempt: int) -> Self | None:
        """Read how the process of an attempt ended; None where nobody wrote it down."""
        try:
            with open(exit_path(home, run_id, attempt), encoding="utf-8") as file:
                found: dict[str, Any] = json.load(file)  # whatever is in the file
            return cls(int(found["code"]), bool(found["oom"]), int(found["memory"]), int(found["cpu_us"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, home: Home, run_id: str, attempt: int) -> None:
        """Write it down for whoever looks after the run next, whole or not at all."""
        path = exit_path(home, run_id, attempt)
        text = json.dumps(
            {"code": self.code, "oom": self.is_out_of_memory, "memory": self.memory, "cpu_us": self.cpu_us}
        )
        descriptor = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
        os.rename(f"{path}.new", path)

    @property
    def sentence(self) -> str:
        """Say why a run whose process ended so is Crashed."""
        if self.is_out_of_memory:
            return "Its process was killed by SIGKILL, most likely because the machine's memory ran out."
        if self.code == -_KILL:
            return "Its process was killed by SIGKILL: by a person, or by something that watches over the machine."
        if self.code < 0:
            return f"Its process was killed by {signal_name(-self.code)}."
        return f"Its process ended with exit status {self.code} before the flow did."


def exit_path(home: Home, run_id: str, attempt: int) -> str:
    """Name the file that tells how the process of an attempt ended."""
    return f"{home.run_folder(run_id)}/exit.{attempt}"


def signal_name(number: int) -> str:
    """Name a signal."""
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"


def add_output(connection: sqlite3.Connection, home: Home, run_id: str, attempt: int, end: int) -> bool:
    """Append what the processes of a dead run wrote last to its journal, which ends at `end`; tell whether it did.

    To be called again until it says no.
    """
    folder = home.run_folder(run_id)
    written = _last_write(folder, attempt)
    query = "SELECT last_seq, last_at FROM journal WHERE run_id = ? AND attempt = ?"
    place = None if written is None else connection.execute(query, (run_id, attempt)).fetchone()
    if written is None or place is None:
        return False
    last_seq, last_at = place
    try:
        lock = os.open(home.run_lock(run_id), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # The next attempt would go on with the sequence numbers that are given here.
        if not take_at_once(lock):
            return False
        return _append(
            OutputFiles(folder, attempt), home.journal(run_id, attempt), end, last_seq, max(written, last_at)
        )
    except OSError:
        # The disk is full: the files stay.
        return False
    finally:
        os.close(lock)


def _append(files: OutputFiles, journal: str, end: int, last_seq: int, at: int) -> bool:
    lines = files.take(is_last=True)
    while not lines and files.has_more:
        lines = files.take(is_last=True)
    if not lines:
        files.remove()
        return False
    records = (LogLine(at, 0, None, _INFO, stream, line) for stream, line in lines)
    data = b"".join(encode(last_seq + number, record) for number, record in enumerate(records, start=1))
    descriptor = os.open(journal, os.O_RDWR | os.O_CLOEXEC)
    try:
        written = os.pwrite(descriptor, data, end)
        # What stands behind is a torn record, or room that the dead process reserved.
        os.ftruncate(descriptor, end + written)
        if written < len(data):
            return False
    finally:
        os.close(descriptor)
    files.remember()
    files.close()
    return True


def _last_write(folder: str, attempt: int) -> int | None:
    """Tell when the output of an attempt was last written to, in microseconds; None where there is no output."""
    times: list[int] = []
    for stream in ("stdout", "stderr"):
        try:
            times.append(os.stat(output_path(folder, stream, attempt)).st_mtime_ns // 1000)
        except FileNotFoundError:
            continue
    return max(times, default=None)
