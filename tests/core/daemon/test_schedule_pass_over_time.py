"""Schedules over time: paused, changed, broken; clocks that are set; sleep; days on which clocks change."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flowctl.core.authoring.secret_names import SECRET_NAMES
from flowctl.core.daemon.occurrences import Recurrences
from flowctl.core.daemon.schedule_pass import Clocks, Fired, plug, step
from flowctl.store import plan_queries, plans
from flowctl.store.claims import claim
from flowctl.store.plan_records import (
    CatchUp,
    DeploymentSpec,
    Overlap,
    ScheduleKind,
    ScheduleSpec,
)
from flowctl.store.writer import Store
from tests.core.daemon.scheduled import HOUR, MINUTE, REFERENCE, deploy, outcomes, times, waiting


class Looped:
    """Has what the pass needs of a daemon."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.settings = SimpleNamespace(secret_names=SECRET_NAMES)
        self.said: list[str] = []
        self.log = SimpleNamespace(write=self.said.append)
        self.on_reload: list[Callable[[], None]] = []
        self.scheduler: object = None
        self.poked: list[str] = []

    def poke(self, *names: str) -> None:
        self.poked += names

    def guarded(self, _where: str, action: Callable[[], None]) -> None:
        action()


def test_a_paused_deployment_fires_nothing_and_makes_nothing_up(store: Store, noon: datetime) -> None:
    deploy(store, noon, catchup=CatchUp.ALL)
    with store.transaction() as connection:
        plans.pause_deployment(connection, "nightly", noon, paused=True)

    paused = step(store, noon + 5 * HOUR)
    with store.transaction() as connection:
        plans.pause_deployment(connection, "nightly", noon + 5 * HOUR + MINUTE, paused=False)
    resumed = step(store, noon + 5 * HOUR + MINUTE)
    later = step(store, noon + 6 * HOUR)

    assert (paused.runs, resumed.runs, len(later.runs)) == ([], [], 1)
    assert outcomes(store) == [("02 18:00", "fired")]


def test_a_schedule_that_is_switched_off_rests(store: Store, noon: datetime) -> None:
    deploy(store, noon)
    with store.transaction() as connection:
        plans.toggle_schedule(connection, "nightly", "only", noon, active=False)
    assert step(store, noon + 5 * HOUR).runs == []
    with store.transaction() as connection:
        plans.toggle_schedule(connection, "nightly", "only", noon + 5 * HOUR, active=True)

    assert len(step(store, noon + 6 * HOUR).runs) == 1


def test_a_schedule_that_is_saved_again_as_it_was_goes_on_where_it_is(store: Store, noon: datetime) -> None:
    deploy(store, noon)

    deploy(store, noon + HOUR + MINUTE)

    assert outcomes(store) == [("02 13:00", "fired")]


def test_a_schedule_that_is_changed_makes_up_for_nothing(store: Store, noon: datetime) -> None:
    deploy(store, noon, "0 0 * * *", catchup=CatchUp.ALL)

    deploy(store, noon + 5 * HOUR, "*/10 * * * *", catchup=CatchUp.ALL)

    assert times(store) == []
    assert len(step(store, noon + 5 * HOUR + 10 * MINUTE).runs) == 1


def test_a_schedule_that_cannot_be_read_says_why_and_stops_no_other(store: Store, noon: datetime) -> None:
    deploy(store, noon, name="broken")
    deploy(store, noon)
    with store.transaction() as connection:
        connection.execute("UPDATE schedule SET timezone = 'Mars/Base', next_at = NULL WHERE id = 1")

    fired = step(store, noon + HOUR)

    assert len(fired.runs) == 1
    (broken, sound) = plan_queries.deployments(store.connection)
    assert "no time zone 'Mars/Base'" in (broken.schedules[0].problem or "")
    assert (broken.next_at, sound.next_at) == (None, noon + 2 * HOUR)
    assert step(store, noon + HOUR) == Fired([], 0, is_behind=False)


