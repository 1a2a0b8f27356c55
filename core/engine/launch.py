"""Starts a flow as a root run of this process for somebody who is not a flow: the command line, later the daemon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flowctl.core.authoring.context import TAGS
from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.engine import capture, signals
from flowctl.core.engine.creation import new_flow_run
from flowctl.core.engine.entry import carry_out, carry_out_async
from flowctl.core.engine.resume import Recorded
from flowctl.core.engine.root import process_observers
from flowctl.store.home import Home

if TYPE_CHECKING:
    from flowctl.core.authoring.flows import Flow
    from flowctl.core.authoring.runs import FlowRun
    from flowctl.core.authoring.states import State
    from flowctl.core.engine.root import RootRun
    from flowctl.store.journal import Record

Observer = Callable[["Record"], None]


#: Among arguments by name (it can be none itself): the run whose arguments are meant.
LIKE: Final = "*like"


class Ended(NamedTuple):
    """How a run ended."""

    run_id: str
    run_name: str
    state: State[Any]

    @property
    def error(self) -> BaseException | None:
        """The exception that the flow raised, if it raised one."""
        data = self.state.data
        return data if isinstance(data, BaseException) and not self.state.is_completed() else None


class NotRetriable(FlowctlError):
    """A run on record cannot get another attempt."""


def launch(
    flow: Flow[..., Any],
    arguments: dict[str, object],
    *,
    name: str | None = None,
    tags: Sequence[str] = (),
    observers: Sequence[Observer] = (),
    opened: RootRun | None = None,
) -> Ended:
    """Run a flow with arguments by parameter name; what it raises stands in the state and is not raised here.

    Raises `ParameterBindError` before there is a run. `opened` is the run's journal, where it was announced before.
    """
    return _carried_out(flow, _bound(flow, arguments), observers, tags, name=name, opened=opened)


def relaunch(
    run_id: str, *, observers: Sequence[Observer] = (), check_order: bool = True, opened: RootRun | None = None
) -> Ended:
    """Make the next attempt of a recorded run; completed tasks whose value is on record are not executed again.

    Raises `NotRetriable`, `NotOnRecord`, `RunActive`, or a `TargetProblem` when the flow is not to be found any more.
    """
    recorded = (opened and opened.recorded) or look_back(run_id, check_order=check_order)
    assert recorded.created is not None
    flow = _flow_of(recorded)
    arguments = _arguments_of(recorded)
    tags, name = recorded.created.tags, recorded.run_name
    return _carried_out(flow, _bound(flow, arguments), observers, tags, name=name, recorded=recorded, opened=opened)


def like_another(asked: dict[str, object]) -> dict[str, object]:
    """Give the arguments of a run that is to be like another one: that one's, and over them what was asked for."""
    if LIKE not in asked:
        return asked
    changes = {name: value for name, value in asked.items() if name != LIKE}
    return {**_arguments_of(Recorded(Home.default(), str(asked[LIKE]))), **changes}


def look_back(run_id: str, *, check_order: bool = True) -> Recorded:
    """Read what earlier attempts of a run did; raise `NotRetriable` when there is nothing left to do.

    Without `check_order` the next attempt may make other calls: those that are the same by their inputs are reused.
    """
    recorded = Recorded(Home.default(), run_id, check_order=check_order)
    assert recorded.created is not None
    if recorded.state_type == "COMPLETED":
        raise NotRetriable(f"Run {recorded.run_name!r} is Completed, so there is nothing to retry. Run the flow anew.")
    if not recorded.created.source.get("flow"):
        raise NotRetriable(f"Run {recorded.run_name!r} gathers tasks called outside flows; only flows can be retried.")
    return recorded


def _carried_out(
    flow: Flow[..., Any],
    arguments: dict[str, Any],
    observers: Sequence[Observer],
    tags: Sequence[str],
    *,
    name: str | None,
    recorded: Recorded | None = None,
    opened: RootRun | None = None,
) -> Ended:
    token = TAGS.set(TAGS.get() | frozenset(tags))
    process_observers.extend(observers)
    try:
        run = new_flow_run(flow, arguments, name=name, recorded=recorded, opened=opened)
        if flow.isasync:
            import asyncio

            asyncio.run(_async(run))
        else:
            carry_out(run)
    finally:
        for observer in observers:
            process_observers.remove(observer)
        TAGS.reset(token)
    return Ended(run.id, run.name, run.state)


async def _async(run: FlowRun) -> None:
    assert run.flow is not None
    if run.flow.isgenerator:
        from flowctl.core.engine.drivers import drive_async_generator
        from flowctl.core.engine.entry import close_flow
        from flowctl.core.engine.flow_lifecycle import flow_lifecycle

        with capture.attached(run), signals.heeded(run):
            try:
                async for _ in drive_async_generator(flow_lifecycle(run)):
                    pass
            finally:
                close_flow(run)
        return
    await carry_out_async(run)


def _bound(flow: Flow[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    # A class method is bound to its class already.
    own = zip(flow.signature.positional, getattr(flow, "_instance", ()), strict=False)
    return flow.signature.bind_named({**dict(own), **arguments})


def _flow_of(recorded: Recorded) -> Flow[..., Any]:
    """Find the recorded run's flow: by its file and place in it, or by its module."""
    from flowctl.core.engine.loading import load_flow

    assert recorded.created is not None
    source = recorded.created.source
    file, qualname, module = source.get("file"), source["flow"], source.get("module") or ""
    if "<locals>" in qualname:
        raise NotRetriable(
            f"The flow of run {recorded.run_name!r} was made inside a function ({qualname}), so it cannot be found "
            "again. Move it to the top of its file."
        )
    by_file = file and (source.get("script") or "." not in module)
    flow = load_flow(f"{file if by_file else module}:{qualname}")
    if source.get("script"):
        recorded.main_module = flow.fn.__module__
    return flow


def _arguments_of(recorded: Recorded) -> dict[str, Any]:
    from flowctl.core.engine.results import load

    assert recorded.created is not None
    data = recorded.created.arguments
    if data is None:
        raise NotRetriable(
            f"The arguments of run {recorded.run_name!r} could not be recorded (they cannot be pickled), so it cannot "
            "be retried. Run the flow anew."
        )
    arguments: dict[str, Any] = load(["pickle", data, None, len(data)], folder="", main_module=recorded.main_module)
    return arguments
