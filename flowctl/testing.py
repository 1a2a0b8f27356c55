"""For tests of flows: a home of their own, and what is on record of a run as plain values.

from flowctl.testing import temporary_home, task_runs

def test_my_flow():
    with temporary_home():
        state = my_flow(return_state=True)
        assert [run["state"] for run in task_runs(state.state_details.flow_run_id)] == ["COMPLETED/Completed"]
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from flowctl.core.authoring.schedules import Schedule
from flowctl.core.daemon.client import Client, NoDaemon
from flowctl.core.daemon.occurrences import recurrence_of
from flowctl.store.catchup import catch_up
from flowctl.store.home import ENVIRONMENT, Home
from flowctl.store.limits import publish, set_limit
from flowctl.store.locks import writer_lock
from flowctl.store.plan_records import ScheduleKind
from flowctl.store.queries import Reader
from flowctl.store.writer import Store

T = TypeVar("T")


@contextmanager
def temporary_home() -> Generator[str, None, None]:
    """Keep everything that flows record within the block in a folder that is removed afterwards; give its path."""
    before = os.environ.get(ENVIRONMENT)
    with TemporaryDirectory(prefix="flowctl-") as folder:
        os.environ[ENVIRONMENT] = folder
        try:
            yield folder
        finally:
            if before is None:
                del os.environ[ENVIRONMENT]
            else:
                os.environ[ENVIRONMENT] = before


def task_runs(flow_run_id: str, count: int | None = None, timeout: float = 20) -> list[dict[str, Any]]:
    """List the task runs of a flow run, oldest first, once `count` of them are settled or `timeout` s have passed."""

    def read(reader: Reader) -> tuple[bool, list[dict[str, Any]]]:
        rows = reader.task_runs(str(flow_run_id))
        settled = all(row.is_final or row.state_name == "NotReady" for row in rows)
        return settled and (count is None or len(rows) >= count), [
            {
                "id": row.id,
                "name": row.name,
                "state": f"{row.state_type.value}/{row.state_name}",
                "run_count": row.run_count,
                "tags": sorted(row.tags),
                "task_key": row.task_key,
                "inputs": {name: sorted(ids) for name, ids in row.upstreams.items()},
            }
            for row in rows
        ]

    return _read_until(read, timeout)


def flow_run_record(flow_run_id: str) -> dict[str, Any]:
    """Give what is on record of a flow run."""

    def read(reader: Reader) -> tuple[bool, dict[str, Any]]:
        row = reader.flow_run(str(flow_run_id))
        return True, {
            "name": row.name,
            "state": f"{row.state_type.value}/{row.state_name}",
            "parameters": row.parameters,
            "tags": sorted(row.tags),
            "run_count": row.run_count,
            "message": row.message,
            "has_parent": row.parent_id is not None,
            "started": row.started_at is not None,
            "ended": row.ended_at is not None,
        }

    return _read_until(read, 0)


def state_history(flow_run_id: str) -> list[str]:
    """List the states that a flow run was in, oldest first, as `TYPE/Name`."""
    return _read_until(
        lambda reader: (True, [f"{row.type.value}/{row.name}" for row in reader.state_history(str(flow_run_id))]), 0
    )


def run_logs(flow_run_id: str, until: str = "Finished in state", timeout: float = 20) -> list[list[Any]]:
    """List `[level name, message, whether a task wrote it]`, once the flow's own log has a line with `until` in it."""

    def read(reader: Reader) -> tuple[bool, list[list[Any]]]:
        rows = reader.logs(str(flow_run_id))
        ended = any(until in row.message and row.task_run_id is None for row in rows)
        return ended, [[logging.getLevelName(row.level), row.message, row.task_run_id is not None] for row in rows]

    return _read_until(read, timeout)


def schedule_dates(schedule: Schedule, n: int, start: datetime) -> list[str]:
    """List the first `n` occurrences of a schedule at or after `start`, as ISO text in the schedule's time zone."""
    recurrence = recurrence_of(ScheduleKind(schedule.kind), schedule.expression, schedule.timezone, schedule.anchor)
    found = islice(recurrence.after(start - timedelta(microseconds=1)), n)
    return [each.at.astimezone(recurrence.zone).isoformat() for each in found]


def set_tag_limit(tag: str, limit: int) -> None:
    """Limit how many task runs with a tag run at once, as `flowctl limit set tag:TAG LIMIT` does."""
    home = Home.default()
    home.ensure()
    try:
        with Client.connect(home, start=False) as client:
            client.ask("limit_set", name=f"tag:{tag}", slots=limit)
    except NoDaemon:
        with writer_lock(home):
            store = Store.open_writer(home)
            with store.transaction() as connection:
                set_limit(connection, f"tag:{tag}", limit)
            publish(store.connection, home.path)
            store.close()


def _read_until(read: Callable[[Reader], tuple[bool, T]], timeout_s: float) -> T:
    home = Home.default()
    deadline = time.monotonic() + timeout_s
    while True:
        catch_up(home)
        with Reader.open(home) as reader:
            enough, found = read(reader)
        if enough or time.monotonic() >= deadline:
            return found
        time.sleep(0.05)
