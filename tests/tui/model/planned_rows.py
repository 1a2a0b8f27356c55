"""Deployments and schedules for tests of the model, with what a test says of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flowctl.store.plan_records import CatchUp, DeploymentRow, FlowReference, Origin, Overlap, ScheduleKind, ScheduleRow
from flowctl.tui.model.plans import ListedDeployment
from flowctl.tui.model.snapshots import PastRun

NOW = datetime(2026, 11, 23, 14, 3, 22, tzinfo=UTC)
_OF_ROW = ("paused", "problem", "parameters", "overlap")
SCHEMA: dict[str, Any] = {"properties": {"full": {"type": "boolean", "default": False}, "day": {}}}


def a_schedule(**fields: Any) -> ScheduleRow:
    usual: dict[str, Any] = {
        "id": 1,
        "deployment_id": 1,
        "slug": "50 * * * *",
        "kind": ScheduleKind.CRON,
        "expression": "50 * * * *",
        "timezone": "UTC",
        "anchor_at": None,
        "parameters": {},
        "catchup": CatchUp.LATEST,
        "active": True,
        "checked_until": NOW,
        "next_at": NOW + timedelta(minutes=46, seconds=38),
        "version": 1,
        "problem": None,
    }
    return ScheduleRow(**{**usual, **fields})


def a_deployment(*schedules: ScheduleRow, words: str = "every hour at minute 50", **fields: Any) -> ListedDeployment:
    of_row: dict[str, Any] = {name: fields.pop(name) for name in _OF_ROW if name in fields}
    row: dict[str, Any] = {
        "id": 1,
        "name": "etl/hourly",
        "flow_name": "etl_hourly",
        "reference": FlowReference(file="/f/etl.py", flow_attribute="etl", python="/usr/bin/python3", cwd="/f"),
        "parameters": {},
        "tags": ["etl", "prod"],
        "description": None,
        "paused": False,
        "run_limit": None,
        "overlap": Overlap.SKIP,
        "origin": Origin.COMMAND,
        "parameter_schema": SCHEMA,
        "created_at": NOW,
        "updated_at": NOW,
        "version": 3,
        "problem": None,
        "schedules": list(schedules),
    }
    latest = tuple(
        PastRun(id=str(n), state_type=type_, state_name=type_.title(), took_s=88.0, created_at=NOW)
        for n, type_ in enumerate(["COMPLETED"] * 6 + ["FAILED"] + ["COMPLETED"] * 13)
    )
    usual: dict[str, Any] = {
        "row": DeploymentRow(**{**row, **of_row}),
        "key": "etl/hourly",
        "words": (words,) * len(schedules),
        "latest": latest,
        "typical_s": 88.0,
        "worst_s": 580.0,
        "ok_ratio": 0.95,
        "fires_a_day": 24.0,
        "line": 7,
    }
    return ListedDeployment(**{**usual, **fields})
