"""A recorded error as neutral lines: the user's own frames marked and with their source, the others folded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from flowctl.core.cli.display_words import Glyphs, Line, plural
from flowctl.store.errors import ErrorReport, Frame
from flowctl.store.text import safe_text

#: Where no frame is the user's, the innermost ones are shown.
_FOREIGN_FRAMES: Final = 3
_DEEPEST: Final = 10
_MOST_TEXT_LINES: Final = 30


def error_lines(error: ErrorReport, glyphs: Glyphs, *, lead: str = "", depth: int = 0) -> Iterator[Line]:
    """Write an error, the way it came, its notes, and what caused it."""
    yield from _headline(error, lead)
    yield from _frames(error.frames, glyphs)
    for note in error.notes:
        yield from ([(f"  {line}", "")] for line in safe_text(note).split("\n")[:_MOST_TEXT_LINES])
    if depth >= _DEEPEST:
        return
    for member in error.members:
        guide = f"  {glyphs.plain('│')} "
        yield from ([(guide, "dim"), *line] for line in error_lines(member, glyphs, depth=depth + 1))
    if error.cause is not None:
        lead = "caused by " if error.cause_kind == "cause" else "raised while handling "
        yield from error_lines(error.cause, glyphs, lead=lead, depth=depth + 1)


def own_place(error: ErrorReport | None) -> tuple[str, int] | None:
    """Give file and line of the innermost frame that is the user's own, of the error or else of its cause."""
    while error is not None:
        if (frame := error.own_frame) is not None:
            return frame.file, frame.line
        error = error.cause
    return None


def short_path(path: str) -> str:
    """Write a path as a person here would: below the working folder, or below `~`."""
    try:
        here = str(Path.cwd())
    except OSError:  # the working folder is gone
        here = ""
    own = os.path.expanduser("~")  # noqa: PTH111 - pathlib breaks where the system knows none
    for root, lead in ((here, ""), (own, "~/")):
        if len(root) > 1 and path.startswith(f"{root}/"):
            return lead + path[len(root) + 1 :]
    return path


def _headline(error: ErrorReport, lead: str) -> Iterator[Line]:
    name = safe_text(error.full_name, keep_newlines=False)
    first, *others = safe_text(error.text).split("\n")
    yield [(lead, "dim"), (name, "failed"), (f": {first}" if first else "", "")]
    yield from ([(f"  {other}", "")] for other in others[:_MOST_TEXT_LINES])
    if len(others) > _MOST_TEXT_LINES:
        yield [(f"  and {plural(len(others) - _MOST_TEXT_LINES, 'more line')}", "dim")]


def _frames(frames: tuple[Frame, ...], glyphs: Glyphs) -> Iterator[Line]:
    has_own = any(frame.own for frame in frames)
    shown = {id(frame) for frame in (frames if has_own else frames[-_FOREIGN_FRAMES:])}
    for is_shown, group in groupby(
        frames, key=lambda frame: not frame.file or frame.own or (not has_own and id(frame) in shown)
    ):
        run = list(group)
        if not is_shown:
            yield [(f"    {glyphs.plain('…')} {plural(len(run), 'frame')} in libraries hidden", "dim")]
            continue
        for frame in run:
            yield from _frame(frame, glyphs)


def _frame(frame: Frame, glyphs: Glyphs) -> Iterator[Line]:
    if not frame.file:
        yield [(f"    {glyphs.plain('…')} {safe_text(frame.code, keep_newlines=False)}", "dim")]
        return
    path = safe_text(short_path(frame.file), keep_newlines=False)
    mark = glyphs.plain("▸") if frame.own else " "
    function = f" in {safe_text(frame.function, keep_newlines=False)}" if frame.function else ""
    yield [(f"  {mark} ", "failed"), (f"{path}:{frame.line}", "own" if frame.own else "dim"), (function, "dim")]
    for line in frame.code.splitlines():
        yield [("      ", ""), (safe_text(line, keep_newlines=False), "code" if frame.own else "dim")]
