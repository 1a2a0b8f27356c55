"""Lines as spans of styled text of exact width, and times and counts in the words that the screens use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size

from flowctl.core.cli.display_words import duration
from flowctl.store.text import safe_text
from flowctl.tui.model.glyphs import UNICODE, Glyphs

#: Text and the name of its style, a key of `Theme.styles`.
Span = tuple[str, str]
Line = tuple[Span, ...]

#: Choosers of the picture.
_PICTURE: Final = re.compile("[\ufe00-\ufe0f]")
#: A word with the blanks behind it; blanks before the first one count as one.
_WORD: Final = re.compile(r"\s+|\S+\s*")
#: Text is cut before its width is measured: no row shows more, and a name may have a million letters.
_LONGEST: Final = 1000


def fit(text: str, cells: int, *, align: str = "left", cut: str = UNICODE.cut) -> str:
    """Make text exactly so many cells wide; what is cut off leaves a mark."""
    if cells <= 0:
        return ""
    if len(text) <= cells and text.isascii() and text.isprintable():
        return text.rjust(cells) if align == "right" else text.ljust(cells)
    text = harmless(text[:_LONGEST])
    width = cell_len(text)
    if width > cells:
        return set_cell_size(text, cells - 1) + cut if cells > 1 else cut
    return " " * (cells - width) + text if align == "right" else text + " " * (cells - width)


def harmless(text: str) -> str:
    """Make text safe that is drawn on one line: what is told of others comes by many ways, this is where all meet.

    Signs that only choose between two pictures of another go, since terminals do not agree how wide that then is.
    """
    if not text.isprintable():
        text = safe_text(text, keep_newlines=False)
    return text if text.isascii() else _PICTURE.sub("", text)


def width_of(line: Iterable[Span]) -> int:
    """Give the width of a line in cells."""
    return sum(cell_len(text) for text, _ in line)


def fit_line(line: Iterable[Span], cells: int, *, cut: str = UNICODE.cut) -> Line:
    """Make a line exactly so many cells wide."""
    spans: list[Span] = []
    left = cells
    for text, style in line:
        width = cell_len(text[:_LONGEST])
        if width > left:
            spans.append((fit(text, left, cut=cut), style))
            left = 0
            break
        spans.append((text, style))
        left -= width
    if left:
        spans.append((" " * left, ""))
    return tuple(spans)


def between(left: Line, right: Line, cells: int, *, filler: str = " ", style: str = "") -> Line:
    """Put one line to the left and one to the right, with at least one cell between; the left one is cut first."""
    right_width = min(width_of(right), max(cells - 2, 0))
    room = cells - right_width
    left_width = min(width_of(left), max(room - 1, 0))
    return (*fit_line(left, left_width), (filler * (room - left_width), style), *fit_line(right, right_width))


def broken(line: Line, cells: int, most: int) -> list[Line]:
    """Break a line between words into some at most; what is left over stays in the last one, to be cut."""
    lines: list[list[Span]] = [[]]
    room = cells
    for text, style in line:
        for word in _WORD.findall(text[:_LONGEST]):
            for piece in chop_cells(word, max(cells - 1, 1)) if cell_len(word) >= cells else (word,):
                if cell_len(piece.rstrip()) > room and len(lines) < most:
                    lines.append([(" ", "")] if lines[0] and lines[0][0][0].startswith(" ") else [])
                    room = cells - len(lines[-1])
                lines[-1].append((piece, style))
                room -= cell_len(piece)
    return [(*each[:-1], (each[-1][0].rstrip(), each[-1][1])) if each else () for each in lines]


def plain(line: Iterable[Span]) -> str:
    """Give a line without its styles."""
    return "".join(text for text, _ in line)


def short_duration(seconds: float | None, *, dash: str = UNICODE.dash) -> str:
    """Word a duration in at most five cells or so: `12.1s`, `1m42`, `9h56`."""
    return dash if seconds is None else duration(max(seconds, 0.0))


def round_duration(seconds: float | None, *, dash: str = UNICODE.dash) -> str:
    """Word a duration that nobody needs exactly: `41s`, `1m42`, `3h`."""
    if seconds is None:
        return dash
    if 0.95 <= seconds < 59.5:
        return f"{seconds:.0f}s"
    text = duration(max(seconds, 0.0))
    return text.replace("m00", "m").replace("h00", "h")


def countdown(seconds: float) -> str:
    """Word the time until something is due: `0:07`, `12:30`, `1:02:03`, `3d04h`."""
    whole = max(int(seconds + 0.999), 0)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02}"
    if whole < 86400:
        return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"


def left_of(seconds: float) -> str:
    """Word how long something will yet take, as a guess: `~0m38 left`."""
    whole = max(round(seconds), 0)
    if whole < 3600:
        return f"~{whole // 60}m{whole % 60:02} left"
    return f"~{duration(whole)} left"


def when(at: datetime, now: datetime) -> str:
    """Word a moment in at most six cells: `14:01` today, `Mon 14` in a week around it, `20 Nov`, `Nov 25`."""
    local, today = at.astimezone(), now.astimezone()
    if local.date() == today.date():
        return local.strftime("%H:%M")
    days = (today.date() - local.date()).days
    if 0 < abs(days) < 7:
        return local.strftime("%a %H")
    if local.year == today.year:
        return f"{local.day} {local:%b}"
    return f"{local:%b} {local.year % 100:02}"


def clock(at: datetime, *, has_millis: bool = False) -> str:
    """Write the time of day where the user is."""
    local = at.astimezone()
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03}" if has_millis else f"{local:%H:%M:%S}"


def grouped(count: int) -> str:
    """Write a count with thin groups: `1 248`."""
    return f"{count:,}".replace(",", " ")


def counted(count: int, noun: str) -> str:
    """Write `1 run`, `2 runs`, `1 248 runs`."""
    return f"{grouped(count)} {noun}{'' if count == 1 else 's'}"


def progress(done: int, total: int, cells: int, glyphs: Glyphs = UNICODE, failed: int = 0) -> str:
    """Draw how many of some tasks are done; where any failed, one cell says so."""
    if cells <= 0:
        return ""
    if total <= 0:
        return glyphs.to_do * cells
    full = min(done, total) * cells // total
    # All full only when all is done.
    bar = glyphs.done * full
    if failed:
        bar = bar[: cells - 1] + glyphs.states["failed"]
    return bar + glyphs.to_do * (cells - len(bar))


def elapsed_bar(ratio: float, cells: int, glyphs: Glyphs = UNICODE, *, is_over: bool = False) -> str:
    """Draw elapsed time of the usual; one that takes clearly longer ends in a plus."""
    if cells <= 0:
        return ""
    if is_over:
        return glyphs.elapsed * (cells - 1) + glyphs.over
    full = min(max(round(ratio * cells), 0), cells)
    return glyphs.elapsed * full + glyphs.rest * (cells - full)


def sparkline(values: Iterable[float | None], glyphs: Glyphs = UNICODE) -> str:
    """Draw numbers as heights, the highest as full; nothing is a space."""
    known = list(values)
    top = max((value for value in known if value is not None), default=0.0)
    steps = len(glyphs.heights)
    return "".join(
        " " if value is None else glyphs.heights[min(int(value / top * steps), steps - 1) if top > 0 else 0]
        for value in known
    )
