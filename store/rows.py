"""The rows of runs while records are folded into them, and the statements that read and write them.

These are working copies, mutable and slotted, of the ingesting process alone; what the rest of flowctl reads are the
frozen `records`.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final

from flowctl.store.states import FINAL, StateType, is_allowed

#: (type before, type after) of each transition that is allowed within an attempt, as plain text: looked up per record.
ALLOWED: Final = frozenset(
    (before.value, after.value) for before in StateType for after in StateType if is_allowed(before, after)
)
FINAL_TYPES: Final = frozenset(type_.value for type_ in FINAL)
TYPES: Final = frozenset(type_.value for type_ in StateType)
NOT_READY: Final = "NotReady"


class FlowRow:
    """A row of `flow_run`."""

    __slots__ = (
        "arguments",
        "attempt",
        "created_at",
        "due_at",
        "ended_at",
        "error",
        "flow_name",
        "id",
        "is_new",
        "message",
        "name",
        "number",
        "parameters",
        "parent",
        "parent_task",
        "root",
        "run",
        "run_count",
        "source",
        "started_at",
        "state_name",
        "state_type",
        "state_version",
        "tags",
        "value",
    )

    # Each column's value as SQLite holds it.
    def __init__(self, *values: Any, is_new: bool) -> None:
        (self.run, self.id, self.flow_name, self.root, self.number, self.parent, self.parent_task) = values[:7]
        (self.created_at, self.parameters, self.tags, self.arguments) = values[7:11]
        (self.name, self.attempt, self.state_type, self.state_name, self.message, self.run_count) = values[11:17]
        (self.started_at, self.ended_at, self.due_at, self.source, self.value, self.error) = values[17:23]
        (self.state_version,) = values[23:]
        self.is_new = is_new

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


class TaskRow:
    """A row of `task_run`."""

    __slots__ = (
        "attempt",
        "counted_as",
        "created_at",
        "digest",
        "due_at",
        "ended_at",
        "error",
        "inputs",
        "map_index",
        "message",
        "name",
        "number",
        "parent_task",
        "position",
        "root",
        "run",
        "run_count",
        "started_at",
        "state_name",
        "state_type",
        "tags",
        "task",
        "terms",
        "tried_at",
        "upstreams",
        "value",
    )

    def __init__(
        self,
        # Each column's value as SQLite holds it.
        root: int,
        number: int,
        run: int,
        parent_task: int | None,
        task: int,
        attempt: int,
        created_at: int,
        map_index: int | None,
        position: int | None,
        tags: str | None,
        upstreams: str | None,
        terms: str | None,
        name: str | None,
        state_type: str = "PENDING",
        state_name: str = "Pending",
        message: str | None = None,
        run_count: int = 0,
        started_at: int | None = None,
        tried_at: int | None = None,
        ended_at: int | None = None,
        due_at: int | None = None,
        inputs: str | None = None,
        digest: bytes | None = None,
        value: str | None = None,
        error: str | None = None,
    ) -> None:
        self.root = root
        self.number = number
        self.run = run
        self.parent_task = parent_task
        self.task = task
        self.attempt = attempt
        self.created_at = created_at
        self.map_index = map_index
        self.position = position
        self.tags = tags
        self.upstreams = upstreams
        self.terms = terms
        self.name = name
        self.state_type = state_type
        self.state_name = state_name
        self.message = message
        self.run_count = run_count
        self.started_at = started_at
        self.tried_at = tried_at
        self.ended_at = ended_at
        self.due_at = due_at
        self.inputs = inputs
        self.digest = digest
        self.value = value
        self.error = error
        #: The state name under which `task_count` has it; None: the row is not in the database yet.
        self.counted_as: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may still go on; a task that is not ready rests for good, though its state is not final."""
        return self.ended_at is None and self.state_name != NOT_READY


def _columns(kept: str, changing: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(kept.split()), tuple(changing.split())


_FLOW_KEPT, _FLOW_CHANGING = _columns(
    "run id flow_name root number parent parent_task created_at parameters tags arguments",
    "name attempt state_type state_name message run_count started_at ended_at due_at source value error state_version",
)
_TASK_KEPT, _TASK_CHANGING = _columns(
    "root number run parent_task task attempt created_at map_index position tags upstreams terms",
    "name state_type state_name message run_count started_at tried_at ended_at due_at inputs digest value error",
)


def _select(table: str, columns: tuple[str, ...], where: str) -> str:
    return f"SELECT {', '.join(columns)} FROM {table} WHERE {where}"


def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _update(table: str, columns: tuple[str, ...], where: str) -> str:
    return f"UPDATE {table} SET {', '.join(f'{column} = ?' for column in columns)} WHERE {where}"


SELECT_FLOW_BY_ID: Final = _select("flow_run", _FLOW_KEPT + _FLOW_CHANGING, "id = ?")
SELECT_FLOW: Final = _select("flow_run", _FLOW_KEPT + _FLOW_CHANGING, "root = ? AND number = ?")
INSERT_FLOW: Final = _insert("flow_run", _FLOW_KEPT + _FLOW_CHANGING)
UPDATE_FLOW: Final = _update("flow_run", _FLOW_CHANGING, "run = ?")
#: For a run that was planned: what only its process could tell.
FILL_IN_FLOW: Final = _update("flow_run", ("flow_name", "parameters", "tags", "arguments"), "run = ?")
SELECT_TASK: Final = _select("task_run", _TASK_KEPT + _TASK_CHANGING, "root = ? AND number = ?")
INSERT_TASK: Final = _insert("task_run", _TASK_KEPT + _TASK_CHANGING)
UPDATE_TASK: Final = _update("task_run", _TASK_CHANGING, "root = ? AND number = ?")

#: The values for each of these statements, in order.
inserted_flow: Final = attrgetter(*_FLOW_KEPT, *_FLOW_CHANGING)
updated_flow: Final = attrgetter(*_FLOW_CHANGING, "run")
inserted_task: Final = attrgetter(*_TASK_KEPT, *_TASK_CHANGING)
updated_task: Final = attrgetter(*_TASK_CHANGING, "root", "number")
