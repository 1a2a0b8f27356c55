"""The keys of a screen as the help shows them: what belongs together in one row, in columns; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

from flowctl.tui.model.key_words import SHORT, TOGETHER
from flowctl.tui.model.keys import Binding, shown_key
from flowctl.tui.model.texts import Line, Span, fit, width_of

#: Which groups stand above one another, by how many columns there is room for.
_STACKS: Final = {
    1: (("Move", "Find", "Mark", "Act", "Look", "App"),),
    2: (("Move", "Mark", "Find"), ("Act", "Look", "App")),
    3: (("Move", "Mark"), ("Act",), ("Find", "Look", "App")),
}
_WIDEST_KEYS: Final = 14
_NARROW_KEYS: Final = 9
#: Cursor and blanks beside the keys and the words.
_AROUND: Final = 4


class HelpRow(NamedTuple):
    """Keys, and what they do; enter does what the first of them does."""

    keys: tuple[str, ...]
    words: str
    #: The same where there is little room.
    short: str
    action: str = ""
    needs_daemon: bool = False
    command: str = ""

    @property
    def changes(self) -> bool:
        """As of a binding: whether it may change anything but what is shown."""
        return self.needs_daemon or self.action == "act_edit"


#: A row, the name of a group, or nothing.
Cell = str | HelpRow | None
Column = Sequence[Cell]


class Spot(NamedTuple):
    """A cell: its column and its line."""

    column: int
    line: int


def columns_of(width: int) -> int:
    """Tell how many columns a width holds."""
    return 3 if width >= 78 else 2 if width >= 58 else 1


def rows_of(bindings: Sequence[Binding]) -> list[HelpRow]:
    """Make rows of bindings; those that the table keeps together are one."""
    by_id = {each.id: each for each in bindings}
    rows: list[HelpRow] = []
    for each in bindings:
        if each.id not in by_id:
            continue  # it stands in a row already
        together = next((ids for ids in TOGETHER if each.id in ids), ())
        held = [by_id.pop(id_) for id_ in together if id_ in by_id]
        if len(held) > 1:
            words, short = TOGETHER[together]
            # The first keys of all come first: a narrow column leaves out the others.
            keys = tuple(key for turn in zip_longest(*(one.keys for one in held)) for key in turn if key is not None)
            rows.append(HelpRow(keys, words, short, held[0].action, all(one.needs_daemon for one in held)))
        else:
            by_id.pop(each.id, None)
            rows.append(single_row(each))
    return rows


def single_row(each: Binding) -> HelpRow:
    """Make a row of one binding."""
    return HelpRow(each.keys, each.title, SHORT.get(each.id, each.title), each.action, each.needs_daemon, each.command)


def columns_for(found: Mapping[str, Sequence[Binding]], count: int, height: int) -> list[list[Cell]]:
    """Put groups into columns; blanks part those in one column, if there is room for them."""
    columns: list[list[Cell]] = []
    for stack in _STACKS[count]:
        blocks: list[list[Cell]] = [[group, *rows_of(found[group])] for group in stack if found.get(group)]
        parted: list[Cell] = [cell for block in blocks for cell in (None, *block)][1:]
        columns.append(parted if len(parted) <= height else [cell for block in blocks for cell in block])
    return columns


def found_column(found: Mapping[str, Sequence[Binding]], commands: Iterable[str], search: str, run: str) -> list[Cell]:
    """Put what a search has found into one column: each key by itself, with its command; then what has no key."""
    cells: list[Cell] = []
    for group, bindings in found.items():
        cells.append(group)
        for each in bindings:
            row = single_row(each)
            cells.append(row._replace(command=each.command.replace("{run}", run)))
    words = search.lower().split()
    named: list[Cell] = [HelpRow((), each, each) for each in commands if all(word in each.lower() for word in words)]
    return [*cells, "Commands", *named] if named else cells


def widths_of(columns: Sequence[Column], width: int, *, is_brief: bool) -> list[int]:
    """Share a width among columns: first what the short words need, then what the long ones lack, the rest evenly."""
    count = max(len(columns), 1)
    needs = [_need(column, is_brief=is_brief) for column in columns]
    lacks = [
        max(_need(column, is_brief=is_brief, is_long=True), need) - need
        for column, need in zip(columns, needs, strict=True)
    ]
    rest, lacking = width - sum(needs), sum(lacks)
    if not columns or rest < 0:
        return [width // count] * (count - 1) + [width - width // count * (count - 1)]
    if rest >= lacking:
        shares = [need + lack + (rest - lacking) // count for need, lack in zip(needs, lacks, strict=True)]
    else:
        shares = [need + rest * lack // lacking for need, lack in zip(needs, lacks, strict=True)]
    shares[-1] += width - sum(shares)
    return shares


def row_line(
    row: HelpRow, width: int, keys_width: int, *, is_brief: bool, is_ascii: bool = False, cut: str = "…"
) -> tuple[Span, Span, Span]:
    """Write the keys and the words of a row, the short ones where the others do not fit."""
    keys = keys_text(row.keys, keys_width, is_ascii=is_ascii, is_brief=is_brief)
    room = width - keys_width - 1
    words = row.words if width_of([(row.words, "")]) <= room else row.short
    return ((fit(keys, keys_width, cut=cut), "accent"), (" ", ""), (fit(words, room, cut=cut), ""))


def cell_line(
    cell: Cell,
    column: Column,
    width: int,
    *,
    aside: str = "",
    is_brief: bool = False,
    is_ascii: bool = False,
    why_not: str = "",
    has_command: bool = False,
    cut: str = "…",
) -> Line:
    """Draw a cell; `aside` is said beside the name of a group, a command at the right end of a row.

    A row that cannot be carried out now is grey, and says why if there is room for it.
    """
    if cell is None:
        return ()
    if isinstance(cell, str):
        return ((f" {cell.upper()}", "title"), (f" {aside}" if len(aside) + len(cell) + 3 <= width else "", "quiet"))
    keys_width = keys_width_of(column, is_brief=is_brief, is_ascii=is_ascii)
    keys, blank, (said, look) = row_line(cell, width - 3, keys_width, is_brief=is_brief, is_ascii=is_ascii, cut=cut)
    words = said.rstrip()
    if why_not:
        keys, look, words = (keys[0], "quiet"), "quiet", f"{words}, {why_not}"
        said = fit(words, len(said)) if len(words) <= len(said) else said
    command = f"{cell.command} " if has_command and cell.command else ""
    if command and len(said.rstrip()) + len(command) + 2 <= len(said):
        return (("  ", ""), keys, blank, (said.rstrip().ljust(len(said) - len(command)), look), (command, "quiet"))
    return (("  ", ""), keys, blank, (said, look))


def keys_width_of(column: Column, *, is_brief: bool, is_ascii: bool = False) -> int:
    """Tell how wide the keys of a column are."""
    most = _NARROW_KEYS if is_brief else _WIDEST_KEYS
    texts = [
        keys_text(row.keys, most, is_ascii=is_ascii, is_brief=is_brief) for row in column if isinstance(row, HelpRow)
    ]
    return max(map(len, texts), default=0)


def keys_text(keys: Sequence[str], most: int, *, is_brief: bool, is_ascii: bool = False) -> str:
    """Write as many whole keys as there is room for; in brief, `^d` stands for `ctrl+d`."""
    text = ""
    for key in keys:
        shown = shown_key(key, is_ascii=is_ascii)
        shown = shown.replace("ctrl+", "^") if is_brief else shown
        if text and len(text) + 1 + len(shown) > most:
            break
        text = f"{text} {shown}".lstrip()
    return text


def next_spot(columns: Sequence[Column], spot: Spot, step: int) -> Spot | None:
    """Find the next row down (-1: up), from the end of a column on in the next one; None beyond the ends."""
    column, line = spot.column, spot.line + step
    while 0 <= column < len(columns):
        while 0 <= line < len(columns[column]):
            if isinstance(columns[column][line], HelpRow):
                return Spot(column, line)
            line += step
        column += step
        if 0 <= column < len(columns):
            line = 0 if step > 0 else len(columns[column]) - 1
    return None


def first_spot(columns: Sequence[Column]) -> Spot | None:
    """Find the first row; None where there is none."""
    return next_spot(columns, Spot(0, -1), 1)


def last_spot(columns: Sequence[Column]) -> Spot | None:
    """Find the last row; None where there is none."""
    return next_spot(columns, Spot(len(columns) - 1, len(columns[-1])), -1) if columns else None


def beside(columns: Sequence[Column], spot: Spot, step: int) -> Spot | None:
    """Find the row nearest to the same line in the column to the right (-1: left)."""
    column = spot.column + step
    if not 0 <= column < len(columns):
        return None
    lines = [line for line, cell in enumerate(columns[column]) if isinstance(cell, HelpRow)]
    return Spot(column, min(lines, key=lambda line: abs(line - spot.line))) if lines else None


def _need(column: Column, *, is_brief: bool, is_long: bool = False) -> int:
    rows = [cell for cell in column if isinstance(cell, HelpRow)]
    words = max((width_of([(row.words if is_long else row.short, "")]) for row in rows), default=0)
    return _AROUND + keys_width_of(column, is_brief=is_brief) + words