def test_a_schedule_whose_zone_is_known_again_goes_on(store: Store, noon: datetime) -> None:
    deploy(store, noon)
    with store.transaction() as connection:
        connection.execute("UPDATE schedule SET timezone = 'Mars/Base', next_at = NULL")
    step(store, noon + HOUR)
    with store.transaction() as connection:
        connection.execute("UPDATE schedule SET timezone = 'UTC'")

    turn = plug(cast("Any", Looped(store)))
    turn(noon + HOUR)

    assert [outcome for _, outcome in outcomes(store)] == ["fired"]


def test_the_loop_is_told_when_to_come_again_and_that_there_is_something_to_dispatch(
    store: Store, noon: datetime
) -> None:
    daemon = Looped(store)
    turn = plug(cast("Any", daemon))
    idle = turn(noon)
    deploy(store, noon)

    far, near, due = turn(noon), turn(noon + HOUR - timedelta(seconds=0.25)), turn(noon + HOUR)

    assert (idle, far, near, due) == (1.0, 1.0, 0.25, 1.0)
    assert daemon.poked == ["dispatch"]


def test_a_queued_occurrence_has_fired_once_its_run_begins(store: Store, noon: datetime) -> None:
    deploy(store, noon, overlap=Overlap.QUEUE)
    for hours in (1, 2):
        step(store, noon + hours * HOUR)

    with store.transaction() as connection:
        for run in waiting(store):
            claim(connection, run.run_id, noon + 3 * HOUR)

    assert [outcome for _, outcome in outcomes(store)] == ["fired", "fired"]


def test_a_schedule_that_fires_no_more_is_not_looked_at_again(store: Store, noon: datetime) -> None:
    deploy(store, noon, "DTSTART:20260302T123000\nFREQ=DAILY;COUNT=1", kind=ScheduleKind.RRULE)

    assert len(step(store, noon + HOUR).runs) == 1
    assert plan_queries.due_schedules(store.connection, datetime(9000, 1, 1, tzinfo=UTC)) == []
    assert plan_queries.next_occurrence(store.connection) is None


@pytest.mark.parametrize(
    ("jump", "cron", "expected"),
    [
        # Like being late.
        (4 * MINUTE, "* * * * *", ["fired", "queued", "queued", "queued"]),
        # Fixed times are made up for, and what means an interval goes on from now.
        (2 * HOUR, "15,45 12,13 * * *", ["fired", "queued", "queued", "queued"]),
        (2 * HOUR, "*/30 * * * *", ["skipped", "skipped", "skipped", "fired"]),
        # The new time is taken as the true one.
        (timedelta(days=1095), "30 9 1 1 *", ["skipped", "skipped", "skipped"]),
    ],
)
def test_a_clock_that_is_set_forward_fires_by_how_far_it_was_set(
    store: Store, noon: datetime, jump: timedelta, cron: str, expected: list[str]
) -> None:
    deploy(store, noon, cron)

    fired = step(store, noon + jump, jump=jump)
    again = step(store, noon + jump)

    assert [outcome for _, outcome in outcomes(store)] == expected
    assert len(fired.runs) == len([each for each in expected if each != "skipped"])
    assert again.runs == []
    assert {each.reason for each in times(store) if each.outcome == "skipped"} <= {"The clock was set forward over it."}


def test_time_that_the_machine_slept_follows_the_policy(store: Store, noon: datetime) -> None:
    clocks = Clocks(running_s=iter([1000.0, 1000.0 + 8 * 3600]).__next__)
    clocks.jump(noon)
    deploy(store, noon)

    step(store, noon + 8 * HOUR, jump=clocks.jump(noon + 8 * HOUR))

    assert [outcome for _, outcome in outcomes(store)] == ["skipped"] * 7 + ["fired"]


def test_a_clock_that_is_set_is_told_from_time_that_passed() -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    running_s = iter([0.0, 60.0, 61.0, 62.0])
    clocks = Clocks(running_s=running_s.__next__)

    jumps = [clocks.jump(day + timedelta(seconds=seconds)) for seconds in (0, 60, 61 + 7200, 62)]

    assert jumps == [timedelta(), timedelta(), 2 * HOUR, -2 * HOUR]


