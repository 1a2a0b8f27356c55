"""A daemon that is killed or hangs while somebody is about to ask it for something: told, and nothing is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from textual.pilot import Pilot

import flowctl
from flowctl.core.daemon.instance import find_holder
from flowctl.tui import bridge
from flowctl.tui.actions import Actions
from flowctl.tui.app import FlowctlApp
from flowctl.tui.data import hearing
from flowctl.tui.screens import view
from flowctl.tui.screens.form import FormScreen
from tests.tui.screens.driving import (
    cursor_line,
    grid,
    note,
    press,
    screen_text,
    seen,
    sentence,
    shown,
    strike,
    until,
)
from tests.tui.screens.workplace import Desk, Workplace, go_to


@pytest.fixture(autouse=True)
def has_daemon_again(place: Workplace) -> Generator[None, None, None]:
    """Have a daemon for the next one."""
    yield
    if find_holder(place.home) is None:
        place.start()


def test_a_daemon_that_is_killed_behind_a_question_is_missed_and_started_by_a_key(place: Workplace) -> None:
    run_id = place.run_until("ends_on", "Running", name="never")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, place.name(run_id))
        await press(app, pilot, "X")
        place.kill_daemon()
        await until(app, pilot, lambda: not app.has_daemon)
        assert ("c", "quiet") in shown(app).key_line()
        assert ("⏎", "accent") in shown(app).key_line()
        assert "KILL" in note(app)
        await press(app, pilot, "y")
        assert "to kill takes the daemon, and none is running: ctrl+r starts it" in note(app)
        assert "killing…" not in screen_text(app)
        await press(app, pilot, "j", "k", "enter", "escape")
        assert "no daemon" in grid(app)[0]

        await press(app, pilot, "ctrl+r")
        await until(app, pilot, lambda: "started the daemon" in note(app))
        await until(app, pilot, lambda: "● daemon" in grid(app)[0])
        await press(app, pilot, "X", "y")
        await until(app, pilot, lambda: place.state(run_id) == "Cancelled")

    Desk(place).drive(scenario)


def test_one_that_is_killed_before_it_was_missed_is_told_by_the_request(place: Workplace) -> None:
    run_id = place.run_until("ends_on", "Running", name="never")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, place.name(run_id))
        app.bridge.every_s = 60  # it does not look again
        await press(app, pilot, "X")
        place.kill_daemon()
        await press(app, pilot, "y")
        await until(app, pilot, lambda: "No daemon is running" in sentence(app))
        assert "killing…" not in screen_text(app)

    Desk(place).drive(scenario)

    place.start()
    assert place.state(run_id) == "Running"
    place.ask("kill", run_id=run_id)


def test_what_was_typed_into_a_form_outlives_the_daemon_and_is_run_by_the_next(place: Workplace) -> None:
    run_id = place.run_until("greets", "Completed")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, place.name(run_id))
        await press(app, pilot, "R")
        await until(app, pilot, lambda: isinstance(app.screen, FormScreen))
        await press(app, pilot, "ctrl+u", *"Eve")
        place.kill_daemon()
        await until(app, pilot, lambda: "daemon not running since" in note(app))
        assert "ctrl+r" not in note(app)
        await press(app, pilot, "enter")
        assert "no daemon is running. Start it and go on?" in note(app)
        await press(app, pilot, "n")
        assert isinstance(app.screen, FormScreen)
        assert "Eve" in screen_text(app)
        await press(app, pilot, "enter", "y")
        await until(app, pilot, lambda: not isinstance(app.screen, FormScreen))
        await until(app, pilot, lambda: "is planned" in note(app))

    Desk(place).drive(scenario)

    newest = place.one("SELECT id FROM flow_run ORDER BY run DESC LIMIT 1")
    place.until_state(newest, "Completed")
    assert "Eve" in place.one("SELECT parameters FROM flow_run WHERE id = ?", newest)


def test_a_deletion_that_the_daemon_did_not_live_to_see_is_not_pretended(place: Workplace) -> None:
    run_id = place.run_until("greets", "Completed")
    desk = Desk(place)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, place.name(run_id))
        await press(app, pilot, "D", "y")
        place.kill_daemon()
        desk.undo_later_s = 11
        await until(app, pilot, lambda: "No daemon is running" in sentence(app))
        assert "deleting…" not in screen_text(app)

    app = desk.drive(scenario)

    assert place.state(run_id) == "Completed"
    assert app.parting == []


def test_one_that_hangs_is_said_to_be_silent_and_everything_else_goes_on(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "SILENT_S", 0.1)
    run_id = place.run_until("ends_on", "Running", name="never")
    desk = Desk(place)
    desk.app.actions = Actions(place.home, is_allowed=True, patience_s=3)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        name = place.name(run_id)
        await go_to(app, pilot, name)
        os.kill(place.pid, signal.SIGSTOP)
        try:
            strike(app, "c")
            await seen(app, lambda: "cancelling…" in cursor_line(app))
            await seen(app, lambda: "daemon silent for" in grid(app)[0])
            strike(app, "3")
            await seen(app, lambda: "[3 Flows]" in screen_text(app))
            strike(app, "1")
            await seen(app, lambda: "did not answer within 3 s; it may still do" in note(app))
            await seen(app, lambda: "running" in cursor_line(app))
        finally:
            os.kill(place.pid, signal.SIGCONT)
        # It was asked, and does it as soon as it can.
        await until(app, pilot, lambda: "cancelled" in cursor_line(app))

    desk.drive(scenario)

    assert place.state(run_id) == "Cancelled"


def test_one_that_hangs_unasked_is_told_with_the_time_that_is_shown_until_it_goes_on(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "_AGAIN_S", 0.1)
    for name in ("_FIRST_AFTER_S", "_ASK_EVERY_S", "_SILENT_S"):
        monkeypatch.setattr(hearing, name, 0.05)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "● daemon" in grid(app)[0])
        os.kill(place.pid, signal.SIGSTOP)
        try:
            await until(app, pilot, lambda: "! as of" in grid(app)[0])
            assert f"The daemon (process {place.pid}) has not answered since" in sentence(app)
            assert "`flowctl daemon restart` replaces it" in sentence(app)
        finally:
            os.kill(place.pid, signal.SIGCONT)
        await until(app, pilot, lambda: "● daemon" in grid(app)[0] and "has not answered" not in screen_text(app))

    Desk(place).drive(scenario)


def test_a_daemon_in_trouble_or_of_another_version_is_told_with_the_remedy(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "_AGAIN_S", 0.1)
    for name in ("_FIRST_AFTER_S", "_ASK_EVERY_S"):
        monkeypatch.setattr(hearing, name, 0.05)
    settings = Path(place.home.path) / "flowctl.toml"

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        settings.write_text("retain_days = 'many'\n")
        os.kill(place.pid, signal.SIGHUP)
        await until(app, pilot, lambda: "The daemon cannot do all its work (settings): " in sentence(app))
        assert "● daemon" in grid(app)[0]
        settings.unlink()
        os.kill(place.pid, signal.SIGHUP)
        await until(app, pilot, lambda: "cannot do all its work" not in screen_text(app))

        monkeypatch.setattr(flowctl, "__version__", "99.9")
        await until(app, pilot, lambda: "this interface is 99.9: `flowctl daemon restart`" in sentence(app))

    Desk(place).drive(scenario)


def test_one_that_hangs_keeps_nobody_from_leaving(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowctl.tui.actions._PARTING_PATIENCE_S", 0.2)
    runs = [place.run_until("ends_on", "Running", name="never"), place.run_until("greets", "Completed")]
    left_s = 0.0

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        nonlocal left_s
        await go_to(app, pilot, place.name(runs[1]))
        await press(app, pilot, "D", "y")
        await go_to(app, pilot, place.name(runs[0]))
        os.kill(place.pid, signal.SIGSTOP)
        strike(app, "c")
        await seen(app, lambda: "cancelling…" in cursor_line(app))
        left_s = time.monotonic()
        strike(app, "ctrl+q")

    try:
        app = Desk(place).drive(scenario)
        assert time.monotonic() - left_s < 5
    finally:
        os.kill(place.pid, signal.SIGCONT)

    assert len(app.parting) == 1
    assert app.parting[0].startswith(f"{place.name(runs[1])} was not deleted: The daemon did not answer within 0.2 s")
    place.until_state(runs[0], "Cancelled")
