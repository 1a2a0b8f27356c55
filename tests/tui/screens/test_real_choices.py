"""Runs chosen in other ways than one by one, and what is made and copied from a run's own screens: a real daemon."""

from __future__ import annotations

import json

import pytest
from textual.pilot import Pilot

from flowctl.tui import clipboard
from flowctl.tui.app import FlowctlApp
from flowctl.tui.screens.form import FormScreen
from tests.tui.screens.driving import cursor_line, footer, note, press, screen_text, until
from tests.tui.screens.workplace import Desk, Workplace, go_to


def test_runs_that_are_marked_at_one_stroke_are_cancelled_together_and_no_other(place: Workplace) -> None:
    runs = [place.run_until("ends_on", "Running", name="bulk") for _ in range(3)]
    other = place.run_until("ends_on", "Running", name="other")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "slash", *"param.name=bulk", "enter")
        await until(app, pilot, lambda: place.name(other) not in screen_text(app))
        await until(app, pilot, lambda: all(place.name(each) in screen_text(app) for each in runs))
        await press(app, pilot, "asterisk")
        assert "3 marked:  c cancel" in note(app)
        await press(app, pilot, "escape")
        assert "marked" not in note(app)
        await press(app, pilot, "g", "space", "j", "v")
        assert "3 marked:  c cancel" in note(app)
        await press(app, pilot, "c")
        assert "cancel 3 runs?" in note(app)
        await press(app, pilot, "y")
        await until(app, pilot, lambda: {place.state(each) for each in runs} == {"Cancelled"})

    Desk(place).drive(scenario)

    assert place.state(other) == "Running"
    place.ask("kill", run_id=other)


@pytest.mark.parametrize(("where", "key"), [("list", "t"), ("run", "t"), ("run", "R")])
def test_a_form_opened_from_a_run_makes_another_one(place: Workplace, where: str, key: str) -> None:
    run_id = place.run_until("greets", "Completed", who="Cy", times=3)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        if where == "list":
            await go_to(app, pilot, place.name(run_id))
        else:
            await until(app, pilot, lambda: "✓ completed" in screen_text(app))
        assert ("R rerun" if key == "R" else "t run") in footer(app)
        await press(app, pilot, key)
        await until(app, pilot, lambda: isinstance(app.screen, FormScreen))
        # Again with what it had; anew with the defaults.
        await until(app, pilot, lambda: ("[Cy" if key == "R" else "[world") in screen_text(app))
        await press(app, pilot, "enter")
        await until(app, pilot, lambda: "is planned" in note(app))

    Desk(place, run=None if where == "list" else run_id).drive(scenario)

    made = str(place.one("SELECT id FROM flow_run ORDER BY run DESC LIMIT 1"))
    assert made != run_id
    place.until_state(made, "Completed")
    wanted = {"who": "Cy", "times": 3} if key == "R" else {"who": "world", "times": 1}
    assert json.loads(place.one("SELECT parameters FROM flow_run WHERE id = ?", made)) == wanted


def test_everything_of_a_task_can_be_copied(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, copied = place.until_waiting("copied.csv"), list[str]()

    def copy(text: str, **_: object) -> str:
        copied.append(text)
        return "a test"

    monkeypatch.setattr(clipboard, "copy", copy)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "fetch" in screen_text(app))
        await press(app, pilot, "j")
        assert "fetch" in cursor_line(app)
        await press(app, pilot, "y", "i")
        await press(app, pilot, "enter")
        await until(app, pilot, lambda: "attempts" in screen_text(app))
        for letter in "iplct":
            await press(app, pilot, "y", letter)

    Desk(place, run=run_id).drive(scenario)

    task = f"{run_id[:24]}{1:012x}"
    assert copied[:5] == [
        task,
        task,
        "name='copied.csv'",
        f"AwaitingRetry fetch fetch-001 {task}",
        f"flowctl runs show {run_id[:8]}",
    ]
    assert copied[5].startswith("Traceback (most recent call last):\n")
    assert copied[5].endswith("ValueError: no file copied.csv")
    place.ask("kill", run_id=run_id)
