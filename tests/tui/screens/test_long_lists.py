"""A list of more runs than are ever read at once: walked to its end, sorted, marked and searched as a short one is."""

from __future__ import annotations

from collections.abc import Generator
from unittest.mock import patch

import pytest
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.model.run_rows import RunRows, RunWalk
from flowctl.tui.screens import run_window
from flowctl.tui.screens.runs import RunsScreen
from tests.store.journals import NOON, SECOND, a_run, an_id, write_journal
from tests.tui.screens.driving import cursor_line, drive, grid, note, press, screen_text, settled

_COUNT = 110
_HEAD = 8
#: So many rows at most are held by a window of 16 lines: three pages above, three below, and the row itself.
_MOST_HELD = 100


@pytest.fixture(autouse=True)
def small_head() -> Generator[None]:
    with patch.object(run_window, "HEAD", _HEAD):
        yield


@pytest.fixture
def many(home: Home) -> Home:
    """Runs of which all completed but one, far down."""
    for number in range(_COUNT):
        ends = "FAILED" if number == 30 else "COMPLETED"
        records = a_run(an_id(number), at=NOON + number * SECOND, tasks=0, ends=ends, name=f"run-{number:03d}")
        write_journal(home, an_id(number), records)
    return home


def runs_of(app: FlowctlApp) -> RunsScreen:
    assert isinstance(app.screen, RunsScreen)
    return app.screen


def listed(app: FlowctlApp) -> list[str]:
    """The names on the screen, from top to bottom."""
    words = (word for line in grid(app) for word in line.split())
    return [word for word in words if word.startswith("run-") and len(word) == 7]


def test_the_list_is_walked_to_its_end_and_holds_only_what_is_around_the_window(many: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        screen = runs_of(app)
        walked: list[str] = []
        while not walked or cursor_line(app).split()[3] != walked[-1]:
            walked.append(cursor_line(app).split()[3])
            assert len(screen.runs.rows.known) <= _MOST_HELD
            await press(app, pilot, "pagedown")
            assert len(listed(app)) >= screen.rows.page
        assert walked[-1] == "run-000"
        await press(app, pilot, "g", "G", "k")
        assert cursor_line(app).split()[3] == "run-001"
        assert f"{_COUNT} · sort age" in screen_text(app)
        assert len(screen.runs.rows.known) <= _MOST_HELD

    drive(many, scenario)


def test_sorting_and_turning_around_is_about_the_whole_list(many: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        screen = runs_of(app)
        await press(app, pilot, "s")
        await press(app, pilot, "g")
        assert cursor_line(app).split()[3] == "run-030"  # the one that failed
        screen.reorder("name", is_reversed=False)
        await settled(app, pilot)
        await press(app, pilot, "g")
        assert cursor_line(app).split()[3] == "run-000"
        await press(app, pilot, "S")
        assert cursor_line(app).split()[3] == "run-000"  # the cursor stays on its run, which is the last one now
        assert screen.runs.place == _COUNT - 1
        await press(app, pilot, "g")
        assert cursor_line(app).split()[3] == f"run-{_COUNT - 1:03d}"

    drive(many, scenario)


def test_a_filter_and_the_next_problem_find_what_is_not_read(many: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "slash", *"name:run-0*", "enter")
        assert f"100 of {_COUNT} · sort age" in screen_text(app)
        await press(app, pilot, "right_curly_bracket")
        assert "run-030" in cursor_line(app)
        await press(app, pilot, "enter", "full_stop")
        assert "71 of 100" in screen_text(app)
        await press(app, pilot, "escape", "escape")

    drive(many, scenario)


def test_neighbours_are_walked_beyond_what_was_read(many: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        rows = runs_of(app).runs.rows
        await press(app, pilot, "j", "enter")
        app.run_walk = RunWalk(RunRows(rows.keys, {key: rows.known[key] for key in rows.keys[1:2]}))
        await press(app, pilot, "full_stop", "full_stop")
        assert f"4 of {_COUNT}" in screen_text(app)
        assert f"run-{_COUNT - 4:03d}" in screen_text(app)
        await press(app, pilot, "comma", "comma", "comma", "comma")
        assert f"1 of {_COUNT}" in screen_text(app)
        assert "no other run there" in note(app)

    drive(many, scenario)


def test_all_are_marked_as_they_were_listed_and_none_that_came_since(many: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        screen = runs_of(app)
        await press(app, pilot, "asterisk")
        assert f"{_COUNT} marked" in note(app)
        write_journal(many, an_id(999), a_run(an_id(999), at=NOON + 999 * SECOND, tasks=0, name="late-run"))
        await press(app, pilot, "G", "g")
        while len(screen.runs.rows) == _COUNT:
            await press(app, pilot, "g")

        assert {target.run_id for target in screen.targets()} == {an_id(number) for number in range(_COUNT)}
        await press(app, pilot, "j", "G", "v")
        assert len(screen.targets()) == _COUNT
        await press(app, pilot, "asterisk", "asterisk")
        assert len(screen.targets()) == 1

    drive(many, scenario)
