"""The mouse: main views, keys named below, rows, headings, the wheel."""

from __future__ import annotations

from datetime import timedelta

import pytest
from textual.events import MouseScrollDown
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.screens.form import FormScreen
from flowctl.tui.screens.help import HelpScreen
from flowctl.tui.screens.runs import RunsScreen
from flowctl.tui.widgets.column import ColumnPane
from tests.tui.planned import a_deployment, writing
from tests.tui.screens.conftest import Sent
from tests.tui.screens.driving import (
    NARROW,
    NOW,
    WIDE,
    cursor_line,
    drive,
    grid,
    press,
    screen_text,
    settled,
    shown,
    until,
)
from tests.tui.screens.sample import three_runs

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.fixture
def planned(home: Home) -> Home:
    with writing(home) as connection:
        for place, name in enumerate(("aa/late", "bb/soon", "cc/later")):
            at = NOW + timedelta(hours=(9, 1, 20)[place])
            a_deployment(connection, name, "50 * * * *", now=NOW, next_at=at)
    return home


async def click(app: FlowctlApp, pilot: Pilot[int], text: str, *, times: int = 1, last: bool = False) -> None:
    """Click on the middle of a text that stands on the screen."""
    lines = grid(app)
    rows = [y for y, line in enumerate(lines) if text in line]
    y = rows[-1 if last else 0]
    await pilot.click(offset=(lines[y].index(text) + len(text) // 2, y), times=times)
    await settled(app, pilot)


@SIZES
def test_a_click_on_a_main_view_shows_it(home: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        for name, title in (("deploys", "2 Deploys"), ("flows", "3 Flows"), ("system", "5 System"), ("runs", "1 Runs")):
            await click(app, pilot, title)
            assert name == shown(app).SCOPE
            assert f"[{title}]" in grid(app)[1]

    drive(home, scenario, size=size)


@SIZES
def test_a_click_on_a_key_named_below_presses_it(planned: Home, sent: Sent, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2")
        await click(app, pilot, "on/off", last=True)
        await until(app, pilot, lambda: "undo: turned" in grid(app)[-2])
        await click(app, pilot, "undo: turned")
        await until(app, pilot, lambda: "taken back" in grid(app)[-2])
        await click(app, pilot, "? help", last=True)
        assert isinstance(app.screen, HelpScreen)
        await click(app, pilot, "undo ", last=True)
        assert "▸ u" in screen_text(app)
        # A line that is gone by the time of the click, since one typed meanwhile.
        pane = app.screen.query_one("#main", ColumnPane)
        app.screen.post_message(ColumnPane.Picked(pane, 999, is_double=True))
        await click(app, pilot, "inspect ", times=2)
        await until(app, pilot, lambda: '"parameters"' in screen_text(app))
        assert not isinstance(app.screen, HelpScreen)

    drive(planned, scenario, size=size)

    assert [verb for verb, _ in sent] == ["deployment_pause", "deployment_resume"]


@SIZES
def test_rows_are_chosen_by_a_click_and_opened_by_two(planned: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2")
        await click(app, pilot, "cc/later")
        assert "cc/later" in cursor_line(app)
        await click(app, pilot, "bb/soon", times=2)
        await until(app, pilot, lambda: shown(app).SCOPE == "runs")
        assert any('deployment:"bb/soon"' in line for line in grid(app))

    drive(planned, scenario, size=size)


@SIZES
def test_a_click_on_a_heading_sorts_and_another_one_turns_it_around(planned: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2")
        assert names(app) == ["aa/late", "bb/soon", "cc/later"]
        await click(app, pilot, "NEXT")
        assert names(app) == ["bb/soon", "aa/late", "cc/later"]
        await click(app, pilot, "NEXT")
        assert names(app) == ["cc/later", "aa/late", "bb/soon"]

    drive(planned, scenario, size=size)


def test_runs_are_sorted_by_a_click_and_the_filter_line_opens_by_one(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await click(app, pilot, "TIME")
        assert isinstance(app.screen, RunsScreen)
        assert app.screen.runs.sort == "took"
        await click(app, pilot, "/ filter")
        assert app.screen.is_typing
        await click(app, pilot, "t run…")
        assert app.screen.is_typing
        assert app.screen.query_text == ""

    with three_runs(home):
        drive(home, scenario)


def test_the_wheel_moves_the_cursor(planned: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2")
        rows = app.screen.query_one("#main")
        rows.post_message(MouseScrollDown(rows, 5, 5, 0, 1, 0, False, False, False))
        await settled(app, pilot)
        assert "cc/later" in cursor_line(app)

    drive(planned, scenario)


def test_a_form_is_left_by_a_click_on_its_button(planned: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "t")
        await until(app, pilot, lambda: isinstance(app.screen, FormScreen))
        await click(app, pilot, "[ Cancel esc ]")
        assert not isinstance(app.screen, FormScreen)

    drive(planned, scenario)


def names(app: FlowctlApp) -> list[str]:
    return [word for line in grid(app) for word in line.split() if word[2:3] == "/" and word[:2] in ("aa", "bb", "cc")][
        :3
    ]
