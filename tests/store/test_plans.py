"""Deployments, schedules and planned runs in the database, and what the journal of a planned run makes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flowctl.store import migrations, plan_queries, plans
from flowctl.store.deletion import deleting
from flowctl.store.home import Home
from flowctl.store.moves import advance
from flowctl.store.plan_problems import DeploymentNotFound, MoveRefused, NameTaken, ScheduleNotFound, StateMoved
from flowctl.store.plan_records import DeploymentSpec, FlowReference, Outcome, RunPlan, ScheduleKind, ScheduleSpec
from flowctl.store.planned_runs import claim, end_plan, note_process, plan_attempt, plan_run, release
from flowctl.store.queries import Reader
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import StateType
from tests.store.databases import assert_sound, ingest_all, row
from tests.store.journals import an_id, flow_created, flow_state, opened, write_journal

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
REFERENCE = FlowReference(file="/flows/etl.py", flow_attribute="etl", python="/usr/bin/python3", cwd="/flows")


def deploy(database: sqlite3.Connection, name: str = "nightly", **fields: object) -> int:
    given: dict[str, object] = {"flow_name": "etl", "reference": REFERENCE, **fields}
    return plans.save_deployment(database, DeploymentSpec(name=name, **given), AT)  # type: ignore[arg-type] - of tests


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


def state(database: sqlite3.Connection, run_id: str) -> str:
    found = row(database, "flow_run", id=run_id)
    return f"{found['state_type']}/{found['state_name']}"


def history(database: sqlite3.Connection) -> list[tuple[int, str]]:
    """List the attempts and names of all states that were told of run 1, in order."""
    query = "SELECT attempt, name FROM flow_run_state WHERE run = 1 AND applied ORDER BY attempt, seq, inferred"
    return database.execute(query).fetchall()


def test_a_schema_of_runs_alone_becomes_one_with_plans_and_keeps_every_run() -> None:
    older = sqlite3.connect(":memory:", isolation_level=None)
    older.execute("PRAGMA foreign_keys = ON")
    steps = migrations.migrations()
    from sqlite_utils import Database

    steps.apply(Database(older), stop_before=migrations.NAMES[1])
    older.execute(
        "INSERT INTO flow_run (run, id, name, flow_name, root, number, attempt, state_type, state_name, run_count, "
        "created_at, parameters, tags, source, arguments) "
        "VALUES (1, ?, 'a', 'etl', 1, 0, 1, 'PENDING', 'Pending', 0, 0, '{}', '[]', '{}', x'00ff')",
        (an_id(1),),
    )
    older.execute("INSERT INTO flow_run_state VALUES (1, 1, 3, 1, 0, 'PENDING', 'Pending', NULL, 0, NULL, 1)")

    migrations.migrate(older)

    found = row(older, "flow_run", id=an_id(1))
    assert (found["arguments"], found["state_version"], found["deployment_id"]) == (b"\x00\xff", 0, None)
    assert older.execute("SELECT seq, inferred FROM flow_run_state").fetchall() == [(3, 1)]
    assert_sound(older)
    older.close()


def test_a_deployment_is_changed_under_its_name_and_counts_its_changes(database: sqlite3.Connection) -> None:
    first = deploy(database)
    again = deploy(database)
    changed = deploy(database, tags=["x"], parameters={"n": 4})

    found = plan_queries.deployment(database, "nightly")
    assert first == again == changed == found.id
    assert (found.version, found.tags, found.parameters, found.reference) == (2, ["x"], {"n": 4}, REFERENCE)


def test_a_name_that_starts_another_flow_is_not_taken_over_unless_that_is_wanted(database: sqlite3.Connection) -> None:
    deploy(database)
    other = DeploymentSpec(name="nightly", flow_name="b", reference=replace(REFERENCE, file="/flows/b.py"))

    with pytest.raises(NameTaken, match=r"it starts /flows/etl.py:etl"):
        plans.save_deployment(database, other, AT, replace=False)
    plans.save_deployment(database, other, AT, replace=True)

    assert plan_queries.deployment(database, "nightly").reference.file == "/flows/b.py"


def test_a_name_that_leads_nowhere_is_answered_with_the_nearest(database: sqlite3.Connection) -> None:
    deploy(database)

    with pytest.raises(DeploymentNotFound, match="Did you mean 'nightly'"):
        plan_queries.deployment(database, "nigtly")
    with pytest.raises(ScheduleNotFound, match="It has none"):
        plans.schedule_id_of(database, "nightly", "x")


def test_a_paused_deployment_stays_paused_when_it_is_deployed_again(database: sqlite3.Connection) -> None:
    deploy(database, paused=True)
    deploy(database, tags=["x"])

    assert plan_queries.deployment(database, "nightly").paused


def test_schedules_that_are_not_named_any_more_are_gone_with_their_occurrences(database: sqlite3.Connection) -> None:
    deployment_id = deploy(database)
    specs = [
        ScheduleSpec(slug=slug, kind=ScheduleKind.CRON, expression="0 0 * * *", parameters={"n": 1}) for slug in "ab"
    ]
    plans.set_schedules(database, deployment_id, specs, AT)
    for schedule in plan_queries.deployment(database, "nightly").schedules:
        plans.record_occurrence(database, schedule.id, AT, Outcome.FIRED, AT)

    plans.set_schedules(database, deployment_id, specs[1:], AT)

    (left,) = plan_queries.deployment(database, "nightly").schedules
    assert (left.slug, left.parameters, left.version) == ("b", {"n": 1}, 1)
    assert [each.slug for each in plan_queries.occurrences(database, deployment_id)] == ["b"]


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
    claim(database, an_id(1), AT)

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
    advance(database, an_id(1), StateType.CANCELLED, "Cancelled", "A person cancelled it.", AT)

    write_journal(home, an_id(1), [opened(an_id(1)), flow_created(an_id(1)), flow_state("RUNNING")])
    ingest_all(database, home, an_id(1))

    assert state(database, an_id(1)) == "CANCELLED/Cancelled"


def test_a_run_is_claimed_once(database: sqlite3.Connection) -> None:
    plan(database, an_id(1))

    assert [claim(database, an_id(1), AT), claim(database, an_id(1), AT)] == [True, False]

    note_process(database, an_id(1), pid=7, process_started=8, boot_id="boot")
    (claimed,) = plan_queries.claimed_runs(database)
    assert (claimed.pid, claimed.process_started, claimed.boot_id, claimed.claimed_at) == (7, 8, "boot", AT)
    assert state(database, an_id(1)) == "PENDING/Pending"
    assert plan_queries.due_runs(database, AT) == []


def test_a_run_whose_process_could_not_be_started_waits_again(database: sqlite3.Connection) -> None:
    later = AT + timedelta(seconds=5)
    plan(database, an_id(1))
    claim(database, an_id(1), AT)

    release(database, an_id(1), AT, "No process ids are left.", due_at=later)

    assert plan_queries.due_runs(database, AT) == []
    assert plan_queries.next_due(database, AT) == later
    (waiting,) = plan_queries.due_runs(database, later)
    assert (waiting.pid, waiting.arguments) == (None, {"n": 3})


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

    found = plan_queries.due_runs(database, AT + timedelta(minutes=2))

    assert [run.name for run in found] == ["2", "1", "3"]


def test_the_next_attempt_of_a_run_is_planned_with_what_is_on_record(database: sqlite3.Connection, home: Home) -> None:
    failed = [opened(an_id(1)), flow_created(an_id(1)), flow_state("RUNNING"), flow_state("FAILED")]
    write_journal(home, an_id(1), failed)
    ingest_all(database, home, an_id(1))
    version = row(database, "flow_run", id=an_id(1))["state_version"]

    attempt = plan_attempt(database, an_id(1), REFERENCE, AT)

    assert attempt == 2
    assert state(database, an_id(1)) == "SCHEDULED/Scheduled"
    assert row(database, "flow_run", id=an_id(1))["state_version"] == version + 1
    (waiting,) = plan_queries.due_runs(database, AT)
    assert (waiting.attempt, waiting.arguments, waiting.name) == (2, {}, "brisk-otter")
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
    claim(database, an_id(1), AT)
    advance(database, an_id(1), StateType.CRASHED, "Crashed", "It could not be started.", AT)
    end_plan(database, an_id(1))

    assert plan_attempt(database, an_id(1), REFERENCE, AT) == 1
    assert [run.arguments for run in plan_queries.due_runs(database, AT)] == [{"n": 3}]


def test_a_run_under_way_gets_no_further_attempt(database: sqlite3.Connection) -> None:
    plan(database, an_id(1))

    with pytest.raises(MoveRefused, match="is Scheduled"):
        plan_attempt(database, an_id(1), REFERENCE, AT)


def test_a_state_that_was_overtaken_is_not_changed(database: sqlite3.Connection) -> None:
    plan(database, an_id(1))
    claim(database, an_id(1), AT)

    with pytest.raises(StateMoved, match="it is Pending now"):
        advance(database, an_id(1), StateType.CANCELLED, "Cancelled", None, AT, expected_version=1)

    assert state(database, an_id(1)) == "PENDING/Pending"


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
    advance(database, an_id(1), StateType.CANCELLED, "Cancelled", None, AT)

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
