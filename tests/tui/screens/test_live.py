"""The screens follow the store: runs appear, change and end by themselves; the cursor stays where it was put."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.store.journal import LogLine, Record
from flowctl.tui.app import FlowctlApp
from flowctl.tui.bridge import Bridge
from flowctl.tui.data.source import Source
from flowctl.tui.model.snapshots import ListedRun
from flowctl.tui.screens.run import RunScreen
from flowctl.tui.screens.runs import RunsScreen
from flowctl.tui.screens.task import TaskScreen
from tests.store.journals import NOON, SECOND, a_run, an_id, encoded, flow_state, task_state, write_journal
from tests.tui.screens.driving import drive, grid, listed_runs, press, screen_text, sentence, settled, until
from tests.tui.screens.sample import LIVE, three_runs


def say_more(home: Home, records: list[Record], sequence: int = 100) -> None:
    """Let the run under way write on."""
    with Path(home.journal(LIVE, 1)).open("ab") as file:
        file.write(encoded(records, first_sequence=sequence))


def test_an_empty_home_says_what_to_do_next(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        assert "No runs yet" in screen_text(app)
        assert "flowctl run FILE.py:FLOW" in screen_text(app)
        await press(app, pilot, "3")
        assert "no flow has run here yet" in screen_text(app)
        await press(app, pilot, "4")
        assert "Nothing has been logged yet" in screen_text(app)

    drive(home, scenario)


def test_a_new_run_appears_and_the_cursor_stays_on_its_row(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "j")
        write_journal(home, an_id(9), a_run(an_id(9), at=NOON + 50 * SECOND, name="new-comer"))
        await until(app, pilot, lambda: "new-comer" in screen_text(app))

        assert isinstance(app.screen, RunsScreen)
        row = app.screen.rows.row
        assert isinstance(row, ListedRun)
        assert row.run.name == "bold-ant"

    with three_runs(home):
        drive(home, scenario)


def test_a_list_that_is_read_again_paints_only_the_rows_that_look_otherwise(home: Home) -> None:
    painted: list[list[int]] = []

    def lines_to_paint(screen: RunsScreen) -> list[int]:
        regions = screen.rows._repaint_regions  # pyright: ignore[reportPrivateUsage] - nothing else tells
        assert all(region.height == 1 for region in regions)
        return sorted(region.y for region in regions)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        for name in (None, "bold-ant"):
            with app.batch_update():
                rows = [
                    replace(row, run=replace(row.run, name="new-name")) if row.run.name == name else row
                    for row in listed_runs(app)
                ]
                screen.rows.put(rows)
                screen.rows.repaint()
                painted.append(lines_to_paint(screen))
            await settled(app, pilot)

    with three_runs(home):
        drive(home, scenario)

    # The second row below the head line.
    assert painted == [[], [2]]


def test_a_change_of_state_is_painted_on_the_run_screen(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "enter")
        assert "in 0:07" in screen_text(app)
        say_more(
            home,
            [
                task_state(4, "RUNNING", at=NOON + 59 * SECOND, name="Retrying", run_count=2),
                LogLine(NOON + 59 * SECOND, 0, 4, 20, "flowctl.task_runs", "once more"),
            ],
        )
        await until(app, pilot, lambda: "in 0:07" not in screen_text(app) and "once more" in screen_text(app))

        say_more(home, [flow_state("FAILED", at=NOON + 60 * SECOND)], 200)
        await until(app, pilot, lambda: "✗ failed" in grid(app)[1])
        assert isinstance(app.screen, RunScreen)
        assert not app.screen.is_live

    with three_runs(home):
        drive(home, scenario)


def test_a_task_that_ends_while_it_is_looked_at_shows_its_end(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "enter", "j", "j", "j", "j", "enter")
        assert "running" in grid(app)[3]
        say_more(home, [task_state(3, "COMPLETED", at=NOON + 60 * SECOND, value="'all of it'")])
        await until(app, pilot, lambda: "completed" in grid(app)[3])

        assert isinstance(app.screen, TaskScreen)
        assert "'all of it'" in screen_text(app)

    with three_runs(home):
        drive(home, scenario)


def test_a_log_is_followed_until_somebody_looks_elsewhere(home: Home) -> None:
    def lines(first: int) -> list[Record]:
        return [
            LogLine(NOON + 30 * SECOND + n, 0, None, 20, "x", f"line {n} of many") for n in range(first, first + 50)
        ]

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "L")
        say_more(home, lines(0))
        await until(app, pilot, lambda: "line 49 of many" in screen_text(app))
        await press(app, pilot, "g")
        say_more(home, lines(50), 200)
        await until(app, pilot, lambda: "F follows" in screen_text(app))
        assert "begun" in screen_text(app)
        await press(app, pilot, "F")
        await until(app, pilot, lambda: "line 99 of many" in screen_text(app))

    with three_runs(home):
        drive(home, scenario)


def test_a_run_that_is_deleted_while_it_is_looked_at_leaves_a_sentence(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        from flowctl.store.deletion import delete_runs

        await press(app, pilot, "G", "enter")
        delete_runs(home, [an_id(1)])
        await until(app, pilot, lambda: "as of" in grid(app)[-2] and "`flowctl runs` lists" in sentence(app))
        await press(app, pilot, "escape")
        await until(app, pilot, lambda: "neat-cat" not in screen_text(app))

    with three_runs(home):
        drive(home, scenario)


def test_what_is_frozen_stays_until_it_is_let_go(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "P")
        write_journal(home, an_id(9), a_run(an_id(9), at=NOON + 50 * SECOND, name="new-comer"))
        version = app.bridge.pulse.version if app.bridge.pulse else 0
        await until(app, pilot, lambda: app.bridge.pulse is not None and app.bridge.pulse.version > version)
        await pilot.pause(0.05)
        assert "new-comer" not in screen_text(app)
        await press(app, pilot, "P")
        await until(app, pilot, lambda: "new-comer" in screen_text(app))

    with three_runs(home):
        drive(home, scenario)


def test_a_defect_in_what_reads_is_not_swallowed(home: Home) -> None:
    def broken(_source: object) -> None:
        raise ZeroDivisionError("planted")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        app.bridge.once(broken, lambda _answer: None)
        await until(app, pilot, lambda: app.crash is not None)

    with pytest.raises(ZeroDivisionError, match="planted"):
        drive(home, scenario)


def test_a_defect_after_the_loop_has_ended_ends_the_thread_in_silence() -> None:
    class Ended:
        def post_message(self, _message: object) -> None:
            raise RuntimeError("Event loop is closed")

    def broken() -> Source:
        raise ZeroDivisionError("planted")

    # What escapes a thread fails the test.
    bridge = Bridge(broken, cast("FlowctlApp", Ended()))
    bridge.start()
    bridge.stop()
