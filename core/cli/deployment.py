"""`flowctl deployment …` as it is typed; what each command does stands in the files beside this one."""

from __future__ import annotations

from typing import Annotated

import typer

from flowctl.core.cli import completion
from flowctl.core.cli.deploy import CatchUpWord, Crons, IntervalText, RuleText, Seconds
from flowctl.core.cli.help import Command, Group
from flowctl.core.cli.runs_control import NoDaemonOption

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the deployment.", autocompletion=completion.deployments)
]
KeptTimezone = Annotated[
    str | None,
    typer.Option("--timezone", "-z", metavar="ZONE", help="As in Europe/Berlin; without, that of its schedules."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Slug = Annotated[
    str | None, typer.Option("--schedule", metavar="SLUG", help="Only this schedule; `deployment show` names them.")
]


def register(app: typer.Typer) -> None:
    """Add the group `deployment` to the program."""
    group = typer.Typer(
        cls=Group,
        rich_markup_mode=None,
        no_args_is_help=True,
        help="Flows that the daemon knows: list, show, run, pause, change.",
    )
    for command in (ls, show, run, pause, resume, delete, backfill):
        group.command(cls=Command)(command)
    group.command(cls=Command, name="set-schedule")(set_schedule)
    app.add_typer(group, name="deployment")


def ls(as_json: AsJson = False) -> int:
    """List the deployments, and when each runs next."""
    from flowctl.core.cli.deployment_list import print_deployments

    return print_deployments(as_json=as_json)


def show(
    name: Name,
    count: Annotated[int, typer.Option("-n", "--count", min=0, max=1000, help="So many of its latest times.")] = 5,
    as_json: AsJson = False,
) -> int:
    """Show a deployment: what it starts, its schedules, what became of its latest times, its latest runs."""
    from flowctl.core.cli.deployment_show import print_deployment

    return print_deployment(name, count=count, as_json=as_json)


def run(
    name: Name,
    param: Annotated[
        list[str] | None, typer.Option("-p", "--param", metavar="NAME=VALUE", help="A parameter of this run.")
    ] = None,
    params_json: Annotated[
        str | None, typer.Option("--params-json", metavar="JSON", help='Parameters as one object: {"limit": 20}.')
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="WHEN", help="Start it then: 2026-11-24T09:00, where you are.")
    ] = None,
    in_: Annotated[str | None, typer.Option("--in", metavar="LENGTH", help="Start it so much later: 10m, 2h.")] = None,
    run_name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the run; random without.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag of this run; may be repeated.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Follow its log to the end; the exit code is the run's.")
    ] = False,
    as_json: AsJson = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Run it now, or later."""
    from flowctl.core.cli.deployment_run import run_deployment

    return run_deployment(
        name,
        assignments=param or [],
        params_json=params_json,
        at=at,
        delay=in_,
        run_name=run_name,
        tags=tag or [],
        watch=watch,
        as_json=as_json,
        no_daemon=no_daemon,
    )


def pause(name: Name, no_daemon: NoDaemonOption = False) -> int:
    """Have none of its schedules fire; runs under way go on."""
    from flowctl.core.cli.deployment_change import pause_deployment

    return pause_deployment(name, paused=True, no_daemon=no_daemon)


def resume(name: Name, no_daemon: NoDaemonOption = False) -> int:
    """Have its schedules fire from now on; what passed meanwhile is not made up for."""
    from flowctl.core.cli.deployment_change import pause_deployment

    return pause_deployment(name, paused=False, no_daemon=no_daemon)


def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Delete it with its schedules; its runs stay."""
    from flowctl.core.cli.deployment_change import delete_deployment

    return delete_deployment(name, is_sure=yes, no_daemon=no_daemon)


def set_schedule(
    name: Name,
    cron: Crons = None,
    interval: IntervalText = None,
    rrule: RuleText = None,
    timezone: KeptTimezone = None,
    seconds: Seconds = False,
    catchup: CatchUpWord = None,
    slug: Annotated[
        str | None, typer.Option("--schedule", metavar="SLUG", help="Its name within the deployment, to change it.")
    ] = None,
    add: Annotated[bool, typer.Option("--add", help="Beside those that it has, not in their place.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away.")] = False,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Switch it on or off.")] = None,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Give it a schedule, in the place of those it has; or switch one on or off, or take it away."""
    from flowctl.core.cli.deployment_change import change_schedules, zone_of
    from flowctl.core.cli.schedule_words import plain_of

    zone = timezone or (zone_of(name, slug) if cron or interval or rrule else "UTC")
    plain = plain_of(cron or [], interval, rrule, timezone=zone, seconds=seconds, catchup=catchup, slug=slug)
    return change_schedules(
        name, plain, slug=slug, is_added=add or slug is not None, remove=remove, active=on, no_daemon=no_daemon
    )


def backfill(
    name: Name,
    start: Annotated[str, typer.Option("--from", metavar="WHEN", help="Beginning of the span: 2026-11-01.")],
    end: Annotated[str | None, typer.Option("--to", metavar="WHEN", help="End of the span; now without.")] = None,
    slug: Slug = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="At most so many, oldest first.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which times that would be.")] = False,
    as_json: AsJson = False,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Run it for times of the past that got no run, one after the other."""
    from flowctl.core.cli.deployment_run import backfill_deployment

    return backfill_deployment(
        name, start=start, end=end, slug=slug, limit=limit, dry_run=dry_run, as_json=as_json, no_daemon=no_daemon
    )
