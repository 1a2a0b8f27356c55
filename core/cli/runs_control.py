"""`flowctl runs cancel | kill | pause | resume | rerun` as they are typed: wishes about runs, for one or for many."""

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
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_Wait = Annotated[bool, typer.Option("--wait", "-w", help="Return when they have ended.")]


def cancel(
    runs: _Runs = None,
    state: _States = None,
    flow: _Flow = None,
    since: _Since = None,
    wait: _Wait = False,
    yes: _Yes = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Stop runs in good order; a second time, at once.

    A run gets ten seconds for its hooks, then its processes are told to end, then they are killed.
    """
    return _wish("cancel", runs, state, flow, since, yes=yes, no_daemon=no_daemon, wait=wait)


def kill(
    runs: _Runs = None,
    state: _States = None,
    flow: _Flow = None,
    since: _Since = None,
    wait: _Wait = False,
    yes: _Yes = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Kill runs with all their processes, now."""
    return _wish("kill", runs, state, flow, since, yes=yes, no_daemon=no_daemon, wait=wait)


def pause(
    runs: _Runs = None,
    state: _States = None,
    flow: _Flow = None,
    since: _Since = None,
    yes: _Yes = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Have runs start no further task."""
    return _wish("pause", runs, state, flow, since, yes=yes, no_daemon=no_daemon)


def resume(
    runs: _Runs = None,
    state: _States = None,
    flow: _Flow = None,
    since: _Since = None,
    yes: _Yes = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Let paused runs go on."""
    return _wish("resume", runs, state, flow, since, yes=yes, no_daemon=no_daemon)


def rerun(
    runs: _Runs = None,
    param: Annotated[
        list[str] | None,
        typer.Option("-p", "--param", metavar="NAME=VALUE", help="Change a parameter; JSON, or else text. Repeatable."),
    ] = None,
    state: _States = None,
    flow: _Flow = None,
    since: _Since = None,
    yes: _Yes = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Make new runs with the parameters of these."""
    from flowctl.core.cli.runs_wishes import read_changes

    return _wish("rerun", runs, state, flow, since, yes=yes, no_daemon=no_daemon, parameters=read_changes(param or []))


def _wish(
    verb: str,
    runs: list[str] | None,
    state: list[str] | None,
    flow: str | None,
    since: str | None,
    *,
    yes: bool,
    no_daemon: bool,
    wait: bool = False,
    **fields: object,
) -> int:
    from flowctl.core.cli.runs_wishes import Filters, wish

    filters = Filters(states=state or [], flow=flow, since=since)
    return wish(verb, runs or [], filters, is_sure=yes, no_daemon=no_daemon, wait=wait, fields=fields)
