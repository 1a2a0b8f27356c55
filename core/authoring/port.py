"""The one opening through which a flow file's objects reach the engine; the door puts the engine into it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    from flowctl.core.authoring.flows import Flow
    from flowctl.core.authoring.futures import Future, FutureList
    from flowctl.core.authoring.requested_runs import RequestedRun
    from flowctl.core.authoring.runs import FlowRun, TaskRun
    from flowctl.core.authoring.serving import Deployable
    from flowctl.core.authoring.tasks import Task


class Engine(Protocol):
    """What authoring asks of the engine. Values are whatever the user's functions take and give, hence `Any`."""

    def call_flow(
        self, flow: Flow[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any, return_state: bool
    ) -> Any: ...

    def call_task(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any, return_state: bool
    ) -> Any: ...

    def submit_task(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any
    ) -> Future[Any]: ...

    def map_task(
        self, task: Task[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], wait_for: Any
    ) -> FutureList[Any]: ...

    def when_settled(self, run: TaskRun, callback: Callable[[TaskRun], None]) -> None:
        """Call back once, at once if it is settled already; in whatever thread settles it."""
        ...

    def lend(self) -> AbstractContextManager[None]:
        """Give the worker place of the present thread to another task while the block waits."""
        ...

    def log(self, run: FlowRun | TaskRun, level: int, logger: str, message: str) -> None: ...


class Server(Protocol):
    """What authoring asks of the daemon."""

    def deploy(self, deployables: Sequence[Deployable]) -> None: ...

    def serve(self, deployables: Sequence[Deployable], *, pause_on_shutdown: bool) -> None: ...

    def run(
        self,
        name: str,
        parameters: dict[str, Any],
        *,
        at: datetime | None,
        run_name: str | None,
        tags: list[str],
        key: str | None,
        timeout_s: float | None,
    ) -> RequestedRun: ...


_load: Callable[[], Engine] | None = None
_engine: Engine | None = None
_load_server: Callable[[], Server] | None = None
#: How many files flowctl itself is loading, one inside the other.
_loading = 0


def register(load: Callable[[], Engine]) -> None:
    """Say how to get the engine; it is loaded at the first run, not at the first import."""
    global _load
    _load = load


def engine() -> Engine:
    """Return the engine, loading it the first time."""
    global _engine
    if _engine is None:
        if _load is None:
            raise RuntimeError("The engine is not registered: import from `flowctl`, not from its inner packages.")
        _engine = _load()
    return _engine


def register_server(load: Callable[[], Server]) -> None:
    """Say how to reach the daemon."""
    global _load_server
    _load_server = load


def server() -> Server:
    """Return the way to the daemon."""
    if _load_server is None:
        raise RuntimeError("The daemon is not registered: import from `flowctl`, not from its inner packages.")
    return _load_server()


@contextmanager
def loading() -> Generator[None, None, None]:
    """Say that a file is loaded for its flows: what it does only as a script is left out."""
    global _loading
    _loading += 1
    try:
        yield
    finally:
        _loading -= 1


def is_loading() -> bool:
    """Tell whether flowctl itself is just loading a file."""
    return _loading > 0
