"""`flowctl deployment show`: one deployment with its schedules, latest times and latest runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flowctl.core.cli.deployment_words import deployment_json, occurrence_json, print_schedules
from flowctl.core.cli.display_errors import short_path
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.flow_file_words import file_json, problem_lines, serving_words
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console, print_json, to_json
from flowctl.core.cli.palette import OK, PROBLEM, QUIET, WARNING
from flowctl.core.cli.run_json import flow_run_json
from flowctl.core.cli.runs_list import runs_table
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.core.cli.wording import ago, moment
from flowctl.store import file_queries, plan_queries
from flowctl.store.file_records import FlowFileRow
from flowctl.store.home import Home
from flowctl.store.plan_records import DeploymentRow, OccurrenceRow, Outcome
from flowctl.store.sqlite import sqlite3

_RUNS = 5
_STYLES = {Outcome.FIRED: OK, Outcome.QUEUED: "", Outcome.SKIPPED: WARNING}


def print_deployment(name: str, *, count: int, as_json: bool) -> Exit:
    """Print a deployment."""
    now = datetime.now(UTC)
    with open_reader(Home.default()) as reader:
        row = reader.read_with(lambda connection: plan_queries.deployment(connection, name))
        times = reader.read_with(lambda connection: plan_queries.occurrences(connection, row.id, limit=count))
        file = reader.read_with(lambda connection: _file_of(connection, row))
        ids = reader.read_with(lambda connection: plan_queries.runs_of(connection, row.id, limit=_RUNS))
        runs = [reader.flow_run(run_id) for run_id in ids]
    if as_json:
        print_json(
            {
                **deployment_json(row),
                "flow_file": None if file is None else file_json(file),
                "occurrences": [occurrence_json(each) for each in times],
                "runs": [flow_run_json(run, now) for run in runs],
            }
        )
        return Exit.OK
    console = make_console()
    _print_head(console, row)
    print_schedules(console, row, indent="  ")
    if file is not None:
        _print_file(console, file, now)
    if times:
        console.print(_times(times, now))
    if runs:
        console.print()
        console.print(runs_table(runs, now, is_wide=console.width >= 100))
    return Exit.OK


def _print_head(console: Console, row: DeploymentRow) -> None:
    reference = row.reference
    where = short_path(reference.file) if reference.file else str(reference.module)
    console.print(
        Text.assemble(safe(row.name, "bold"), "  ", safe(f"{where}:{reference.flow_attribute}"), "  ", *_paused(row))
    )
    if row.description:
        console.print(safe_block(f"  {row.description.strip().splitlines()[0]}", QUIET))
    facts = [f"with {reference.python} in {short_path(reference.cwd)}"]
    if row.parameters:
        facts.append(f"parameters {to_json(row.parameters, indent=None)}")
    if row.tags:
        facts.append(f"tags {', '.join(row.tags)}")
    facts.append(f"overlap: {row.overlap}" + ("" if row.run_limit is None else f", at most {row.run_limit} at once"))
    for fact in facts:
        console.print(safe_block(f"  {fact}", QUIET))


def _file_of(connection: sqlite3.Connection, row: DeploymentRow) -> FlowFileRow | None:
    path = row.reference.file
    return None if path is None else file_queries.flow_file(connection, path)


def _print_file(console: Console, file: FlowFileRow, now: datetime) -> None:
    """Say which version of its file serves, and why not the one that was saved."""
    if file.version:
        style = PROBLEM if file.is_old_version_serving else QUIET
        console.print(Text(f"  file {serving_words(file, now)}", style))
    if file.problem is not None and file.hash is not None:
        for line in problem_lines(file):
            console.print(Text("  ").append_text(line))


def _paused(row: DeploymentRow) -> list[tuple[str, str]]:
    return [("paused", WARNING)] if row.paused else []


def _times(times: Sequence[OccurrenceRow], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET, title=None)
    for name in ("time", "", "", "run"):
        table.add_column(name, no_wrap=True)
    table.add_column("", overflow="fold")
    for each in times:
        table.add_row(
            Text(moment(each.at)),
            Text(ago(each.at, now), QUIET),
            Text(each.outcome.value, _STYLES[each.outcome]),
            Text("" if each.run_id is None else each.run_id[:8], QUIET),
            safe_block(each.reason or "", QUIET),
        )
    return table
