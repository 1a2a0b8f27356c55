"""A home with one run of each kind that people look back on."""

from __future__ import annotations

import pickle
from typing import Any, Final

from flowctl.store.home import Home
from flowctl.store.journal import LogLine, Record
from tests.store.journals import (
    SECOND,
    a_subflow_id,
    an_id,
    flow_created,
    flow_state,
    opened,
    task_created,
    task_state,
    write_journal,
)

COMPLETED: Final = an_id(1)
FAILED: Final = an_id(2)
KILLED: Final = an_id(3)
RETRIED: Final = an_id(4)
HOSTILE: Final = an_id(5)
#: What no terminal may ever be sent.
ATTACK: Final = "\x1b]0;owned\x07\x1b[31mred\x1b[0m [bold]b[/bold] [/] \u202e \x9b2J \x00"


def error(text: str = "no such table: orders", **more: Any) -> dict[str, Any]:
    """Make a failure with frames of the user's and of others."""
    return {
        "type": "LookupError",
        "module": "builtins",
        "text": text,
        "frames": [
            ["/project/etl.py", 31, "etl", "rows = load(day)", True],
            ["/usr/lib/python3.11/sqlite3/dbapi2.py", 80, "connect", "return connect()", False],
            ["/usr/lib/python3.11/sqlite3/dbapi2.py", 81, "execute", "return execute()", False],
            ["/project/etl.py", 12, "load", 'raise LookupError(f"no such table: {name}")', True],
        ],
        "notes": ["while loading 2026-03-02"],
        "cause": None,
        "cause_kind": None,
        **more,
    }


def task(
    number: int, at: int, *, took: int = 300_000, failed: dict[str, Any] | None = None, **created: Any
) -> list[Record]:
    """Tell of a task run that completed, or failed."""
    end = (
        task_state(number, "FAILED", at=at + took, error=failed, message="Task run encountered an exception")
        if failed
        else task_state(number, "COMPLETED", at=at + took, value=str(number), result=["json", b'{"n": 1}', None, 8])
    )
    return [task_created(number, at=at, **created), task_state(number, "RUNNING", at=at + 1_000, inputs="x=1"), end]


def completed_run(home: Home, at: int, run_id: str = COMPLETED, name: str = "calm-heron") -> None:
    """Record a run with mapped tasks, a task in a task, a subflow and its task, and a text as result."""
    records: list[Record] = [
        opened(run_id, at=at),
        flow_created(
            run_id,
            at=at,
            name=name,
            flow_name="census",
            parameters='{"limit": 3, "api_key": "********"}',
            tags=["a", "b"],
        ),
        flow_state("RUNNING", at=at + 2_000),
    ]
    for number in range(1, 9):
        records += task(number, at + number * 10_000, task_name="parse", key="c.parse", map_index=number - 1)
    records += task(9, at + 100_000, task_name="outer", key="c.outer")
    records += task(10, at + 110_000, task_name="inner", key="c.inner", parent_task=9)
    records.append(
        flow_created(
            a_subflow_id(1, 1),
            at=at + 500_000,
            run=1,
            name="tiny-fox",
            flow_name="report",
            parent_run=0,
            parent_task=None,
        )
    )
    records.append(flow_state("RUNNING", at=at + 500_100, run=1))
    records += task(11, at + 510_000, run=1, task_name="draw", key="c.draw")
    records.append(LogLine(at + 520_000, 1, 11, 30, "flowctl.task_runs", "drawing slowly\n  line two"))
    records.append(flow_state("COMPLETED", at=at + 2 * SECOND, run=1, value="None"))
    records.append(LogLine(at + 2 * SECOND, 0, None, 20, "urllib3", "connection closed"))
    text = pickle.dumps("3 files read")
    records.append(
        flow_state("COMPLETED", at=at + 3 * SECOND, value="'3 files read'", result=["pickle", text, None, len(text)])
    )
    write_journal(home, run_id, records)


