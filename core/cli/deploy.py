"""`flowctl deploy` as it is typed: a flow that the daemon can start by itself, with its schedules."""

from __future__ import annotations

from typing import Annotated

import typer

from flowctl.core.cli.help import Command
from flowctl.core.cli.runs_control import NoDaemonOption

Crons = Annotated[
    list[str] | None,
    typer.Option("--cron", metavar="EXPR", help="Run it at these times: '0 2 * * *'; may be repeated."),
]
IntervalText = Annotated[
    str | None, typer.Option("--interval", metavar="LENGTH", help="Run it again and again: 15m, 2h, 1d, 900.")
]
RuleText = Annotated[
    str | None, typer.Option("--rrule", metavar="RULE", help="Run it by a rule: FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=9.")
]
Timezone = Annotated[
    str, typer.Option("--timezone", "-z", metavar="ZONE", help="Of the schedule, as in Europe/Berlin.")
]
Seconds = Annotated[bool, typer.Option("--seconds", help="The cron expression has a sixth field: seconds.")]
CatchUpWord = Annotated[
    str | None,
    typer.Option("--catchup", metavar="latest|all|skip", help="What becomes of times at which nothing could run."),
]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(cls=Command)(deploy)


def deploy(
    target: Annotated[
        str,
        typer.Argument(metavar="TARGET", help="file.py:flow, file.py (when it has one flow), or package.module:flow."),
    ],
    name: Annotated[
        str | None, typer.Option("--name", "-n", metavar="NAME", help="Name of the deployment; the flow's without.")
    ] = None,
    cron: Crons = None,
    interval: IntervalText = None,
    rrule: RuleText = None,
    timezone: Timezone = "UTC",
    seconds: Seconds = False,
    catchup: CatchUpWord = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "-p", "--param", metavar="NAME=VALUE", help="A parameter of its runs; {{ scheduled_time }} in it."
        ),
    ] = None,
    params_json: Annotated[
        str | None, typer.Option("--params-json", metavar="JSON", help='Parameters as one object: {"limit": 20}.')
    ] = None,
    params_file: Annotated[
        str | None, typer.Option("--params-file", metavar="FILE", help="Parameters from a .json or .toml file.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag of its runs; may be repeated.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="At most so many of its runs at once.")
    ] = None,
    overlap: Annotated[
        str | None,
        typer.Option(
            "--overlap",
            metavar="skip|queue|cancel-old|allow",
            help="What a schedule does while an earlier run goes on; skip without.",
        ),
    ] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Its schedules do not fire until it is resumed.")] = False,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the name of a deployment that starts another flow.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Have the daemon know a flow, to run it by name and at times.

    It is run with this Python, from this folder. Deployed again under its name, it is changed; its schedules stay
    where none are given.
    """
    from flowctl.core.cli.deploying import Parameters, deploy_target
    from flowctl.core.cli.schedule_words import plain_of

    schedules = plain_of(cron or [], interval, rrule, timezone=timezone, seconds=seconds, catchup=catchup)
    return deploy_target(
        target,
        name=name,
        schedules=schedules or None,
        parameters=Parameters(param or [], params_json, params_file),
        as_json=as_json,
        no_daemon=no_daemon,
        tags=tag or [],
        run_limit=limit,
        overlap=overlap,
        paused=True if paused else None,
        description=description,
        replace=replace,
    )
