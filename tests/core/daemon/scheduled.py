"""Builders of deployments with a schedule, and what became of their occurrences."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flowctl.core.daemon.schedule_pass import step
from flowctl.store import plan_queries, plans
from flowctl.store.plan_records import (
    DeploymentSpec,
    FlowReference,
    OccurrenceRow,
    PlannedRunRow,
    ScheduleKind,
    ScheduleSpec,
)
from flowctl.store.writer import Store

MINUTE = timedelta(minutes=1)

HOUR = timedelta(hours=1)

REFERENCE = FlowReference(file="/flows/etl.py", flow_attribute="etl", python="/usr/bin/python3", cwd="/flows")


def deploy(store: Store, now: datetime, cron: str = "0 * * * *", **fields: Any) -> int:
    """Make the deployment `nightly` with one schedule; fields are those of either."""
    name = fields.pop("name", "nightly")
    when: dict[str, Any] = {"kind": ScheduleKind.CRON}
    when.update({key: fields.pop(key) for key in ("timezone", "catchup", "kind") if key in fields})
    given = fields.pop("schedule_parameters", {})
    with store.transaction() as connection:
        spec = DeploymentSpec(name=name, flow_name="etl", reference=REFERENCE, **fields)
        deployment_id = plans.save_deployment(connection, spec, now)
        usual: dict[str, Any] = {"slug": "only", "kind": ScheduleKind.CRON, "expression": cron, "parameters": given}
        schedule = ScheduleSpec(**{**usual, **when})
        plans.set_schedules(connection, deployment_id, [schedule], now)
    step(store, now)
    return deployment_id


def times(store: Store, deployment_id: int = 1) -> list[OccurrenceRow]:
    """List the occurrences on record, oldest first."""
    return plan_queries.occurrences(store.connection, deployment_id, limit=5000)[::-1]


def outcomes(store: Store, deployment_id: int = 1) -> list[tuple[str, str]]:
    return [(f"{each.at:%d %H:%M}", each.outcome.value) for each in times(store, deployment_id)]


def waiting(store: Store) -> list[PlannedRunRow]:
    """List the planned runs that have not begun, in the order of their occurrences."""
    query = (
        "SELECT p.run_id FROM planned_run p JOIN flow_run f ON f.id = p.run_id "
        "WHERE f.state_type = 'SCHEDULED' ORDER BY p.scheduled_for"
    )
    ids = [run_id for (run_id,) in store.connection.execute(query).fetchall()]
    return [run for run_id in ids if (run := plan_queries.planned_run(store.connection, run_id)) is not None]
