"""Futures: handles to submitted task runs, and the functions that wait for several of them."""

from __future__ import annotations

from _thread import TIMEOUT_MAX, LockType, allocate_lock
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from flowctl.core.authoring.context import lose_order
from flowctl.core.authoring.port import engine

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import TaskRun
    from flowctl.core.authoring.states import State

R = TypeVar("R")


#: See `acquired`.
_HEARTBEAT_S: Final = 0.2


class Future(Generic[R]):
    """A submitted task run, seen from outside."""

    __slots__ = ("run",)

    def __init__(self, run: TaskRun) -> None:
        self.run = run

    @property
    def task_run_id(self) -> str:
        return self.run.id

    @property
    def state(self) -> State[R]:
        """The run's present state."""
        if self.run.waiters is not None:
            lose_order()
        return self.run.state

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, or `timeout` seconds; return quietly in both cases."""
        settled(self.run, timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """Wait for the run and return its value.

        A failure is raised, or returned as the exception with `raise_on_failure=False`. Raises `TimeoutError`
        when `timeout` seconds pass first (the run goes on), `UnfinishedRun` when the task could not run
        because an upstream did not complete.
        """
        if not settled(self.run, timeout):
            lose_order()
            raise TimeoutError(f"Task run {self.run.name!r} was not finished after {timeout} s.")
        value: R = self.run.state.result(raise_on_failure)
        return value

    def add_done_callback(self, fn: Callable[[Future[R]], None]) -> None:
        """Call `fn` once with this future when its run has ended, in any thread; at once if it has.

        An exception in it is logged, and keeps nothing from going on.
        """

        def call(run: TaskRun) -> None:
            try:
                fn(self)
            except Exception:  # noqa: BLE001 - the user's code
                from traceback import format_exc

                said = f"A callback of a future raised, which changes nothing:\n{format_exc()}"
                engine().log(run, 40, "flowctl.task_runs", said)

        engine().when_settled(self.run, call)

    def __repr__(self) -> str:
        return f"Future(name={self.run.name!r}, state={self.run.state!s})"


class FutureList(list[Future[R]]):
    """The futures of one `map`, in the order of its items."""

    def wait(self, timeout: float | None = None) -> None:
        """Wait until all have ended, or `timeout` seconds in all."""
        wait(self, timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[R]:
        """Wait for all and return their values in order; see `Future.result`."""
        left = _deadline(timeout)
        return [future.result(left(), raise_on_failure) for future in self]


class DoneAndNotDone(NamedTuple):
    """What `wait` gives."""

    done: set[Future[Any]]
    not_done: set[Future[Any]]


def wait(futures: Iterable[Future[Any]], timeout: float | None = None) -> DoneAndNotDone:
    """Wait until all futures have ended or `timeout` seconds have passed; say which have and which have not."""
    left = _deadline(timeout)
    done: set[Future[Any]] = set()
    not_done: set[Future[Any]] = set()
    for future in futures:
        (done if settled(future.run, left()) else not_done).add(future)
    if not_done:
        lose_order()
    return DoneAndNotDone(done, not_done)


def as_completed(futures: Iterable[Future[R]], timeout: float | None = None) -> Iterator[Future[R]]:
    """Yield futures as they end; raise `TimeoutError` when `timeout` seconds pass before all have."""
    from queue import Empty, SimpleQueue

    ended: SimpleQueue[Future[R]] = SimpleQueue()
    waiting = list(dict.fromkeys(futures))
    for future in waiting:
        future.add_done_callback(ended.put)
    left = _deadline(timeout)
    if len(waiting) > 1 or timeout is not None:
        lose_order()
    for unfinished in range(len(waiting), 0, -1):
        try:
            yield ended.get_nowait()
            continue
        except Empty:
            pass
        try:
            with engine().lend():
                while True:
                    wait_s = left()
                    try:
                        future = ended.get(timeout=_HEARTBEAT_S if wait_s is None else min(wait_s, _HEARTBEAT_S))
                        break
                    except Empty:
                        if wait_s is not None and wait_s <= _HEARTBEAT_S:
                            raise
        except Empty:
            raise TimeoutError(f"{unfinished} of {len(waiting)} futures were not finished after {timeout} s.") from None
        yield future


def settled(run: TaskRun, timeout_s: float | None) -> bool:
    """Block until the run is settled; False when time is up first."""
    if run.waiters is None:
        return True
    if timeout_s is not None and timeout_s <= 0:
        return False
    gate = allocate_lock()
    gate.acquire()
    engine().when_settled(run, lambda _run: gate.release())
    with engine().lend():
        return acquired(gate, timeout_s)


def acquired(gate: LockType, timeout_s: float | None) -> bool:
    """Acquire a lock that another thread releases; False when time is up first.

    In the main thread the wait is cut into pieces, since Python notices a signal between two of them at the latest:
    one that arrives on the threshold of a wait does not end it.
    """
    from threading import current_thread, main_thread

    if current_thread() is not main_thread():
        return gate.acquire(timeout=-1 if timeout_s is None else min(timeout_s, TIMEOUT_MAX))
    left = _deadline(timeout_s)
    while True:
        wait_s = left()
        if wait_s is not None and wait_s <= _HEARTBEAT_S:
            return gate.acquire(timeout=wait_s)
        if gate.acquire(timeout=_HEARTBEAT_S):
            return True


def _deadline(timeout_s: float | None) -> Callable[[], float | None]:
    if timeout_s is None:
        return lambda: None
    end = monotonic() + timeout_s
    return lambda: max(0.0, end - monotonic())
