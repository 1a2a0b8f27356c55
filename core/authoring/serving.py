"""`my_flow.serve(…)`, `serve(a, b)`, `my_flow.deploy(…)`: a flow's schedules, given to the daemon by its own file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, cast

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
    #: Or objects with the same words: {"cron": "0 2 * * *", "timezone": …, "parameters": …, "active": …, "slug": …}.
    schedules: Sequence[Schedule | Mapping[str, Any]] | None
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
    #: Prefect's words for a limit; runs beyond it wait, unless `overlap` or a collision strategy says otherwise.
    concurrency_limit: Any
    global_limit: Any
    # Of Prefect too, and without a meaning on one machine: said to be left out, or passed over.
    version: Any
    version_type: Any
    work_pool_name: Any
    work_queue_name: Any
    job_variables: Any
    image: Any
    build: Any
    push: Any
    triggers: Any
    enforce_parameter_schema: Any
    entrypoint_type: Any
    webserver: Any
    print_starting_message: Any
    print_next_steps: Any
    ignore_warnings: Any


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
        self.limit, overlap = _limit(options)
        self.overlap: OverlapWord = options.get("overlap", overlap)
        #: What it was given and does not heed, each with the reason.
        self.left_out = [(name, why) for name, why in _LEFT_OUT.items() if options.get(name)]
        if self.overlap not in _OVERLAPS:
            raise ValueError(f"`overlap` is one of {', '.join(_OVERLAPS)}, not {self.overlap!r}.")
        strange = sorted(self.parameters.keys() - set(flow.signature.names))
        if strange and not flow.signature.var_keyword:
            has = ", ".join(flow.signature.names) or "none"
            raise TypeError(f"The flow {flow.name!r} has no parameter {strange[0]!r}. It has: {has}.")


def serve(
    *flows: Flow[..., Any] | Deployable,
    pause_on_shutdown: bool = True,
    limit: int | None = None,
    print_starting_message: bool = True,  # noqa: ARG001 - a word of Prefect's
) -> None:
    """Have the daemon run these flows by their schedules, and show their runs until Ctrl-C.

    Then their schedules pause, unless they are to go on without this process. `limit` holds for each of them that has
    none. While flowctl itself loads the file, nothing happens here.
    """
    if not flows:
        raise TypeError("serve() needs a flow, or what `my_flow.to_deployment(...)` gives.")
    deployables = [_deployable(each) for each in flows]
    for deployable in deployables:
        deployable.limit = deployable.limit or limit
    if not port.is_loading():
        port.server().serve(deployables, pause_on_shutdown=pause_on_shutdown)


def deploy(flow: Flow[..., Any], name: str | None, options: DeploymentOptions) -> str:
    """Have the daemon run a flow by its schedules, and go on at once; return the deployment's name."""
    deployable = Deployable(flow, name, options)
    if not port.is_loading():
        port.server().deploy([deployable])
    return deployable.name


def _deployable(given: Any) -> Deployable:  # users err
    from flowctl.core.authoring.flows import Flow

    if isinstance(given, Deployable):
        return given
    if isinstance(given, Flow):
        return Deployable(cast("Flow[..., Any]", given), None, {})
    raise TypeError(f"serve() takes flows and what `my_flow.to_deployment(...)` gives, not {given!r:.100}.")


#: Words of Prefect that mean something elsewhere; those that only speak of output are passed over.
_LEFT_OUT: Final = {
    "work_pool_name": "runs are processes of this machine",
    "work_queue_name": "runs are processes of this machine",
    "job_variables": "runs are processes of this machine",
    "image": "runs are processes of this machine",
    "triggers": "there are no automations",
    "version": "versions are counted by the file's content",
}
_COLLISIONS: Final[dict[str, OverlapWord]] = {"ENQUEUE": "queue", "CANCEL_NEW": "skip"}


def _limit(options: DeploymentOptions) -> tuple[int | None, OverlapWord]:
    """Give the limit, by any of its names, and what a run beyond it does where nothing else is said."""
    limit: Any = options.get("limit")
    overlap: OverlapWord = "skip"
    for name in ("concurrency_limit", "global_limit"):
        given: Any = options.get(name)  # a number, or Prefect's object or dict of limit and strategy
        if given is None:
            continue
        strategy = _part(given, "collision_strategy") or "ENQUEUE"
        overlap = _COLLISIONS.get(str(getattr(strategy, "value", strategy)).upper(), "queue")
        limit = given if isinstance(given, int) else _part(given, "limit")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise ValueError(f"The limit of a deployment is a whole number from 1, not {limit!r:.40}.")
    return limit, overlap


def _part(given: Any, name: str) -> Any:  # an object or a mapping of the user's
    if isinstance(given, Mapping):
        return cast("Mapping[str, Any]", given).get(name)
    return getattr(given, name, None)


def _schedules(flow: Flow[..., Any], options: DeploymentOptions) -> list[Schedule]:
    """Make the schedules that are asked for; those of the decorator where none are."""
    from flowctl.core.authoring.schedules import Cron, Interval, RRule, schedules_of

    zone = options.get("timezone")
    catchup = options.get("catchup", "latest")
    anchor = options.get("anchor_date")
    found: list[Schedule] = []
    found += [Cron(each, zone, catchup=catchup) for each in _listed(options.get("cron"))]
    found += [Interval(each, anchor, zone, catchup=catchup) for each in _listed(options.get("interval"))]
    found += [RRule(each, zone, anchor_date=anchor, catchup=catchup) for each in _listed(options.get("rrule"))]
    for name in ("schedule", "schedules"):
        given = [_schedule(each, zone, catchup) for each in _listed(options.get(name))]
        found += schedules_of(given)
    schedules_of(found)
    return found or list(flow.schedules)


def _schedule(given: Any, zone: str | None, catchup: CatchUpWord) -> Any:
    """Make a schedule of an object with its words; leave anything else to be judged elsewhere."""
    from flowctl.core.authoring.schedules import Cron, Interval, RRule, Schedule

    if not isinstance(given, Mapping):
        return given
    said = dict(cast("Mapping[str, Any]", given))
    words: dict[str, Any] = {"timezone": zone, "catchup": catchup, **said}
    inner = words.pop("schedule", None)
    if isinstance(inner, Mapping):
        words |= inner
    elif isinstance(inner, Schedule):
        return inner.with_words(**{name: words[name] for name in ("active", "parameters", "slug") if name in words})
    kinds: dict[str, type[Cron | Interval | RRule]] = {"cron": Cron, "interval": Interval, "rrule": RRule}
    named = [kind for kind in kinds if words.get(kind) is not None]
    if len(named) != 1:
        raise ValueError(f"A schedule has one of `cron`, `interval` and `rrule`, not {said!r:.100}.")
    expression = words.pop(named[0])
    words = {name: value for name, value in words.items() if name not in kinds}
    try:
        return kinds[named[0]](expression, **words)
    except TypeError as error:
        raise ValueError(f"The schedule {said!r:.100} cannot be meant: {error}.") from None


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    values: list[Any] = [*value] if isinstance(value, (list, tuple)) else [value]
    return values
