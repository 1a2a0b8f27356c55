"""How columns become the fields of records: the SELECT lists, and one function for each kind of row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from flowctl.store.errors import ErrorReport
from flowctl.store.journal import default_run_name, task_run_id
from flowctl.store.records import AttemptRow, FlowRunRow, LogRow, StateRow, TaskRunRow
from flowctl.store.states import StateType
from flowctl.store.terms import read_terms

# Rows come from SQLite untyped; each function below gives every column its type.
Row = tuple[Any, ...]

FLOW_RUN: Final = """
    SELECT f.run, f.id, f.name, f.flow_name, f.state_type, f.state_name, f.message, f.attempt, f.run_count,
        f.created_at, f.started_at, f.ended_at, f.due_at, f.parameters, f.tags, p.id, f.parent_task, r.id, f.source,
        f.error, f.value,
        (SELECT group_concat(j.problem, ' ') FROM journal j WHERE j.run_id = f.id AND j.problem IS NOT NULL),
        f.state_version, (SELECT d.name FROM deployment d WHERE d.id = f.deployment_id), f.scheduled_for,
        f.exit_code, f.max_memory, f.cpu_us
    FROM flow_run f JOIN flow_run r ON r.run = f.root LEFT JOIN flow_run p ON p.run = f.parent
"""
TASK_RUN: Final = """
    SELECT t.number, f.id, t.parent_task, k.key, k.name, t.name, t.state_type, t.state_name, t.message, t.attempt,
        t.run_count, t.tags, t.upstreams, t.map_index, t.created_at, t.started_at, t.tried_at, t.ended_at, t.due_at,
        t.inputs, t.value, t.error, t.terms
    FROM task_run t JOIN task k ON k.task = t.task JOIN flow_run f ON f.run = t.run
"""
LOG: Final = (
    "SELECT f.id, l.seq, l.at, l.level, l.logger, l.message, l.task FROM log l JOIN flow_run f ON f.run = l.run"
)
STATE: Final = "SELECT at, type, name, message, attempt, error, applied FROM flow_run_state"
ATTEMPT: Final = """
    SELECT number, run_count, started_at, ended_at, state_type, state_name, message, error FROM task_attempt
"""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC)


def flow_run(row: Row, task_counts: dict[str, int]) -> FlowRunRow:
    """Read a row of `FLOW_RUN`."""
    parent_task: int | None = row[16]
    return FlowRunRow(
        id=row[1],
        name=row[2],
        flow_name=row[3],
        state_type=StateType(row[4]),
        state_name=row[5],
        message=row[6],
        attempt=row[7],
        run_count=row[8],
        created_at=moment(row[9]),
        started_at=_moment_or_none(row[10]),
        ended_at=_moment_or_none(row[11]),
        due_at=_moment_or_none(row[12]),
        parameters=_object(row[13]),
        tags=json.loads(row[14]),
        parent_id=row[15],
        parent_task_id=task_run_id(row[17], parent_task) if parent_task is not None else None,
        root_id=row[17],
        source=_object(row[18]),
        error=_error(row[19]),
        value=row[20],
        task_counts=task_counts,
        problem=row[21],
        state_version=row[22],
        deployment=row[23],
        scheduled_for=_moment_or_none(row[24]),
        exit_code=row[25],
        max_memory=row[26],
        cpu_s=None if row[27] is None else row[27] / 1_000_000,
    )


def task_run(row: Row, root_id: str, flow_ids: Mapping[int, str], earlier: Sequence[AttemptRow]) -> TaskRunRow:
    """Read a row of `TASK_RUN`; `flow_ids` leads from the numbers of flow runs to their ids."""
    number, parent_task, upstreams = row[0], row[2], row[12]
    return TaskRunRow(
        id=task_run_id(root_id, number),
        number=number,
        flow_run_id=row[1],
        parent_task_id=task_run_id(root_id, parent_task) if parent_task is not None else None,
        task_key=row[3],
        task_name=row[4],
        name=row[5] if row[5] is not None else default_run_name(row[4], number),
        state_type=StateType(row[6]),
        state_name=row[7],
        message=row[8],
        attempt=row[9],
        run_count=row[10],
        tags=json.loads(row[11]) if row[11] else [],
        upstreams=_upstreams(upstreams, root_id, flow_ids) if upstreams else {},
        map_index=row[13],
        created_at=moment(row[14]),
        started_at=_moment_or_none(row[15]),
        ended_at=_moment_or_none(row[17]),
        due_at=_moment_or_none(row[18]),
        inputs=row[19] or "",
        value=row[20],
        error=_error(row[21]),
        attempts=_attempts(row, earlier),
        terms=read_terms(row[22]) if row[22] else None,
    )


def log_line(row: Row, root_id: str) -> LogRow:
    """Read a row of `LOG`."""
    return LogRow(
        flow_run_id=row[0],
        seq=row[1],
        at=moment(row[2]),
        level=row[3],
        logger=row[4],
        message=row[5],
        task_run_id=task_run_id(root_id, row[6]) if row[6] is not None else None,
    )


def state(row: Row) -> StateRow:
    """Read a row of `STATE`."""
    return StateRow(
        at=moment(row[0]),
        type=StateType(row[1]),
        name=row[2],
        message=row[3],
        attempt=row[4],
        error=_error(row[5]),
        applied=bool(row[6]),
    )


def attempt(row: Row) -> AttemptRow:
    """Read a row of `ATTEMPT`."""
    return AttemptRow(
        number=row[1],
        started_at=_moment_or_none(row[2]),
        ended_at=_moment_or_none(row[3]),
        state_type=StateType(row[4]),
        state_name=row[5],
        message=row[6],
        error=_error(row[7]),
    )


def moment(since_epoch: int) -> datetime:
    """Turn microseconds since the epoch into a time; one that no calendar has becomes the nearest."""
    try:
        return _EPOCH + timedelta(microseconds=since_epoch)
    except OverflowError:
        return _LATEST if since_epoch > 0 else _EARLIEST


def microseconds(at: datetime) -> int:
    """Turn a time into microseconds since the epoch; a time without a zone is taken as local."""
    return (at.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def _moment_or_none(value: int | None) -> datetime | None:
    return None if value is None else moment(value)


def _object(text: str) -> dict[str, object]:
    """Read a JSON object; text that is none, which only a foreign writer makes, is shown as it is."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    # The keys of a JSON object are text.
    return cast("dict[str, object]", found) if isinstance(found, dict) else {"?": text}


def _error(text: str | None) -> ErrorReport | None:
    return None if text is None else ErrorReport.from_plain(json.loads(text))


def _upstreams(text: str, root_id: str, flow_ids: Mapping[int, str]) -> dict[str, list[str]]:
    numbers: dict[str, list[int]] = json.loads(text)
    return {
        parameter: [
            task_run_id(root_id, number) if number > 0 else flow_ids[-number]
            for number in sources
            if number > 0 or -number in flow_ids
        ]
        for parameter, sources in numbers.items()
    }


def _attempts(row: Row, earlier: Sequence[AttemptRow]) -> list[AttemptRow]:
    """Add the latest try, which the task run itself tells of, unless it ended and another is waited for."""
    run_count = row[10]
    if row[15] is None or (earlier and earlier[-1].number >= run_count):
        return list(earlier)
    latest = AttemptRow(
        number=run_count,
        started_at=_moment_or_none(row[16] if row[16] is not None else row[15]),
        ended_at=_moment_or_none(row[17]),
        state_type=StateType(row[6]),
        state_name=row[7],
        message=row[8],
        error=_error(row[21]),
    )
    return [*earlier, latest]
