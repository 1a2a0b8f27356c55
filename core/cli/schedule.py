"""`flowctl schedule preview`: when an expression fires, before anything is deployed; needs no daemon."""

from __future__ import annotations

from typing import Annotated

import typer

from flowctl.core.cli.help import Command, Group


def register(app: typer.Typer) -> None:
    """Add the group `schedule` to the program."""
    group = typer.Typer(
        cls=Group,
        rich_markup_mode=None,
        no_args_is_help=True,
        help="When a schedule fires, in words and in times.",
    )
    group.command(cls=Command)(preview)
    group.callback()(_group)
    app.add_typer(group, name="schedule")


def preview(
    expression: Annotated[
        str,
        typer.Argument(
            metavar="EXPR",
            help="Cron fields ('0 2 * * *'), an interval (15m, 2h, 900), or a rule (FREQ=DAILY;BYHOUR=9).",
        ),
    ],
    timezone: Annotated[
        str, typer.Option("--timezone", "-z", metavar="ZONE", help="Time zone, as in Europe/Berlin.")
    ] = "UTC",
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=1000, metavar="N", help="So many times.")] = 10,
    start: Annotated[
        str | None, typer.Option("--from", metavar="WHEN", help="From then on: 2026-10-24, or a time; now without.")
    ] = None,
    seconds: Annotated[bool, typer.Option("--seconds", help="The cron expression has a sixth field: seconds.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> int:
    """Show when an expression fires, in its time zone and in UTC; days on which clocks change are marked."""
    from flowctl.core.cli.schedule_preview import print_preview

    return print_preview(expression, timezone, count=count, start=start, seconds=seconds, as_json=as_json)


def _group() -> None: ...
