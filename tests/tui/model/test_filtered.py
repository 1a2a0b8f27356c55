"""What a filter line lets through, where the next problem is, which column a heading belongs to."""

from __future__ import annotations

import pytest

from flowctl.tui.model.filtered import fits, heading_at, next_place
from flowctl.tui.model.keys import key_named

HEAD = (("  ON DEPLOYMENT   FLOW         NEXT   LAST 10      OK  TYP", "quiet"),)


@pytest.mark.parametrize(
    ("typed", "lets"),
    [("", True), ("ETL", True), ("hour prod", True), ("prod hour", True), ("etl fx", False)],
)
def test_every_word_that_is_typed_has_to_stand_somewhere(typed: str, lets: bool) -> None:
    assert fits("etl/hourly prod", typed) is lets


def test_the_next_problem_is_looked_for_once_around() -> None:
    rows = ["ok", "bad", "ok", "bad"]

    assert [next_place(rows, here, 1, lambda row: row == "bad") for here in range(4)] == [1, 3, 3, 1]
    assert [next_place(rows, here, -1, lambda row: row == "bad") for here in range(4)] == [3, 3, 1, 1]
    assert next_place(["bad"], 0, 1, lambda row: row == "bad") == 0
    assert next_place(["ok"], 0, 1, lambda row: row == "bad") is None
    assert next_place([], 0, 1, lambda _row: True) is None


@pytest.mark.parametrize(
    ("column", "heading"),
    [(0, ""), (5, "ON DEPLOYMENT"), (17, "ON DEPLOYMENT"), (18, "FLOW"), (30, "FLOW"), (31, "NEXT"), (38, "LAST 10"),
     (52, "OK"), (58, "TYP"), (90, "")],
)  # fmt: skip
def test_a_column_belongs_to_the_heading_it_begins_under(column: int, heading: str) -> None:
    assert heading_at(HEAD, column) == heading


@pytest.mark.parametrize(
    ("shown", "key"),
    [("t", ("t", "t")), ("R", ("R", "R")), ("⏎", ("enter", None)), ("enter", ("enter", None)),
     ("?", ("question_mark", "?")), ("esc", ("escape", None)), ("ctrl+r", ("ctrl+r", None)), ("←", ("left", None)),
     ("}", ("right_curly_bracket", "}")), ("retry", None), ("", None)],
)  # fmt: skip
def test_a_key_is_known_by_how_it_is_written(shown: str, key: object) -> None:
    assert key_named(shown) == key
