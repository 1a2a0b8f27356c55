"""The form that changes a schedule: what may be typed, what it means, the equal command, the request."""

from __future__ import annotations

import pytest

from flowctl.store.plan_records import CatchUp, ScheduleKind
from flowctl.tui.model.form import Form
from flowctl.tui.model.form_lines import form_lines
from flowctl.tui.model.schedule_plan import schedule_line, schedule_plan
from flowctl.tui.model.spoken_schedules import written
from flowctl.tui.model.texts import plain
from tests.tui.model.planned_rows import NOW, a_deployment, a_schedule


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("hourly at :50", "50 * * * *"),
        ("Daily 02:30", "30 2 * * *"),
        ("every day at 2:30", "30 2 * * *"),
        ("weekdays 14:30", "30 14 * * 1-5"),
        ("Sundays 03:00", "0 3 * * 0"),
        ("monthly 1. 06:00", "0 6 1 * *"),
        ("every 15 min", "15m"),
        ("every 2 s", "2s"),
        ("*/5 * * * *", "*/5 * * * *"),
        ("FREQ=DAILY", "FREQ=DAILY"),
    ],
)
def test_a_schedule_may_be_typed_as_the_list_says_it(said: str, means: str) -> None:
    assert written(said) == means


def test_what_is_typed_is_said_in_words_with_the_next_times() -> None:
    form = Form(schedule_plan(a_deployment(a_schedule(timezone="Europe/Paris")), None), lambda: NOW)
    form.edits[0].put("hourly at :50")
    form.edits[1].put("Europe/Paris")

    text = "\n".join(plain(each.line) for each in form_lines(form, 78))

    assert "means    50 * * * *  in Europe/Paris" in text
    assert "that is  every hour at minute 50" in text
    assert "next     15:50 in 46:38   16:50   17:50" in text
    assert "15:03 there now" in text


@pytest.mark.parametrize(
    ("typed", "zone", "said"),
    [("61 * * * *", "", "out of range"), ("", "", "needs a value"), ("0 * * * *", "Europe/Pariss", "Did you mean")],
)
def test_what_cannot_be_meant_is_said_below_its_field(typed: str, zone: str, said: str) -> None:
    form = Form(schedule_plan(a_deployment(), None), lambda: NOW)
    form.edits[0].put(typed)
    form.edits[1].put(zone)

    assert form.first_problem() is not None
    assert said in "\n".join(plain(each.line) for each in form_lines(form, 100, is_tried=True))


def test_a_schedule_that_is_changed_keeps_its_zone_and_what_becomes_of_missed_times() -> None:
    schedule = a_schedule(expression="0 2 * * *", timezone="Asia/Tokyo", catchup=CatchUp.ALL)
    form = Form(schedule_plan(a_deployment(schedule), schedule), lambda: NOW)
    assert form.edits[0].text == "0 2 * * *"
    form.edits[0].put("daily 4:00")

    verb, fields = form.wish()

    assert verb == "set_schedule"
    assert fields == {
        "deployment": "etl/hourly",
        "version": 3,
        "only": True,
        "schedule": {"kind": "cron", "expression": "0 4 * * *", "timezone": "Asia/Tokyo", "catchup": "all"},
    }
    assert form.command() == (
        "flowctl deployment set-schedule etl/hourly --cron '0 4 * * *' --timezone Asia/Tokyo --catchup all"
    )


def test_of_several_schedules_the_one_that_is_chosen_is_changed() -> None:
    first = a_schedule(expression="0 2 * * *", slug="0 2 * * *")
    second = a_schedule(expression="900", slug="900", kind=ScheduleKind.INTERVAL)
    form = Form(schedule_plan(a_deployment(first, second), second), lambda: NOW)

    assert form.edits[0].text == "15m"
    assert form.wish()[1]["only"] is False
    assert form.command().endswith("--interval 15m --timezone UTC --catchup latest --schedule 900")


def test_the_line_of_a_schedule_is_found_in_the_decorator_of_its_flow() -> None:
    lines = ["@flow(", "    name='a',", "    schedule=Cron('0 2 * * *'),", ")", "def a(): ...", "schedule = 3"]

    assert schedule_line(lines, 1) == 3
    assert schedule_line(lines, 4) == 4
    assert schedule_line([], 7) == 7
