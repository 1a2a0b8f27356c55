"""Neutral lines put on a terminal with rich: widths, colours, cutting. The only display file that imports it."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from flowctl.core.cli.display_tree import Row
from flowctl.core.cli.display_words import Line
from flowctl.core.cli.palette import QUIET
from flowctl.core.cli.palette import STYLES as STATE_STYLES

STYLES: Final[dict[str, str]] = {
    **STATE_STYLES,
    "": "",
    "dim": QUIET,
    "name": "bold",
    "title": "bold",
    "code": "default",
    "own": "bold",
    "command": STATE_STYLES["running"],
    "DEBUG": QUIET,
    "INFO": STATE_STYLES["running"],
    "WARNING": STATE_STYLES["retrying"],
    "ERROR": STATE_STYLES["failed"],
    "CRITICAL": f"bold {STATE_STYLES['failed']}",
}
_INDENT: Final = 2


def make_console(stream: IO[str], *, is_recording: bool = False, width: int | None = None) -> Console:
    """Make a console that reads no markup, no emoji codes and no numbers out of what it prints."""
    return Console(
        file=stream,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
        record=is_recording,
        width=width,
        force_terminal=True if is_recording else None,
        color_system="truecolor" if is_recording else "auto",
    )


def text_of(line: Line) -> Text:
    """Turn neutral pieces into rich text; what they hold is data."""
    text = Text(no_wrap=True, end="")
    for piece, style in line:
        text.append(piece, STYLES[style])
    return text


def cut(line: Line, width: int, *, ellipsis: str = "…") -> Text:
    """Turn a line into text of at most so many cells."""
    text = text_of(line)
    if cell_len(text.plain) <= width:
        return text
    text.truncate(max(width - len(ellipsis), 0))
    text.append(ellipsis, STYLES["dim"])
    return text


def folded(console: Console, line: Line, width: int) -> list[Text]:
    """Fold a line into the width, further rows below the place where its first piece ends."""
    text = text_of(line)
    if text.cell_len <= width or not line:
        return [text]
    lead = len(text.plain) - len(text.plain.lstrip())
    if line[0][0].strip() and line[0][0].endswith(" "):
        lead = len(line[0][0])
    if width - lead < 10:
        return [text]
    first, rest = text.divide([lead])
    rows = rest.wrap(console, width - lead, overflow="fold", no_wrap=False)
    indent = Text(" " * lead, end="")
    return [first + row if place == 0 else indent + row for place, row in enumerate(rows)]


def row_text(row: Row, width: int, *, ellipsis: str = "…") -> Text:
    """Lay a row out: indented on the left, its time at the right edge."""
    indent = " " * (1 + _INDENT * min(row.depth, max(width // 8, 1)))
    room = width - len(indent) - (len(row.right) + 2 if row.right else 1)
    text = Text(indent, no_wrap=True, end="")
    text.append_text(cut(row.left, room, ellipsis=ellipsis))
    if row.right:
        gap = width - cell_len(text.plain) - len(row.right) - 1
        text.append(" " * max(gap, 1))
        text.append(row.right, STYLES["dim"])
    return text


def ansi(console: Console, texts: list[Text]) -> list[str]:
    """Give each text as the bytes that this terminal wants."""
    if not texts:
        return []
    with console.capture() as captured:
        console.print(Text("\n").join(texts), soft_wrap=True)
    return captured.get().removesuffix("\n").split("\n")


def painter(stream: IO[str]) -> Callable[[Line], str]:
    """Make a function that colours one line, for plain output that may have colours."""
    console = Console(file=stream, markup=False, emoji=False, highlight=False, force_terminal=True, soft_wrap=True)
    return lambda line: ansi(console, [text_of(line)])[0]
