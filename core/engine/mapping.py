"""Makes the argument sets of a `map`: iterables are zipped, everything else repeats."""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# What stands in the arguments and values of users has no type that could be known here.

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.annotations import Annotation, allow_failure, opaque, quote, unmapped
from flowctl.core.authoring.exceptions import MappingLengthMismatch, MappingMissingIterable
from flowctl.core.authoring.futures import Future
from flowctl.core.authoring.states import State
from flowctl.core.engine.arguments import ATOMS
from flowctl.core.engine.digests import Shared

if TYPE_CHECKING:
    from flowctl.core.authoring.tasks import Task


def argument_sets(
    task: Task[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Iterator[dict[str, Any]], Shared | None]:
    """Give the bound arguments of each item, and what they have in common, where that may be large.

    Raises `MappingMissingIterable` or `MappingLengthMismatch` before the first.
    """
    bound = task.signature.bind(args, kwargs)
    given = {name: value for name, value in bound.items() if not _is_default(task, name, value)}
    static: dict[str, Any] = {name: value for name, value in bound.items() if name not in given}
    mapped: dict[str, list[Any]] = {}
    for name, value in given.items():
        if name == task.signature.var_keyword:
            for key, each in value.items():
                _sort_in(f"**{key}", each, mapped, static)
        elif name == task.signature.var_positional:
            for index, each in enumerate(value):
                _sort_in(f"*{index}", each, mapped, static)
        else:
            _sort_in(name, value, mapped, static)
    if not mapped:
        raise MappingMissingIterable(
            f"No iterable was given to {task.name}.map(): it runs the task once per item of its arguments. "
            f"Given: {', '.join(f'{name} ({type(value).__name__})' for name, value in given.items()) or 'nothing'}."
        )
    lengths = {name: len(items) for name, items in mapped.items()}
    if len(set(lengths.values())) > 1:
        raise MappingLengthMismatch(
            f"The iterables given to {task.name}.map() differ in length: "
            f"{', '.join(f'{name} has {length}' for name, length in lengths.items())}. "
            "Wrap what is the same for each item in unmapped(...)."
        )
    names = [name for name in bound if name in mapped or name in static]
    extra = [name for name in (*mapped, *static) if name not in bound]
    shared = [name for name, value in static.items() if name in bound and type(value) not in ATOMS]
    sets = _zipped(task, names, extra, mapped, static, next(iter(lengths.values())))
    return sets, Shared(shared) if shared else None


def taken_from(task: Task[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Give by parameter the values that the items of a `map` are taken from."""
    bound = task.signature.bind(args, kwargs).items()
    # Futures have ended: their values were mapped over. What is wrapped stays whole, or hides where it is from.
    plain = ((name, value) for name, value in bound if not isinstance(value, Annotation))
    return {name: value.result() if isinstance(value, Future) else value for name, value in plain}


def _zipped(
    task: Task[..., Any],
    names: list[str],
    extra: list[str],
    mapped: dict[str, list[Any]],
    static: dict[str, Any],
    length: int,
) -> Iterator[dict[str, Any]]:
    for index in range(length):
        one = {name: mapped[name][index] if name in mapped else static[name] for name in names}
        if extra or task.signature.var_keyword or task.signature.var_positional:
            _put_extra(task, one, {name: mapped[name][index] if name in mapped else static[name] for name in extra})
        yield one


def _put_extra(task: Task[..., Any], one: dict[str, Any], extra: dict[str, Any]) -> None:
    if task.signature.var_positional:
        one[task.signature.var_positional] = tuple(value for name, value in extra.items() if not name.startswith("**"))
    if task.signature.var_keyword:
        one[task.signature.var_keyword] = {name[2:]: value for name, value in extra.items() if name.startswith("**")}


def _is_default(task: Task[..., Any], name: str, value: Any) -> bool:
    defaults = task.signature.defaults
    return name in defaults and defaults[name] is value


def _sort_in(name: str, value: Any, mapped: dict[str, list[Any]], static: dict[str, Any]) -> None:
    if isinstance(value, unmapped):
        static[name] = value.value
        return
    wrap: Any = None
    if isinstance(value, (allow_failure, quote, opaque)):
        wrap = type(value)
        value = value.value
    if isinstance(value, Future):
        held: Any = value.result()
        if not _is_iterable(held):
            static[name] = wrap(value) if wrap else value
            return
        value = held
    elif isinstance(value, State):
        value = value.result()
    if not _is_iterable(value):
        static[name] = wrap(value) if wrap else value
        return
    items: list[Any] = list(value)
    mapped[name] = [wrap(item) for item in items] if wrap else items


def _is_iterable(value: Any) -> bool:
    if isinstance(value, (str, bytes, bytearray, type, Annotation)):
        return False
    if hasattr(value, "read") and hasattr(value, "close"):
        return False  # a file
    return hasattr(value, "__iter__") or hasattr(value, "__getitem__")
