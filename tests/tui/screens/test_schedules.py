"""Schedules of deployments: changed in a form or in their file; deployments, flows and runs found by name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.store.plan_records import Origin
from flowctl.tui.app import FlowctlApp
from tests.tui.planned import a_deployment, writing
from tests.tui.screens.conftest import Sent
from tests.tui.screens.driving import NARROW, NOW, WIDE, cursor_line, drive, grid, press, screen_text, until
from tests.tui.screens.sample import three_runs

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.fixture
def planned(home: Home) -> Home:
    with writing(home) as connection:
        soon = NOW + timedelta(minutes=46)
        a_deployment(connection, "etl/hourly", "50 * * * *", now=NOW, next_at=soon, timezone="Europe/Paris")
    return home


def test_a_schedule_given_by_hand_is_changed_in_a_form_that_says_what_is_meant(planned: Home, sent: Sent) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "e", "ctrl+u", *"every 20 min")
        assert "means    20m  in Europe/Paris" in screen_text(app)
        await press(app, pilot, "ctrl+u", *"weekdays 14:30")
        assert "means    30 14 * * 1-5  in Europe/Paris" in screen_text(app)
        await press(app, pilot, "enter")
        await until(app, pilot, lambda: "fires by its new schedule" in grid(app)[-2])

    drive(planned, scenario)

    expression = {"kind": "cron", "expression": "30 14 * * 1-5", "timezone": "Europe/Paris", "catchup": "latest"}
    assert sent == [("set_schedule", {"deployment": "etl/hourly", "version": 1, "schedule": expression, "only": True})]


def test_a_schedule_written_in_a_file_is_opened_in_the_editor_at_its_line(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "etl.py"
    file.write_text("import flowctl\n\n@flowctl.flow(\n    schedule=flowctl.Cron('0 2 * * *'))\ndef etl(): ...\n")
    called: list[list[str]] = []
    monkeypatch.setenv("VISUAL", "code")

    def opened(command: list[str], **_: object) -> None:
        called.append(command)

    monkeypatch.setattr("subprocess.Popen", opened)
    with writing(home) as connection:
        a_deployment(connection, "etl", "0 2 * * *", now=NOW, file=str(file), origin=Origin.CODE)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "e")

    drive(home, scenario)

    assert called == [["code", "--goto", f"{file}:4"]]


@SIZES
def test_the_palette_goes_to_a_deployment_by_name(planned: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "colon", *"zz/last")
        await until(app, pilot, lambda: "deployment zz/last" in screen_text(app))
        await press(app, pilot, "enter")
        await until(app, pilot, lambda: "▸" in screen_text(app))
        assert "zz/last" in cursor_line(app)

    with writing(planned) as connection:
        a_deployment(connection, "zz/last", now=NOW)
    drive(planned, scenario, size=size)


def test_the_palette_goes_to_a_flow_and_to_a_run_by_name(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "colon", *"flow etl")
        await until(app, pilot, lambda: "its runs" in screen_text(app))
        await press(app, pilot, "enter")
        await until(app, pilot, lambda: 'flow:"etl' in screen_text(app))
        await press(app, pilot, "colon", *"run neat")
        await until(app, pilot, lambda: "run neat-cat of" in screen_text(app))
        await press(app, pilot, "enter")
        await until(app, pilot, lambda: "neat-cat" in grid(app)[1])

    with three_runs(home):
        drive(home, scenario)
