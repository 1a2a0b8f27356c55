"""Time travel in a run of very many tasks: worked out in a thread, it shows what it shows in a small one, and goes."""

from __future__ import annotations

import gc
import sys
from unittest.mock import patch

from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.screens import run_past
from flowctl.tui.screens.run import RunScreen
from tests.tui.screens.driving import WIDE, drive, grid, press
from tests.tui.screens.sample import three_runs

#: Two events back, one on, twenty back, all at once, and now again.
_KEYS = (("T",), ("left", "left"), ("right",), ("shift+left",), ("shift+right",), ("escape",))


def seen(home: Home) -> list[list[str]]:
    """Look at each instant, with one group of tasks folded otherwise than it would be by itself."""
    grids: list[list[str]] = []

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "j", "enter", "j", "space")
        for keys in _KEYS:
            await press(app, pilot, *keys)
            grids.append(grid(app))

    drive(home, scenario, size=WIDE)
    return grids


def test_the_past_of_many_tasks_is_shown_as_that_of_few(home: Home) -> None:
    with three_runs(home):
        few = seen(home)
        with patch.object(run_past, "_MANY", 0):
            assert seen(home) == few

    assert few[0] != few[1]


def test_a_run_that_is_left_is_forgotten_without_a_search_for_garbage(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "j", "enter")
        assert isinstance(app.screen, RunScreen)
        assert app.screen.detail is not None
        tasks = list(app.screen.detail.tasks.values())
        assert tasks
        await press(app, pilot, "T", "left", "T", "T", "left")
        await press(app, pilot, "escape", "q")
        assert not isinstance(app.screen, RunScreen)
        held = [sys.getrefcount(tasks.pop()) for _ in range(len(tasks))]
        assert set(held) == {1}, held

    gc.collect()
    gc.disable()
    try:
        with three_runs(home), patch.object(run_past, "_MANY", 0):
            drive(home, scenario, size=WIDE)
    finally:
        gc.enable()
