"""`flowctl deployment ls`: all deployments, one line each."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from flowctl.core.cli.deployment_words import deployment_json, words_of
from flowctl.core.cli.display_errors import short_path
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console, print_json
from flowctl.core.cli.palette import ACCENT, PROBLEM, QUIET, WARNING
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.core.cli.wording import ago
from flowctl.core.daemon.snapshots import plans_lost
from flowctl.store import plan_queries
from flowctl.store.home import Home
from flowctl.store.plan_records import DeploymentRow


def print_deployments(*, as_json: bool) -> Exit:
    """Print all deployments, as a table or as JSON."""
    home = Home.default()
    with open_reader(home) as reader:
        rows = reader.read_with(plan_queries.deployments)
        lost = plans_lost(home, reader)
    if as_json:
        print_json([deployment_json(row) for row in rows])
        return Exit.OK
    console = make_console()
    if not rows:
        console.print(
            Text.assemble(
                "There are no deployments. Make one: ", ("flowctl deploy FILE.py:FLOW --cron '0 2 * * *'", ACCENT)
            )
        )
        if lost is not None:
            console.print(safe_block(lost, WARNING))
        return Exit.OK
    now = datetime.now(UTC)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET)
    table.add_column("name", overflow="ellipsis", min_width=8)
    table.add_column("flow", overflow="ellipsis", min_width=8)
    table.add_column("schedule", overflow="ellipsis", min_width=10)
    table.add_column("next", no_wrap=True, justify="right")
    for row in rows:
        where = short_path(row.reference.file) if row.reference.file else str(row.reference.module)
        table.add_row(
            safe(row.name, "bold"),
            safe(f"{where}:{row.reference.flow_attribute}"),
            safe("; ".join(words_of(each) for each in row.schedules), QUIET),
            _next(row, now),
        )
    console.print(table)
    for row in rows:
        for problem in filter(None, (row.problem, *(each.problem for each in row.schedules))):
            console.print(Text.assemble(("! ", PROBLEM), safe(f"{row.name}: "), safe_block(problem)))
    return Exit.OK


def _next(row: DeploymentRow, now: datetime) -> Text:
    if row.problem is not None or any(each.problem for each in row.schedules):
        return Text("problem", PROBLEM)
    if row.paused:
        return Text("paused", WARNING)
    return Text("" if row.next_at is None else ago(row.next_at, now))
