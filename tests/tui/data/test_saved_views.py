"""The file of saved views: written whole, private, and never a reason not to start."""

from __future__ import annotations

from pathlib import Path

from flowctl.store.home import Home
from flowctl.tui.data.saved_views import load_views, save_views
from flowctl.tui.model.views import View


def test_views_are_kept_in_the_home(home: Home) -> None:
    home.ensure()
    views = (View("mine", "flow:etl"),)

    assert load_views(home) == ((), [])
    assert save_views(home, views) is None
    assert load_views(home) == (views, [])

    path = Path(home.path) / "views.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in Path(home.path).glob("*views*")] == ["views.json"]


def test_a_damaged_file_is_told_and_left(home: Home) -> None:
    home.ensure()
    path = Path(home.path) / "views.json"
    path.write_bytes(b"\xff{")

    views, problems = load_views(home)

    assert views == ()
    assert len(problems) == 1
    assert path.read_bytes() == b"\xff{"


def test_where_nothing_can_be_written_it_says_so(home: Home) -> None:
    home.ensure()
    (Path(home.path) / "views.json").mkdir()

    problem = save_views(home, (View("mine", ""),))

    assert problem is not None
    assert "is not saved" in problem
    assert load_views(home)[0] == ()
    assert [each.name for each in Path(home.path).glob(".views*")] == []
