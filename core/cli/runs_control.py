"""`flowctl runs cancel | kill | pause | resume | retry | skip | rerun` as they are typed, for one run or for many."""

from __future__ import annotations

from typing import Annotated

import typer

from flowctl.core.cli import completion

#: Every command that may start a daemon has this option.
NoDaemonOption = Annotated[bool, typer.Option("--no-daemon", help="Fail where no daemon runs, instead of starting it.")]
_Runs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[RUN]...", help="Ids, beginnings of ids, names; - is the latest.", autocompletion=completion.runs
    ),
]
_States = Annotated[
    list[str] | None,
    typer.Option(
        "--state", "-s", metavar="STATE", help="All runs in this state; repeatable.", autocompletion=completion.states
    ),
]
_Flow = Annotated[
    str | None,
    typer.Option("--flow", "-f", metavar="NAME", help="All runs of this flow.", autocompletion=completion.flows),
]
_Since = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="All runs made since then: 30m, 1h, 2d, today.")
]
_QUERY_HELP = "All runs that fit: 'state:failed age<1d flow:etl*'."
_Query = Annotated[str | None, typer.Option("--query", "-q", metavar="QUERY", help=_QUERY_HELP)]
#: Where -q is another option.
_LongQuery = Annotated[str | None, typer.Option("--query", metavar="QUERY", help=_QUERY_HELP)]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_Wait = Annotated[bool, typer.Option("--wait", "-w", help="Return when they have ended.")]


def cancel(
    runs: _Runs = None,
    state: _States = None,
    flow: _Flow = None,
    since: _Since = None,
    query: _Query = None,
    wait: _Wait = False,
    yes: _Yes = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Stop runs in good order; a second time, at once.

    A run gets ten seconds for its hooks, then its processes are told to end, then they are killed.
    """
    return _wish("cancel", runs, state, flow, since, query, yes=yes, no_daemon=no_daemon, wait=wait)


def kill(
    runs: _Runs = None,
    state: _States = None,
    flow: _Flow = None,
    since: _Since = None,
    query: _Query = None,
    wait: _Wait = False,
    yes: _Yes = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Kill runs with all their processes, now."""
    return _wish("kill", runs, state, flow, since, query, yes=yes, no_daemon=no_daemon, wait=wait)


def pause(
    runs: _Runs = None,
    state: _States = None,
    flow: _Flow = None,
    since: _Since = None,
    query: _Query = None,
    yes: _Yes = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Have runs start no further task."""
    return _wish("pause", runs, state, flow, since, query, yes=yes, no_daemon=no_daemon)


def resume(
    runs: _Runs = None,
    state: _States = None,
    flow: _Flow = None,
    since: _Since = None,
    query: _Query = None,
    yes: _Yes = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Let paused runs go on."""
    return _wish("resume", runs, state, flow, since, query, yes=yes, no_daemon=no_daemon)


def retry(
    runs: _Runs = None,
    state: _States = None,
    flow: _Flow = None,
    since: _Since = None,
    query: _LongQuery = None,
    now: Annotated[
        bool, typer.Option("--now", help="Of a run at work: end the retry delay of its tasks, or of those of --task.")
    ] = False,
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task", "-t", metavar="TASK", help="With --now: this task alone.", autocompletion=completion.tasks
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only problems and the last line.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Let the daemon do it, and return at once.")] = False,
    yes: _Yes = False,
    no_daemon: NoDaemonOption = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on although the flow changed: reuse calls with equal inputs.")
    ] = False,
) -> int:
    """Go on with runs that failed: completed tasks are reused.

    One run goes on here, the latest where none is named; several are left to the daemon.
    """
    from flowctl.core.cli.runs_wishes import Filters

    filters = Filters(state or [], flow, since, query)
    if now:
        from flowctl.core.cli.task_wishes import wish_of_tasks

        specs = runs or ([] if filters else ["-"])
        return wish_of_tasks("retry_now", specs, task or [], filters, is_sure=yes, no_daemon=no_daemon)
    if task:
        raise typer.BadParameter("a task of a run at work is tried again by --now.", param_hint="--task")
    if detach or filters or len(runs or []) > 1:
        if anyway:
            raise typer.BadParameter("the daemon always compares the order: name one run.", param_hint="--anyway")
        specs = runs or ([] if filters else ["-"])
        return _wish("retry", specs, state, flow, since, query, yes=yes, no_daemon=no_daemon)
    from flowctl.core.cli.runs_retry import retry_run

    return retry_run(runs[0] if runs else "-", is_quiet=quiet, check_order=not anyway)


def skip(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="Its id, the beginning of it, its name.", autocompletion=completion.runs),
    ],
    tasks: Annotated[
        list[str], typer.Argument(metavar="TASK...", help="Names or ids.", autocompletion=completion.tasks)
    ],
    no_daemon: NoDaemonOption = False,
) -> int:
    """Have tasks that wait counted as completed, without their functions being called."""
    from flowctl.core.cli.runs_wishes import Filters
    from flowctl.core.cli.task_wishes import wish_of_tasks

    return wish_of_tasks("skip_task", [run], tasks, Filters([]), no_daemon=no_daemon)


def rerun(
    runs: _Runs = None,
    param: Annotated[
        list[str] | None,
        typer.Option("-p", "--param", metavar="NAME=VALUE", help="Change a parameter; JSON, or else text. Repeatable."),
    ] = None,
    state: _States = None,
    flow: _Flow = None,
    since: _Since = None,
    query: _Query = None,
    yes: _Yes = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Make new runs with the parameters of these."""
    from flowctl.core.cli.runs_wishes import read_changes

    return _wish(
        "rerun", runs, state, flow, since, query, yes=yes, no_daemon=no_daemon, parameters=read_changes(param or [])
    )


def _wish(
    verb: str,
    runs: list[str] | None,
    state: list[str] | None,
    flow: str | None,
    since: str | None,
    query: str | None,
    *,
    yes: bool,
    no_daemon: bool,
    wait: bool = False,
    **fields: object,
) -> int:
    from flowctl.core.cli.runs_wishes import Filters, wish

    filters = Filters(state or [], flow, since, query)
    return wish(verb, runs or [], filters, is_sure=yes, no_daemon=no_daemon, wait=wait, fields=fields)
