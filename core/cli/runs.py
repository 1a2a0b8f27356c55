"""`flowctl runs …` as it is typed; what each command does stands in the file of its name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowctl.core.cli import completion
from flowctl.core.cli.help import Command, Group
from flowctl.core.cli.runs_control import cancel, kill, pause, rerun, resume, retry, skip

# The files of the commands are imported when one is carried out: rich and SQLite are not needed for help and errors.

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
OptionalRunSpec = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="Its id, the beginning of its id, its name; the latest without.",
        autocompletion=completion.runs,
    ),
]
PlainOption = Annotated[
    bool, typer.Option("--plain", help="One sentence for each change of state, for screen readers and scripts.")
]
States = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        "-s",
        metavar="STATE",
        help="Only runs in this state; may be repeated. Also: problem, active, done.",
        autocompletion=completion.states,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group `runs` to the program."""
    group = typer.Typer(cls=Group, rich_markup_mode=None, invoke_without_command=True)
    group.callback()(list_runs)
    for command in (show, watch, logs, result, retry, delete, cancel, kill, pause, resume, skip, rerun):
        group.command(cls=Command)(command)
    app.add_typer(group, name="runs")


def list_runs(
    context: typer.Context,
    state: States = None,
    flow: Annotated[
        str | None,
        typer.Option("--flow", "-f", metavar="NAME", help="Only runs of this flow.", autocompletion=completion.flows),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="Only runs made since then: 30m, 1h, 2d, today, 2026-11-23."),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(
            "--query", "-q", metavar="QUERY", help="Only runs that fit: 'state:problem age<1d took>1.5x flow:etl*'."
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, metavar="N", help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> int:
    """List the latest runs; show, watch, retry and delete them."""
    if context.invoked_subcommand:
        return 0
    from flowctl.core.cli.runs_list import print_runs

    return print_runs(states=state or [], flow=flow, since=since, limit=limit, as_json=as_json, query=query)


def show(
    run: OptionalRunSpec = "-",
    attempt: Annotated[
        int | None, typer.Option("--attempt", min=1, metavar="N", help="Tasks of an earlier attempt.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Unfold mapped tasks and show every error.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Show all frames of tracebacks, and what yours held.")] = False,
    as_json: AsJson = False,
) -> int:
    """Show a run: tasks, timings, errors, what to do next."""
    from flowctl.core.cli.runs_show import print_run

    return print_run(run, attempt=attempt, everything=everything, full=full, as_json=as_json)


def watch(
    run: OptionalRunSpec = "-",
    plain: PlainOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only problems and the last line.")] = False,
) -> int:
    """Show a run of another process while it goes; end with its exit code.

    Ctrl-C ends the looking, with 130; the run goes on.
    """
    from flowctl.core.cli.runs_watch import watch_run

    return watch_run(run, is_plain=plain, is_quiet=quiet)


def logs(
    run: OptionalRunSpec = "-",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run ends.")] = False,
    level: Annotated[
        str,
        typer.Option(
            "--level", "-l", metavar="LEVEL", help="Least level of the lines.", autocompletion=completion.levels
        ),
    ] = "DEBUG",
    task: Annotated[
        str | None,
        typer.Option(
            "--task",
            "-t",
            metavar="TASK",
            help="Only lines of this task: its name, a task run's name or id.",
            autocompletion=completion.tasks,
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Print the log lines of a run and all below it."""
    from flowctl.core.cli.runs_logs import print_logs

    return print_logs(run, follow=follow, level=level, task=task, as_json=as_json)


def result(
    run: OptionalRunSpec = "-",
    task: Annotated[
        str | None,
        typer.Argument(
            metavar="TASK", help="A task run's name or id; the run itself without.", autocompletion=completion.tasks
        ),
    ] = None,
    raw: Annotated[
        Path | None, typer.Option("--raw", metavar="FILE", help="Write the stored bytes to a file, unread.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Print what a run, or one of its tasks, returned."""
    from flowctl.core.cli.runs_result import print_result

    return print_result(run, task, raw=raw, as_json=as_json)


def delete(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN...", help="Ids, beginnings of ids, or names.", autocompletion=completion.runs),
    ] = None,
    state: States = None,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="WHEN", help="Only runs made before then: 30d, 12h, 2026-01-31."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> int:
    """Delete runs with all that belongs to them."""
    from flowctl.core.cli.runs_delete import delete_named

    return delete_named(runs or [], states=state or [], older_than=older_than, is_sure=yes)
