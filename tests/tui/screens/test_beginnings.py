"""What an empty home offers: a sample flow; and what is said of a daemon that goes away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.daemon_life import DaemonLife
from flowctl.tui.screens.beginning import write_sample
from tests.conftest import Command
from tests.tui.screens.conftest import Sent
from tests.tui.screens.driving import drive, grid, press, until


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
        assert "no sample can be written into the folder you started in" in grid(app)[-2]
        await press(app, pilot, "colon", *"watch a folder", "enter", "enter")
        await until(app, pilot, lambda: bool(sent))

    drive(home, scenario)

    assert sent[0][1]["path"] == str(Path.home())


def test_the_sample_runs_as_it_is(flowctl_command: Command, tmp_path: Path) -> None:
    path = write_sample(tmp_path)

    outcome = flowctl_command("run", str(path))

    assert outcome.returncode == 0, outcome.stderr
    assert "Hello, Ada!" in outcome.stdout + outcome.stderr


def test_a_daemon_that_goes_away_is_said_until_it_is_back(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        pulse = app.bridge.pulse
        assert pulse is not None
        life = DaemonLife(app, starts=False)
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
