"""Requests about deployments and their schedules: make, change, pause, resume, delete, make up for the past.

Each may carry the `version` of the deployment that its sender saw; one that has been overtaken is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from flowctl.core.daemon import backfill
from flowctl.core.daemon.plan_fields import (
    LARGEST_SCHEMA,
    MOST_SCHEDULES,
    check_names,
    read_flag,
    read_moment,
    read_name,
    read_object,
    read_reference,
    read_run_limit,
    read_schedules,
    read_tags,
    read_word,
)
from flowctl.core.daemon.protocol import Fields, Refused
from flowctl.core.daemon.upkeep_requests import text
from flowctl.store import plan_queries, plans
from flowctl.store.plan_records import DeploymentRow, DeploymentSpec, Origin, Overlap
from flowctl.store.states import StateType
from flowctl.store.underway import tell

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon
    from flowctl.core.daemon.requests import Verb


def deploy(daemon: Daemon, fields: Fields) -> Fields:
    """Make a deployment or change it; `schedules`, where given, are all that it has from now on."""
    name, connection = read_name(fields), daemon.store.connection
    parameters = read_object(fields, "parameters")
    schema = None if fields.get("parameter_schema") is None else read_object(fields, "parameter_schema", LARGEST_SCHEMA)
    reference = read_reference(fields)
    spec = DeploymentSpec(
        name=name,
        flow_name=str(fields.get("flow_name") or reference.flow_attribute),
        reference=reference,
        parameters=parameters,
        tags=read_tags(fields),
        description=None if fields.get("description") is None else text(fields, "description")[:4000],
        paused=read_flag(fields, "paused"),
        run_limit=read_run_limit(fields),
        overlap=read_word(fields, "overlap", Overlap, Overlap.SKIP),
        origin=read_word(fields, "origin", Origin, Origin.COMMAND),
        parameter_schema=schema,
    )
    check_names(spec.flow_name, schema, parameters)
    schedules = None if fields.get("schedules") is None else read_schedules(fields, schema, parameters)
    before = plan_queries.deployment_names(connection)
    plans.save_deployment(connection, spec, daemon.now(), replace=read_flag(fields, "replace") is True)
    deployment = plan_queries.deployment(connection, name)
    if schedules is not None:
        plans.set_schedules(connection, deployment.id, schedules, daemon.now())
    # Of a file that something is deployed from already, the watcher has nothing to learn.
    is_news = daemon.watcher is not None and not daemon.watcher.is_deployed(reference.file)
    _woken(daemon, watch=is_news)
    return {**_answer(daemon, name), "is_new": name not in before}


def deployment_pause(daemon: Daemon, fields: Fields) -> Fields:
    """Have no schedule of a deployment fire."""
    return _pause(daemon, fields, paused=True)


def deployment_resume(daemon: Daemon, fields: Fields) -> Fields:
    """Have the schedules of a deployment fire from now on."""
    return _pause(daemon, fields, paused=False)


def deployment_delete(daemon: Daemon, fields: Fields) -> Fields:
    """Delete a deployment; its runs stay, but for those that have not begun."""
    deployment = _deployment(daemon, fields)
    connection = daemon.store.connection
    waiting = plan_queries.waiting_runs_of(connection, deployment.id)
    reason = f"Its deployment {deployment.name!r} was deleted."
    for run_id in waiting:
        tell(connection, run_id, StateType.CANCELLED, "Cancelled", reason, daemon.now())
    plans.delete_deployment(connection, deployment.name)
    _woken(daemon, watch=True)
    return {"deployment": deployment.name, "cancelled": len(waiting)}


def set_schedule(daemon: Daemon, fields: Fields) -> Fields:
    """Add a schedule to a deployment, or change the one of that `slug`; with `only`, it has no other any more.

    What the schedule that is changed, or the only one there is, has and the new one does not speak of stays.
    """
    deployment, is_only = _deployment(daemon, fields), read_flag(fields, "only") is True
    given = _with_what_stays(deployment, fields.get("schedule"), is_only=is_only)
    (spec,) = read_schedules({"schedules": [given]}, deployment.parameter_schema, deployment.parameters)
    if is_only:
        plans.set_schedules(daemon.store.connection, deployment.id, [spec], daemon.now())
    else:
        if len(deployment.schedules) >= MOST_SCHEDULES:
            raise Refused("refused", f"A deployment has at most {MOST_SCHEDULES} schedules.")
        plans.save_schedule(daemon.store.connection, deployment.id, spec, daemon.now())
    _woken(daemon)
    return _answer(daemon, deployment.name)


def schedule_delete(daemon: Daemon, fields: Fields) -> Fields:
    """Take a schedule from a deployment."""
    deployment = _deployment(daemon, fields)
    plans.delete_schedule(daemon.store.connection, deployment.name, text(fields, "slug"))
    _woken(daemon)
    return _answer(daemon, deployment.name)


def schedule_toggle(daemon: Daemon, fields: Fields) -> Fields:
    """Switch a schedule on or off; without `active`, to the other of the two."""
    deployment, slug = _deployment(daemon, fields), text(fields, "slug")
    active = read_flag(fields, "active")
    if active is None:
        active = not any(each.active for each in deployment.schedules if each.slug == slug)
    plans.toggle_schedule(daemon.store.connection, deployment.name, slug, daemon.now(), active=active)
    _woken(daemon)
    return {**_answer(daemon, deployment.name), "active": active}


def deployment_backfill(daemon: Daemon, fields: Fields) -> Fields:
    """Plan runs for the occurrences of a span of the past that have got none; with `dry_run`, only tell which."""
    deployment, connection = _deployment(daemon, fields), daemon.store.connection
    start, end = read_moment(fields, "start"), min(read_moment(fields, "end"), daemon.now())
    if start > end:
        raise Refused("bad_request", f"The span begins at {start}, which is not before its end, {end}.")
    schedules = [each for each in deployment.schedules if fields.get("slug") in (None, each.slug)]
    if not schedules:
        has = ", ".join(repr(each.slug) for each in deployment.schedules) or "none"
        raise Refused(
            "not_found", f"The deployment {deployment.name!r} has no such schedule to backfill. It has: {has}."
        )
    most: Any = fields.get("limit") or backfill.MOST_RUNS  # whatever somebody sent
    if not isinstance(most, int) or not 1 <= most <= backfill.MOST_RUNS:
        raise Refused("bad_request", f"The limit goes from 1 to {backfill.MOST_RUNS:,}.")
    try:
        found = backfill.gaps(connection, schedules, start, end)
    except ValueError as error:
        raise Refused("bad_request", str(error)) from None
    chosen = found[:most]
    is_dry = read_flag(fields, "dry_run") is True
    if deployment.problem is not None and not is_dry:
        raise Refused("refused", f"The deployment {deployment.name!r} cannot be run now: {deployment.problem}")
    runs: list[str] = []
    if not is_dry:
        secrets = daemon.settings.secret_names
        runs = backfill.fill(connection, deployment, chosen, daemon.now(), secret_names=secrets)
        daemon.afterwards.append(lambda: daemon.poke("dispatch"))
    told = [{"at": gap.occurrence.at.isoformat(), "slug": gap.schedule.slug} for gap in chosen]
    return {"deployment": deployment.name, "occurrences": told, "left": len(found) - len(chosen), "run_ids": runs}


def _with_what_stays(deployment: DeploymentRow, given: object, *, is_only: bool) -> object:
    if not isinstance(given, dict):
        return given
    said = {name: value for name, value in cast("dict[str, object]", given).items() if value is not None}
    slug = said.get("slug")
    before = [each for each in deployment.schedules if (each.slug == slug if slug is not None else is_only)]
    if len(before) != 1:
        return said
    (row,) = before
    stays = {"timezone": row.timezone, "catchup": row.catchup.value, "parameters": row.parameters, "active": row.active}
    return {**stays, **said}


def _pause(daemon: Daemon, fields: Fields, *, paused: bool) -> Fields:
    deployment = _deployment(daemon, fields)
    changed = plans.pause_deployment(daemon.store.connection, deployment.name, daemon.now(), paused=paused)
    _woken(daemon)
    return {**_answer(daemon, deployment.name), "changed": changed}


def _deployment(daemon: Daemon, fields: Fields) -> DeploymentRow:
    """Read the deployment that a request is about; refuse when it is not as its sender saw it."""
    deployment = plan_queries.deployment(daemon.store.connection, text(fields, "deployment"))
    seen: Any = fields.get("version")  # whatever somebody sent
    if seen is not None and seen != deployment.version:
        raise Refused("stale", f"The deployment {deployment.name!r} has changed since you looked. Look again.")
    return deployment


def _answer(daemon: Daemon, name: str) -> Fields:
    """Tell how a deployment stands now."""
    deployment = plan_queries.deployment(daemon.store.connection, name)
    return {
        "deployment": deployment.name,
        "version": deployment.version,
        "paused": deployment.paused,
        "problem": deployment.problem,
        "schedules": [each.slug for each in deployment.schedules],
    }


def _woken(daemon: Daemon, *, watch: bool = False) -> None:
    daemon.afterwards.append(lambda: daemon.poke("schedule", "dispatch"))
    if watch and daemon.watcher is not None:
        daemon.afterwards.append(daemon.watcher.refresh)


VERBS: Final[dict[str, Verb]] = {
    "deploy": deploy,
    "deployment_pause": deployment_pause,
    "deployment_resume": deployment_resume,
    "deployment_delete": deployment_delete,
    "deployment_backfill": deployment_backfill,
    "set_schedule": set_schedule,
    "schedule_delete": schedule_delete,
    "schedule_toggle": schedule_toggle,
}
