"""`flowctl limit set | ls | rm`: how many runs, or parts of them, may hold a name at once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flowctl.core.cli.exits import Exit
from flowctl.core.cli.help import Command, Group
from flowctl.core.cli.runs_control import NoDaemonOption

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name: one of `concurrency(...)`, or `tag:NAME` for a tag.")
]


def register(app: typer.Typer) -> None:
    """Add the group `limit` to the program."""
    group = typer.Typer(
        cls=Group,
        rich_markup_mode=None,
        no_args_is_help=True,
        help="Named limits: how many may work at once.",
    )
    group.command(cls=Command, name="set")(set_limit)
    group.command(cls=Command, name="ls")(list_limits)
    group.command(cls=Command, name="rm")(remove_limit)
    app.add_typer(group, name="limit")


def set_limit(
    name: Name,
    slots: Annotated[int, typer.Argument(metavar="N", min=0, help="So many may hold it at once; 0 stops all.")],
    no_daemon: NoDaemonOption = False,
) -> int:
    """Set how many may hold a limit at once."""
    from flowctl.core.cli.asking import ask

    ask("limit_set", no_daemon=no_daemon, name=name, slots=slots)
    sys.stdout.write(f"{name}: at most {slots:,} at once.\n")
    return Exit.OK


def remove_limit(name: Name, no_daemon: NoDaemonOption = False) -> int:
    """Remove a limit; who waits for it goes on."""
    from flowctl.core.cli.asking import ask

    ask("limit_set", no_daemon=no_daemon, name=name, slots=None)
    sys.stdout.write(f"There is no limit {name} any more.\n")
    return Exit.OK


def list_limits(as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False) -> int:
    """List the limits, and how much of each is free."""
    from rich.table import Table
    from rich.text import Text

    from flowctl.core.cli.looking_back import open_reader
    from flowctl.core.cli.output import make_console, print_json
    from flowctl.core.cli.palette import ACCENT, QUIET
    from flowctl.core.cli.safe_text import safe
    from flowctl.core.engine.slots import free_slots
    from flowctl.store.home import Home

    home = Home.default()
    with open_reader(home) as reader:
        limits = reader.limits()
    free = {name: free_slots(home.path, name, slots) for name, slots in limits.items()}
    if as_json:
        print_json([{"name": name, "slots": slots, "free": free[name]} for name, slots in limits.items()])
        return Exit.OK
    console = make_console()
    if not limits:
        console.print(Text.assemble("There are no limits. Make one: ", ("flowctl limit set NAME N", ACCENT)))
        return Exit.OK
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET)
    table.add_column("name", overflow="ellipsis")
    table.add_column("at most", justify="right", no_wrap=True)
    table.add_column("free", justify="right", no_wrap=True)
    for name, slots in limits.items():
        table.add_row(safe(name), f"{slots:,}", f"{free[name]:,}")
    console.print(table)
    return Exit.OK
