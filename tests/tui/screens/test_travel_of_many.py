"""Time travel in a run of very many tasks: worked out in a thread, it shows what it shows in a small one."""

from __future__ import annotations

from unittest.mock import patch

from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.screens import run as run_module
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
        with patch.object(run_module, "_MANY", 0):
            assert seen(home) == few

    assert few[0] != few[1]
