"""A run for machines: JSON lines of events while it goes, one JSON object at its end.

Events, one object a line; keys may be added, none is ever changed. All have `event`, `time` and `run_id`:

    flow_run.created  flow_run_id flow name parent_flow_run_id parameters tags
    flow_run.state    flow_run_id flow name state state_name message run_count due value error
    task_run.created  flow_run_id task_run_id task name task_key map_index tags
    task_run.state    task_run_id task name state state_name message run_count due value error
    log               flow_run_id task_run_id name level logger message
    summary           the object of `--json`, as the last line

`run_id` is the root flow run's. Times are ISO 8601 in UTC. All beyond ASCII is escaped, so a terminal obeys nothing.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import IO, Any

from flowctl.core.cli.display_groups import Run
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_words import Line, level_word
from flowctl.store.journal import (
    FlowRunCreated,
    FlowRunState,
    LogLine,
    Record,
    TaskRunCreated,
    TaskRunState,
    task_run_id,
)


class Events:
    """Writes each record as an event."""

    wait_s = 0.1

    def __init__(self, model: RunModel, stream: IO[str]) -> None:
        self.model = model
        self.stream = stream
        self._lines: list[str] = []
        self._flow_ids: dict[int, str] = {}

    def observe(self, record: Record, run: Run | None) -> None:
        event = self._event(record, run)
        if event is not None:
            self._lines.append(json.dumps(event) + "\n")

    def refresh(self, now: float) -> None:  # noqa: ARG002 - the shape of a display
        if self._lines:
            text, self._lines = "".join(self._lines), []
            self.stream.write(text)
            self.stream.flush()

    def end(self, now: float, summary: list[Line]) -> None:  # noqa: ARG002 - as above
        self.refresh(now)

    def _event(self, record: Record, run: Run | None) -> dict[str, Any] | None:
        head: dict[str, Any] = {"event": "", "time": iso(record.at), "run_id": self.model.run_id}
        if isinstance(record, TaskRunState):
            head |= {"event": "task_run.state", "task_run_id": self._task_id(record.task), **_names("task", run)}
            return head | _state(record)
        if isinstance(record, LogLine):
            head |= {
                "event": "log",
                "flow_run_id": self._flow_id(record.run),
                "task_run_id": self._task_id(record.task),
            }
            name = None if run is None else run.run_name
            return head | {
                "name": name,
                "level": level_word(record.level),
                "logger": record.logger,
                "message": record.message,
            }
        if isinstance(record, TaskRunCreated):
            head |= {"event": "task_run.created", "flow_run_id": self._flow_id(record.run)}
            head |= {"task_run_id": self._task_id(record.task), **_names("task", run)}
            return head | {"task_key": record.task_key, "map_index": record.map_index, "tags": record.tags}
        if isinstance(record, FlowRunCreated):
            self._flow_ids[record.run] = record.id
            parent = None if record.parent_run is None else self._flow_id(record.parent_run)
            head |= {"event": "flow_run.created", "flow_run_id": record.id, **_names("flow", run)}
            parameters = json.loads(record.parameters)
            return head | {"parent_flow_run_id": parent, "parameters": parameters, "tags": record.tags}
        if isinstance(record, FlowRunState):
            head |= {"event": "flow_run.state", "flow_run_id": self._flow_id(record.run), **_names("flow", run)}
            return head | _state(record)
        return None

    def _flow_id(self, number: int) -> str | None:
        return self._flow_ids.get(number)

    def _task_id(self, number: int | None) -> str | None:
        return None if number is None else task_run_id(self.model.run_id, number)


def summary_object(model: RunModel, value: Any) -> dict[str, Any]:  # the value is the flow's
    """Make the one object of `--json`; `result` is the value itself, or its repr where JSON has no word for it."""
    root, state = model.root, model.state
    result, kind = _result(value) if state is not None and state.type == "COMPLETED" else (None, None)
    return {
        "run_id": model.run_id,
        "name": root.run_name,
        "flow": root.name,
        "attempt": model.attempt,
        "state": None if state is None else state.type,
        "state_name": None if state is None else state.name,
        "message": None if state is None else state.message,
        "started_at": iso(root.started_at) if root.started_at else None,
        "ended_at": iso(root.ended_at) if root.ended_at else None,
        "duration_s": round((root.ended_at - root.started_at) / 1e6, 6) if root.started_at and root.ended_at else None,
        "tasks": {"total": model.task_total, **{word: count for word, count in sorted(model.counts.items()) if count}},
        "subflows": model.subflow_total,
        "parameters": json.loads(model.parameters),
        "tags": model.tags,
        "result": result,
        "result_kind": kind,
        "error": None if state is None else state.error,
    }


def write_summary(model: RunModel, value: Any, stream: IO[str], *, is_event: bool) -> None:
    """Write the object of `--json`, or the last of `--events`."""
    summary = summary_object(model, value)
    try:
        stream.write(json.dumps({"event": "summary", **summary} if is_event else summary) + "\n")
        stream.flush()
    except OSError:  # the reader went away; the exit code still tells how it ended
        pass


def iso(at: int) -> str:
    """Write microseconds since the epoch as ISO 8601."""
    return datetime.fromtimestamp(at / 1e6, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _names(kind: str, run: Run | None) -> dict[str, str | None]:
    return {kind: None if run is None else run.group.name, "name": None if run is None else run.run_name}


def _state(record: TaskRunState | FlowRunState) -> dict[str, Any]:
    return {
        "state": record.type,
        "state_name": record.name,
        "message": record.message,
        "run_count": record.run_count,
        "due": None if record.due is None else iso(record.due),
        "value": record.value,
        "error": record.error,
    }


def _result(value: Any) -> tuple[Any, str]:
    try:
        return json.loads(json.dumps(value, allow_nan=False)), "json"
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return repr(value), "repr"
    except Exception as error:  # noqa: BLE001 - the `__repr__` is the user's
        return f"<repr of {type(value).__name__} raised {type(error).__name__}>", "repr"
