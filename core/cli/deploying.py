"""What `flowctl deploy` does: loads the flow as `run` does, and asks the daemon to know it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text

from flowctl.core.cli.asking import ask
from flowctl.core.cli.deployment_words import print_schedules
from flowctl.core.cli.display_errors import short_path
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console, print_json
from flowctl.core.cli.palette import ACCENT, OK, QUIET, is_plain
from flowctl.core.cli.parameters import read_parameters
from flowctl.core.cli.refusal import refuse
from flowctl.core.cli.safe_text import safe
from flowctl.core.engine.loading import flows_in, load_flow
from flowctl.core.engine.loading_problems import TargetProblem
from flowctl.store import plan_queries
from flowctl.store.home import Home

if TYPE_CHECKING:
    from flowctl.core.authoring.flows import Flow


class Parameters(NamedTuple):
    """Parameters as they were typed."""

    assignments: Sequence[str]
    json_text: str | None = None
    file: str | None = None


def deploy_target(
    target: str,
    *,
    name: str | None,
    schedules: list[dict[str, Any]] | None,
    parameters: Parameters,
    as_json: bool,
    no_daemon: bool,
    **fields: object,
) -> Exit:
    """Deploy the flow of a target; print what is deployed now."""
    try:
        flow = load_flow(target)
        arguments = read_parameters(flow, *parameters, is_partial=True)
    except (CommandError, TargetProblem) as error:
        return Exit(refuse(error, None))
    if schedules is None and flow.schedules:
        schedules = [each.plain() for each in flow.schedules]
    answer = ask(
        "deploy",
        no_daemon=no_daemon,
        name=name or flow.name,
        parameters=_json_words(flow, arguments),
        parameter_schema=_schema(flow),
        schedules=schedules,
        **reference_of(flow),
        **{key: value for key, value in fields.items() if value is not None},
    )
    if as_json:
        print_json({key: value for key, value in answer.items() if key not in ("v", "id", "ok")})
        return Exit.OK
    _print_deployed(str(answer["deployment"]), is_new=bool(answer["is_new"]))
    return Exit.OK


def reference_of(flow: Flow[..., Any]) -> dict[str, Any]:
    """Say where a flow is and what it is loaded in: fields of the request."""
    module = sys.modules[flow.fn.__module__]
    attribute = next((one.attribute for one in flows_in(module) if one.flow is flow), flow.fn.__name__)
    where: dict[str, Any] = {"file": os.path.realpath(flow.file)} if flow.file else {"module": module.__name__}
    path0 = sys.path[0] if sys.path else None
    return {
        **where,
        "flow": attribute,
        "flow_name": flow.name,
        "python": sys.executable,
        "cwd": os.getcwd(),  # noqa: PTH109 - as text
        "path0": path0 or None,
    }


def _schema(flow: Flow[..., Any]) -> dict[str, Any] | None:
    schema = flow.parameters
    try:
        json.dumps(schema)
    except (TypeError, ValueError, RecursionError):
        # Defaults may be anything; without a schema, parameters are judged when the run begins.
        return None
    return schema


def _json_words(flow: Flow[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Refuse what JSON has no word for: parameters of a deployment are kept as JSON."""
    for name, value in arguments.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            raise CommandError(
                f"The parameter {name!r} of flow {flow.name!r} cannot be kept with a deployment: JSON has no word for "
                f"{type(value).__name__}. Give it as text."
            ) from None
    return arguments


def _print_deployed(name: str, *, is_new: bool) -> None:
    with open_reader(Home.default()) as reader:
        row = reader.read_with(lambda connection: plan_queries.deployment(connection, name))
    console = make_console()
    place = f"{short_path(row.reference.file)}:" if row.reference.file else f"{row.reference.module}:"
    mark = "+" if is_plain() else "✓"
    console.print(
        Text.assemble(
            (f"{mark} ", OK),
            safe(row.name, "bold"),
            " is deployed: " if is_new else " is deployed anew: ",
            safe(f"{place}{row.reference.flow_attribute}"),
        )
    )
    print_schedules(console, row, indent="  ")
    if console.is_terminal:
        console.print(Text.assemble(("  run it now: ", QUIET), ("flowctl deployment run ", ACCENT), safe(name, ACCENT)))
