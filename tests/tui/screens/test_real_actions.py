"""Keys that change runs, against a real daemon and real runs: what is on record decides, not what the screen hopes."""

from __future__ import annotations

import os
import signal

import pytest
from textual.pilot import Pilot

from flowctl.tui.app import FlowctlApp
from tests.tui.screens.driving import cursor_line, footer, grid, note, press, screen_text, seen, strike, until
from tests.tui.screens.workplace import FLOWS, Desk, Workplace, go_to


def test_a_young_run_is_cancelled_at_once_and_says_so_until_the_record_does(place: Workplace) -> None:
    run_id = place.run_until("ends_on", "Running", name="never")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, place.name(run_id))
        os.kill(place.pid, signal.SIGSTOP)
        try:
            strike(app, "c")
            await seen(app, lambda: "⊖ cancelling…" in cursor_line(app))
            assert place.state(run_id) == "Running"
        finally:
            os.kill(place.pid, signal.SIGCONT)
        await until(app, pilot, lambda: "cancelled" in cursor_line(app))
        assert "cancelling…" not in screen_text(app)
        assert "c cancel" not in footer(app)
        assert "r retry" in footer(app)

    Desk(place).drive(scenario)

    assert place.state(run_id) == "Cancelled"


def test_a_run_of_more_than_ten_minutes_is_cancelled_only_when_that_is_confirmed(place: Workplace) -> None:
    run_id = place.run_until("paces", "Running")
    desk = Desk(place, run=run_id)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "nap" in screen_text(app))
        desk.later_s = 11 * 60
        await press(app, pilot, "c")
        assert f"cancel {place.name(run_id)}, at work for 11m" in note(app)
        await press(app, pilot, "n")
        assert place.state(run_id) == "Running"
        await press(app, pilot, "c", "y")
        await until(app, pilot, lambda: place.state(run_id) == "Cancelled")

    desk.drive(scenario)


def test_killing_asks_and_kills(place: Workplace) -> None:
    run_id = place.run_until("ends_on", "Running", name="never")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, place.name(run_id))
        await press(app, pilot, "X")
        assert f"KILL {place.name(run_id)}?" in note(app)
        assert place.state(run_id) == "Running"
        await press(app, pilot, "y")
        await until(app, pilot, lambda: place.state(run_id) == "Cancelled")

    Desk(place).drive(scenario)


def test_several_runs_are_cancelled_together_and_none_that_came_later(place: Workplace) -> None:
    runs = [place.run_until("ends_on", "Running", name="never") for _ in range(2)]

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, *map(place.name, runs))
        assert "2 marked:  c cancel  p pause  y yank ids " in note(app)
        await press(app, pilot, "c")
        assert "cancel 2 runs?" in note(app)
        runs.append(place.run_until("ends_on", "Running", name="never"))
        await until(app, pilot, lambda: place.name(runs[-1]) in screen_text(app))
        assert "cancel 2 runs?" in note(app)
        await press(app, pilot, "y")
        await until(app, pilot, lambda: [place.state(each) for each in runs[:2]] == ["Cancelled"] * 2)

    Desk(place).drive(scenario)

    assert place.state(runs[2]) == "Running"
    place.ask("kill", run_id=runs[2])


def test_a_run_that_ends_while_one_is_asked_is_left_as_it_ended(place: Workplace) -> None:
    run_id = place.run_until("ends_on", "Running", name="now")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, place.name(run_id))
        await press(app, pilot, "X")
        (place.folder / "now").touch()
        place.until_state(run_id, "Completed")
        await press(app, pilot, "y")
        await until(app, pilot, lambda: "has ended already" in note(app))
        assert "s ago: it is Completed" in note(app)
        await until(app, pilot, lambda: "completed" in cursor_line(app))
        assert "killing…" not in screen_text(app)

    Desk(place).drive(scenario)


def test_a_run_that_has_moved_on_since_the_key_is_not_touched(place: Workplace) -> None:
    runs = [place.run_until("paces", "Running"), place.run_until("ends_on", "Running", name="never")]

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, *map(place.name, runs))
        await press(app, pilot, "c")
        place.ask("pause", run_id=runs[0])
        await until(app, pilot, lambda: "‖ paused" in screen_text(app))
        await press(app, pilot, "y")
        await until(app, pilot, lambda: "1 of 2 refused: " in note(app))
        assert "has changed since you looked: it is Paused now" in note(app)
        await until(app, pilot, lambda: place.state(runs[1]) == "Cancelled")

    Desk(place).drive(scenario)

    assert place.state(runs[0]) == "Paused"
    place.ask("kill", run_id=runs[0])


def test_a_run_is_paused_and_let_go_and_both_can_be_taken_back_for_ten_seconds(place: Workplace) -> None:
    run_id = place.run_until("paces", "Running")
    desk = Desk(place)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        name = place.name(run_id)
        await go_to(app, pilot, name)
        await press(app, pilot, "p")
        await until(app, pilot, lambda: "paused" in cursor_line(app))
        assert f"undo: pause {name} (u," in note(app)
        assert "p resume" in footer(app)
        await press(app, pilot, "u")
        await until(app, pilot, lambda: place.state(run_id) == "Running")
        await until(app, pilot, lambda: "running" in cursor_line(app))

        await press(app, pilot, "p")
        await until(app, pilot, lambda: "paused" in cursor_line(app))
        await press(app, pilot, "p")
        await until(app, pilot, lambda: "running" in cursor_line(app))
        await press(app, pilot, "p")
        await until(app, pilot, lambda: "paused" in cursor_line(app))
        desk.undo_later_s = 11
        await press(app, pilot, "u")
        assert "nothing to undo" in note(app)
        assert place.state(run_id) == "Paused"

    desk.drive(scenario)
    place.ask("kill", run_id=run_id)


