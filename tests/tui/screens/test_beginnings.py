"""What an empty home offers: a sample flow; and what is said of a daemon that goes away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.daemon_life import DaemonLife
from flowctl.tui.data.source import Source
from flowctl.tui.model.themes import choose_look
from flowctl.tui.screens.beginning import write_sample
from tests.conftest import Command
from tests.tui.screens.conftest import Sent
from tests.tui.screens.driving import ENVIRONMENT, drive, grid, press, screen_text, sentence, until


def test_a_sample_is_written_on_request_under_a_name_that_is_free(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sent: Sent
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    (tmp_path / "hello_flow.py").write_text("mine")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "3", "colon", *"new flow", "enter")
        await until(app, pilot, lambda: "wrote hello_flow_2.py. Watch it" in grid(app)[-2])
        await press(app, pilot, "y")
        await until(app, pilot, lambda: bool(sent))

    drive(home, scenario)

    assert (tmp_path / "hello_flow.py").read_text() == "mine"
    assert sent[0][1]["path"] == str(tmp_path / "hello_flow_2.py")


def test_in_a_folder_that_was_removed_it_says_so_and_offers_another(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sent: Sent
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "3", "colon", *"new flow", "enter")
        assert "no sample can be written into the folder you started in" in sentence(app)
        await press(app, pilot, "colon", *"watch a folder", "enter", "enter")
        await until(app, pilot, lambda: bool(sent))

    drive(home, scenario)

    assert sent[0][1]["path"] == str(Path.home())


def test_the_sample_runs_as_it_is(flowctl_command: Command, tmp_path: Path) -> None:
    path = write_sample(tmp_path)

    outcome = flowctl_command("run", str(path))

    assert outcome.returncode == 0, outcome.stderr
    assert "Hello, Ada!" in outcome.stdout + outcome.stderr


def test_a_daemon_is_started_also_when_the_first_look_into_the_home_takes_long(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = FlowctlApp(home, choose_look(ENVIRONMENT))
    later: list[Callable[[], None]] = []
    started: list[object] = []

    def set_timer(_after_s: float, then: Callable[[], None]) -> None:
        later.append(then)

    def run_worker(start: object, **_: object) -> None:
        started.append(start)

    monkeypatch.setattr(app, "set_timer", set_timer)
    monkeypatch.setattr(app, "run_worker", run_worker)

    DaemonLife(app, may_start=True, starts=True).begin()
    later.pop()()
    assert not started

    source = Source.open(home)
    app.bridge.pulse = source.pulse()
    source.close()
    later.pop()()
    assert started
    app.actions.close()


def test_a_daemon_that_goes_away_is_said_until_it_is_back(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        pulse = app.bridge.pulse
        assert pulse is not None
        life = DaemonLife(app, may_start=True, starts=False)
        life.note(pulse)
        assert life.banner() is None
        life.note(replace(pulse, daemon_pid=7))
        life.note(pulse)
        banner = life.banner()
        assert banner is not None
        assert "daemon not running since" in banner[0][0][0]
        life.note(replace(pulse, daemon_pid=8))
        assert life.banner() is None

    drive(home, scenario)


def test_a_mistake_among_ones_own_keys_is_told_at_once_and_where_it_is_on_the_system_screen(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "flowctl" / "keys.toml"
    keys.parent.mkdir()
    keys.write_text("# mine\n[keys]\n'act.cancel' = 'C'\n'act.nosuch' = 'c'\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        assert "keys.toml has 1 mistake: 5 System tells where" in grid(app)[-2]
        await press(app, pilot, "5")
        assert "KEYS" in grid(app)[3]
        assert "line 4, act.nosuch: no binding is called so" in screen_text(app)
        await press(app, pilot, "1")
        assert "keys.toml" not in screen_text(app)

    drive(home, scenario)


def test_an_empty_home_offers_a_sample(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        for key in "123":
            await press(app, pilot, key)
            assert ": new flow" in screen_text(app)

    drive(home, scenario)
