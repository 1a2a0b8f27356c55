"""Puts what a look into a flow file showed into the database: its flows, schemas and schedules, or what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from flowctl.core.daemon.inspection import Inspected, Surroundings
from flowctl.core.daemon.occurrences import spec_of
from flowctl.store import file_queries, plan_queries, plans, source_versions
from flowctl.store.file_records import FlowFileRow
from flowctl.store.flow_files import Loaded, forget_flow_file, keep_source, save_loaded, save_problem
from flowctl.store.fold import to_json
from flowctl.store.plan_problems import NameTaken
from flowctl.store.plan_records import (
    DeploymentRow,
    DeploymentSpec,
    FlowReference,
    Origin,
    Overlap,
)
from flowctl.store.sqlite import sqlite3

_MOST_NAMED: Final = 5
#: Of a longer one no copy is kept with the file; deployments have theirs.
_LONGEST_SCHEMA: Final = 1 << 16
_NEEDS: Final = "The flow needs a value for"

Flow = Mapping[str, Any]


class Reloaded(NamedTuple):
    """What became of a file, in a word and a sentence."""

    path: str
    #: `reloaded`, `broken`, `gone`, `empty` (it holds no flows).
    outcome: str
    text: str


def take_in(
    connection: sqlite3.Connection,
    found: Inspected,
    surroundings: Surroundings,
    now: datetime,
    *,
    digest: str | None,
    version: bytes,
    makes_deployments: bool,
) -> Reloaded:
    """Take over a file that could be loaded: everything that follows from it, in the caller's transaction."""
    flows = [flow for flow in found.flows if flow["is_own"]]
    rows = plan_queries.deployments_of_file(connection, found.path)
    if not flows and not rows:
        forget_flow_file(connection, found.path)
        return Reloaded(found.path, "empty", "It holds no flows.")
    source_hash = keep_source(connection, version)
    problems: list[str] = []
    if makes_deployments:
        for flow in flows:
            if flow["schedules"] or any(row.origin is Origin.CODE and _is_of(row, flow) for row in rows):
                problem = _deploy(connection, found.path, flow, surroundings, source_hash, now)
                problems += [problem] if problem else []
    for row in plan_queries.deployments_of_file(connection, found.path):
        _renew(connection, row, found.flows, source_hash, now)
    told = {"kind": "Schedule", "message": " ".join(problems), "file": found.path, "line": 0} if problems else None
    loaded = Loaded(
        flows=[_remembered(flow) for flow in flows],
        tasks=found.tasks,
        modules=[file for file in source_versions.unpack(version) if file != found.path],
        import_us=found.import_us,
        changed_us=found.changed_us,
    )
    save_loaded(connection, found.path, loaded, now, hash_=digest, good_hash=source_hash, problem=told)
    names = ", ".join(flow["name"] for flow in flows[:_MOST_NAMED]) + (", …" if len(flows) > _MOST_NAMED else "")
    return Reloaded(
        found.path, "reloaded", f"flows: {names or 'none'}" + (f". {' '.join(problems)}" if problems else "")
    )


def take_problem(
    connection: sqlite3.Connection,
    known: FlowFileRow | None,
    found: Inspected,
    now: datetime,
    *,
    digest: str | None,
    diff: str,
) -> Reloaded:
    """Remember what is wrong with a file; its last good version goes on serving, if there is one."""
    problem: dict[str, Any] = {**(found.problem or {}), "diff": diff}
    good_hash = known.good_hash if known is not None else None
    version = save_problem(connection, found.path, problem, now, hash_=digest, changed_us=found.changed_us)
    words = in_words(problem)
    if good_hash is None:
        for row in plan_queries.deployments_of_file(connection, found.path):
            plans.set_problem(connection, row.id, words, now)
    serving = f"Its last good version, v{version}, goes on serving." if good_hash else "It never could be loaded."
    return Reloaded(found.path, "broken", f"{words} {serving}")


def take_loss(connection: sqlite3.Connection, path: str, now: datetime, *, moved_to: Sequence[str]) -> Reloaded:
    """Pause what a file that is gone was to do, and say why; nothing of it is forgotten."""
    where = f" It may be {moved_to[0]} now, which holds the same text: deploy the flow from there." if moved_to else ""
    words = f"Its file {path} is gone: deleted, moved or renamed.{where} Its schedules rest until it is back."
    rows = plan_queries.deployments_of_file(connection, path)
    for row in rows:
        plans.set_problem(connection, row.id, words, now)
    if not rows:
        forget_flow_file(connection, path)
        return Reloaded(path, "empty", "It is gone.")
    save_problem(connection, path, {"kind": "Gone", "message": words, "file": path, "line": 0}, now, hash_=None)
    return Reloaded(path, "gone", words)


def is_doubtful(connection: sqlite3.Connection, found: Inspected, *, makes_deployments: bool) -> bool:
    """Tell whether the next moment may show another picture.

    A file that has lost a flow which something is to start may be half written; one with a flow that another file has
    as well may be that file, renamed.
    """
    if found.problem is not None:
        return False
    rows = plan_queries.deployments_of_file(connection, found.path)
    if any(row.problem is None and _flow_of(row, found.flows) is None for row in rows):
        return True
    for flow in found.flows:
        if makes_deployments and flow["is_own"] and flow["schedules"]:
            holder = plan_queries.deployment_named(connection, flow["name"])
            if holder is not None and holder.reference.file != found.path and holder.origin is Origin.CODE:
                return True
    return False


