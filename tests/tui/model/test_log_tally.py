"""How many lines, errors and warnings a log has."""

from __future__ import annotations

from flowctl.tui.model.glyphs import UNICODE
from flowctl.tui.model.log_tally import Tally
from tests.tui.model.snapshots_made import an_entry


def test_lines_that_come_are_counted_once_whoever_saw_them_first() -> None:
    counted = Tally(lines=10, errors=1, warnings=0, until=10)
    fresh = [an_entry(10), an_entry(11, level=40), an_entry(12, level=30)]

    once = counted.with_entries(fresh)

    assert once == Tally(lines=12, errors=2, warnings=1, until=12)
    assert once.with_entries(fresh) == once


def test_a_tally_is_told_with_its_errors_and_warnings_where_there_are_any() -> None:
    assert Tally(1204, 2, 3, 9).words(UNICODE) == "1 204 lines ✗ 2 ! 3"
    assert Tally(1, 0, 0, 1).words(UNICODE) == "1 line"
    assert Tally(0, 0, 0, 0).words(UNICODE) == ""
