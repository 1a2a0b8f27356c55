"""A home with runs of every kind at a fixed time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from flowctl.store.home import Home
from flowctl.store.journal import LogLine, Record
from tests.store.journals import (
    NOON,
    SECOND,
    a_task,
    an_error,
    an_id,
    flow_created,
    flow_state,
    opened,
    task_created,
    task_state,
    write_journal,
)

#: The run that is under way, the one that failed, and one that completed.
LIVE: Final = an_id(3)
FAILED: Final = an_id(2)
DONE: Final = an_id(1)


@contextmanager
def alive(home: Home, run_id: str) -> Generator[None]:
    """Hold the lock of a run, as its process does while it lives."""
    home.ensure()
    Path(home.run_folder(run_id)).mkdir(exist_ok=True)
    descriptor = os.open(home.run_lock(run_id), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def three_runs(home: Home) -> Generator[None]:
    """Write a run that completed, one that failed after retries, and one under way that waits for a retry."""
    write_journal(home, DONE, [*_begun(DONE, at=NOON - 300 * SECOND, name="neat-cat"), *_ended(NOON - 290 * SECOND)])
    write_journal(home, FAILED, _failed())
    with alive(home, LIVE):
        write_journal(home, LIVE, _under_way())
        yield


def _begun(run_id: str, *, at: int, name: str, flow_name: str = "etl_daily") -> list[Record]:
    return [
        opened(run_id, at=at),
        flow_created(run_id, at=at, name=name, flow_name=flow_name, parameters='{"day": "2026-05-28", "full": false}'),
        flow_state("RUNNING", at=at + 5),
        LogLine(at + 10, 0, None, 20, "flowctl.flow_runs", "begun"),
        *a_task(1, at=at + 20, key="etl.extract", task_name="extract"),
    ]


def _ended(at: int) -> list[Record]:
    return [
        LogLine(at - 5, 0, None, 20, "flowctl.flow_runs", "all rows are in"),
        flow_state("COMPLETED", at=at, value="812"),
    ]


def _failed() -> list[Record]:
    at = NOON - 120 * SECOND
    records = _begun(FAILED, at=at, name="bold-ant", flow_name="report_pdf")
    records.append(task_created(2, at=at + SECOND, key="report.render", task_name="render", upstreams={"rows": [1]}))
    error, first, second = an_error("no such table: sales"), at + 4 * SECOND, at + 8 * SECOND
    again: dict[str, Any] = {"name": "AwaitingRetry", "due": second, "error": error}
    records += [
        task_state(2, "RUNNING", at=first, inputs="rows=812"),
        task_state(2, "SCHEDULED", at=first + SECOND, **again),
        task_state(2, "RUNNING", at=second, run_count=2, inputs="rows=812"),
        task_state(2, "FAILED", at=second + SECOND, run_count=2, error=error),
    ]
    text = "Traceback\n  File etl.py\nValueError: no such table"
    records.append(LogLine(at + 9 * SECOND, 0, 2, 40, "flowctl.task_runs", text))
    records.append(flow_state("FAILED", at=at + 10 * SECOND, error=an_error("no such table: sales")))
    return records


def _timed_out() -> dict[str, Any]:
    """Give an error with what stood in the variables of the frame."""
    held = [["url", "'https://api.example.org/d?page=7'"], ["page", "7"]]
    frame = ["/project/etl.py", 88, "transform", "r = client.get(url, timeout=10)", True, [4, 31], held]
    return {**an_error("read timed out"), "type": "TimeoutError", "frames": [frame]}


def _under_way() -> list[Record]:
    at = NOON + 20 * SECOND
    records = _begun(LIVE, at=at, name="brave-otter")
    for index in range(3):
        created: dict[str, Any] = {"key": "etl.transform", "task_name": "transform", "upstreams": {"rows": [1]}}
        created["terms"] = '{"retries": 4, "delays": [37, 74, 148, 296], "jitter": 0.5, "timeout_s": 300}'
        records.append(task_created(2 + index, at=at + SECOND, map_index=index, **created))
        records.append(task_state(2 + index, "RUNNING", at=at + 2 * SECOND, inputs=f"part={index}"))
    again: dict[str, Any] = {"name": "AwaitingRetry", "due": at + 47 * SECOND, "error": _timed_out()}
    records += [
        task_state(2, "COMPLETED", at=at + 12 * SECOND, value="790"),
        task_state(4, "SCHEDULED", at=at + 10 * SECOND, **again),
    ]
    records.append(task_created(5, at=at + SECOND, key="etl.load", task_name="load", upstreams={"parts": [2, 3, 4]}))
    records.append(LogLine(at + 10 * SECOND, 0, 4, 30, "flowctl.task_runs", "read timed out, again in 37 s"))
    return records
