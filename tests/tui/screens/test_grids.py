"""What each screen looks like, letter by letter, at both sizes; `WRITE_GRIDS=1` writes the pictures anew."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from tests.tui.screens.driving import NARROW, WIDE, drive, press, screen_text
from tests.tui.screens.sample import three_runs

GRIDS = Path(__file__).parent / "grids"
SCREENS = {
    "runs": (),
    "run": ("enter",),
    "run-folded": ("enter", "j", "j", "space"),
    "task-retrying": ("enter", "j", "j", "j", "j", "j", "enter"),
    "task-failed": ("j", "enter", "right_curly_bracket", "enter"),
    "logs": ("4",),
    "flows": ("3",),
    "deploys": ("2",),
    "help": ("question_mark",),
    "palette": ("colon",),
    "inspect": ("i",),
}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_looks_as_it_did(home: Home, name: str, size: tuple[int, int]) -> None:
    seen: list[str] = []

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, *SCREENS[name])
        seen.append(screen_text(app))

    with three_runs(home):
        drive(home, scenario, size=size)

    file = GRIDS / f"{name}-{size[0]}x{size[1]}.txt"
    text = "\n".join(line.rstrip() for line in seen[0].split("\n")) + "\n"
    if os.environ.get("WRITE_GRIDS") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
