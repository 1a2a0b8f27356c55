"""Records the end of a run whose flow was not even called: its file is gone or broken, its arguments do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.authoring.states import State
from flowctl.core.engine.pen import ERROR
from flowctl.core.engine.previews import parameters_json
from flowctl.core.engine.reports import as_text, report, text_of
from flowctl.store.journal import FlowRunCreated, FlowRunState, LogLine
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.engine.root import RootRun


def record_unstarted(
    root: RootRun,
    error: BaseException,
    *,
    name: str,
    flow_name: str,
    arguments: dict[str, Any],
    tags: list[str],
    source: dict[str, Any],
) -> State[Any]:
    """Say in the journal of a run that it failed, or was cancelled, before its flow was called; close it."""
    at = root.clock()
    created = FlowRunCreated(
        at=at,
        run=0,
        id=root.id,
        name=name,
        flow_name=flow_name,
        parent_run=None,
        parent_task=None,
        parameters=parameters_json(arguments, root.settings.secret_names),
        tags=sorted(tags),
        source=source,
        arguments=None,
    )
    root.journal.append(created)
    plain: dict[str, Any] | None = None
    if isinstance(error, KeyboardInterrupt):
        state: State[Any] = State(StateType.CANCELLED, message="The run was cancelled by a person.", data=error, at=at)
    else:
        state = State(StateType.FAILED, message=f"The flow was not called: {text_of(error)}", data=error, at=at)
        # What the user's file raised says more than that it raised.
        raised: BaseException | None = getattr(error, "error", None)
        plain = report(raised or error)
        trace = f"\n{as_text(plain)}" if raised is not None or not isinstance(error, FlowctlError) else ""
        root.journal.append(LogLine(at, 0, None, ERROR, "flowctl.flow_runs", f"{state.message}{trace}"))
    root.journal.append(FlowRunState(at, 0, state.type, state.name, state.message, 0, None, None, None, plain, None))
    root.close()
    return state
