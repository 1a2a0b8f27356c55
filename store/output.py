"""What the processes of a run wrote to their stdout and stderr, read as lines.

A run that the daemon starts has two files for them, `stdout.<attempt>` and `stderr.<attempt>`: every process below it
inherits them, and what is in a file survives whoever was to read it. The run process makes log lines of them while it
lives, `aftermath` does with the rest.
"""

from __future__ import annotations

import os
from typing import Final

from flowctl.store.journal import LONGEST_MESSAGE

STREAMS: Final = ("stdout", "stderr")
#: So much of a file is in memory at once.
_CHUNK_BYTES: Final = 256 * 1024
_CUT: Final = " … [cut: the line is longer than 64 KiB]"
_LONGEST_LINE: Final = LONGEST_MESSAGE - len(_CUT)
#: An offset and whether the rest of a line is to be passed over, for each stream.
_MARK_BYTES: Final = 9


def output_path(folder: str, stream: str, attempt: int) -> str:
    """Name the file of one stream, in the folder of a root run."""
    return f"{folder}/{stream}.{attempt}"


class OutputFiles:
    """Both files of one attempt, and how far they were read."""

    def __init__(self, folder: str, attempt: int) -> None:
        self._mark = f"{folder}/output.{attempt}"
        self._streams = [_Stream(name, output_path(folder, name, attempt)) for name in STREAMS]
        try:
            with open(self._mark, "rb") as file:
                marks = file.read(_MARK_BYTES * len(STREAMS))
        except FileNotFoundError:
            return
        for index, stream in enumerate(self._streams):
            stream.place_at(marks[index * _MARK_BYTES : (index + 1) * _MARK_BYTES])

    def take(self, *, is_last: bool = False) -> list[tuple[str, str]]:
        """Read on: give (stream, line) for whole lines, a limited number; at last also for what has no end."""
        return [(stream.name, line) for stream in self._streams for line in stream.take(is_last=is_last)]

    @property
    def has_more(self) -> bool:
        """Whether the last `take` did not come to the end of a file."""
        return any(stream.has_more for stream in self._streams)

    def remember(self) -> None:
        """Write down how far the files were read: to be called when the lines are on record."""
        marks = b"".join(stream.mark for stream in self._streams)
        descriptor = os.open(self._mark, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(descriptor, marks, 0)
        finally:
            os.close(descriptor)

    def remove(self) -> None:
        """Remove the files, which are on record to their end."""
        self.close()
        for path in (*(stream.path for stream in self._streams), self._mark):
            try:
                os.unlink(path)
            except FileNotFoundError:
                continue

    def close(self) -> None:
        """Close the files; they can be read on."""
        for stream in self._streams:
            stream.close()


class _Stream:
    """One file."""

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.path = path
        self.has_more = False
        self._offset = 0
        #: The offset is inside a line whose beginning was given already.
        self._is_inside = False
        self._descriptor = -1

    @property
    def mark(self) -> bytes:
        return self._offset.to_bytes(8, "little") + bytes([self._is_inside])

    def place_at(self, mark: bytes) -> None:
        if len(mark) == _MARK_BYTES:
            self._offset, self._is_inside = int.from_bytes(mark[:8], "little"), mark[8] == 1

    def take(self, *, is_last: bool) -> list[str]:
        self.has_more = False
        if self._descriptor < 0:
            try:
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                return []
        chunk = os.pread(self._descriptor, _CHUNK_BYTES, self._offset)
        if not chunk:
            return []
        is_full = len(chunk) == _CHUNK_BYTES
        if self._is_inside:
            end = chunk.find(b"\n") + 1
            self._offset += end or len(chunk)
            self.has_more = is_full or 0 < end < len(chunk)
            self._is_inside = not end
            return []
        end = chunk.rfind(b"\n") + 1
        if not end:
            return self._take_unended(chunk, is_full=is_full, is_last=is_last)
        self._offset += end
        self.has_more = is_full or (is_last and end < len(chunk))
        return [_text(line) for line in chunk[: end - 1].split(b"\n")]

    def _take_unended(self, chunk: bytes, *, is_full: bool, is_last: bool) -> list[str]:
        # A progress bar is written over itself: only its last look counts.
        begin = chunk.rfind(b"\r", 0, len(chunk) - 1) + 1
        self._offset += begin
        chunk = chunk[begin:]
        if len(chunk) > _LONGEST_LINE:
            self._offset += len(chunk)
            self._is_inside = True
            self.has_more = is_full
            return [_text(chunk)]
        self.has_more = is_full
        if not is_last or is_full:
            return []
        self._offset += len(chunk)
        return [_text(chunk)]

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _text(line: bytes) -> str:
    line = line.rstrip(b"\r")
    line = line[line.rfind(b"\r") + 1 :]
    if len(line) <= _LONGEST_LINE:
        return line.decode("utf-8", "replace")
    return line[:_LONGEST_LINE].decode("utf-8", "replace") + _CUT
