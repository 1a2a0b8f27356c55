"""Saved views: what was listed in an order of one's own is listed in that order again."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.data.saved_views import load_views
from flowctl.tui.model.views import BUILT_IN, View
from tests.tui.screens.driving import NARROW, WIDE, drive, press, screen_text
from tests.tui.screens.sample import three_runs


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_view_is_kept_with_its_order_and_brings_it_back(home: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "slash", *"flow:*", "enter", "s", "s", "S")
        assert "sort flow ▴" in screen_text(app)
        await press(app, pilot, "f", "plus", *"mine", "enter")
        await press(app, pilot, "f", "2")
        assert "sort age ▾" in screen_text(app)
        await press(app, pilot, "f", str(len(BUILT_IN) + 1))
        assert "sort flow ▴" in screen_text(app)
        assert "flow:*" in screen_text(app)

    with three_runs(home):
        drive(home, scenario, size=size)

    assert load_views(home) == ((View("mine", "flow:*", "flow", is_reversed=True),), [])
