"""Builders: journals as a run process writes them, without a run process."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from flowctl.store.home import Home
from flowctl.store.journal import (
    FORMAT,
    FlowRunCreated,
    FlowRunState,
    JournalOpened,
    LogLine,
    Record,
    TaskRunCreated,
    TaskRunState,
    encode,
)

NOON = 1_780_000_000_000_000
SECOND = 1_000_000


def an_id(number: int) -> str:
    """Make the id of a root run; they sort by number."""
    return f"{number:08x}-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


def a_subflow_id(root: int, number: int) -> str:
    return f"{root:08x}-bbbb-4bbb-8bbb-{number:012x}"


def opened(run_id: str, *, at: int = NOON, attempt: int = 1, number: int = FORMAT) -> JournalOpened:
    return JournalOpened(at, number, run_id, attempt, 4711, "boot", "host", "3.11.7", "0.1.0")


def flow_created(
    run_id: str,
    *,
    at: int = NOON,
    run: int = 0,
    name: str = "brisk-otter",
    flow_name: str = "etl",
    parent_run: int | None = None,
    parent_task: int | None = None,
    parameters: str = '{"n": 3}',
    tags: Sequence[str] = (),
    source: dict[str, Any] | None = None,
) -> FlowRunCreated:
    where = source or {"file": "/project/etl.py", "line": 7, "flow": "etl"}
    return FlowRunCreated(
        at, run, run_id, name, flow_name, parent_run, parent_task, parameters, list(tags), where, b"pickled"
    )


def flow_state(
    type_: str,
    *,
    at: int = NOON,
    run: int = 0,
    name: str | None = None,
    message: str | None = None,
    run_count: int = 1,
    run_name: str | None = None,
    due: int | None = None,
    value: str | None = None,
    error: dict[str, Any] | None = None,
    result: list[Any] | None = None,
) -> FlowRunState:
    return FlowRunState(at, run, type_, name or type_.title(), message, run_count, run_name, due, value, error, result)


def task_created(
    task: int,
    *,
    at: int = NOON,
    run: int = 0,
    key: str = "etl.load",
    task_name: str = "load",
    name: str | None = None,
    parent_task: int | None = None,
    tags: Sequence[str] = (),
    upstreams: dict[str, list[int]] | None = None,
    map_index: int | None = None,
    terms: str | None = None,
) -> TaskRunCreated:
    return TaskRunCreated(
        at, task, run, parent_task, key, task_name, name, list(tags), upstreams, map_index, terms=terms
    )


def task_state(
    task: int,
    type_: str,
    *,
    at: int = NOON,
    name: str | None = None,
    message: str | None = None,
    run_count: int = 1,
    run_name: str | None = None,
    inputs: str | None = None,
    digest: bytes | None = None,
    due: int | None = None,
    value: str | None = None,
    error: dict[str, Any] | None = None,
    result: list[Any] | None = None,
) -> TaskRunState:
    return TaskRunState(
        at, task, type_, name or type_.title(), message, run_count, run_name, inputs, digest, due, value, error, result
    )


def a_task(task: int, *, at: int = NOON, run: int = 0, **created: Any) -> list[Record]:
    """Tell of a task run that completed at its first try."""
    return [
        task_created(task, at=at, run=run, **created),
        task_state(task, "RUNNING", at=at + 10, inputs=f"x={task}", digest=b"0123456789abcdef"),
        task_state(task, "COMPLETED", at=at + 1_000, value=str(task), result=["pickle", b"\x80\x05K\x01.", None, 5]),
    ]


def a_run(
    run_id: str, *, at: int = NOON, tasks: int = 3, ends: str | None = "COMPLETED", **created: Any
) -> list[Record]:
    """Tell of a whole run with some tasks; with `ends` None, up to the death of its process."""
    records: list[Record] = [
        opened(run_id, at=at),
        flow_created(run_id, at=at, **created),
        flow_state("RUNNING", at=at + 5),
    ]
    for number in range(1, tasks + 1):
        records += a_task(number, at=at + number * 2_000)
    records.append(LogLine(at + 1, 0, None, 20, "flowctl.flow_runs", "hello"))
    if ends is not None:
        records.append(flow_state(ends, at=at + tasks * 2_000 + SECOND, value="42" if ends == "COMPLETED" else None))
    return records


def an_error(text: str = "no such table") -> dict[str, Any]:
    return {
        "type": "ValueError",
        "module": "builtins",
        "text": text,
        "frames": [["/project/etl.py", 9, "load", "raise ValueError(text)", True]],
        "notes": [],
        "cause": None,
        "cause_kind": None,
    }


def encoded(records: Iterable[Record], *, first_sequence: int = 0) -> bytes:
    return b"".join(encode(first_sequence + place, record) for place, record in enumerate(records))


def write_journal(
    home: Home,
    run_id: str,
    records: Iterable[Record],
    *,
    attempt: int = 1,
    first_sequence: int = 0,
    tail: bytes = b"",
    active: bool = True,
) -> str:
    """Write a journal as its run process leaves it: folder, free lock, marker, records, and what else is at the end."""
    home.ensure()
    path = Path(home.journal(run_id, attempt))
    path.parent.mkdir(exist_ok=True)
    Path(home.run_lock(run_id)).touch()
    with path.open("ab") as file:
        file.write(encoded(records, first_sequence=first_sequence) + tail)
    # Last, since nobody holds the lock: a daemon that looks at once would take it for the marker of a dead run.
    if active:
        Path(home.active_marker(run_id)).touch()
    return str(path)


def many_runs(home: Home, count: int, *, tasks: int = 3) -> None:
    for number in range(count):
        write_journal(home, an_id(number), a_run(an_id(number), at=NOON + number * SECOND, tasks=tasks))


def ten_runs(home: Home) -> None:
    """Write ten runs, one a second, of two flows in three states; the one of number 5 has a subflow."""
    for number in range(10):
        run_id, at = an_id(number), NOON + number * SECOND
        flow_name, ends = ("etl", "report")[number % 2], ("COMPLETED", "FAILED", "CRASHED")[number % 3]
        records = a_run(run_id, at=at, ends=ends, flow_name=flow_name, name=f"run-{number}")
        if number == 5:
            subflow = flow_created(a_subflow_id(5, 1), at=at + 1, run=1, name="sub", flow_name="part", parent_run=0)
            records.insert(3, subflow)
        write_journal(home, run_id, records)


if __name__ == "__main__":
    many_runs(Home(sys.argv[1]), int(sys.argv[2]), tasks=int(sys.argv[3]))
