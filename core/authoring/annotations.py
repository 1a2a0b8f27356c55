"""Wrappers that say how an argument of a task is to be treated."""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# What stands in the arguments and values of users has no type that could be known here.

from __future__ import annotations

from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Annotation(Generic[T]):
    """An argument and a remark on it; the task gets the bare value."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def unwrap(self) -> T:
        return self.value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Annotation) and type(other) is type(self) and bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash((type(self), self.value))


class unmapped(Annotation[T]):  # noqa: N801 - the word of the API
    """Give the same value, whole, to each item of a `map`."""

    __slots__ = ()


class allow_failure(Annotation[T]):  # noqa: N801
    """Let failed upstreams in the value through, as their exceptions."""

    __slots__ = ()


class quote(Annotation[T]):  # noqa: N801
    """Do not search the value for futures: they stay futures, and nothing waits for them."""

    __slots__ = ()


class opaque(Annotation[T]):  # noqa: N801
    """Resolve the value itself if it is a future, but do not search inside it."""

    __slots__ = ()


def bare(value: Any) -> Any:
    """Take all annotations off a value."""
    while isinstance(value, Annotation):
        value = value.value
    return value
