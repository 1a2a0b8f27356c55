"""`run_deployment(…)`: the daemon is asked for a run of a deployment, which may be waited for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring import port

if TYPE_CHECKING:
    from flowctl.core.authoring.states import State


class RequestedRun:
    """A run that the daemon was asked for, as it was when the wait for it ended."""

    __slots__ = ("flow_name", "id", "name", "parameters", "state", "tags")

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the word of the API
        name: str,
        flow_name: str,
        parameters: dict[str, Any],  # as they were given
        tags: list[str],
        state: State[Any],
    ) -> None:
        self.id = id
        self.name = name
        self.flow_name = flow_name
        self.parameters = parameters
        self.tags = tags
        self.state = state

    @property
    def state_type(self) -> Any:
        return self.state.type

    @property
    def state_name(self) -> str:
        return self.state.name

    def __repr__(self) -> str:
        return f"<run {self.name} of {self.flow_name}, {self.state.name}>"


def run_deployment(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    tags: Sequence[str] | None = None,
    idempotency_key: str | None = None,
    poll_interval: float = 0,  # noqa: ARG001 - a word of Prefect's, as the following ones: the daemon tells by itself
    as_subflow: bool = True,  # noqa: ARG001
    work_queue_name: str | None = None,  # noqa: ARG001
    job_variables: Mapping[str, Any] | None = None,  # noqa: ARG001
) -> Any:  # a RequestedRun; in a coroutine, something to await that gives one
    """Ask the daemon for a run of a deployment, named `deployment` or `flow/deployment`, and wait for its end.

    `timeout` says how many seconds to wait: None, as long as it takes; 0, not at all. The run goes on in any case.
    Asked for again with the same `idempotency_key`, it is the same run.
    """
    if port.is_loading():
        raise RuntimeError(
            f"run_deployment({name!r}) is called while its file is imported, so every save would run it. "
            'Put the call into a flow, or under `if __name__ == "__main__":`.'
        )

    def request() -> RequestedRun:
        return port.server().run(
            name,
            dict(parameters or {}),
            at=scheduled_time,
            run_name=flow_run_name,
            tags=list(tags or ()),
            key=idempotency_key,
            timeout_s=timeout,
        )

    return _in_thread(request) if _is_in_coroutine() else request()


def _is_in_coroutine() -> bool:
    if "asyncio" not in sys.modules:
        return False
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _in_thread(request: Callable[[], RequestedRun]) -> RequestedRun:
    import asyncio

    return await asyncio.to_thread(request)
