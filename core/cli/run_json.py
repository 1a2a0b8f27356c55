"""Runs as JSON: the fields that `--json` promises, in their order. Fields are added, never renamed.

Times are UTC as ISO writes them, durations are seconds, what is not known yet is null.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flowctl.core.cli.wording import iso
from flowctl.store.errors import ErrorReport
from flowctl.store.records import FlowRunRow, StateRow, TaskRunRow

Json = dict[str, Any]


def flow_run_json(run: FlowRunRow, now: datetime) -> Json:
    """A flow run, as `runs --json` lists it."""
    return {
        "id": run.id,
        "name": run.name,
        "flow": run.flow_name,
        "state": {"type": run.state_type.value, "name": run.state_name, "message": run.message},
        "attempt": run.attempt,
        "run_count": run.run_count,
        **_times(run.created_at, run.started_at, run.ended_at, run.due_at, now),
        "tags": list(run.tags),
        "parameters": run.parameters,
        "value": run.value,
        "tasks": run.task_counts,
        "parent_id": run.parent_id,
        "parent_task_id": run.parent_task_id,
        "root_id": run.root_id,
        "source": run.source,
        "error": error_json(run.error),
        "deployment": run.deployment,
        "scheduled_for": iso(run.scheduled_for),
        "exit_code": run.exit_code,
        "max_memory": run.max_memory,
        "cpu_s": run.cpu_s,
    }


def task_run_json(task: TaskRunRow, now: datetime) -> Json:
    """A task run, as `runs show --json` lists it."""
    return {
        "id": task.id,
        "name": task.name,
        "task": task.task_name,
        "task_key": task.task_key,
        "flow_run_id": task.flow_run_id,
        "parent_task_id": task.parent_task_id,
        "map_index": task.map_index,
        "state": {"type": task.state_type.value, "name": task.state_name, "message": task.message},
        "attempt": task.attempt,
        "run_count": task.run_count,
        **_times(task.created_at, task.started_at, task.ended_at, task.due_at, now),
        "tags": list(task.tags),
        "upstreams": task.upstreams,
        "inputs": task.inputs,
        "value": task.value,
        "error": error_json(task.error),
        "tries": [
            {
                "number": each.number,
                "started_at": iso(each.started_at),
                "ended_at": iso(each.ended_at),
                "state": {"type": each.state_type.value, "name": each.state_name, "message": each.message},
                "error": error_json(each.error),
            }
            for each in task.attempts
        ],
    }


def state_json(state: StateRow) -> Json:
    """One entry of a state history."""
    return {
        "at": iso(state.at),
        "type": state.type.value,
        "name": state.name,
        "message": state.message,
        "attempt": state.attempt,
    }


def error_json(error: ErrorReport | None) -> Json | None:
    """An error with its frames, oldest first."""
    if error is None:
        return None
    return {
        "type": error.full_name,
        "text": error.text,
        "frames": [
            {
                "file": frame.file,
                "line": frame.line,
                "function": frame.function,
                "code": frame.code,
                "own": frame.own,
                "locals": dict(frame.locals),
            }
            for frame in error.frames
        ],
        "notes": list(error.notes),
        "cause": error_json(error.cause),
        "cause_kind": error.cause_kind,
    }


def took_s(started_at: datetime | None, ended_at: datetime | None, now: datetime) -> float | None:
    """How long a run took, or has taken so far; None before it started."""
    return None if started_at is None else ((ended_at or now) - started_at).total_seconds()


def _times(
    created_at: datetime, started_at: datetime | None, ended_at: datetime | None, due_at: datetime | None, now: datetime
) -> Json:
    return {
        "created_at": iso(created_at),
        "started_at": iso(started_at),
        "ended_at": iso(ended_at),
        "due_at": iso(due_at),
        "duration_seconds": took_s(started_at, ended_at, now),
    }
