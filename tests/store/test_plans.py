"""Deployments, schedules and planned runs in the database, and what the journal of a planned run makes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from flowctl.store import migrations, plan_queries, plans
from flowctl.store.plan_problems import DeploymentNotFound, NameTaken, ScheduleNotFound
from flowctl.store.plan_records import DeploymentSpec, FlowReference, Outcome, ScheduleKind, ScheduleSpec
from flowctl.store.sqlite import sqlite3
from tests.store.databases import assert_sound, bare_in_memory, row
from tests.store.journals import an_id

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)

REFERENCE = FlowReference(file="/flows/etl.py", flow_attribute="etl", python="/usr/bin/python3", cwd="/flows")


def deploy(database: sqlite3.Connection, **fields: Any) -> int:
    """Deploy the flow `etl` as `nightly`."""
    spec = DeploymentSpec(name="nightly", flow_name="etl", reference=REFERENCE, **fields)
    return plans.save_deployment(database, spec, AT)


def test_a_schema_of_runs_alone_becomes_one_with_plans_and_keeps_every_run() -> None:
    older = bare_in_memory()
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
