"""`flowctl runs`: the latest runs, one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flowctl.core.cli.display_words import duration
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.looking_back import Wanted, latest_runs, open_reader, read_states, read_when
from flowctl.core.cli.output import make_console, print_json
from flowctl.core.cli.palette import ACCENT, QUIET, count_order, look, look_of_name
from flowctl.core.cli.queried_runs import narrowed, queried_runs, read_query
from flowctl.core.cli.run_json import flow_run_json, took_s
from flowctl.core.cli.safe_text import safe
from flowctl.core.cli.wording import ago
from flowctl.core.engine.settings import nearest
from flowctl.store.home import Home
from flowctl.store.records import FlowRunRow
from flowctl.store.states import StateType

#: Of an id so much is shown: enough to tell thousands of runs apart.
ID_LENGTH = 8
_WIDE = 100
_LONGEST_STATE = len("↻ AwaitingRetry")


def print_runs(
    *, states: list[str], flow: str | None, since: str | None, limit: int, as_json: bool, query: str | None = None
) -> Exit:
    """Print the latest runs, as a table or as JSON."""
    now = datetime.now(UTC)
    since_at = read_when("--since", since, now) if since else None
    wanted = read_states(states)
    asked = None if query is None else read_query(query)
    home = Home.default()
    with open_reader(home) as reader:
        if asked is None:
            runs = latest_runs(reader, wanted, flow=flow, since=since_at, limit=limit + 1)
        else:
            asked = narrowed(asked, states=states, flow=flow, since=since_at)
            runs = queried_runs(home, asked, now=now, limit=limit + 1)
        flows = reader.flow_names() if flow and not runs else []
    more = len(runs) > limit
    runs = runs[:limit]
    if as_json:
        print_json([flow_run_json(run, now) for run in runs])
        return Exit.OK
    console = make_console()
    if not runs:
        if asked is not None:
            wanted = wanted._replace(strange=(*wanted.strange, *asked.strange_states))
        _print_nothing(console, wanted, flow, flows, is_filtered=bool(states or flow or since or query))
        return Exit.OK
    console.print(runs_table(runs, now, is_wide=console.width >= _WIDE))
    if console.is_terminal:
        console.print()
        console.print(_footer(runs, more, limit))
    return Exit.OK


def runs_table(runs: Sequence[FlowRunRow], now: datetime, *, is_wide: bool) -> Table:
    """Make the table; name and flow are cut first when there is little room."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET, collapse_padding=True)
    table.add_column("state", no_wrap=True, max_width=None if is_wide else _LONGEST_STATE)
    table.add_column("name", overflow="ellipsis", min_width=8)
    table.add_column("flow", overflow="ellipsis", min_width=6)
    table.add_column("started" if is_wide else "age", justify="right", no_wrap=True, min_width=4)
    table.add_column("took", justify="right", no_wrap=True, min_width=5)
    table.add_column("tasks", no_wrap=True, min_width=6)
    table.add_column("id", no_wrap=True, min_width=ID_LENGTH)
    for run in runs:
        seen = look(run.state_type, run.state_name)
        at = ago(run.started_at or run.created_at, now)
        took = took_s(run.started_at, run.ended_at, now)
        is_problem = run.state_type in (StateType.FAILED, StateType.CRASHED)
        table.add_row(
            Text.assemble((f"{seen.glyph} ", seen.style), safe(run.state_name, seen.style)),
            safe(run.name, "bold" if is_problem else ""),
            safe(run.flow_name),
            Text(at if is_wide else at.removesuffix(" ago").replace("just now", "now"), QUIET),
            Text("" if took is None else duration(took)),
            counts(run.task_counts),
            Text(run.id[:ID_LENGTH], QUIET),
        )
    return table


def counts(tasks: Mapping[str, int]) -> Text:
    """Write how many tasks are in which state: `12✓ 1✗ 3○`."""
    text = Text(no_wrap=True)
    folded: dict[tuple[str, str], int] = {}
    for name in sorted(tasks, key=count_order):
        if tasks[name]:
            seen = look_of_name(name)
            folded[seen] = folded.get(seen, 0) + tasks[name]
    for (glyph, style), count in folded.items():
        text.append(f"{' ' if text else ''}{count}{glyph}", style)
    return text


def _footer(runs: Sequence[FlowRunRow], more: bool, limit: int) -> Text:
    problem = next((run for run in runs if run.state_type in (StateType.FAILED, StateType.CRASHED)), None)
    text = Text(style=QUIET)
    if more:
        text.append(f"The latest {limit}; more with --limit {limit * 5}.  ")
    if problem is not None:
        text.append("Look closer: ")
        text.append_text(Text("flowctl runs show ", ACCENT)).append_text(safe(typed(problem), ACCENT))
    return text


def typed(run: FlowRunRow) -> str:
    """Word a run as a person would type it: its name, or the beginning of its id where that is safer."""
    plain = run.name.replace("-", "").replace("_", "").replace(".", "")
    return run.name if plain.isascii() and plain.isalnum() and run.name[0] != "-" else run.id[:ID_LENGTH]


def _print_nothing(console: Console, wanted: Wanted, flow: str | None, flows: list[str], *, is_filtered: bool) -> None:
    if not is_filtered:
        console.print(Text.assemble("No runs yet. Start one: ", ("flowctl run FILE.py:FLOW", ACCENT)))
        return
    text = Text("No run fits.")
    if flow and flow not in flows:
        text.append_text(safe(f" No flow {flow!r} ever ran.{nearest(flow, flows) if flows else ''}"))
    text.append_text(safe(wanted.doubts))
    console.print(text)
    console.print(Text.assemble(("All of them: ", QUIET), ("flowctl runs", ACCENT)))
