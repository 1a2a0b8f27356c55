"""Requests that have something run: a flow or deployment, the next attempt of a run, a run like another."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from flowctl.core.authoring.templates import random_run_name
from flowctl.core.daemon.occurrence_parameters import filled_in
from flowctl.core.daemon.plan_fields import check_names
from flowctl.core.daemon.protocol import Fields, Refused
from flowctl.core.daemon.upkeep_requests import text, texts
from flowctl.core.engine.launch import LIKE
from flowctl.core.engine.previews import parameters_json
from flowctl.core.engine.root import new_id
from flowctl.store import plan_queries, run_origins
from flowctl.store.flow_files import keep_source
from flowctl.store.plan_records import DeploymentRow, FlowReference, RunPlan
from flowctl.store.planned_runs import plan_attempt, plan_run
from flowctl.store.run_origins import RunOrigin

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon
    from flowctl.core.daemon.requests import Verb

_LARGEST_PARAMETERS: Final = 1 << 20
_LONGEST_NAME: Final = 200
_MOST_TAGS: Final = 100
#: A run that is asked for may wait so long.
_FARTHEST: Final = timedelta(days=3660)


def run(daemon: Daemon, fields: Fields) -> Fields:
    """Have a flow run: that of a deployment, or one in a file or module; at once, or `at` a time."""
    parameters = _parameters(fields)
    if (name := fields.get("deployment")) is not None:
        deployment = plan_queries.deployment(daemon.store.connection, text({"deployment": name}, "deployment"))
        if deployment.problem is not None:
            raise Refused("refused", f"The deployment {deployment.name!r} cannot be run now: {deployment.problem}")
        arguments = filled_in({**deployment.parameters, **parameters}, _due_at(daemon, fields))
        _check_names(deployment, arguments)
        reference, flow_name, tags = deployment.reference, deployment.flow_name, list(deployment.tags)
        deployment_id = deployment.id
    else:
        reference, arguments, tags, deployment_id = _reference(daemon, fields), parameters, [], None
        flow_name = str(fields.get("flow_name") or reference.flow_attribute)
    tags += [tag for tag in _tags(fields) if tag not in tags]
    return _plan(daemon, fields, reference, flow_name, arguments, tags, deployment_id)


def retry(daemon: Daemon, fields: Fields) -> Fields:
    """Plan the next attempt of a run that is over."""
    origin = _origin(daemon, fields)
    if not origin.is_final:
        raise Refused("refused", f"Run {origin.name!r} is still at work ({origin.state_name}). Wait, or cancel it.")
    if origin.state_type == "COMPLETED":
        raise Refused("refused", f"Run {origin.name!r} is {origin.state_name}, so there is nothing to retry. Rerun it.")
    reference = _reference_of(origin)
    due_at = _due_at(daemon, fields)
    attempt = plan_attempt(
        daemon.store.connection, origin.id, reference, daemon.now(), due_at=due_at, message="A person asked for it."
    )
    daemon.afterwards.append(lambda: daemon.poke("dispatch"))
    return {"run_id": origin.id, "name": origin.name, "attempt": attempt}


def rerun(daemon: Daemon, fields: Fields) -> Fields:
    """Make a new run with the parameters of another one, changed where `parameters` says so."""
    origin = _origin(daemon, fields)
    reference = _reference_of(origin)
    changes = _parameters(fields)
    if origin.planned_arguments is not None and not origin.has_arguments:
        arguments = {**json.loads(origin.planned_arguments), **changes}
    elif origin.has_arguments:
        # They are pickled, and only the run process may read such things.
        arguments = {LIKE: origin.id, **changes}
    else:
        raise Refused(
            "refused",
            f"The arguments of run {origin.name!r} could not be recorded, so no run can be made like it. Run it anew.",
        )
    shown = {**json.loads(origin.parameters), **json.loads(parameters_json(changes, daemon.settings.secret_names))}
    tags = [*origin.tags, *(tag for tag in _tags(fields) if tag not in origin.tags)]
    return _plan(
        daemon, fields, reference, origin.flow_name, arguments, tags, origin.deployment_id, shown=json.dumps(shown)
    )


def _plan(
    daemon: Daemon,
    fields: Fields,
    reference: FlowReference,
    flow_name: str,
    arguments: Mapping[str, object],
    tags: list[str],
    deployment_id: int | None,
    *,
    shown: str | None = None,
) -> Fields:
    plan = RunPlan(
        run_id=new_id(),
        name=_name(fields),
        flow_name=flow_name,
        reference=reference,
        arguments=arguments,
        shown=shown or parameters_json(dict(arguments), daemon.settings.secret_names),
        due_at=_due_at(daemon, fields),
        tags=tags,
        deployment_id=deployment_id,
        message="A person asked for it.",
    )
    plan_run(daemon.store.connection, plan, daemon.now())
    daemon.afterwards.append(lambda: daemon.poke("dispatch"))
    return {"run_id": plan.run_id, "name": plan.name, "due_at": plan.due_at.isoformat()}


def _origin(daemon: Daemon, fields: Fields) -> RunOrigin:
    """Read the run that a request is about; refuse when it is not as its sender saw it."""
    run_id = text(fields, "run_id")
    origin = run_origins.origin_of(daemon.store.connection, run_id)
    if origin is None:
        raise Refused("not_found", f"There is no run {run_id!r:.80}. `flowctl runs` lists those there are.")
    if not origin.is_root:
        raise Refused("refused", f"Run {origin.name!r} is a subflow and goes with the run that called it. Name that.")
    seen: Any = fields.get("state_version")  # whatever somebody sent
    if seen is not None and seen != origin.state_version:
        raise Refused(
            "stale", f"Run {origin.name!r} has changed since you looked: it is {origin.state_name} now. Look again."
        )
    return origin


def _reference_of(origin: RunOrigin) -> FlowReference:
    """Say how to find the flow of a run again."""
    source = origin.source
    attribute, file, module = source.get("flow"), source.get("file"), source.get("module")
    if not isinstance(attribute, str) or not attribute:
        raise Refused(
            "refused", f"Run {origin.name!r} gathers tasks called outside flows; only flows can be run again."
        )
    if "<locals>" in attribute:
        raise Refused(
            "refused",
            f"The flow of run {origin.name!r} was made inside a function ({attribute}), so it cannot be found again. "
            "Move it to the top of its file.",
        )
    by_file = isinstance(file, str) and (source.get("script") or "." not in str(module or ""))
    return FlowReference(
        file=file if by_file and isinstance(file, str) else None,
        flow_attribute=attribute,
        module=None if by_file else str(module),
        python=str(source.get("python") or sys.executable),
        cwd=str(source.get("cwd") or "/"),
        path0=cast("str | None", source.get("path0")),
    )


def _reference(daemon: Daemon, fields: Fields) -> FlowReference:
    """Read where a flow is that belongs to no deployment."""
    file, module = fields.get("file"), fields.get("module")
    source_hash = None
    if file is not None:
        file = text(fields, "file")
        if not os.path.isabs(file) or "\0" in file:
            raise Refused("bad_request", f"The file has to be named by its whole path, not {file!r:.100}.")
        try:
            with open(file, "rb") as opened:
                source_hash = keep_source(daemon.store.connection, opened.read())
        except OSError as error:
            raise Refused("not_found", f"The file {file} cannot be read: {error.strerror}.") from error
    elif module is None:
        raise Refused("bad_request", "Say what is to run: a `deployment`, or a `file` or `module` and a `flow`.")
    return FlowReference(
        file=file,
        flow_attribute=text(fields, "flow"),
        module=None if module is None else text(fields, "module"),
        python=str(fields.get("python") or sys.executable),
        cwd=str(fields.get("cwd") or (os.path.dirname(file) if file else "/")),
        path0=cast("str | None", fields.get("path0")),
        source_hash=source_hash,
    )


def _parameters(fields: Fields) -> dict[str, object]:
    given: Any = fields.get("parameters", {})  # whatever somebody sent
    if not isinstance(given, dict):
        raise Refused("bad_request", "'parameters' has to be an object: parameter -> value.")
    found = cast("dict[str, object]", given)
    if len(json.dumps(found)) > _LARGEST_PARAMETERS:
        raise Refused("bad_request", f"Parameters may have {_LARGEST_PARAMETERS >> 20} MiB. Put more into a file.")
    if not all(name.isidentifier() for name in found):
        strange = next(name for name in found if not name.isidentifier())
        raise Refused("bad_request", f"{strange!r:.80} can be no parameter's name.")
    return found


def _check_names(deployment: DeploymentRow, arguments: Mapping[str, object]) -> None:
    """Refuse parameters that the flow does not have, or lacks; values are judged where the flow is."""
    schema = deployment.parameter_schema
    check_names(repr(deployment.flow_name), schema, arguments)
    missing = [name for name in cast("list[str]", (schema or {}).get("required") or []) if name not in arguments]
    if missing:
        raise Refused("bad_request", f"The flow {deployment.flow_name!r} needs a value for {', '.join(missing)}.")


def _tags(fields: Fields) -> list[str]:
    found = texts(fields, "tags") if fields.get("tags") is not None else []
    if len(found) > _MOST_TAGS:
        raise Refused("bad_request", f"A run has at most {_MOST_TAGS} tags.")
    return found


def _name(fields: Fields) -> str:
    if fields.get("name") is None:
        return random_run_name()
    name = text(fields, "name")
    if len(name) > _LONGEST_NAME:
        raise Refused("bad_request", f"A run's name has at most {_LONGEST_NAME} characters.")
    return name


def _due_at(daemon: Daemon, fields: Fields) -> datetime:
    """Read when it is to start; a time that has passed means now."""
    if fields.get("at") is None:
        return daemon.now()
    given = text(fields, "at")
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise Refused("bad_request", f"{given!r:.60} is no time. Write it as 2026-11-23T14:00:00+01:00.") from None
    if at.tzinfo is None:
        raise Refused("bad_request", f"{given!r:.60} names no time zone. Write it as 2026-11-23T14:00:00+01:00.")
    if at > daemon.now() + _FARTHEST:
        raise Refused("bad_request", f"{given} is too far away.")
    return max(at, daemon.now())


VERBS: Final[dict[str, Verb]] = {"run": run, "retry": retry, "rerun": rerun}