def in_words(problem: Mapping[str, Any]) -> str:
    """Write a problem in one line."""
    kind, message = str(problem.get("kind", "")), str(problem.get("message", "")).partition("\n")[0]
    file, line = problem.get("file"), problem.get("line")
    place = f"{file}, line {line}: " if file and line else ""
    text = message if kind in ("Died", "TimedOut", "NoInterpreter", "CalledOnImport") else f"{kind}: {message}"
    return f"{place}{text}".rstrip(".: ") + "."


def _deploy(
    connection: sqlite3.Connection,
    path: str,
    flow: Flow,
    surroundings: Surroundings,
    source_hash: str,
    now: datetime,
) -> str | None:
    """Make the deployment that a flow's own schedules ask for, named as the flow; return why it cannot be made."""
    name: str = flow["name"]
    reference = FlowReference(
        file=path,
        flow_attribute=flow["attribute"],
        python=surroundings.python,
        cwd=surroundings.cwd,
        path0=surroundings.path0,
        source_hash=source_hash,
    )
    holder = plan_queries.deployment_named(connection, name)
    if holder is not None and not (holder.origin is Origin.CODE and _may_pass_on(connection, holder, reference)):
        if holder.reference.file == path and holder.reference.flow_attribute == flow["attribute"]:
            return (
                f"The flow {name!r} has a schedule, but a deployment of that name was made otherwise; that one counts."
            )
        return str(NameTaken(name, f"{holder.reference.file}:{holder.reference.flow_attribute}", holder.origin.value))
    try:
        specs = [spec_of(each) for each in cast("Sequence[Mapping[str, Any]]", flow["schedules"])]
    except ValueError as error:
        return f"A schedule of the flow {name!r} cannot be meant: {error}"
    spec = DeploymentSpec(
        name=name,
        flow_name=name,
        reference=reference,
        parameters={} if holder is None else holder.parameters,
        tags=() if holder is None else holder.tags,
        description=flow["description"],
        run_limit=None if holder is None else holder.run_limit,
        origin=Origin.CODE,
        parameter_schema=flow["schema"],
        problem=None if holder is None else holder.problem,
        overlap=Overlap.SKIP if holder is None else holder.overlap,
    )
    deployment_id = plans.save_deployment(connection, spec, now)
    known = {} if holder is None else {schedule.slug: schedule for schedule in holder.schedules}
    # What a person switched off stays off.
    kept = [replace(each, active=known[each.slug].active) if each.slug in known else each for each in specs]
    plans.set_schedules(connection, deployment_id, kept, now)
    former = None if holder is None else holder.reference.file
    if former is not None and former != path and not plan_queries.deployments_of_file(connection, former):
        forget_flow_file(connection, former)
    return None


def _may_pass_on(connection: sqlite3.Connection, holder: DeploymentRow, reference: FlowReference) -> bool:
    """Tell whether a deployment is of this flow, or of one whose file is gone, so that this may be it, renamed."""
    if holder.reference.file == reference.file:
        return True
    former = file_queries.flow_file(connection, holder.reference.file or "")
    return former is not None and former.hash is None


def _renew(
    connection: sqlite3.Connection, row: DeploymentRow, flows: Iterable[Flow], source_hash: str, now: datetime
) -> None:
    """Give a deployment the new version of its flow, or say that there is none any more."""
    flow = _flow_of(row, flows)
    if flow is None:
        names = ", ".join(flow["attribute"] for flow in flows) or "none"
        words = f"Its file has no flow {row.reference.flow_attribute!r} (there are: {names})."
        plans.set_problem(connection, row.id, f"{words} Its schedules rest until it is back.", now)
        return
    missing = missing_parameters(flow, row.parameters)
    for schedule in row.schedules:
        lacks = ", ".join(name for name in missing if name not in schedule.parameters)
        if lacks or (schedule.problem or "").startswith(_NEEDS):
            advice = f"{_NEEDS} {lacks}: give it a default, or the schedule parameters."
            plans.set_schedule_problem(connection, schedule.id, advice if lacks else None)
    spec = DeploymentSpec(
        name=row.name,
        flow_name=flow["name"],
        reference=replace(row.reference, source_hash=source_hash),
        parameters=row.parameters,
        tags=row.tags,
        description=row.description if row.origin is not Origin.CODE else flow["description"],
        run_limit=row.run_limit,
        overlap=row.overlap,
        origin=row.origin,
        parameter_schema=flow["schema"],
        problem=row.problem,
    )
    plans.save_deployment(connection, spec, now)
    plans.set_problem(connection, row.id, None, now)


def missing_parameters(flow: Flow, parameters: Mapping[str, object]) -> list[str]:
    """List the parameters that have neither a default nor a value."""
    return [name for name in cast("Sequence[str]", flow["required"]) if name not in parameters]


def _flow_of(row: DeploymentRow, flows: Iterable[Flow]) -> Flow | None:
    return next((flow for flow in flows if _is_of(row, flow)), None)


def _is_of(row: DeploymentRow, flow: Flow) -> bool:
    return row.reference.flow_attribute in (flow["attribute"], flow["name"])


def _remembered(flow: Flow) -> dict[str, object]:
    kept = ("attribute", "name", "line", "description", "required", "schema", "retries", "timeout_s")
    remembered = {name: flow[name] for name in kept}
    if flow["schema"] is not None and len(to_json(flow["schema"])) > _LONGEST_SCHEMA:
        remembered["schema"] = None
    return remembered
