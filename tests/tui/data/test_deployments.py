"""Reading deployments: the list, when they fire, what the clocks do to them, what the dashboard says is ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from flowctl.store.home import Home
from flowctl.store.plan_records import Outcome
from flowctl.store.plans import record_occurrence
from flowctl.tui.data.source import Source
from tests.tui.planned import a_deployment, a_file, its_runs, writing

NOW = datetime(2026, 11, 23, 14, 3, 22, tzinfo=UTC)


@pytest.fixture
def source(home: Home) -> Iterator[Source]:
    source = Source.open(home, clock=lambda: NOW)
    yield source
    source.close()


def test_a_deployment_is_listed_with_its_runs_and_how_often_it_fires(home: Home, source: Source) -> None:
    with writing(home) as connection:
        made = a_deployment(connection, "nightly", "50 * * * *", now=NOW, next_at=NOW + timedelta(minutes=46))
        a_deployment(connection, "by-hand", now=NOW)
    its_runs(home, made, ["COMPLETED", "COMPLETED", "COMPLETED", "FAILED"], now=NOW)

    by_hand, nightly = source.deployments()

    assert (by_hand.name, by_hand.is_on, by_hand.fires_a_day, by_hand.load) == ("by-hand", None, 0.0, None)
    assert (nightly.name, nightly.is_on, nightly.fires_a_day) == ("nightly", True, 24.0)
    assert [run.state_type for run in nightly.latest] == ["COMPLETED", "COMPLETED", "COMPLETED", "FAILED"]
    assert nightly.ok_ratio == 0.75
    assert nightly.typical_s == nightly.worst_s == pytest.approx(1.0, abs=0.1)
    assert nightly.load == pytest.approx(24 * (nightly.typical_s or 0) / 86_400)
    assert nightly.words == ("every hour at minute 50",)


def test_one_that_is_paused_fires_never_and_says_so(home: Home, source: Source) -> None:
    with writing(home) as connection:
        a_deployment(connection, "rates", "7 * * * *", now=NOW, paused=True, next_at=NOW)

    (rates,) = source.deployments()
    outlook = source.outlook("rates")

    assert (rates.is_on, rates.fires_a_day, rates.next_at) == (False, 0.0, None)
    assert outlook is not None
    assert outlook.fires == ()


def test_a_name_with_escape_sequences_is_made_safe_and_still_asked_for_as_it_is(home: Home, source: Source) -> None:
    with writing(home) as connection:
        a_deployment(connection, "x\x1b[31m", "0 0 * * *", now=NOW)

    (found,) = source.deployments()

    assert "\x1b" not in found.name
    assert found.key == "x\x1b[31m"
    assert source.outlook(found.key) is not None


def test_the_hours_of_the_day_tell_what_fired_was_skipped_and_will_fire(home: Home, source: Source) -> None:
    with writing(home) as connection:
        made = a_deployment(connection, "nightly", "50 */2 * * *", now=NOW - timedelta(days=1))
        for hour, outcome in ((8, Outcome.FIRED), (10, Outcome.SKIPPED)):
            record_occurrence(connection, made, NOW.replace(hour=hour, minute=50, second=0), outcome, NOW)

    outlook = source.outlook("nightly")

    assert outlook is not None
    assert [hour.at.hour for hour in outlook.hours if hour.has_fired] == [8]
    assert [hour.at.hour for hour in outlook.hours if hour.was_skipped] == [10]
    assert [hour.at.hour for hour in outlook.hours if hour.will_fire] == [14, 16, 18, 20, 22]
    assert [f"{fire.at:%H:%M}" for fire in outlook.fires[:3]] == ["14:50", "16:50", "18:50"]
    assert outlook.least_gap_s == 7200


@pytest.mark.parametrize(
    ("cron", "changes"),
    [
        (
            "30 2 * * *",
            [
                "28 Mar 2027 02:30 does not exist (clocks go forward): fires at 03:00",
                "31 Oct 2027 02:30 comes twice (clocks go back): fires once",
            ],
        ),
        (
            "50 * * * *",
            [
                "28 Mar 2027 02:50 does not exist (clocks go forward): skipped",
                "31 Oct 2027 02:50 comes twice (clocks go back): fires twice",
            ],
        ),
        ("0 12 * * *", []),
    ],
)
def test_times_that_the_clocks_leave_out_or_double_are_told(
    home: Home, source: Source, cron: str, changes: list[str]
) -> None:
    with writing(home) as connection:
        a_deployment(connection, "nightly", cron, now=NOW, timezone="Europe/Paris")

    outlook = source.outlook("nightly")

    assert outlook is not None
    assert outlook.timezone == "Europe/Paris"
    assert list(outlook.clock_changes) == changes


def test_every_second_of_a_schedule_costs_no_walk_over_the_year(home: Home, source: Source) -> None:
    with writing(home) as connection:
        a_deployment(connection, "busy", "* * * * * *", now=NOW, timezone="Europe/Paris")

    outlook = source.outlook("busy")
    (busy,) = source.deployments()

    assert outlook is not None
    assert (outlook.least_gap_s, round(busy.fires_a_day)) == (1.0, 86_400)


def test_what_is_ahead_names_the_next_fires_and_the_broken_files(home: Home, source: Source) -> None:
    problem = {"kind": "SyntaxError", "message": "expected ':'", "file": "/flows/crm.py", "line": 31}
    with writing(home) as connection:
        a_deployment(connection, "later", "0 0 * * *", now=NOW, next_at=NOW + timedelta(hours=10))
        a_deployment(connection, "soon", "5 * * * *", now=NOW, next_at=NOW + timedelta(minutes=2))
        a_deployment(connection, "off", "5 * * * *", now=NOW, next_at=NOW, paused=True)
        a_file(connection, "/flows/crm.py", now=NOW, problem=problem)
        a_file(connection, "/flows/etl.py", now=NOW)

    ahead = source.ahead()

    assert [fire.deployment for fire in ahead.next_up] == ["soon", "later"]
    assert (ahead.deployments, ahead.firing) == (3, 2)
    (broken,) = ahead.broken
    assert broken.problem == "/flows/crm.py, line 31: SyntaxError: expected ':'."
    assert broken.has_good


def test_runs_that_wait_for_others_are_ahead_with_what_they_wait_for(home: Home, source: Source) -> None:
    with writing(home) as connection:
        made = a_deployment(connection, "train", "0 0 * * *", now=NOW)
    its_runs(home, made, ["COMPLETED"], now=NOW)
    with writing(home) as connection:
        connection.execute(
            "UPDATE flow_run SET state_type = 'SCHEDULED', state_name = 'AwaitingConcurrencySlot', ended_at = NULL, "
            "message = 'Waits for a slot of the limit ''gpu'': 1 of 1 are taken.'"
        ).close()

    (waiting,) = source.ahead().kept_waiting

    assert waiting.run.message == "Waits for a slot of the limit 'gpu': 1 of 1 are taken."