@pytest.mark.parametrize("back", [timedelta(seconds=30), HOUR, 2 * HOUR])
def test_a_clock_that_is_set_back_a_little_repeats_nothing(store: Store, noon: datetime, back: timedelta) -> None:
    deploy(store, noon, "*/15 * * * *", overlap=Overlap.ALLOW)
    now = noon + 3 * HOUR
    for minutes in range(0, 181, 15):
        step(store, noon + minutes * MINUTE)
    known = outcomes(store)

    for minutes in range(0, 120, 5):
        if now - back + minutes * MINUTE < now:
            step(store, now - back + minutes * MINUTE, jump=-back if minutes == 0 else timedelta())

    assert outcomes(store) == known
    assert len(step(store, now + 15 * MINUTE).runs) == 1


def test_a_clock_that_is_set_back_far_goes_on_at_the_new_time(store: Store, noon: datetime) -> None:
    day = timedelta(days=1)
    deploy(store, noon, overlap=Overlap.ALLOW)
    step(store, noon + HOUR)

    step(store, noon + HOUR - 2 * day, jump=-2 * day)
    fired = step(store, noon + 2 * HOUR - 2 * day)

    assert len(fired.runs) == 1
    assert outcomes(store) == [("28 14:00", "fired"), ("02 13:00", "fired")]


def test_an_occurrence_from_before_the_clock_was_set_back_far_is_not_fired_again(store: Store, noon: datetime) -> None:
    deploy(store, noon, "0 13 * * *", overlap=Overlap.ALLOW)
    step(store, noon + 10 * HOUR)

    step(store, noon, jump=-10 * HOUR)
    fired = step(store, noon + HOUR)

    assert fired.runs == []
    assert outcomes(store) == [("02 13:00", "fired")]


def test_a_daily_job_does_not_run_twice_when_its_zone_gets_other_rules(store: Store, noon: datetime) -> None:
    deploy(store, noon, "30 13 * * *", timezone="Europe/Berlin", overlap=Overlap.ALLOW)
    assert len(step(store, noon + 31 * MINUTE).runs) == 1

    with store.transaction() as connection:
        # The same local time is an hour later by the new rules.
        connection.execute("UPDATE occurrence SET at = at - 3600000000")
        connection.execute("UPDATE schedule SET checked_until = checked_until - 7200000000, next_at = NULL")
    fired = step(store, noon + HOUR)

    assert fired.runs == []
    assert len(times(store)) == 1


def test_a_day_on_which_clocks_go_back_has_one_run_of_a_daily_job(store: Store) -> None:
    start = datetime(2026, 10, 24, 12, tzinfo=UTC)
    deploy(store, start, "30 2 * * *", timezone="Europe/Berlin", overlap=Overlap.ALLOW)

    for minutes in range(0, 24 * 60, 10):
        step(store, start + minutes * MINUTE)

    assert [f"{each.at:%d %H:%M}" for each in times(store)] == ["25 00:30"]


def test_a_thousand_schedules_that_are_due_in_one_second_are_planned_within_one(store: Store, noon: datetime) -> None:
    with store.transaction() as connection:
        for number in range(1000):
            spec = DeploymentSpec(name=f"nightly-{number}", flow_name="etl", reference=REFERENCE)
            deployment_id = plans.save_deployment(connection, spec, noon)
            schedule = ScheduleSpec(slug="only", kind=ScheduleKind.CRON, expression="0 13 * * *")
            plans.set_schedules(connection, deployment_id, [schedule], noon)
    recurrences = Recurrences()
    while step(store, noon, recurrences=recurrences).is_behind:
        pass
    assert plan_queries.next_occurrence(store.connection) == noon + HOUR

    began = time.perf_counter()
    runs: list[str] = []
    is_behind = True
    while is_behind:
        fired = step(store, noon + HOUR, recurrences=recurrences)
        runs, is_behind = runs + fired.runs, fired.is_behind
    took_s = time.perf_counter() - began

    assert len(set(runs)) == 1000
    # On an idle machine a third of this.
    assert took_s < 3
