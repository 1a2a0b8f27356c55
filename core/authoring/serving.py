"""`my_flow.serve(…)`, `serve(a, b)`, `my_flow.deploy(…)`: a flow's schedules, given to the daemon by its own file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from flowctl.core.authoring import port

if TYPE_CHECKING:
    from flowctl.core.authoring.flows import Flow
    from flowctl.core.authoring.schedules import CatchUpWord, Schedule

OverlapWord = Literal["skip", "queue", "cancel-old", "allow"]
_OVERLAPS: Final = ("skip", "queue", "cancel-old", "allow")


class DeploymentOptions(TypedDict, total=False):
    """What `serve`, `deploy` and `to_deployment` take; all optional."""

    #: Cron expressions, one or several.
    cron: str | list[str] | None
    #: Seconds or a timedelta, one or several.
    interval: float | timedelta | list[float | timedelta] | None
    #: Rules of RFC 5545, one or several.
    rrule: str | list[str] | None
    #: Cron(…), Interval(…), RRule(…), or a list of them.
    schedule: Schedule | list[Schedule] | None
    schedules: list[Schedule] | None
    #: Of `cron`, `interval` and `rrule`.
    timezone: str | None
    catchup: CatchUpWord
    anchor_date: datetime | None
    parameters: Mapping[str, Any] | None
    tags: Iterable[str] | None
    description: str | None
    #: No schedule fires until somebody resumes it.
    paused: bool | None
    #: How many of its runs may run at once.
    limit: int | None
    #: What an occurrence does that comes while a run goes on.
    overlap: OverlapWord


class Deployable:
    """A flow with all that its deployment is to have."""

    def __init__(self, flow: Flow[..., Any], name: str | None, options: DeploymentOptions) -> None:
        unknown = options.keys() - DeploymentOptions.__annotations__.keys()
        if unknown:
            known = ", ".join(sorted(DeploymentOptions.__annotations__))
            raise TypeError(f"A deployment has no option {sorted(unknown)[0]!r}. It has: {known}.")
        self.flow = flow
        self.name = name or flow.name
        self.schedules = _schedules(flow, options)
        self.parameters = dict(options.get("parameters") or {})
        self.tags = sorted({*(options.get("tags") or ())})
        self.description = options.get("description") or flow.description
        self.paused = options.get("paused")
        self.limit = options.get("limit")
        self.overlap = options.get("overlap", "skip")
        if self.overlap not in _OVERLAPS:
            raise ValueError(f"`overlap` is one of {', '.join(_OVERLAPS)}, not {self.overlap!r}.")
        strange = sorted(self.parameters.keys() - set(flow.signature.names))
        if strange and not flow.signature.var_keyword:
            has = ", ".join(flow.signature.names) or "none"
            raise TypeError(f"The flow {flow.name!r} has no parameter {strange[0]!r}. It has: {has}.")


def serve(*flows: Flow[..., Any] | Deployable, pause_on_shutdown: bool = True) -> None:
    """Have the daemon run these flows by their schedules, and show their runs until Ctrl-C.

    Then their schedules pause, unless they are to go on without this process. While flowctl itself loads the file,
    nothing happens here.
    """
    if not flows:
        raise TypeError("serve() needs a flow, or what `my_flow.to_deployment(...)` gives.")
    deployables = [each if isinstance(each, Deployable) else Deployable(each, None, {}) for each in flows]
    if not port.is_loading():
        port.server().serve(deployables, pause_on_shutdown=pause_on_shutdown)


def deploy(flow: Flow[..., Any], name: str | None, options: DeploymentOptions) -> str:
    """Have the daemon run a flow by its schedules, and go on at once; return the deployment's name."""
    deployable = Deployable(flow, name, options)
    if not port.is_loading():
        port.server().deploy([deployable])
    return deployable.name


def _schedules(flow: Flow[..., Any], options: DeploymentOptions) -> list[Schedule]:
    """Make the schedules that are asked for; those of the decorator where none are."""
    from flowctl.core.authoring.schedules import Cron, Interval, RRule, schedules_of

    zone = options.get("timezone") or "UTC"
    catchup = options.get("catchup", "latest")
    anchor = options.get("anchor_date")
    found: list[Schedule] = []
    found += [Cron(each, zone, catchup=catchup) for each in _listed(options.get("cron"))]
    found += [Interval(each, anchor, zone, catchup=catchup) for each in _listed(options.get("interval"))]
    found += [RRule(each, zone, anchor_date=anchor, catchup=catchup) for each in _listed(options.get("rrule"))]
    found += schedules_of(options.get("schedule")) + schedules_of(options.get("schedules"))
    return found or list(flow.schedules)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    values: list[Any] = [*value] if isinstance(value, (list, tuple)) else [value]
    return values
