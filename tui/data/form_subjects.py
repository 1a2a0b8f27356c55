"""Reading what a form is about: the schema of a flow's parameters, where it stands, and how it was run before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from flowctl.store import file_queries, plan_queries
from flowctl.store.file_records import FlowFileRow
from flowctl.store.overview import OverviewReader
from flowctl.store.records import FlowRunRow
from flowctl.tui.data import safe_rows
from flowctl.tui.model.form import FlowPlace, FormPlan, UnknownFlow
from flowctl.tui.model.plans import ListedDeployment
from flowctl.tui.model.run_plans import deployment_plan, flow_plan, rerun_plan
from flowctl.tui.model.snapshots import EarlierRun

Schema = Mapping[str, Any]
#: Of so many runs, those whose parameters differ are offered again, the latest of them.
_MOST_LOOKED_AT: Final = 50
_MOST_EARLIER: Final = 20


def run_form(
    reader: OverviewReader, run_id: str, listed: Mapping[str, ListedDeployment], *, is_rerun: bool
) -> FormPlan:
    """Make the form for a run like another one, or for its flow anew; raise `RunNotFound`."""
    row = reader.flow_run(run_id)
    run = safe_rows.flow_run(row)
    deployment = listed.get(row.deployment or "")
    if deployment is not None:
        return rerun_plan(run, deployment.row.parameter_schema) if is_rerun else deployment_plan(deployment)

    def made(schema: Schema | None) -> FormPlan:
        return rerun_plan(run, schema) if is_rerun else flow_plan(run.flow_name, row.source, schema, run.parameters)

    known, place = _schema_of(reader, row), _place_of(row.source)
    if known is not None or place is None:
        return made(known)
    return replace(made(None), unknown=UnknownFlow(place, made))


def file_form(reader: OverviewReader, path: str, attribute: str) -> FormPlan | None:
    """Make the form for a flow in a watched file; None where there is none."""
    flow = _known_flow(reader, path, attribute)
    if flow is None:
        return None
    watched = reader.read_with(file_queries.watched)
    roots = [row for row in watched if path == row.path or path.startswith(f"{row.path.rstrip('/')}/")]
    source: dict[str, object] = {"file": path, "flow": attribute, "script": True}
    if roots:
        source["python"] = max(roots, key=lambda row: len(row.path)).python
    name = safe_rows.line(str(flow.get("name")))
    return flow_plan(name, source, schema_of(flow), {})


def earlier_parameters(reader: OverviewReader, flow_name: str) -> Sequence[EarlierRun]:
    """Give the latest runs of a flow whose parameters differ from those of later ones, as they are on record."""
    found: list[EarlierRun] = []
    for brief in reversed(reader.latest_of(flow_name, _MOST_LOOKED_AT)):
        run = safe_rows.flow_run(reader.flow_run(brief.id))
        if all(run.parameters != each.parameters for each in found):
            found.append(EarlierRun(name=run.name, created_at=run.created_at, parameters=run.parameters))
    return found[:_MOST_EARLIER]


def _place_of(source: Mapping[str, object]) -> FlowPlace | None:
    """Say where the flow of a run stands; None where that is not on record whole."""
    found = [source.get(name) for name in ("file", "flow", "python", "cwd")]
    path0 = source.get("path0")
    if not all(isinstance(each, str) and each for each in found):
        return None
    path, attribute, python, cwd = map(str, found)
    return FlowPlace(path, attribute, python, cwd, path0 if isinstance(path0, str) else None)


def _schema_of(reader: OverviewReader, run: FlowRunRow) -> Schema | None:
    """Find what the daemon's look into its file told of a run's flow, if that file is watched."""
    path = run.source.get("file")
    if not isinstance(path, str):
        return None
    wanted = run.source.get("flow")
    flow = _known_flow(reader, path, wanted)
    if flow is not None and (schema := schema_of(flow)) is not None:
        return schema
    deployed = reader.read_with(lambda connection: plan_queries.deployments_of_file(connection, path))
    same = next((row for row in deployed if row.reference.flow_attribute == wanted), None)
    return None if same is None else cast("Schema | None", safe_rows.plain(same.parameter_schema))


def _known_flow(reader: OverviewReader, path: str, attribute: object) -> Mapping[str, object] | None:
    """Find what the daemon's look into a file told of one of its flows."""
    file: FlowFileRow | None = reader.read_with(lambda connection: file_queries.flow_file(connection, path))
    return None if file is None else next((each for each in file.flows if each.get("attribute") == attribute), None)


def schema_of(flow: Mapping[str, object]) -> Schema | None:
    """Take the schema of the parameters from what a look into a file told of a flow."""
    schema = flow.get("schema")
    # It was JSON: its keys are text.
    return cast("Schema", safe_rows.plain(cast("object", schema))) if isinstance(schema, dict) else None
