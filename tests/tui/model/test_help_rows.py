"""The keys of a screen in rows and columns, where the cursor goes among them, and what stands beside them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowctl.store.query_language import parse
from flowctl.tui.model import help_words
from flowctl.tui.model.glyphs import UNICODE, WORDS
from flowctl.tui.model.help_rows import (
    HelpRow,
    Spot,
    beside,
    columns_for,
    columns_of,
    first_spot,
    keys_text,
    keys_width_of,
    last_spot,
    next_spot,
    row_line,
    widths_of,
)
from flowctl.tui.model.key_table import BINDINGS
from flowctl.tui.model.key_words import TOGETHER
from flowctl.tui.model.keys import bindings_of, help_of
from flowctl.tui.model.texts import plain, width_of

SCOPES = sorted({scope for binding in BINDINGS for scope in binding.scopes} - {"app"})


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("scope", SCOPES)
def test_every_key_is_in_one_row_and_every_row_is_reached(scope: str, count: int) -> None:
    columns = columns_for(help_of(BINDINGS, scope), count, 17)
    spot, rows = first_spot(columns), list[HelpRow]()
    while spot is not None:
        row = columns[spot.column][spot.line]
        assert isinstance(row, HelpRow)
        rows.append(row)
        spot = next_spot(columns, spot, 1)

    keys = [key for row in rows for key in row.keys]
    assert sorted(keys) == sorted(key for each in bindings_of(BINDINGS, scope) for key in each.keys)
    assert len(columns) == count


@pytest.mark.parametrize("is_ascii", [False, True])
@pytest.mark.parametrize("scope", ["runs", "run", "task", "deploys", "flows", "logs", "system"])
def test_no_key_is_cut_and_no_words_of_a_column_of_a_small_screen(scope: str, *, is_ascii: bool) -> None:
    columns = columns_for(help_of(BINDINGS, scope), 3, 17)
    for column, width in zip(columns, widths_of(columns, 80, is_brief=True), strict=True):
        keys_width = keys_width_of(column, is_brief=True, is_ascii=is_ascii)
        for row in column:
            if isinstance(row, HelpRow):
                line = row_line(row, width - 3, keys_width, is_brief=True, is_ascii=is_ascii)
                assert width_of(line) == width - 3
                # In ASCII the words for arrows are longer than the arrows.
                assert is_ascii or not plain(line).rstrip().endswith("…") or row.short.endswith("…"), plain(line)
                assert keys_text(row.keys, keys_width, is_brief=True, is_ascii=is_ascii) == line[0][0].rstrip()


def test_what_the_help_keeps_together_is_in_the_table() -> None:
    known = {binding.id: binding for binding in BINDINGS}
    for ids in TOGETHER:
        assert len({known[id_].group for id_ in ids}) == 1, ids


def test_up_is_down_backwards_and_the_columns_lie_beside_each_other() -> None:
    columns = columns_for(help_of(BINDINGS, "runs"), 3, 17)
    first = Spot(0, 1)
    assert first_spot(columns) == first
    below = next_spot(columns, first, 1)
    assert below is not None
    assert next_spot(columns, below, -1) == first
    assert next_spot(columns, first, -1) is None
    right = beside(columns, first, 1)
    assert right is not None
    assert right.column == 1
    assert beside(columns, first, -1) is None
    last = last_spot(columns)
    assert last is not None
    assert next_spot(columns, last, 1) is None


def test_nothing_is_no_place_and_a_width_holds_its_columns() -> None:
    assert first_spot([]) is None
    assert last_spot([]) is None
    assert [columns_of(width) for width in (40, 60, 80, 140)] == [1, 2, 3, 3]


def test_what_the_help_tells_of_queries_can_be_typed() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    examples = [query for pair, _ in help_words.QUERIES for query in pair.split("  ")]
    for query in (help_words.EXAMPLE, help_words.WHOLE_EXAMPLE, *examples):
        assert parse(query) is not None, (query, now)


def test_the_brief_states_fit_into_three_lines_and_name_every_word() -> None:
    lines = help_words.brief_lines(80, UNICODE)

    assert len(lines) == 3
    assert all(width_of(line) <= 80 for line in lines)
    assert [word for word in WORDS if word not in " ".join(map(plain, lines))] == []
