"""Which failures were looked at: kept in the home, and never a reason not to start."""

from __future__ import annotations

from pathlib import Path

from flowctl.store.home import Home
from flowctl.tui.data.looked_at import load_looked_at, save_looked_at


def test_what_was_looked_at_is_known_the_next_time(home: Home) -> None:
    assert load_looked_at(home) == {}
    home.ensure()
    save_looked_at(home, {"a": 3, "b": 4})

    assert load_looked_at(home) == {"a": 3, "b": 4}


def test_a_damaged_file_makes_everything_new_again(home: Home) -> None:
    home.ensure()
    save_looked_at(home, {"a": 3})
    for text in ("{", "[1]", '{"a": "x"}', "[" * 100_000):
        Path(home.path, "looked-at.json").write_text(text)
        assert load_looked_at(home) == {}


def test_where_nothing_can_be_written_nothing_breaks(home: Home) -> None:
    home.ensure()
    Path(home.path, "looked-at.json").mkdir()

    save_looked_at(home, {"a": 3})

    assert load_looked_at(home) == {}
