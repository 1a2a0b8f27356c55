"""Leaving is quick, whatever is typed, broken or under way just then, and the terminal is as it was."""

from __future__ import annotations

import time
from pathlib import Path

from textual.events import Key
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.screens.palette import PaletteScreen
from flowctl.tui.screens.run import RunScreen
from tests.tui.screens.conftest import Opener
from tests.tui.screens.driving import drive
from tests.tui.screens.sample import LIVE, three_runs
from tests.tui.screens.terminal import planted

#: On a machine that does other things, too; alone it takes a fifth of that.
SOON_S = 3.0
#: A palette that breaks while it is built.
BREAKS = (
    "import flowctl.tui.screens.palette as palette\n"
    "def body(screen): raise RuntimeError('planted')\n"
    "palette.PaletteScreen.body = body\n"
)


def test_keys_in_front_of_the_end_do_not_wait_for_a_screen_that_gets_no_widgets_any_more(home: Home) -> None:
    began_s = 0.0

    async def scenario(app: FlowctlApp, _pilot: Pilot[int]) -> None:
        nonlocal began_s
        began_s = time.monotonic()
        assert app.view is not None
        app.push_screen(PaletteScreen(app.view))
        for _ in range(5):
            app.post_message(Key("j", "j"))
        app.exit(0)

    with three_runs(home):
        drive(home, scenario)

    assert time.monotonic() - began_s < SOON_S


def test_of_a_screen_in_the_making_nothing_can_be_had_but_the_way_out(home: Home) -> None:
    async def scenario(app: FlowctlApp, _pilot: Pilot[int]) -> None:
        screen = RunScreen(LIVE)
        made = app.push_screen(screen)
        assert app.screen is screen
        for key in ("ctrl+e", "i", "ctrl+l", "ctrl+c"):
            await app._check_bindings(key)  # pyright: ignore[reportPrivateUsage] - as a key does, but at once
        assert screen.check_action("app_quit", ())
        await made
        assert screen.check_action("app_export", ())

    with three_runs(home):
        drive(home, scenario)


def test_keys_behind_a_screen_that_breaks_hold_nothing_up(home: Home, open_terminal: Opener, tmp_path: Path) -> None:
    terminal = open_terminal(**planted(tmp_path, BREAKS))
    terminal.shows("neat-cat")
    terminal.press(":" + "j" * 40)

    assert terminal.wait(within_s=SOON_S) == 1
    assert terminal.is_restored
    assert "RuntimeError: planted" in terminal.output
    assert len(list(Path(home.path).glob("tui-crash-*.txt"))) == 1
