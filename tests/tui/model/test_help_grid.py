"""The keys of a screen in columns, and where the cursor goes among them."""

from __future__ import annotations

import pytest

from flowctl.tui.model.help_grid import Spot, beside, columns_of, first_spot, grid_of, next_spot
from flowctl.tui.model.key_table import BINDINGS
from flowctl.tui.model.keys import Binding, help_of

SCOPES = sorted({scope for binding in BINDINGS for scope in binding.scopes} - {"app"})


@pytest.mark.parametrize("columns", [1, 2, 3])
@pytest.mark.parametrize("scope", SCOPES)
def test_every_key_is_reached_once_from_the_first_on(scope: str, columns: int) -> None:
    found = help_of(BINDINGS, scope)
    grid = grid_of(found, columns)
    spot, seen = first_spot(grid), list[str]()
    while spot is not None:
        cell = grid[spot.line][spot.column]
        assert isinstance(cell, Binding)
        seen.append(cell.id)
        spot = next_spot(grid, spot, 1)

    assert sorted(seen) == sorted(each.id for group in found.values() for each in group)
    assert all(len(row) <= columns for row in grid)


def test_columns_are_of_about_one_height() -> None:
    grid = grid_of(help_of(BINDINGS, "runs"), 3)
    heights = [sum(row[column] is not None for row in grid) for column in range(3)]

    assert max(heights) < 2 * min(heights)


def test_up_is_down_backwards_and_the_columns_lie_beside_each_other() -> None:
    grid = grid_of(help_of(BINDINGS, "runs"), 3)
    first = Spot(1, 0)
    assert first_spot(grid) == first
    below = next_spot(grid, first, 1)
    assert below is not None
    assert next_spot(grid, below, -1) == first
    assert next_spot(grid, first, -1) is None
    right = beside(grid, first, 1)
    assert right is not None
    assert right.column == 1
    assert beside(grid, first, -1) is None


def test_nothing_found_is_no_grid() -> None:
    assert grid_of({}, 3) == []
    assert first_spot([]) is None
    assert [columns_of(width) for width in (60, 80, 140)] == [1, 2, 3]
