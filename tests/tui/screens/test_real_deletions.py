"""Deleting records, against a real daemon: asked about, put off for ten seconds, and carried out whatever comes."""

from __future__ import annotations

from textual.pilot import Pilot

from flowctl.tui.app import FlowctlApp
from flowctl.tui.screens.runs import RunsScreen
from tests.tui.screens.driving import cursor_line, grid, note, press, screen_text, until
from tests.tui.screens.workplace import Desk, Workplace, go_to


def test_a_run_whose_record_is_gone_while_one_is_asked_is_told_to_be(place: Workplace) -> None:
    run_id = place.run_until("falls", "Failed")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "good" in screen_text(app))
        await press(app, pilot, "D")
        place.ask("delete", ids=[run_id])
        place.until(lambda: place.state(run_id) == "nowhere", "it is deleted")
        await press(app, pilot, "y")
        desk.undo_later_s = 11
        await until(app, pilot, lambda: "no run" in note(app).lower())

    desk = Desk(place, run=run_id)
    desk.drive(scenario)


def test_a_record_is_deleted_only_once_it_can_no_more_be_taken_back(place: Workplace) -> None:
    run_id = place.run_until("greets", "Completed")
    desk = Desk(place)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        name = place.name(run_id)
        await go_to(app, pilot, name)
        await press(app, pilot, "D")
        assert f"DELETE the record of {name}?" in note(app)
        await press(app, pilot, "y")
        assert "deleting…" in cursor_line(app)
        assert f"undo: delete {name} (u," in note(app)
        await press(app, pilot, "u")
        assert f"not deleted: {name}" in note(app)
        assert "deleting…" not in screen_text(app)

        await press(app, pilot, "space", "D", "y")
        assert isinstance(app.screen, RunsScreen)
        assert not app.screen.runs.marks  # the next action is not about what will be no more
        desk.undo_later_s = 11
        await until(app, pilot, lambda: place.state(run_id) == "nowhere")
        await until(app, pilot, lambda: name not in "".join(grid(app)[:-2]))

    desk.drive(scenario)


def test_what_is_to_be_deleted_is_deleted_by_quitting(place: Workplace) -> None:
    run_id = place.run_until("greets", "Completed")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, place.name(run_id))
        await press(app, pilot, "D", "y", "ctrl+q")

    app = Desk(place).drive(scenario)

    place.until(lambda: place.state(run_id) == "nowhere", "it is deleted")
    assert app.parting == []


def test_the_record_of_a_run_at_work_is_not_deleted(place: Workplace) -> None:
    runs = [place.run_until("ends_on", "Running", name="never"), place.run_until("greets", "Completed")]
    desk = Desk(place)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, place.name(runs[0]))
        await press(app, pilot, "D")
        assert "still at work" in note(app)
        await go_to(app, pilot, *map(place.name, runs))
        await press(app, pilot, "D")
        assert f"DELETE the record of {place.name(runs[1])} (1 of the 2 left as they are)?" in note(app)
        await press(app, pilot, "y")
        desk.undo_later_s = 11
        await until(app, pilot, lambda: place.state(runs[1]) == "nowhere")

    desk.drive(scenario)

    assert place.state(runs[0]) == "Running"
    place.ask("kill", run_id=runs[0])