def test_what_was_done_on_a_screen_is_taken_back_on_the_next(place: Workplace) -> None:
    run_id = place.run_until("paces", "Running")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "nap" in screen_text(app))
        await press(app, pilot, "p")
        await until(app, pilot, lambda: "‖ paused" in grid(app)[1])
        os.kill(place.pid, signal.SIGSTOP)
        try:
            await press(app, pilot, "escape")
            await go_to(app, pilot, place.name(run_id))
            strike(app, "u")
            await seen(app, lambda: "resuming…" in cursor_line(app) and "resume" in note(app))
        finally:
            os.kill(place.pid, signal.SIGCONT)
        await until(app, pilot, lambda: "running" in cursor_line(app))

    Desk(place, run=run_id).drive(scenario)
    place.ask("kill", run_id=run_id)


@pytest.mark.parametrize("where", ["list", "run", "task"])
def test_a_task_that_awaits_its_retry_is_woken_from(place: Workplace, where: str) -> None:
    run_id = place.until_waiting(f"{where}.csv")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        if where == "list":
            await go_to(app, pilot, place.name(run_id))
            assert "r retry now" in footer(app)
        else:
            await until(app, pilot, lambda: "fetch" in screen_text(app))
            await press(app, pilot, "j")
            if where == "task":
                await press(app, pilot, "enter")
                await until(app, pilot, lambda: "attempts" in screen_text(app))
            assert "r retry now (" in footer(app)
        (place.folder / f"{where}.csv").touch()
        await press(app, pilot, "r")
        await until(app, pilot, lambda: place.state(run_id) == "Completed")
        await until(app, pilot, lambda: "completed" in screen_text(app))

    Desk(place, run=None if where == "list" else run_id).drive(scenario)

    assert place.task_states(run_id) == ["Completed"]


def test_a_task_that_waits_is_skipped_when_that_is_confirmed(place: Workplace) -> None:
    run_id = place.until_waiting("none.csv")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "fetch" in screen_text(app))
        await press(app, pilot, "K")
        assert "only a task that waits can be skipped" in note(app)
        await press(app, pilot, "j", "K")
        assert "skip fetch" in note(app)
        await press(app, pilot, "y")
        await until(app, pilot, lambda: place.state(run_id) == "Completed")
        await until(app, pilot, lambda: "skipped" in cursor_line(app))
        assert "K skip" not in footer(app)

    Desk(place, run=run_id).drive(scenario)

    assert place.task_states(run_id) == ["Skipped"]


def test_a_task_that_starts_while_one_is_asked_is_not_skipped(place: Workplace) -> None:
    run_id = place.until_waiting("late.csv")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await until(app, pilot, lambda: "fetch" in screen_text(app))
        await press(app, pilot, "j", "K")
        assert "skip fetch" in note(app)
        (place.folder / "late.csv").touch()
        place.ask("retry_now", run_id=run_id, task=1)
        place.until_state(run_id, "Completed")
        await press(app, pilot, "y")
        await until(app, pilot, lambda: "has ended already" in note(app) or "has changed since" in note(app))

    Desk(place, run=run_id).drive(scenario)

    assert place.task_states(run_id) == ["Completed"]


def test_of_several_runs_those_are_left_alone_that_need_nothing(place: Workplace) -> None:
    waiting = place.until_waiting("several.csv")
    failed, completed = place.run_until("falls", "Failed"), place.run_until("greets", "Completed")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, *map(place.name, (waiting, failed, completed)))
        await press(app, pilot, "r")
        assert "retry 2 runs (1 of the 3 left as they are)?" in note(app)
        (place.folder / "several.csv").touch()
        await press(app, pilot, "y")
        await until(app, pilot, lambda: place.state(waiting) == "Completed")
        place.until(lambda: place.one("SELECT attempt FROM flow_run WHERE id = ?", failed) == 2, "it is tried again")

    Desk(place).drive(scenario)

    place.until_state(failed, "Failed")
    assert place.one("SELECT attempt FROM flow_run WHERE id = ?", completed) == 1


def test_a_failed_run_goes_on_from_its_failure_with_the_mended_code(place: Workplace) -> None:
    file = place.folder / "mending.py"
    file.write_text(FLOWS, encoding="utf-8")
    run_id = place.run_until("falls", "Failed", file=file)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, place.name(run_id))
        file.write_text(FLOWS.replace("if not mended", "if False"), encoding="utf-8")
        await press(app, pilot, "r")
        await until(app, pilot, lambda: "completed" in cursor_line(app))
        assert "R rerun" in footer(app)
        assert "r retry" not in footer(app)

    Desk(place).drive(scenario)

    assert place.state(run_id) == "Completed"
    assert place.one("SELECT attempt FROM flow_run WHERE id = ?", run_id) == 2
    assert place.task_states(run_id) == ["Completed", "Cached"]


def test_a_bell_rings_when_the_run_ends(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, rung = place.run_until("ends_on", "Running", name="rings"), list[str]()

    def bell(_app: FlowctlApp) -> None:
        rung.append("bell")

    monkeypatch.setattr(FlowctlApp, "bell", bell)

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await go_to(app, pilot, place.name(run_id))
        await press(app, pilot, "b")
        assert "a bell and a notice" in note(app)
        (place.folder / "rings").touch()
        await until(app, pilot, lambda: rung == ["bell"])
        await until(app, pilot, lambda: f"ends-on {place.name(run_id)}: Completed" in note(app))
        await press(app, pilot, "b")
        assert "ended already" in note(app)

    Desk(place).drive(scenario)