def failed_run(home: Home, at: int, run_id: str = FAILED, name: str = "brave-otter") -> None:
    """Record a run whose mapped tasks failed in part, one after retries, and one was never ready."""
    records: list[Record] = [
        opened(run_id, at=at),
        flow_created(run_id, at=at, name=name),
        flow_state("RUNNING", at=at),
    ]
    for number in range(1, 21):
        failed = error() if number in (7, 13) else None
        records += task(number, at + number * 10_000, task_name="load", map_index=number - 1, failed=failed)
    records += [
        task_created(21, at=at + SECOND, task_name="publish", key="etl.publish"),
        task_state(21, "PENDING", at=at + SECOND, name="NotReady", message="Upstream did not complete", run_count=0),
        task_created(22, at=at + SECOND, task_name="fetch", key="etl.fetch"),
        task_state(22, "RUNNING", at=at + SECOND),
        task_state(22, "SCHEDULED", at=at + 2 * SECOND, name="AwaitingRetry", due=at + 4 * SECOND, error=error("503")),
        task_state(22, "RUNNING", at=at + 4 * SECOND, name="Retrying", run_count=2),
        task_state(22, "COMPLETED", at=at + 5 * SECOND, run_count=2),
        LogLine(at + SECOND, 0, 7, 40, "flowctl.task_runs", "no such table: orders"),
        flow_state(
            "FAILED", at=at + 41 * SECOND, message="Flow run encountered an exception: LookupError", error=error()
        ),
    ]
    write_journal(home, run_id, records)


def killed_run(home: Home, at: int) -> None:
    """Record a run whose process was killed in a task."""
    records: list[Record] = [
        opened(KILLED, at=at),
        flow_created(KILLED, at=at, name="dusty-crow", flow_name="nightly-backup-of-everything"),
        flow_state("RUNNING", at=at),
        *task(1, at + 1_000),
        task_created(2, at=at + SECOND),
        task_state(2, "RUNNING", at=at + SECOND),
    ]
    write_journal(home, KILLED, records)


def retried_run(home: Home, at: int) -> None:
    """Record a run that failed and then completed at its second attempt."""
    first: list[Record] = [
        opened(RETRIED, at=at),
        flow_created(RETRIED, at=at, name="second-wind"),
        flow_state("RUNNING", at=at),
        *task(1, at + 1_000, failed=error()),
        flow_state("FAILED", at=at + SECOND, error=error()),
    ]
    later = at + 3600 * SECOND
    second: list[Record] = [
        opened(RETRIED, at=later, attempt=2),
        flow_created(RETRIED, at=later, name="second-wind"),
        flow_state("RUNNING", at=later, run_count=2),
        *task(2, later + 1_000),
        flow_state("COMPLETED", at=later + SECOND, run_count=2, value="None"),
    ]
    write_journal(home, RETRIED, first)
    write_journal(home, RETRIED, second, attempt=2, first_sequence=len(first))


def hostile_run(home: Home, at: int) -> None:
    """Record a run that puts escape sequences and markup wherever there is room for text."""
    records: list[Record] = [
        opened(HOSTILE, at=at),
        flow_created(
            HOSTILE,
            at=at,
            name=f"n{ATTACK}",
            flow_name=f"f{ATTACK}",
            tags=[ATTACK],
            source={"file": f"/x/{ATTACK}.py", "line": 1, "flow": ATTACK},
        ),
        flow_state("RUNNING", at=at),
        *task(1, at, task_name=f"t{ATTACK}", key=ATTACK, failed=error(ATTACK, type=ATTACK, notes=[ATTACK])),
        LogLine(at, 0, 1, 20, ATTACK, f"{ATTACK}\n{ATTACK}"),
        flow_state("FAILED", at=at + SECOND, name=f"s{ATTACK}", message=ATTACK, error=error(ATTACK)),
    ]
    write_journal(home, HOSTILE, records)


def everything(home: Home, at: int) -> None:
    """Record one run of each kind, the failed one last."""
    hostile_run(home, at - 50 * 3600 * SECOND)
    retried_run(home, at - 26 * 3600 * SECOND)
    killed_run(home, at - 3 * 3600 * SECOND)
    completed_run(home, at - 12 * 60 * SECOND)
    failed_run(home, at - 3 * 60 * SECOND)


if __name__ == "__main__":
    import sys
    import time

    everything(Home(sys.argv[1]), time.time_ns() // 1000)
