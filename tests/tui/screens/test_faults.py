"""A store or a daemon in no good state, as screens show it: a whole sentence, nothing stale as live."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot

from flowctl.core.daemon.snapshots import take_snapshot
from flowctl.store.home import Home
from flowctl.store.sqlite import SCHEMA_VERSION, sqlite3
from flowctl.tui import daemon_life
from flowctl.tui.actions import Actions, Outcome
from flowctl.tui.app import FlowctlApp
from flowctl.tui.model.themes import choose_look
from flowctl.tui.screens.beginning import new_flow
from tests.tui.planned import a_deployment, writing
from tests.tui.screens.driving import (
    ENVIRONMENT,
    NARROW,
    NOW,
    WIDE,
    drive,
    drive_app,
    grid,
    note,
    press,
    screen_text,
    sentence,
    settled,
    shown,
    until,
)
from tests.tui.screens.sample import three_runs


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_the_whole_sentence_stands_there_and_goes_away_with_its_cause(home: Home, size: tuple[int, int]) -> None:
    home.ensure()
    Path(home.database).write_bytes(b"this is no database, however one looks at it" * 100)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        for key in "12345":
            await press(app, pilot, key)
            await until(app, pilot, lambda: "`flowctl db rebuild`" in sentence(app))
            assert home.database in sentence(app).replace(" ", "")
            assert "! unreadable" in grid(app)[0]
            assert "yet." not in screen_text(app)
        await press(app, pilot, "1")
        Path(home.database).unlink()
        await until(app, pilot, lambda: "No runs yet." in screen_text(app) and "rebuild" not in screen_text(app))

    drive(home, scenario, size=size)


def test_nothing_moves_as_if_it_were_of_now_while_the_store_cannot_be_read(home: Home) -> None:
    def set_schema(version: int) -> None:
        connection = sqlite3.connect(home.database)
        connection.execute(f"PRAGMA user_version = {version}").close()
        connection.close()

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        set_schema(99)
        await until(app, pilot, lambda: "! as of" in grid(app)[0] and "Upgrade flowctl" in sentence(app))
        before = grid(app)[1:]
        for tick in range(1, 6):
            app._tick(tick)  # pyright: ignore[reportPrivateUsage] - as its clock does
            await settled(app, pilot)
        assert grid(app)[1:] == before

        set_schema(SCHEMA_VERSION)
        await until(app, pilot, lambda: "as of" not in screen_text(app))

    with three_runs(home):
        drive(home, scenario, FLOWCTL_CALM="")


def test_a_daemon_that_does_not_start_is_tried_again_and_the_next_try_is_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_life, "_AGAIN_AFTER_S", 0.5)
    outcomes = [Outcome(False, "The daemon did not start."), Outcome(False, "Nor now."), Outcome(True, "started it")]

    def start(_self: Actions) -> Outcome:
        return outcomes.pop(0)

    monkeypatch.setattr(Actions, "start_daemon", start)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        app.daemon.may_start = True
        await press(app, pilot, "ctrl+r")
        await until(app, pilot, lambda: "The daemon did not start." in grid(app)[-2])
        assert "reconnecting, try 2, next in 1 s" in grid(app)[-2]
        await until(app, pilot, lambda: "Nor now." in grid(app)[-2])
        assert "reconnecting, try 3, next in" in grid(app)[-2]
        await until(app, pilot, lambda: "reconnecting" not in screen_text(app))

    drive(home, scenario)
    assert outcomes == []


def test_times_of_ended_runs_are_written_anew_with_each_day(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        assert "20:24" in screen_text(app)
        app.clock = lambda: NOW + timedelta(days=3)
        app._tick(4)  # pyright: ignore[reportPrivateUsage] - as its clock does
        await settled(app, pilot)
        assert "20:24" not in screen_text(app)

        # Set back, it breaks nothing.
        app.clock = lambda: NOW - timedelta(hours=1)
        app._tick(8)  # pyright: ignore[reportPrivateUsage] - as its clock does
        await press(app, pilot, "j", "enter", "escape")
        assert "20:24" in screen_text(app)

    with three_runs(home):
        drive(home, scenario)


def test_no_deployments_because_their_database_was_deleted_is_not_taken_for_none_yet(home: Home) -> None:
    with writing(home) as connection:
        a_deployment(connection, "nightly", "0 2 * * *", now=NOW)
    take_snapshot(home, NOW)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2")
        await until(app, pilot, lambda: "nightly" in screen_text(app))
        Path(home.database).unlink()
        await until(app, pilot, lambda: "`flowctl db rebuild` brings it back" in sentence(app))

    drive(home, scenario)


def test_read_only_shows_everything_and_lets_nothing_be_changed(home: Home, tmp_path: Path) -> None:
    app = FlowctlApp(home, choose_look(ENVIRONMENT), is_read_only=True, clock=lambda: NOW)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        assert "read-only" in grid(app)[0]
        for key in ("c", "D", "r", "p"):
            await press(app, pilot, key)
            assert "means to ask the daemon, and --read-only says only to look" in sentence(app)
        shown(app).edit(str(tmp_path / "a.py"), 1)
        await settled(app, pilot)
        assert "an editor can change" in sentence(app)
        new_flow(shown(app))
        await settled(app, pilot)
        assert "no sample is written" in note(app)
        assert not list(Path.cwd().glob("hello_flow*"))
        assert {("c", "quiet"), ("e", "quiet"), ("y", "accent")} <= set(shown(app).key_line())

    with three_runs(home):
        drive_app(app, scenario)
