"""Keys that run, plan and take away, against a real daemon: forms, schedules, backfills, the clipboard, the editor."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from textual.pilot import Pilot

from flowctl.tui import clipboard
from flowctl.tui.app import FlowctlApp
from flowctl.tui.screens.form import FormScreen
from tests.tui.screens.driving import cursor_line, grid, note, press, screen_text, strike, until
from tests.tui.screens.workplace import Desk, Workplace, go_to


@pytest.fixture(scope="module")
def deployed(place: Workplace) -> Workplace:
    """Have two deployments: one that fires once a year, one that is run by hand."""
    place.command("deploy", "jobs.py:greets", "--name", "yearly", "--cron", "0 0 1 1 *", "-p", "who=deployed")
    place.command("deploy", "jobs.py:greets", "--name", "by-hand")
    return place


async def to_form(app: FlowctlApp, pilot: Pilot[int], key: str) -> None:
    await press(app, pilot, key)
    await until(app, pilot, lambda: isinstance(app.screen, FormScreen))


def newest(place: Workplace) -> str:
    """Give the id of the run that was planned last."""
    return str(place.one("SELECT id FROM flow_run ORDER BY run DESC LIMIT 1"))


def parameters(place: Workplace, run_id: str) -> object:
    return json.loads(place.one("SELECT parameters FROM flow_run WHERE id = ?", run_id))


async def to_deployment(app: FlowctlApp, pilot: Pilot[int], name: str) -> None:
    await press(app, pilot, "2", "g")
    await until(app, pilot, lambda: "▸" in screen_text(app))
    for _ in range(5):
        if name in cursor_line(app):
            return
        await press(app, pilot, "j")
    raise AssertionError(screen_text(app))


def test_enter_at_once_runs_with_the_defaults(deployed: Workplace) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await to_deployment(app, pilot, "yearly")
        await to_form(app, pilot, "t")
        await press(app, pilot, "enter")
        await until(app, pilot, lambda: "is planned" in note(app))

    Desk(deployed).drive(scenario)

    run_id = newest(deployed)
    deployed.until_state(run_id, "Completed")
    assert parameters(deployed, run_id) == {"who": "deployed", "times": 1}


def test_what_is_typed_is_what_runs_and_what_is_wrong_is_not_sent(deployed: Workplace) -> None:
    before = len(deployed.states())

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await to_deployment(app, pilot, "by-hand")
        await to_form(app, pilot, "t")
        await press(app, pilot, *"Ada", "down", *"many", "enter")
        assert "times: " in note(app)
        assert len(deployed.states()) == before
        await press(app, pilot, "ctrl+u", "2", "enter")
        await until(app, pilot, lambda: "is planned" in note(app))

    Desk(deployed).drive(scenario)

    run_id = newest(deployed)
    deployed.until_state(run_id, "Completed")
    assert parameters(deployed, run_id) == {"who": "Ada", "times": 2}


def test_a_run_can_be_planned_for_later_and_cancelled_before_it_starts(deployed: Workplace) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await to_deployment(app, pilot, "by-hand")
        await to_form(app, pilot, "t")
        await press(app, pilot, *["down"] * 3, *"2h", "down", *"later", "enter")
        await until(app, pilot, lambda: "later is planned, starts " in note(app))
        run_id = newest(deployed)
        assert deployed.state(run_id) == "Scheduled"
        await press(app, pilot, "1")
        await go_to(app, pilot, "later")
        assert "c cancel" in grid(app)[-1]
        assert "p pause" not in grid(app)[-1]
        await press(app, pilot, "c")
        await until(app, pilot, lambda: deployed.state(run_id) == "Cancelled")

    Desk(deployed).drive(scenario)


def test_earlier_parameters_come_back_with_up_and_what_was_typed_stands_at_their_near_end(deployed: Workplace) -> None:
    for who in ("Di", "Ed"):
        deployed.run_until("greets", "Completed", who=who, times=4)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await to_deployment(app, pilot, "by-hand")
        await to_form(app, pilot, "t")
        await press(app, pilot, *"Flo", "up")
        await until(app, pilot, lambda: "[Ed" in screen_text(app))
        await press(app, pilot, "ctrl+up")
        assert "[Di" in screen_text(app)
        assert "2 of " in note(app)
        await press(app, pilot, "ctrl+down", "ctrl+down")
        assert "[Flo" in screen_text(app)
        await press(app, pilot, "ctrl+r", "enter")
        await until(app, pilot, lambda: "is planned" in note(app))

    Desk(deployed).drive(scenario)

    assert parameters(deployed, newest(deployed)) == {"who": "Ed", "times": 4}


def test_the_buttons_stay_in_sight_and_lead_where_they_say(deployed: Workplace) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await to_deployment(app, pilot, "yearly")
        await to_form(app, pilot, "t")
        for key in ("down", "ctrl+t", "home", "tab"):
            await press(app, pilot, key)
            assert "[ Run now ⏎ ] [ Run at… ] [ Cancel esc ]" in screen_text(app)
            assert "equals    flowctl deployment run yearly" in screen_text(app)
            assert cursor_line(app)
        await press(app, pilot, "shift+tab", *"3h")
        assert "Run then" in screen_text(app)

    Desk(deployed).drive(scenario, size=(60, 12))


def test_a_run_is_run_again_with_one_value_changed(deployed: Workplace) -> None:
    run_id = deployed.run_until("greets", "Completed", who="Bo", times=3)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, deployed.name(run_id))
        await to_form(app, pilot, "R")
        assert "Bo" in screen_text(app)
        await press(app, pilot, "ctrl+u", *"Cy", "enter")
        await until(app, pilot, lambda: "is planned" in note(app))

    Desk(deployed).drive(scenario)

    again = newest(deployed)
    assert again != run_id
    deployed.until_state(again, "Completed")
    assert parameters(deployed, again) == {"who": "Cy", "times": 3}


def test_a_flow_of_a_watched_file_is_run_by_its_form(deployed: Workplace) -> None:
    deployed.command("watch", "add", "jobs.py")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "3")
        await until(app, pilot, lambda: "jobs.py" in cursor_line(app))
        await press(app, pilot, "enter", "down")
        await until(app, pilot, lambda: "▸" in screen_text(app) and "waits" in screen_text(app))
        while "greets" not in cursor_line(app):
            await press(app, pilot, "j")
        await to_form(app, pilot, "t")
        assert "[world" in screen_text(app)
        await press(app, pilot, "down", "2", "enter")
        await until(app, pilot, lambda: "is planned" in note(app))

    Desk(deployed).drive(scenario)

    run_id = newest(deployed)
    deployed.until_state(run_id, "Completed")
    assert parameters(deployed, run_id) == {"who": "world", "times": 2}


def test_a_schedule_is_switched_off_and_taken_back_from_another_screen(deployed: Workplace) -> None:
    def is_paused() -> bool:
        return bool(deployed.one("SELECT paused FROM deployment WHERE name = 'yearly'"))

    desk = Desk(deployed)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await to_deployment(app, pilot, "yearly")
        await press(app, pilot, "p")
        await until(app, pilot, lambda: "undo: turned yearly off (u," in note(app))
        await until(app, pilot, lambda: "○" in cursor_line(app))
        assert is_paused()
        await press(app, pilot, "1", "u")
        await until(app, pilot, lambda: "taken back: turned yearly off" in note(app))
        assert not is_paused()

        await to_deployment(app, pilot, "yearly")
        await press(app, pilot, "p")
        await until(app, pilot, lambda: "○" in cursor_line(app))
        desk.undo_later_s = 11
        await press(app, pilot, "u")
        assert "nothing to undo" in note(app)
        await press(app, pilot, "p")
        await until(app, pilot, lambda: not is_paused())

    desk.drive(scenario)


def test_a_schedule_is_changed_in_its_form_and_one_of_a_table_is_shown_where_it_is_written(
    deployed: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.command("deploy", "jobs.py:greets", "--name", "changed", "--cron", "0 0 1 1 *")
    toml = deployed.folder / "flowctl.toml"
    toml.write_text(
        '# tables\n\n[deployments.aa-table]\nflow = "jobs.py:greets"\ncron = "0 3 1 1 *"\n', encoding="utf-8"
    )
    deployed.command("watch", "add", ".")
    known = "SELECT s.expression FROM schedule s JOIN deployment d ON d.id = s.deployment_id WHERE d.name = ?"
    deployed.until(lambda: deployed.one(known, "aa-table"), "the table is read")
    opened: list[list[str]] = []
    monkeypatch.setenv("VISUAL", "code")

    def open_at(command: list[str], **_: object) -> None:
        opened.append(command)

    monkeypatch.setattr("subprocess.Popen", open_at)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await to_deployment(app, pilot, "changed")
        await to_form(app, pilot, "e")
        await press(app, pilot, "ctrl+u", *"hourly at :50")
        assert "means    50 * * * *  in UTC" in screen_text(app)
        await press(app, pilot, "enter")
        await until(app, pilot, lambda: "fires by its new schedule" in note(app))
        await until(app, pilot, lambda: "hourly at :50" in screen_text(app))
        await press(app, pilot, "g")
        await until(app, pilot, lambda: "aa-table" in cursor_line(app))
        await press(app, pilot, "e")

    Desk(deployed).drive(scenario)

    assert deployed.one(known, "changed") == "50 * * * *"
    assert opened == [["code", "--goto", f"{toml}:3"]]


def test_a_backfill_is_counted_confirmed_and_planned_once(deployed: Workplace) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await to_deployment(app, pilot, "yearly")
        await to_form(app, pilot, "B")
        strike(app, "ctrl+u", *"2024-06-01")  # counted when it rests
        await until(app, pilot, lambda: "would plan 2 runs" in note(app))
        await press(app, pilot, "enter")
        await until(app, pilot, lambda: "plan 2 runs of yearly?" in note(app))
        await press(app, pilot, "y")
        await until(app, pilot, lambda: "2 runs of yearly planned" in note(app))
        await to_form(app, pilot, "B")
        strike(app, "ctrl+u", *"2024-06-01")  # counted when it rests
        await until(app, pilot, lambda: "every time of that span has got its run" in note(app))

    Desk(deployed).drive(scenario)

    assert deployed.one("SELECT count(*) FROM flow_run WHERE scheduled_for IS NOT NULL") == 2


@pytest.mark.parametrize("letter", ["i", "p", "l", "t", "c", "r"])
def test_everything_of_a_failed_run_can_be_copied(
    deployed: Workplace, monkeypatch: pytest.MonkeyPatch, letter: str
) -> None:
    run_id = deployed.one("SELECT id FROM flow_run WHERE flow_name = 'falls'") or deployed.run_until("falls", "Failed")
    copied = list[str]()

    def copy(text: str, **_: object) -> str:
        copied.append(text)
        return "a test"

    monkeypatch.setattr(clipboard, "copy", copy)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, deployed.name(run_id))
        await press(app, pilot, "y")
        assert "yank: i id   p parameters   l line   c command   t traceback" in note(app)
        await press(app, pilot, letter)
        assert "copied" in note(app)

    Desk(deployed).drive(scenario)

    expected = {
        "i": run_id,
        "p": '{"mended": false}',
        "l": f"Failed falls {deployed.name(run_id)} {run_id}",
        "t": "RuntimeError: it fell over",
        "c": f"flowctl runs show {run_id[:8]}",
        "r": f"flowctl run {deployed.file}:falls",
    }
    assert expected[letter] in copied[0]


def test_the_editor_is_given_the_line_that_failed_and_the_terminal_until_it_ends(
    deployed: Workplace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run_id = deployed.one("SELECT id FROM flow_run WHERE flow_name = 'falls'") or deployed.run_until("falls", "Failed")
    editor, told = tmp_path / "editor", tmp_path / "told"
    editor.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {told}\n', encoding="utf-8")
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{editor} --flag")
    suspended = list[str]()

    def suspend(_app: FlowctlApp) -> object:
        from contextlib import nullcontext

        suspended.append("suspended")
        return nullcontext()

    monkeypatch.setattr(FlowctlApp, "suspend", suspend)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, deployed.name(run_id))
        await press(app, pilot, "e")

    Desk(deployed).drive(scenario)

    line = next(n for n, text in enumerate(deployed.file.read_text().splitlines(), 1) if "fell over" in text)
    assert told.read_text().splitlines() == ["--flag", f"+{line}", os.path.realpath(deployed.file)]
    assert suspended == ["suspended"]


def test_a_file_is_reloading_as_long_as_its_import_takes(deployed: Workplace, tmp_path: Path) -> None:
    slow, flag = deployed.folder / "slow.py", tmp_path / "go"
    text = (
        f"import os, time\nfrom flowctl import flow\nwhile not os.path.exists({str(flag)!r}):\n    time.sleep(0.01)\n"
    )
    slow.write_text(text + "@flow\ndef slow(): ...\n", encoding="utf-8")
    flag.touch()
    deployed.command("watch", "add", "slow.py")
    deployed.until(lambda: deployed.one("SELECT 1 FROM flow_file WHERE path = ?", str(slow)), "it is known")
    flag.unlink()

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "3")
        await until(app, pilot, lambda: "slow.py" in screen_text(app))
        slow.write_text(text + "@flow\ndef slow(n: int = 1): ...\n", encoding="utf-8")
        await until(app, pilot, lambda: "reloading…" in screen_text(app))
        flag.touch()
        await until(app, pilot, lambda: "reloading…" not in screen_text(app) and "v1 → v2" in screen_text(app))

    Desk(deployed).drive(scenario, size=(140, 40))
