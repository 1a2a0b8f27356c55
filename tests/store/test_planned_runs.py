"""Planned runs and occurrences in the store: claimed once, ended once, deleted with what belongs to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowctl.store import claims, plan_queries, plans
from flowctl.store.deletion import deleting
from flowctl.store.home import Home
from flowctl.store.journal import Record
from flowctl.store.plan_problems import RunGoesOn
from flowctl.store.plan_records import (
    DeploymentSpec,
    FlowReference,
    Outcome,
    PlannedRunRow,
    RunPlan,
    ScheduleKind,
    ScheduleSpec,
)
from flowctl.store.planned_runs import plan_attempt, plan_run
from flowctl.store.queries import Reader
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import StateType
from flowctl.store.underway import tell
from tests.store.databases import assert_sound, ingest_all, row
from tests.store.journals import an_id, flow_created, flow_state, opened, write_journal

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)

REFERENCE = FlowReference(file="/flows/etl.py", flow_attribute="etl", python="/usr/bin/python3", cwd="/flows")


def deploy(database: sqlite3.Connection, **fields: Any) -> int:
    """Deploy the flow `etl` as `nightly`."""
    spec = DeploymentSpec(name="nightly", flow_name="etl", reference=REFERENCE, **fields)
    return plans.save_deployment(database, spec, AT)


def plan(database: sqlite3.Connection, run_id: str, deployment_id: int | None = None) -> None:
    plan_run(
        database,
        RunPlan(
            run_id=run_id,
            name="planned-otter",
            flow_name="etl",
            reference=REFERENCE,
            arguments={"n": 3},
            due_at=AT,
            deployment_id=deployment_id,
            scheduled_for=AT,
            tags=["x"],
        ),
        AT,
    )


def planned(database: sqlite3.Connection, run_id: str) -> PlannedRunRow:
    found = plan_queries.planned_run(database, run_id)
    assert found is not None
    return found


def state(database: sqlite3.Connection, run_id: str) -> str:
    found = row(database, "flow_run", id=run_id)
    return f"{found['state_type']}/{found['state_name']}"


def history(database: sqlite3.Connection) -> list[tuple[int, str]]:
    """List the attempts and names of all states that were told of run 1, in order."""
    query = "SELECT attempt, name FROM flow_run_state WHERE run = 1 AND applied ORDER BY attempt, seq, inferred"
    return database.execute(query).fetchall()


def test_a_planned_run_is_seen_among_the_runs_before_it_begins(database: sqlite3.Connection, home: Home) -> None:
    plan(database, an_id(1), deploy(database))

    with Reader(database, home) as reader:
        run = reader.flow_run(an_id(1))

    assert (run.state_type, run.state_name, run.name) == (StateType.SCHEDULED, "Scheduled", "planned-otter")
    assert (run.due_at, run.scheduled_for, run.parameters, run.tags) == (AT, AT, {"n": 3}, ["x"])
    assert (run.deployment, run.state_version) == ("nightly", 1)


def test_the_journal_of_a_planned_run_goes_on_with_its_row(home: Home) -> None:
    from tests.store.databases import in_memory

    database = in_memory()
    plan(database, an_id(1), deploy(database))
    claims.claim(database, an_id(1), AT)

    write_journal(
        home,
        an_id(1),
        [
            opened(an_id(1)),
            flow_created(an_id(1), name="planned-otter", parameters='{"n": 30}', tags=["x", "y"]),
            flow_state("RUNNING"),
            flow_state("COMPLETED"),
        ],
    )
    ingest_all(database, home, an_id(1), stretch_bytes=1)

    found = row(database, "flow_run", id=an_id(1))
    assert (found["parameters"], found["tags"], found["arguments"]) == ('{"n": 30}', '["x","y"]', b"pickled")
    assert (found["deployment_id"], found["scheduled_for"] is None) == (1, False)
    assert history(database) == [
        *((1, name) for name in ("Scheduled", "Pending", "Pending", "Running", "Completed")),
    ]
    assert found["state_version"] == len(history(database))
    assert_sound(database)
    database.close()


def test_a_run_that_was_cancelled_before_it_began_stays_cancelled(database: sqlite3.Connection, home: Home) -> None:
    plan(database, an_id(1))
    tell(database, an_id(1), StateType.CANCELLED, "Cancelled", "A person cancelled it.", AT)

    write_journal(home, an_id(1), [opened(an_id(1)), flow_created(an_id(1)), flow_state("RUNNING")])
    ingest_all(database, home, an_id(1))

    assert state(database, an_id(1)) == "CANCELLED/Cancelled"


def test_a_run_is_claimed_once(database: sqlite3.Connection) -> None:
    plan(database, an_id(1))

    assert [claims.claim(database, an_id(1), AT), claims.claim(database, an_id(1), AT)] == [True, False]

    claims.note_process(database, an_id(1), pid=7, process_started=8, boot_id="boot")
    (claimed,) = claims.claimed_runs(database)
    assert (claimed.pid, claimed.process_started, claimed.boot_id) == (7, 8, "boot")
    assert state(database, an_id(1)) == "PENDING/Pending"
    assert claims.due_runs(database, AT, limit=10) == []


def test_a_run_whose_process_could_not_be_started_waits_again(database: sqlite3.Connection) -> None:
    later = AT + timedelta(seconds=5)
    plan(database, an_id(1))
    claims.claim(database, an_id(1), AT)

    claims.release(database, an_id(1), "No process ids are left.", AT, due_at=later)

    assert claims.due_runs(database, AT, limit=10) == []
    assert claims.next_due(database, AT) == later
    (waiting,) = claims.due_runs(database, later, limit=10)
    assert waiting.run_id == an_id(1)
    assert (planned(database, an_id(1)).pid, planned(database, an_id(1)).arguments) == (None, {"n": 3})


def test_runs_are_due_by_priority_then_the_oldest_first(database: sqlite3.Connection) -> None:
    for number, (minutes, priority) in enumerate(((2, 0), (1, 0), (0, -1), (3, 0)), start=1):
        due = RunPlan(
            run_id=an_id(number),
            name=str(number),
            flow_name="etl",
            reference=REFERENCE,
            arguments={},
            due_at=AT + timedelta(minutes=minutes),
            priority=priority,
        )
        plan_run(database, due, AT)

    found = claims.due_runs(database, AT + timedelta(minutes=2), limit=10)

    assert [run.run_id for run in found] == [an_id(2), an_id(1), an_id(3)]


def test_the_next_attempt_of_a_run_is_planned_with_what_is_on_record(database: sqlite3.Connection, home: Home) -> None:
    failed: list[Record] = [opened(an_id(1)), flow_created(an_id(1)), flow_state("RUNNING"), flow_state("FAILED")]
    write_journal(home, an_id(1), failed)
    ingest_all(database, home, an_id(1))
    version = row(database, "flow_run", id=an_id(1))["state_version"]

    attempt = plan_attempt(database, an_id(1), REFERENCE, AT)

    assert attempt == 2
    assert state(database, an_id(1)) == "SCHEDULED/Scheduled"
    assert row(database, "flow_run", id=an_id(1))["state_version"] == version + 1
    (waiting,) = claims.due_runs(database, AT, limit=10)
    assert waiting.attempt == 2
    assert (planned(database, an_id(1)).arguments, planned(database, an_id(1)).name) == ({}, "brisk-otter")
    write_journal(
        home,
        an_id(1),
        [opened(an_id(1), attempt=2), flow_created(an_id(1)), flow_state("RUNNING"), flow_state("COMPLETED")],
        attempt=2,
        first_sequence=10,
    )
    ingest_all(database, home, an_id(1), 2)
    assert state(database, an_id(1)) == "COMPLETED/Completed"
    assert [name for attempt, name in history(database) if attempt == 2] == [
        "Scheduled",
        "Pending",
        "Running",
        "Completed",
    ]


def test_a_run_that_never_began_is_retried_with_its_arguments_as_the_same_attempt(
    database: sqlite3.Connection,
) -> None:
    plan(database, an_id(1))
    claims.claim(database, an_id(1), AT)
    tell(database, an_id(1), StateType.CRASHED, "Crashed", "It could not be started.", AT)
    claims.end_plan(database, an_id(1), 1)

    assert plan_attempt(database, an_id(1), REFERENCE, AT) == 1
    assert [run.run_id for run in claims.due_runs(database, AT, limit=10)] == [an_id(1)]
    assert planned(database, an_id(1)).arguments == {"n": 3}


def test_a_run_under_way_gets_no_further_attempt(database: sqlite3.Connection) -> None:
    plan(database, an_id(1))

    with pytest.raises(RunGoesOn, match="it is Scheduled"):
        plan_attempt(database, an_id(1), REFERENCE, AT)


def test_an_occurrence_is_on_record_once_by_its_instant_and_by_its_time_of_day(database: sqlite3.Connection) -> None:
    deployment_id = deploy(database)
    schedule_id = plans.save_schedule(
        database, deployment_id, ScheduleSpec(slug="a", kind=ScheduleKind.CRON, expression="30 2 * * *"), AT
    )

    def record(at: datetime, local_at: str | None) -> bool:
        return plans.record_occurrence(database, schedule_id, at, Outcome.FIRED, AT, local_at=local_at)

    assert record(AT, "2026-03-02 02:30:00 Europe/Berlin")
    assert not record(AT, None)
    assert not record(AT + timedelta(hours=1), "2026-03-02 02:30:00 Europe/Berlin")
    assert record(AT + timedelta(hours=1), None)
    assert record(AT + timedelta(hours=2), None)


def test_a_deleted_run_leaves_its_occurrence_and_takes_its_plan(database: sqlite3.Connection, home: Home) -> None:
    deployment_id = deploy(database)
    schedule_id = plans.save_schedule(
        database, deployment_id, ScheduleSpec(slug="a", kind=ScheduleKind.CRON, expression="0 * * * *"), AT
    )
    plan(database, an_id(1), deployment_id)
    plans.record_occurrence(database, schedule_id, AT, Outcome.FIRED, AT, run_id=an_id(1))
    tell(database, an_id(1), StateType.CANCELLED, "Cancelled", None, AT)

    for _ in deleting(database, home, [an_id(1)]):
        pass

    assert [each.run_id for each in plan_queries.occurrences(database, deployment_id)] == [None]
    assert plan_queries.planned_run(database, an_id(1)) is None
    assert_sound(database)


def test_a_deleted_deployment_leaves_its_runs(database: sqlite3.Connection) -> None:
    plan(database, an_id(1), deploy(database))

    plans.delete_deployment(database, "nightly")

    assert row(database, "flow_run", id=an_id(1))["deployment_id"] is None
    assert plan_queries.deployments(database) == []
    assert_sound(database)


def test_occurrences_of_long_ago_are_pruned_a_few_at_a_time(database: sqlite3.Connection) -> None:
    deployment_id = deploy(database)
    schedule_id = plans.save_schedule(
        database, deployment_id, ScheduleSpec(slug="a", kind=ScheduleKind.CRON, expression="0 * * * *"), AT
    )
    for hour in range(10):
        plans.record_occurrence(database, schedule_id, AT + timedelta(hours=hour), Outcome.SKIPPED, AT, reason="x")

    before = AT + timedelta(hours=7)
    pruned = [plans.prune_occurrences(database, before, limit=5) for _ in range(3)]

    assert pruned == [5, 2, 0]
    assert len(plan_queries.occurrences(database, deployment_id)) == 3


def test_the_open_runs_of_a_deployment_are_found_by_an_index_of_open_ones_alone(database: sqlite3.Connection) -> None:
    statements: list[str] = []
    database.set_trace_callback(statements.append)
    plan_queries.open_runs_of(database, 1, is_due_by=AT)
    database.set_trace_callback(None)

    (found,) = database.execute(f"EXPLAIN QUERY PLAN {statements[0]}").fetchall()[:1]

    assert "flow_run_open_of_deployment" in found[3]
