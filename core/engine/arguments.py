"""Finds the futures and states in the arguments of a call, and later puts their values in their places."""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# What stands in the arguments and values of users has no type that could be known here.

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.authoring.annotations import Annotation, allow_failure, opaque, quote
from flowctl.core.authoring.futures import Future
from flowctl.core.authoring.states import State
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun, TaskRun

#: Types that hold no futures; checked by exact type, because this is asked for every argument of every task.
ATOMS: Final = frozenset({int, str, float, bool, bytes, complex, NoneType, bytearray, range, type, slice})
#: Deeper than this nobody nests futures, and Python's stack is finite.
_DEEPEST: Final = 200


class Blocked(Exception):
    """An upstream did not complete, so the run cannot start."""

    def __init__(self, state: State[Any]) -> None:
        run = state.run
        if run is None:
            who = "An upstream state"
        else:
            who = f"Upstream {'task' if run.is_task else 'flow'} run {run.name!r}"
        super().__init__(f"{who} did not complete: it is {state.type.value}/{state.name}.")
        self.state = state


class Upstreams:
    """The futures and states that a call depends on, by parameter."""

    __slots__ = ("by_parameter",)

    def __init__(self) -> None:
        self.by_parameter: dict[str, list[Future[Any] | State[Any]]] = {}

    def task_runs(self) -> list[TaskRun]:
        """List the runs that must be settled first."""
        return [each.run for found in self.by_parameter.values() for each in found if isinstance(each, Future)]

    def numbers(self, root: Any, parameters: Iterable[str]) -> dict[str, list[int]]:
        """Give the numbers of the runs by parameter as the journal records them, those of this root run only."""
        numbers: dict[str, list[int]] = {name: [] for name in parameters}
        for parameter, found in self.by_parameter.items():
            for each in found:
                run: TaskRun | FlowRun | None = each.run
                if run is None:
                    continue
                if run.flow_run.root is root:
                    numbers.setdefault(parameter, []).append(run.number if run.is_task else -run.number)
        return numbers


def find(arguments: dict[str, Any], wait_for: Any = None) -> Upstreams | None:
    """Find all futures and states in the arguments; None where there is nothing to resolve (the usual case)."""
    upstreams: Upstreams | None = None
    for parameter, value in arguments.items():
        if type(value) in ATOMS:
            continue
        found: list[Future[Any] | State[Any]] = []
        if _collect(value, found.append, 0):
            if upstreams is None:
                upstreams = Upstreams()
            if found:
                upstreams.by_parameter[parameter] = found
    if wait_for is not None:
        found = []
        _collect(wait_for, found.append, 0)
        if found:
            if upstreams is None:
                upstreams = Upstreams()
            upstreams.by_parameter["wait_for"] = found
    return upstreams


def resolve(arguments: dict[str, Any]) -> dict[str, Any]:
    """Replace futures, states and annotations by their values; raise `Blocked` at the first that did not complete."""
    return {
        name: value if type(value) in ATOMS else _resolved(value, False, 0)  #
        for name, value in arguments.items()
    }


def check_order(wait_for: Any) -> None:
    """Raise `Blocked` when something in `wait_for` did not complete."""
    if wait_for is not None:
        _resolved(wait_for, False, 0)


def _collect(value: Any, found: Callable[[Future[Any] | State[Any]], None], depth: int) -> bool:
    """Report futures and states; tell whether `value` holds anything that has to be replaced."""
    kind = type(value)
    if kind in ATOMS or depth > _DEEPEST:
        return False
    if isinstance(value, (Future, State)):
        found(value)
        return True
    if isinstance(value, Annotation):
        inner: Any = value.value
        if isinstance(value, quote):
            return True
        if isinstance(value, opaque):
            if isinstance(inner, (Future, State)):
                found(inner)
            return True
        _collect(inner, found, depth + 1)
        return True
    if isinstance(value, (list, tuple, set, frozenset)):
        if ATOMS.issuperset(map(type, value)):
            return False
        return _any([_collect(item, found, depth + 1) for item in value])
    if isinstance(value, dict):
        replaced = False
        if not ATOMS.issuperset(map(type, value)):
            replaced = _any([_collect(key, found, depth + 1) for key in value])
        if not ATOMS.issuperset(map(type, value.values())):
            replaced = _any([_collect(item, found, depth + 1) for item in value.values()]) or replaced
        return replaced
    fields = _fields(value)
    return _any([_collect(getattr(value, name, None), found, depth + 1) for name in fields]) if fields else False


def _resolved(value: Any, failures_allowed: bool, depth: int) -> Any:
    """Return `value` with values in the place of futures; the same object where there were none in it."""
    kind = type(value)
    if kind in ATOMS or depth > _DEEPEST:
        return value
    if isinstance(value, Future):
        return _value_of(value.run.state, failures_allowed)
    if isinstance(value, State):
        return _value_of(value, failures_allowed)
    if isinstance(value, Annotation):
        inner: Any = value.value
        if isinstance(value, quote):
            return inner
        if isinstance(value, opaque):
            return _resolved(inner, failures_allowed, depth + 1) if isinstance(inner, (Future, State)) else inner
        return _resolved(inner, failures_allowed or isinstance(value, allow_failure), depth + 1)
    if isinstance(value, (list, tuple, set, frozenset)):
        if ATOMS.issuperset(map(type, value)):
            return value
        items = [_resolved(item, failures_allowed, depth + 1) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        if hasattr(value, "_fields"):
            return kind(*items)
        return items if isinstance(value, list) else kind(items)
    if isinstance(value, dict):
        pairs = {
            _resolved(key, failures_allowed, depth + 1): _resolved(item, failures_allowed, depth + 1)
            for key, item in value.items()
        }
        unchanged = all(
            new is old and pairs[new] is value[old] for new, old in zip(pairs, value, strict=False)
        ) and len(pairs) == len(value)
        return value if unchanged else pairs
    fields = _fields(value)
    if not fields:
        return value
    changed: dict[str, Any] = {}
    for name in fields:
        old = getattr(value, name, None)
        new = _resolved(old, failures_allowed, depth + 1)
        if new is not old:
            changed[name] = new
    return _with_fields(value, changed) if changed else value


def _value_of(state: State[Any], failures_allowed: bool) -> Any:
    if state.type is StateType.COMPLETED:
        return state.data
    if not failures_allowed:
        raise Blocked(state)
    if state.is_final():
        return state.data
    return UnfinishedUpstream(state)


class UnfinishedUpstream(Exception):
    """Stands for an upstream that never ran, where failures are allowed."""

    def __init__(self, state: State[Any]) -> None:
        super().__init__(state.message or str(state))


def _any(found: list[bool]) -> bool:
    return True in found


def _fields(value: Any) -> Any:
    """Name the fields of a dataclass or pydantic model, without importing either."""
    kind: Any = type(value)
    return getattr(kind, "__dataclass_fields__", None) or getattr(kind, "__pydantic_fields__", None)


def _with_fields(value: Any, changed: dict[str, Any]) -> Any:
    if hasattr(value, "model_copy"):
        return value.model_copy(update=changed)
    from copy import copy

    new = copy(value)
    for name, item in changed.items():
        object.__setattr__(new, name, item)
    return new
