"""Builders of what a source answers, without a source; times are seconds after one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flowctl.store.records import AttemptRow, FlowRunRow, LogRow, TaskRunRow
from flowctl.store.states import StateType
from flowctl.tui.model.snapshots import ListedRun, LogEntry, LogWindow, RunDetail, RunsPage

START = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
RUN = "00000001-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
STATES: Mapping[str, tuple[StateType, str]] = {
    "completed": (StateType.COMPLETED, "Completed"),
    "cached": (StateType.COMPLETED, "Cached"),
    "running": (StateType.RUNNING, "Running"),
    "failed": (StateType.FAILED, "Failed"),
    "crashed": (StateType.CRASHED, "Crashed"),
    "cancelled": (StateType.CANCELLED, "Cancelled"),
    "waiting": (StateType.PENDING, "Pending"),
    "queued": (StateType.PENDING, "Pending"),
    "blocked": (StateType.PENDING, "NotReady"),
    "retrying": (StateType.SCHEDULED, "AwaitingRetry"),
    "scheduled": (StateType.SCHEDULED, "Scheduled"),
    "paused": (StateType.PAUSED, "Paused"),
}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def maybe(seconds: float | None) -> datetime | None:
    return None if seconds is None else at(seconds)


def task_id(number: int) -> str:
    return f"{RUN[:24]}{number:012x}"


def a_try(number: int, start: float, end: float | None, *, failed: bool = False) -> AttemptRow:
    type_ = StateType.RUNNING if end is None else StateType.FAILED if failed else StateType.COMPLETED
    return AttemptRow(
        number=number,
        started_at=at(start),
        ended_at=maybe(end),
        state_type=type_,
        state_name=type_.value.title(),
        message=None,
        error=None,
    )


def a_task(
    number: int,
    task: str = "load",
    word: str = "completed",
    *,
    created: float = 0,
    tries: Sequence[AttemptRow] | None = None,
    needs: Iterable[int] = (),
    parent: int | None = None,
    flow: str = RUN,
    index: int | None = None,
    due: float | None = None,
    **more: Any,
) -> TaskRunRow:
    """Make a task run; without tries it took a second, if it ever began."""
    type_, state_name = STATES[word]
    if tries is None:
        end = None if word == "running" else created + 1
        tries = [] if word in ("waiting", "blocked") else [a_try(1, created, end, failed=word == "failed")]
    ended = type_ in (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)
    fields: dict[str, Any] = {
        "id": task_id(number),
        "number": number,
        "flow_run_id": flow,
        "parent_task_id": None if parent is None else task_id(parent),
        "task_key": f"etl.{task}",
        "task_name": task,
        "name": f"{task}-{number:03x}",
        "state_type": type_,
        "state_name": state_name,
        "message": None,
        "attempt": 1,
        "run_count": len(tries),
        "tags": [],
        "upstreams": {"x": [task_id(each) for each in needs]} if needs else {},
        "map_index": index,
        "created_at": at(created),
        "started_at": tries[0].started_at if tries else None,
        "ended_at": tries[-1].ended_at if tries and ended else at(created + 1) if ended else None,
        "due_at": maybe(due),
        "inputs": "",
        "value": None,
        "error": None,
        "attempts": list(tries),
    }
    return TaskRunRow(**{**fields, **more})


def a_run(
    word: str = "running", *, name: str = "brave-otter", flow: str = "etl_daily", created: float = 0, **more: Any
) -> FlowRunRow:
    """Make a flow run."""
    type_, state_name = STATES[word]
    ended = type_ in (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)
    fields: dict[str, Any] = {
        "id": RUN,
        "name": name,
        "flow_name": flow,
        "state_type": type_,
        "state_name": state_name,
        "message": None,
        "attempt": 1,
        "run_count": 1,
        "created_at": at(created),
        "started_at": at(created) if word not in ("queued", "scheduled") else None,
        "ended_at": at(created + 10) if ended else None,
        "due_at": None,
        "parameters": {},
        "tags": [],
        "parent_id": None,
        "parent_task_id": None,
        "root_id": RUN,
        "source": {},
        "error": None,
        "value": None,
        "task_counts": {},
        "problem": None,
        "state_version": 1,
        "deployment": None,
        "scheduled_for": None,
        "exit_code": None,
        "max_memory": None,
        "cpu_s": None,
    }
    return FlowRunRow(**{**fields, **more})


def a_detail(
    tasks: Sequence[TaskRunRow],
    *,
    run: FlowRunRow | None = None,
    subflows: Sequence[FlowRunRow] = (),
    after: RunDetail | None = None,
) -> RunDetail:
    """Make a detail; after another one it says what differs."""
    known_tasks: Mapping[int, TaskRunRow] = {} if after is None else after.tasks
    known_flows = {} if after is None else {row.id: row for row in after.subflows}
    by_number = {task.number: task for task in sorted(tasks, key=lambda task: task.number)}
    return RunDetail(
        run=run or (after.run if after is not None else a_run()),
        subflows=tuple(subflows),
        tasks=by_number,
        history=(),
        typical_s=140.0,
        typical_tasks={"etl.extract": 11.0, "etl.transform": 70.0},
        changed=frozenset(number for number, task in by_number.items() if known_tasks.get(number) != task),
        changed_flows=frozenset(row.id for row in subflows if known_flows.get(row.id) != row),
        is_update=after is not None,
        at=START,
    )


def a_listed(key: int, word: str = "completed", *, retry: float | None = None, **more: Any) -> ListedRun:
    """Make a row of the list; the higher its key, the younger it is."""
    run_id = f"{key:08x}-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
    fields: dict[str, Any] = {"created": key, "name": f"run-{key}", **more, "id": run_id, "root_id": run_id}
    return ListedRun(key=key, run=a_run(word, **fields), retry_at=maybe(retry))


def a_page(rows: Iterable[ListedRun], **typical: float) -> RunsPage:
    ordered = sorted(rows, key=lambda row: (row.run.is_final, -row.run.created_at.timestamp(), -row.key))
    keys = tuple(row.key for row in ordered)
    return RunsPage(head=keys, has_more=False, rows=tuple(ordered), typical=typical, version=1, at=START)


def an_entry(seq: int, message: str = "hello", *, level: int = 20, root: int = 1) -> LogEntry:
    row = LogRow(
        flow_run_id=RUN, seq=seq, at=at(seq / 100), level=level, logger="flowctl", message=message, task_run_id=None
    )
    return LogEntry(root=root, seq=seq, row=row, task=None, speaker="etl", flow_name="etl")


def a_window(entries: Iterable[LogEntry], *, has_before: bool = False, has_after: bool = False) -> LogWindow:
    return LogWindow(entries=tuple(entries), has_before=has_before, has_after=has_after, version=1)
