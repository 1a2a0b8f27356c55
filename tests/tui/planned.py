"""Deployments, schedules, their runs and flow files written into a home, as a daemon leaves them."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from flowctl.store import flow_files, plans
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.locks import writer_lock
from flowctl.store.plan_records import DeploymentSpec, FlowReference, ScheduleKind, ScheduleSpec
from flowctl.store.sqlite import sqlite3
from flowctl.store.writer import Store
from tests.store.journals import a_run, an_id, write_journal


@contextmanager
def writing(home: Home) -> Generator[sqlite3.Connection]:
    """Write into the database of a home, in one transaction."""
    home.ensure()
    with writer_lock(home):
        store = Store.open_writer(home)
        try:
            with store.transaction() as connection:
                yield connection
        finally:
            store.close()


def a_deployment(
    connection: sqlite3.Connection,
    name: str,
    *crons: str,
    now: datetime,
    flow_name: str = "etl",
    file: str = "/flows/etl.py",
    timezone: str = "UTC",
    next_at: datetime | None = None,
    **fields: Any,
) -> int:
    """Make a deployment with cron schedules."""
    reference = FlowReference(file=file, flow_attribute=flow_name, python="/usr/bin/python3", cwd="/flows")
    spec = DeploymentSpec(name=name, flow_name=flow_name, reference=reference, **fields)
    deployment_id = plans.save_deployment(connection, spec, now)
    kind = ScheduleKind.CRON
    specs = [ScheduleSpec(slug=cron, kind=kind, expression=cron, timezone=timezone) for cron in crons]
    plans.set_schedules(connection, deployment_id, specs, now)
    if next_at is not None:
        query = "UPDATE schedule SET next_at = ? WHERE deployment_id = ?"
        connection.execute(query, (int(next_at.timestamp() * 1e6), deployment_id)).close()
    return deployment_id


def its_runs(home: Home, deployment_id: int, ends: Sequence[str], *, now: datetime, first: int = 100) -> None:
    """Give a deployment past runs, a minute apart, the last one a minute ago."""
    for place, end in enumerate(ends):
        at = int((now - timedelta(minutes=len(ends) - place)).timestamp() * 1e6)
        write_journal(home, an_id(first + place), a_run(an_id(first + place), at=at, ends=end, flow_name="etl"))
    catch_up(home)
    with writing(home) as connection:
        for place in range(len(ends)):
            query = "UPDATE flow_run SET deployment_id = ? WHERE id = ?"
            connection.execute(query, (deployment_id, an_id(first + place))).close()


def a_file(
    connection: sqlite3.Connection,
    path: str,
    *,
    now: datetime,
    problem: Mapping[str, object] | None = None,
    good: bool = True,
    flows: Sequence[Mapping[str, object]] = (),
) -> None:
    """Write down how a flow file was found."""
    if good:
        loaded = flow_files.Loaded(flows=flows)
        flow_files.save_loaded(connection, path, loaded, now, hash_="h", good_hash="g", problem=problem)
    elif problem is not None:
        flow_files.save_problem(connection, path, problem, now, hash_="h")
