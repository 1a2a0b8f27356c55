"""A terminal small enough for tests: it obeys what the live display writes, and refuses everything else."""

from __future__ import annotations

import re

from rich.cells import cell_len

_PIECE = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class FakeTerminal:
    """Lines of text and a cursor; lines that leave at the top are history."""

    encoding = "utf-8"

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.columns = columns
        self.rows = rows
        self.lines: list[str] = [""]
        self.row = 0
        self.column = 0
        self.is_cursor_shown = True
        self.written = ""

    def write(self, text: str) -> int:
        place = 0
        while place < len(text):
            piece = _PIECE.match(text, place)
            assert piece is not None, f"the display wrote {text[place : place + 20]!r}"
            place = piece.end()
            if piece[4]:
                self._put(piece[4])
            elif piece[3]:
                self._move(piece[3])
            else:
                self._obey(piece[1], piece[2])
        self.written += text
        return len(text)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("not a real terminal")

    @property
    def shown(self) -> list[str]:
        """All lines, history included, without spaces at their ends."""
        return [line.rstrip() for line in self.lines]

    @property
    def top(self) -> int:
        return max(len(self.lines) - self.rows, 0)

    def _put(self, text: str) -> None:
        assert text.isprintable()
        line = self.lines[self.row]
        assert self.column + cell_len(text) <= self.columns, f"{text!r} does not fit {self.columns} columns"
        self.lines[self.row] = line[: self.column].ljust(self.column) + text + line[self.column + len(text) :]
        self.column += cell_len(text)

    def _move(self, control: str) -> None:
        self.column = 0
        if control == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append("")

    def _obey(self, parameters: str, final: str) -> None:
        if final == "A":
            wanted = self.row - int(parameters)
            assert wanted >= self.top, "the cursor would leave the screen: the frame was taller than it"
            self.row = wanted
        elif final == "K":
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif final == "J":
            self.lines[self.row] = self.lines[self.row][: self.column]
            del self.lines[self.row + 1 :]
        elif final in "hl":
            if parameters == "?25":
                self.is_cursor_shown = final == "h"
        else:
            assert final == "m"
