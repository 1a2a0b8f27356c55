"""An error on record as text: the user's own frames marked, those of others folded unless all are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from flowctl.core.cli.display_errors import short_path
from flowctl.core.cli.palette import PROBLEM, QUIET, is_plain
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.store.errors import ErrorReport, Frame

#: Where no frame is the user's own, so many of the last ones are shown.
_LAST_FRAMES = 3
_DEEPEST = 10


def traceback_lines(error: ErrorReport, *, full: bool, depth: int = 0) -> Iterator[Text]:
    """Yield the lines of an error: what it said, the way it came, what caused it."""
    head = safe(error.full_name, f"bold {PROBLEM}")
    if error.text:
        head = Text.assemble(head, ": ", safe_block(error.text))
    yield head
    for note in error.notes:
        yield Text("  ").append_text(safe_block(note, "italic"))
    yield from _frames(error.frames, full=full)
    if depth < _DEEPEST:
        for member in error.members:
            for line in traceback_lines(member, full=full, depth=depth + 1):
                yield _guide(line)
        if error.cause is not None:
            words = "caused by" if error.cause_kind == "cause" else "while handling"
            yield Text(f"  {words}", QUIET)
            for line in traceback_lines(error.cause, full=full, depth=depth + 1):
                yield Text("  ").append_text(line)


def headline(error: ErrorReport) -> str:
    """Write an error in one line."""
    first = error.text.strip().partition("\n")[0]
    return f"{error.type_name}: {first}" if first else error.type_name


def _frames(frames: tuple[Frame, ...], *, full: bool) -> Iterator[Text]:
    has_own = any(frame.own for frame in frames)
    hidden = 0
    for place, frame in enumerate(frames):
        if full or frame.own or (not has_own and place >= len(frames) - _LAST_FRAMES):
            if hidden:
                yield _hidden(hidden)
                hidden = 0
            yield from _frame(frame, has_locals=full)
        else:
            hidden += 1
    if hidden:
        yield _hidden(hidden)


def _hidden(count: int) -> Text:
    dots = "..." if is_plain() else "…"
    return Text(
        f"    {dots} {count} frame{'' if count == 1 else 's'} in flowctl and libraries, see them with --full", QUIET
    )


def _frame(frame: Frame, *, has_locals: bool) -> Iterator[Text]:
    if not frame.file:
        yield Text("    ").append_text(safe(frame.code, QUIET))
        return
    mark = ">" if is_plain() else "▸"
    style = "bold" if frame.own else QUIET
    place = f"{short_path(frame.file)}:{frame.line}"
    yield Text.assemble(
        (f"  {mark} " if frame.own else "    ", PROBLEM), safe(place, style), (" in ", QUIET), safe(frame.function)
    )
    for line in frame.code.splitlines():
        yield Text("      ").append_text(safe(line, "" if frame.own else QUIET))
    for name, text in frame.locals if has_locals else ():
        yield Text.assemble("        ", safe(name, QUIET), (" = ", QUIET), safe(text))


def _guide(line: Text) -> Text:
    return Text("  | " if is_plain() else "  │ ", QUIET).append_text(line)
