"""The pass that plans runs for occurrences: once each, by the policies, whatever the clock does."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

from flowctl.core.daemon.schedule_pass import Fired, step
from flowctl.store import plan_queries, plans
from flowctl.store.claims import claim
from flowctl.store.plan_records import (
    CatchUp,
    Overlap,
)
from flowctl.store.states import StateType
from flowctl.store.underway import tell
from flowctl.store.writer import Store
from tests.core.daemon.scheduled import HOUR, MINUTE, REFERENCE, deploy, outcomes, times, waiting


def end(store: Store, run_id: str, now: datetime) -> None:
    """Have a run be over."""
    with store.transaction() as connection:
        claim(connection, run_id, now)
        tell(connection, run_id, StateType.RUNNING, "Running", None, now)
        tell(connection, run_id, StateType.COMPLETED, "Completed", None, now)


def test_an_occurrence_becomes_one_planned_run_when_it_is_due(store: Store, noon: datetime) -> None:
    deploy(store, noon, "30 12 * * *", tags=["etl"], parameters={"limit": 3})

    before = step(store, noon + 29 * MINUTE)
    fired = step(store, noon + 30 * MINUTE)
    again = step(store, noon + 31 * MINUTE)

    assert (before, again) == (Fired([], 0, is_behind=False),) * 2
    (run,) = waiting(store)
    assert fired.runs == [run.run_id]
    assert (run.due_at, run.scheduled_for, run.tags) == (noon + 30 * MINUTE, noon + 30 * MINUTE, ["etl"])
    assert (run.reference, run.arguments, run.deployment) == (REFERENCE, {"limit": 3}, "nightly")
    assert [(each.at, each.run_id) for each in times(store)] == [(noon + 30 * MINUTE, run.run_id)]


def test_two_daemons_one_after_the_other_fire_an_occurrence_once(store: Store, noon: datetime) -> None:
    deploy(store, noon)

    first = step(store, noon + HOUR)
    with store.transaction() as connection:
        # As if the second one had never heard of the first one's cursor.
        connection.execute("UPDATE schedule SET checked_until = 0, next_at = NULL")
    second = step(store, noon + HOUR)

    assert len(first.runs) == 1
    assert second.runs == []
    assert len(waiting(store)) == 1


def test_a_step_that_fails_in_the_middle_leaves_nothing_and_loses_nothing(
    store: Store, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(store, noon)
    with monkeypatch.context() as patch:
        patch.delattr(plans, "move_cursor")
        with pytest.raises(AttributeError):
            step(store, noon + HOUR)
    assert (times(store), list(waiting(store))) == ([], [])

    fired = step(store, noon + HOUR)

    assert [run.run_id for run in waiting(store)] == fired.runs
    assert len(fired.runs) == 1


def test_parameters_of_the_schedule_come_before_those_of_the_deployment_and_name_the_occurrence(
    store: Store, noon: datetime
) -> None:
    deploy(
        store,
        noon,
        "0 15 * * *",
        timezone="Europe/Berlin",
        parameters={"day": "{{ scheduled_time:%d.%m. %H:%M }}", "limit": 1, "nested": [{"at": "{{scheduled_time}}"}]},
        schedule_parameters={"limit": 2},
    )

    step(store, noon + 2 * HOUR)

    assert waiting(store)[0].arguments == {
        "day": "02.03. 15:00",
        "limit": 2,
        "nested": [{"at": "2026-03-02T15:00:00+01:00"}],
    }


def test_secrets_among_the_parameters_are_not_shown(store: Store, noon: datetime) -> None:
    deploy(store, noon, parameters={"api_token": "hush", "limit": 1})

    (run_id,) = step(store, noon + HOUR).runs

    shown = store.connection.execute("SELECT parameters FROM flow_run WHERE id = ?", (run_id,)).fetchone()[0]
    assert "hush" not in shown
    assert waiting(store)[0].arguments["api_token"] == "hush"


@pytest.mark.parametrize(
    ("catchup", "expected"),
    [
        (CatchUp.LATEST, ["skipped", "skipped", "fired"]),
        (CatchUp.SKIP, ["skipped", "skipped", "skipped"]),
        (CatchUp.ALL, ["fired", "queued", "queued"]),
    ],
)
def test_what_was_missed_follows_the_policy_and_every_skipped_one_says_why(
    store: Store, noon: datetime, catchup: CatchUp, expected: list[str]
) -> None:
    deploy(store, noon, catchup=catchup)

    step(store, noon + 3 * HOUR + 30 * MINUTE)

    assert [outcome for _, outcome in outcomes(store)] == expected
    assert [bool(each.reason) for each in times(store)] == [outcome == "skipped" for outcome in expected]
    assert len(waiting(store)) == len([outcome for outcome in expected if outcome != "skipped"])
    # Those that were caught up follow one another, even where others of the deployment would be skipped.
    assert {run.overlap for run in waiting(store)} <= {Overlap.QUEUE, Overlap.SKIP}


def test_runs_that_are_caught_up_wait_for_one_another_also_where_overlaps_are_skipped(
    store: Store, noon: datetime
) -> None:
    deploy(store, noon, catchup=CatchUp.ALL, overlap=Overlap.SKIP)

    step(store, noon + 3 * HOUR)

    assert [run.overlap for run in waiting(store)] == [Overlap.QUEUE] * 3


def test_a_little_late_is_on_time(store: Store, noon: datetime) -> None:
    deploy(store, noon, "* * * * *", catchup=CatchUp.SKIP)

    step(store, noon + 3 * MINUTE + timedelta(seconds=20))

    assert [outcome for _, outcome in outcomes(store)] == ["fired", "queued", "queued"]


def test_years_of_missed_seconds_are_put_on_record_as_the_newest_thousand_and_one_for_the_rest(
    store: Store, noon: datetime
) -> None:
    deploy(store, noon, "* * * * * *")
    began = time.perf_counter()

    fired = step(store, noon + timedelta(days=730))

    assert time.perf_counter() - began < 1
    assert len(fired.runs) == 1
    found = times(store)
    assert len(found) == 1001
    assert found[0].at == noon + timedelta(seconds=1)
    assert "more than 1,000 were missed" in (found[0].reason or "")
    assert found[-1].at == noon + timedelta(days=730)


def test_all_that_was_missed_is_at_most_a_thousand_runs(store: Store, noon: datetime) -> None:
    deploy(store, noon, "* * * * *", catchup=CatchUp.ALL)

    fired = step(store, noon + timedelta(days=2))

    assert len(fired.runs) == 1000
    assert fired.skipped == 1


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        (Overlap.SKIP, [("02 13:00", "fired"), ("02 14:00", "skipped")]),
        (Overlap.QUEUE, [("02 13:00", "fired"), ("02 14:00", "queued")]),
        (Overlap.CANCEL_OLD, [("02 13:00", "fired"), ("02 14:00", "queued")]),
        (Overlap.ALLOW, [("02 13:00", "fired"), ("02 14:00", "fired")]),
    ],
)
def test_an_occurrence_during_an_earlier_run_follows_the_overlap_policy(
    store: Store, noon: datetime, overlap: Overlap, expected: list[tuple[str, str]]
) -> None:
    deploy(store, noon, overlap=overlap)
    step(store, noon + HOUR)

    step(store, noon + 2 * HOUR)

    assert outcomes(store) == expected
    assert [each.reason for each in times(store)][1:] == (
        ["A run of the deployment was still under way."] if overlap is Overlap.SKIP else [None]
    )


def test_after_the_end_of_the_earlier_run_the_next_occurrence_fires(store: Store, noon: datetime) -> None:
    deploy(store, noon)
    (run_id,) = step(store, noon + HOUR).runs
    end(store, run_id, noon + HOUR)

    step(store, noon + 2 * HOUR)

    assert outcomes(store) == [("02 13:00", "fired"), ("02 14:00", "fired")]


def test_a_limit_of_two_lets_two_overlap(store: Store, noon: datetime) -> None:
    deploy(store, noon, run_limit=2)

    for hours in (1, 2, 3):
        step(store, noon + hours * HOUR)

    assert [outcome for _, outcome in outcomes(store)] == ["fired", "fired", "skipped"]


def test_a_run_that_is_planned_for_later_keeps_no_occurrence_from_firing(store: Store, noon: datetime) -> None:
    deployment_id = deploy(store, noon)
    step(store, noon + HOUR)
    with store.transaction() as connection:
        connection.execute("UPDATE flow_run SET due_at = ?", (2**60,))

    assert plan_queries.open_runs_of(store.connection, deployment_id, is_due_by=noon + 2 * HOUR) == []
    assert len(step(store, noon + 2 * HOUR).runs) == 1
