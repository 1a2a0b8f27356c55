"""Sizes: below the least one a line says what is needed, and growing brings back all that was there."""

from __future__ import annotations

import random

import pytest
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from tests.tui.screens.driving import drive, press, screen_text, settled, until
from tests.tui.screens.sample import three_runs

SCREENS = {"runs": "j", "system": "5", "task": "enter j enter", "typing": "slash f a"}


def seen(app: FlowctlApp) -> list[str]:
    """Give the lines but those that change by themselves: clocks, sizes and paces."""
    return [line for line in screen_text(app).splitlines()[1:] if "KiB" not in line and "key to paint" not in line]


@pytest.mark.parametrize("keys", SCREENS.values(), ids=SCREENS)
def test_below_the_least_size_one_line_says_so_and_growing_brings_all_back(home: Home, keys: str) -> None:
    chance = random.Random(7)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, *keys.split())
        before = seen(app)
        for size in ((39, 24), (80, 7), (39, 7), (20, 1), (18, 2)):
            await pilot.resize_terminal(*size)
            await settled(app, pilot)
            assert screen_text(app).split() == ["flowctl", "needs", "40x8"], size
        await pilot.resize_terminal(40, 8)
        await settled(app, pilot)
        assert "needs" not in screen_text(app)
        for _ in range(12):
            await pilot.resize_terminal(chance.randrange(1, 200), chance.randrange(1, 60))
        await pilot.resize_terminal(80, 24)
        await until(app, pilot, lambda: seen(app) == before)

    with three_runs(home):
        drive(home, scenario)
