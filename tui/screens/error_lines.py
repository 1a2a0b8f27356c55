"""An error on record as lines: what it said, then the user's own frames; those of libraries only when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Final, NamedTuple

from rich.cells import cell_len

from flowctl.store.errors import ErrorReport, Frame
from flowctl.tui.model.glyphs import Glyphs
from flowctl.tui.model.texts import Line, Span, broken, counted

#: More lines of one text than anybody reads on this screen; `y t` yanks the whole.
_MOST_LINES: Final = 40
_MOST_CAUSES: Final = 10
#: What an error says first stands on so many lines at most.
_MOST_BROKEN: Final = 4
#: Cells between two variables on one line.
_BETWEEN: Final = 4


def error_lines(
    report: ErrorReport, glyphs: Glyphs, *, shows_all: bool, width: int = 0, is_short: bool = False
) -> list[Line]:
    """Write an error with its causes; where a width is given, with what the variables held in it.

    Where there is little room, of one's own frames only the innermost is shown at once.
    """
    folds = _Folds(shows_all, is_short)
    return list(_one(report, glyphs, folds=folds, indent=" ", depth=0, width=width))


class _Folds(NamedTuple):
    """What is folded away."""

    shows_all: bool
    is_short: bool


def traceback_text(report: ErrorReport) -> str:
    """Write an error as Python would print it, to be pasted elsewhere."""
    lines: list[str] = []
    if report.cause is not None:
        said = "The above exception was the direct cause of the following exception:"
        if report.cause_kind == "context":
            said = "During handling of the above exception, another exception occurred:"
        lines += [traceback_text(report.cause), "", said, ""]
    lines.append("Traceback (most recent call last):")
    for frame in report.frames:
        if not frame.file:
            lines.append(f"  {frame.code}")
            continue
        lines.append(f'  File "{frame.file}", line {frame.line}, in {frame.function}')
        lines += [f"    {line}" for line in frame.code.splitlines()]
    lines += [f"{report.full_name}: {report.text}" if report.text else report.full_name, *report.notes]
    return "\n".join(lines)


def place_of(frame: Frame) -> str:
    """Name where a frame stands, shortly: the file with its folder."""
    parts = PurePath(frame.file).parts
    return f"{'/'.join(parts[-2:])}:{frame.line}"


def _one(report: ErrorReport, glyphs: Glyphs, *, folds: _Folds, indent: str, depth: int, width: int) -> Iterator[Line]:
    text = report.text.splitlines() or [""]
    first: Line = ((indent, ""), (report.full_name, "error"), (f"  {text[0]}" if text[0] else "", ""))
    yield from broken(first, width, _MOST_BROKEN) if width else (first,)
    for line in text[1:_MOST_LINES]:
        yield ((f"{indent}  {line}", ""),)
    if len(text) > _MOST_LINES:
        yield ((f"{indent}  {glyphs.cut} {counted(len(text) - _MOST_LINES, 'more line')}", "quiet"),)
    own = report.own_frame
    shown = [each for each in report.frames if folds.shows_all or (each is own if folds.is_short else each.own)]
    # Of an error that never touched the user's code, the last frame tells most.
    if not shown and report.frames:
        shown = [report.frames[-1]]
    for frame in shown:
        yield from _frame(frame, indent)
        # The innermost frame of one's own is where to look first; the others' are folded with those of libraries.
        if width and (folds.shows_all or frame is own):
            yield from _locals(frame, f"{indent}      ", width)
    if hidden := len(report.frames) - len(shown):
        ours = sum(each.own for each in report.frames) - sum(each.own for each in shown)
        others = counted(hidden - ours, "library frame") if hidden > ours else ""
        what = " and ".join(part for part in (counted(ours, "own frame") if ours else "", others) if part)
        yield ((f"{indent}  {glyphs.folded} {what} hidden (space shows)", "quiet"),)
    for note in report.notes:
        for line in note.splitlines()[:_MOST_LINES]:
            yield ((f"{indent}  {line}", ""),)
    for member in report.members:
        yield from _one(member, glyphs, folds=folds, indent=indent + "  ", depth=depth + 1, width=width)
    if report.cause is not None and depth < _MOST_CAUSES:
        said = "caused by" if report.cause_kind != "context" else "while handling"
        yield ((f"{indent}{said}", "quiet"),)
        yield from _one(report.cause, glyphs, folds=folds, indent=indent + "  ", depth=depth + 1, width=width)


def _frame(frame: Frame, indent: str) -> Iterator[Line]:
    if not frame.file:
        yield ((f"{indent}  {frame.code}", "quiet"),)
        return
    look = "accent" if frame.own else "quiet"
    yield ((f"{indent}  {place_of(frame)}", look), (f" in {frame.function}", "quiet"))
    for line in frame.code.splitlines()[:4]:
        yield ((f"{indent}      {line}", "" if frame.own else "quiet"),)
    if frame.caret is not None and len(frame.code.splitlines()) == 1:
        start, end = (cell_len(frame.code[:place]) for place in frame.caret)
        yield ((f"{indent}      {' ' * start}", ""), ("^" * (end - start), "error"))


def _locals(frame: Frame, indent: str, width: int) -> Iterator[Line]:
    """Write what the variables of a frame held, as many on a line as fit."""
    room = max(width - cell_len(indent), 1)
    spans: list[Span] = []
    used = 0
    for name, text in frame.locals:
        cells = cell_len(name) + 3 + cell_len(text)
        if spans and used + _BETWEEN + cells > room:
            yield ((indent, ""), *spans)
            spans, used = [], 0
        if spans:
            spans.append((" " * _BETWEEN, ""))
            used += _BETWEEN
        spans += [(f"{name} = ", "quiet"), (text, "")]
        used += cells
    if spans:
        yield ((indent, ""), *spans)
