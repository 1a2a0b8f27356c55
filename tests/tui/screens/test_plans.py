"""The screens of what is planned: deployments, forms, flow files, the system."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from flowctl.store.file_records import ReloadOutcome
from flowctl.store.flow_files import Loaded, save_loaded, save_problem
from flowctl.store.home import Home
from flowctl.store.reloads import record_reload
from flowctl.tui.actions import Actions, Answer
from flowctl.tui.app import FlowctlApp
from flowctl.tui.screens.form import FormScreen
from tests.tui.planned import a_deployment, its_runs, writing
from tests.tui.screens.conftest import Sent, nothing_against
from tests.tui.screens.driving import NARROW, NOW, WIDE, cursor_line, drive, grid, press, screen_text, until
from tests.tui.screens.sample import three_runs

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")
SCHEMA: dict[str, Any] = {
    "properties": {
        "day": {"type": "string", "format": "date", "position": 0},
        "limit": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "position": 1},
        "full": {"type": "boolean", "default": False, "position": 2},
    },
    "required": ["day"],
}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture
def planned(home: Home) -> Home:
    """Make three deployments: one that fires, one that is off, one that is run by hand."""
    with writing(home) as connection:
        soon = NOW + timedelta(minutes=46, seconds=38)
        made = a_deployment(
            connection, "etl/hourly", "50 * * * *", now=NOW, next_at=soon, timezone="Europe/Paris",
            parameter_schema=SCHEMA, tags=["prod"],
        )  # fmt: skip
        a_deployment(connection, "fx/rates", "7 * * * *", now=NOW, paused=True)
        a_deployment(connection, "ops/backfill", now=NOW)
    its_runs(home, made, ["COMPLETED", "FAILED", "COMPLETED"], now=NOW)
    return home


@pytest.fixture
def watched(home: Home) -> Home:
    """Have a file that is sound, and one that is broken while its first version serves."""
    flow = {"attribute": "sync", "name": "sync_crm", "line": 26, "schema": SCHEMA}
    problem = {
        "kind": "SyntaxError",
        "message": "expected ':'",
        "file": "/flows/crm.py",
        "line": 2,
        "caret": [15, 16],
        "lines": [[1, "import time"], [2, "for row in rows"]],
        "diff": "--- a\n+++ b\n@@ -2 +2 @@\n-for row in rows:\n+for row in rows",
    }
    with writing(home) as connection:
        for name in ("crm", "etl"):
            path = f"/flows/{name}.py"
            save_loaded(
                connection, path, Loaded([flow], import_us=41_000), NOW, hash_="h", good_hash=name, problem=None
            )
        save_problem(connection, "/flows/crm.py", problem, NOW, hash_="h2")
        record_reload(connection, "/flows/crm.py", ReloadOutcome.BROKEN, "It broke.", NOW, version=1)
    return home


@SIZES
def test_deployments_say_when_they_fire_and_how_they_went(planned: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2")

        assert "etl/hourly" in cursor_line(app)
        assert "46:38" in cursor_line(app)
        assert "✓✗✓" in cursor_line(app)
        text = screen_text(app)
        assert "1 on · 1 off · 1 manual" in text
        assert "▲" in text
        assert "no overlap (policy: skip)" in text
        assert "does not exist (clocks go forward)" in text

    drive(planned, scenario, size=size)


@SIZES
def test_a_schedule_is_switched_off_with_the_version_that_was_seen_and_back_on(
    planned: Home, sent: Sent, size: tuple[int, int]
) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "p")
        await until(app, pilot, lambda: "undo: turned etl/hourly off (u," in grid(app)[-2])
        await press(app, pilot, "u")
        await until(app, pilot, lambda: "taken back" in grid(app)[-2])

    drive(planned, scenario, size=size)

    assert sent == [
        ("deployment_pause", {"deployment": "etl/hourly", "version": 1}),
        ("deployment_resume", {"deployment": "etl/hourly"}),
    ]


def test_marked_deployments_are_switched_together_and_those_without_a_schedule_are_left(
    planned: Home, sent: Sent
) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "asterisk", "p")
        await until(app, pilot, lambda: bool(sent))

    drive(planned, scenario)

    assert [verb for verb, _ in sent] == ["deployment_resume"]


@SIZES
def test_a_form_checks_as_one_types_and_sends_what_was_typed(planned: Home, sent: Sent, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "t")
        await until(app, pilot, lambda: isinstance(app.screen, FormScreen))
        assert "ctrl+p cmd" in grid(app)[-1]
        assert "?" not in grid(app)[-1]
        await press(app, pilot, "enter")
        assert "day: needs a value" in grid(app)[-2]
        await press(app, pilot, *"12a")
        assert "✗ not a date: '12a'" in screen_text(app)
        await press(app, pilot, "ctrl+u", *"2026-05-29")
        assert "✓ Friday, tomorrow" in screen_text(app)
        await press(app, pilot, "down", "1", "2", "down", "space")
        assert "-p day=2026-05-29 -p limit=12 -p full=true" in " ".join(screen_text(app).split())
        await press(app, pilot, "enter")
        await until(app, pilot, lambda: not isinstance(app.screen, FormScreen))
        assert "new-otter is planned" in grid(app)[-2]

    drive(planned, scenario, size=size)

    assert sent == [
        ("run", {"deployment": "etl/hourly", "parameters": {"day": "2026-05-29", "limit": 12, "full": True}})
    ]


def test_a_form_that_is_left_sends_nothing(planned: Home, sent: Sent) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "t")
        await until(app, pilot, lambda: isinstance(app.screen, FormScreen))
        await press(app, pilot, *"q?:", "escape")
        assert not isinstance(app.screen, FormScreen)

    drive(planned, scenario)

    assert sent == []


@SIZES
def test_a_run_is_run_again_with_its_parameters_and_one_changed(
    planned: Home, sent: Sent, size: tuple[int, int]
) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "R")
        await until(app, pilot, lambda: isinstance(app.screen, FormScreen))
        assert "flowctl runs rerun" in screen_text(app)
        await press(app, pilot, *"2026-01-02", "enter")
        await until(app, pilot, lambda: bool(sent))

    drive(planned, scenario, size=size)

    (verb, fields), *_ = sent
    assert verb == "rerun"
    assert fields["parameters"] == {"day": "2026-01-02"}


@SIZES
def test_a_backfill_is_counted_then_asked_about_then_planned(planned: Home, sent: Sent, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "B")
        await until(app, pilot, lambda: "would plan 3 runs" in grid(app)[-2])
        await press(app, pilot, "enter")
        await until(app, pilot, lambda: "plan 3 runs of etl/hourly?" in grid(app)[-2])
        await press(app, pilot, "y")
        await until(app, pilot, lambda: "2 runs of etl/hourly planned" in grid(app)[-2])

    drive(planned, scenario, size=size)

    assert {verb for verb, _ in sent} == {"deployment_backfill"}
    assert [bool(fields.get("dry_run")) for _, fields in sent][-2:] == [True, False]


def test_the_runs_of_a_deployment_are_one_key_away(planned: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "enter")
        await until(app, pilot, lambda: 'deployment:"etl/hourly"' in screen_text(app))

    drive(planned, scenario)


def test_a_daemon_that_refuses_is_quoted_and_the_form_stays(planned: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def send(*_: object) -> Answer:
        return Answer("The deployment has changed since you looked.", {})

    monkeypatch.setattr(Actions, "send", send)
    monkeypatch.setattr(Actions, "why_not", nothing_against)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "p")
        await until(app, pilot, lambda: "has changed since" in grid(app)[-2])
        await press(app, pilot, "t")
        await until(app, pilot, lambda: isinstance(app.screen, FormScreen))
        await press(app, pilot, *"2026-01-02", "enter")
        await until(app, pilot, lambda: "has changed since" in grid(app)[-2])
        assert isinstance(app.screen, FormScreen)

    drive(planned, scenario)


@SIZES
def test_a_broken_file_is_shown_in_its_source_with_what_serves_and_what_changed(
    watched: Home, size: tuple[int, int]
) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "3")
        text = screen_text(app)
        assert "✗ flows/crm.py" in cursor_line(app)
        assert "syntax error" in cursor_line(app)
        assert "old version v1 still serves" in text
        assert "^ expected ':'" in text
        assert "+ for row in rows" in text
        assert "failed to load" in grid(app)[-2]
        await press(app, pilot, "d")
        assert "@@ -2 +2 @@" in screen_text(app)
        await press(app, pilot, "escape", "j", "enter")
        assert "sync_crm" in cursor_line(app)
        await press(app, pilot, "escape", "right_curly_bracket")
        assert "crm.py" in cursor_line(app)

    drive(watched, scenario, size=size)


def test_the_next_problem_is_a_failure_nobody_looked_at_and_then_a_broken_file(watched: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        assert "✗ 1 new" in grid(app)[0]
        await press(app, pilot, "right_curly_bracket")
        assert "report_pdf" in cursor_line(app)
        await press(app, pilot, "enter", "escape")
        await until(app, pilot, lambda: "new" not in grid(app)[0])
        await press(app, pilot, "g", "right_curly_bracket")
        await until(app, pilot, lambda: "[3 Flows]" in grid(app)[1])
        assert "crm.py" in cursor_line(app)
        await press(app, pilot, "1", "right_curly_bracket")
        assert "nothing else needs you" in grid(app)[-2]

    with three_runs(watched):
        drive(watched, scenario)
        drive(watched, nothing_is_new)


async def nothing_is_new(app: FlowctlApp, _pilot: Pilot[int]) -> None:
    """What was looked at stays so when the interface is opened again."""
    assert "new" not in grid(app)[0]


def test_how_the_import_of_a_broken_file_went_is_one_key_away(watched: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "3", "i")
        assert "SyntaxError: expected ':'" in screen_text(app)
        assert "old version v1 still serves" in screen_text(app)

    drive(watched, scenario)


def test_a_file_shows_the_shape_of_its_flows_as_they_ran(home: Home) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "3")
        await until(app, pilot, lambda: "o graph" in screen_text(app))
        assert "└─ ✗ render" in screen_text(app)
        await press(app, pilot, "o")
        assert "what waits for what" in screen_text(app)

    with three_runs(home):
        drive(home, scenario, size=WIDE)


def test_files_are_reloaded_one_or_all(watched: Home, sent: Sent) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "3", "r")
        assert "reloading…" in cursor_line(app)
        await press(app, pilot, "R")
        await until(app, pilot, lambda: len(sent) == 2)

    drive(watched, scenario)

    assert sent == [("watch_reload", {"path": "/flows/crm.py"}), ("watch_reload", {})]


def test_the_editor_opens_a_broken_file_at_its_line(watched: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setenv("VISUAL", "code")

    def opened(command: list[str], **_: object) -> None:
        called.append(command)

    monkeypatch.setattr("subprocess.Popen", opened)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "3", "e")

    drive(watched, scenario)

    assert called == [["code", "--goto", "/flows/crm.py:2"]]


@SIZES
def test_the_system_screen_shows_what_arrives_of_a_key(planned: Home, size: tuple[int, int]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "5")
        assert "not running" in screen_text(app)
        await press(app, pilot, "K", "q", "ctrl+t")
        assert "q   ctrl+t" in screen_text(app)
        await press(app, pilot, "escape", "escape", "1")
        assert "[1 Runs]" in screen_text(app)

    drive(planned, scenario, size=size)
