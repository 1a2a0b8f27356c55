"""Work that takes long and needs nothing of the loop's: done in a thread, one piece of each name at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Thread
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Done(NamedTuple, Generic[T]):
    """What came of a piece of work."""

    name: str
    value: T | None
    error: Exception | None


class Chores(Generic[T]):
    """Pieces of work under way; the loop is told when one is done, and then collects it."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell
        self._names: set[str] = set()
        self._done: list[Done[T]] = []

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def begin(self, name: str, work: Callable[[], T]) -> None:
        """Begin a piece of work, unless one of that name is under way; it dies with the process."""
        if name in self._names:
            return
        self._names.add(name)
        loop = asyncio.get_running_loop()

        def do() -> None:
            try:
                done = Done[T](name, work(), None)
            except Exception as error:  # noqa: BLE001 - the edge of a thread: it is collected, and told there
                done = Done[T](name, None, error)
            try:
                loop.call_soon_threadsafe(self._take, done)
            except RuntimeError:
                pass  # the loop has ended, and nobody wants to know any more

        Thread(target=do, name=name, daemon=True).start()

    def collect(self) -> list[Done[T]]:
        """Give what is done since the last time."""
        done, self._done = self._done, []
        return done

    def _take(self, done: Done[T]) -> None:
        self._names.discard(done.name)
        self._done.append(done)
        self._tell()
