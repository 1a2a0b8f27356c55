"""The log on a live display: its last lines while the run goes, and those that stay when it has ended."""

from __future__ import annotations

from typing import Final

from flowctl.core.cli.display_model import RunModel, Tail
from flowctl.core.cli.display_tree import Row
from flowctl.core.cli.display_words import Glyphs, Line, clock, level_word, plural
from flowctl.store.text import safe_text

_MOST_ROWS: Final = 5
#: What a flow said is part of its result: this much of it stays in the terminal.
_MOST_LAST_ROWS: Final = 20
_SHORT: Final = {"WARNING": "WARN", "CRITICAL": "CRIT"}


def log_rows(model: RunModel, glyphs: Glyphs, height: int) -> list[Row]:
    """Give the last lines, a row each, as many as a frame of this height has room for."""
    most = _MOST_ROWS if height >= 16 else 2 if height >= 9 else 0
    if not most or not model.logs:
        return []
    tails = list(model.logs)[-most:]
    return [Row(0, _rule(glyphs), ""), *(Row(0, log_line(tail), "") for tail in tails)]


def log_line(tail: Tail) -> Line:
    """Write a log line in one row."""
    return _line(tail, safe_text(tail.message, keep_newlines=False))


def last_lines(model: RunModel, glyphs: Glyphs, height: int) -> list[Line]:
    """Give what stays of the log at the end: the last lines whole, and how to read the rest."""
    most = min(max(height // 2, _MOST_ROWS), _MOST_LAST_ROWS)
    lines: list[Line] = []
    shown = 0
    for tail in reversed(model.logs):
        first, *others = safe_text(tail.message).split("\n")
        block: list[Line] = [_line(tail, first), *([(" " * 15, ""), (other, "")] for other in others)]
        if lines and len(lines) + len(block) > most:
            break
        lines = block + lines
        shown += 1
    if not lines:
        return []
    head = _rule(glyphs)
    if earlier := model.log_count - shown:
        head.append((f", {plural(earlier, 'earlier line')}: flowctl runs logs {model.spec}", "dim"))
    return [[], head, *lines]


def _rule(glyphs: Glyphs) -> Line:
    return [(glyphs.plain("─") * 3 + " log", "dim")]


def _line(tail: Tail, message: str) -> Line:
    level = level_word(tail.level)
    line: Line = [(f"{clock(tail.at)} ", "dim"), (f"{_SHORT.get(level, level):<5} ", level)]
    if source := safe_text(tail.source, keep_newlines=False):
        line.append((f"{source}  ", "dim"))
    line.append((message, "WARNING" if 30 <= tail.level < 40 else "ERROR" if tail.level >= 40 else ""))
    return line
