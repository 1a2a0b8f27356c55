"""The keys of a screen in columns, under the names of their groups; and where the cursor goes among them; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flowctl.tui.model.keys import Binding

#: The name of a group, a key, or nothing.
Cell = str | Binding | None


class Spot(NamedTuple):
    """A cell: its line and its column."""

    line: int
    column: int


def columns_of(width: int) -> int:
    """Tell how many columns a width holds."""
    return 3 if width >= 110 else 2 if width >= 64 else 1


def grid_of(found: Mapping[str, Sequence[Binding]], columns: int) -> list[tuple[Cell, ...]]:
    """Put groups into columns of about one height, each group whole, in their order."""
    blocks: list[list[Cell]] = [[group.upper(), *bindings] for group, bindings in found.items()]
    aim = -(-sum(len(block) + 1 for block in blocks) // max(columns, 1))
    stacks: list[list[Cell]] = [[]]
    for block in blocks:
        here = stacks[-1]
        # A block goes where more than half of it still fits.
        if here and len(here) + len(block) / 2 > aim and len(stacks) < columns:
            stacks.append([])
            here = stacks[-1]
        here += [*([None] if here else []), *block]
    height = max(map(len, stacks), default=0)
    for stack in stacks:
        stack += [None] * (height - len(stack))
    return list(zip(*stacks, strict=True)) if height else []


def first_spot(grid: Sequence[Sequence[Cell]]) -> Spot | None:
    """Find the first key; None where there is none."""
    return next_spot(grid, Spot(-1, 0), 1)


def next_spot(grid: Sequence[Sequence[Cell]], spot: Spot, step: int) -> Spot | None:
    """Find the next key down (-1: up), from the end of a column on in the next one; None beyond the ends."""
    if not grid:
        return None
    line, column = spot.line + step, spot.column
    while 0 <= column < len(grid[0]):
        while 0 <= line < len(grid):
            if isinstance(grid[line][column], Binding):
                return Spot(line, column)
            line += step
        column += step
        line = 0 if step > 0 else len(grid) - 1
    return None


def beside(grid: Sequence[Sequence[Cell]], spot: Spot, step: int) -> Spot | None:
    """Find the key nearest to the same line in the column to the right (-1: left)."""
    column = spot.column + step
    if not grid or not 0 <= column < len(grid[0]):
        return None
    lines = [line for line, row in enumerate(grid) if isinstance(row[column], Binding)]
    return Spot(min(lines, key=lambda line: abs(line - spot.line)), column) if lines else None
