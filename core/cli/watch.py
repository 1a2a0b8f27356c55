"""`flowctl watch add | rm | ls | log | reload`: the files and folders whose flows the daemon knows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowctl.core.cli.help import Command, Group
from flowctl.core.cli.runs_control import NoDaemonOption

Place = Annotated[str, typer.Argument(metavar="FOLDER|FILE", help="A folder with flow files, or one flow file.")]


def register(app: typer.Typer) -> None:
    """Add the group `watch` to the program."""
    group = typer.Typer(
        cls=Group,
        rich_markup_mode=None,
        no_args_is_help=True,
        help="Files and folders whose flows the daemon takes up when saved.",
    )
    for command in (add, rm, ls, log, reload):
        group.command(cls=Command)(command)
    app.add_typer(group, name="watch")


def add(place: Place, no_daemon: NoDaemonOption = False) -> int:
    """Watch a folder or file; flows with `@flow(schedule=…)` in it are deployed, with this Python."""
    from flowctl.core.cli.watching import add_place

    return add_place(str(Path(place).resolve()), no_daemon=no_daemon)


def rm(place: Place, no_daemon: NoDaemonOption = False) -> int:
    """Watch a folder or file no longer; what is deployed from it stays."""
    from flowctl.core.cli.watching import remove_place

    return remove_place(str(Path(place).resolve()), no_daemon=no_daemon)


def ls(as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False) -> int:
    """List what is watched, the flows found there, and what is wrong with a file."""
    from flowctl.core.cli.watching import list_places

    return list_places(as_json=as_json)


def log(
    place: Annotated[str | None, typer.Argument(metavar="FILE", help="One flow file; all without.")] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=2000, metavar="N", help="So many entries.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> int:
    """List what became of saves, the latest last: versions, which functions changed, what was wrong."""
    from flowctl.core.cli.reload_log import print_reloads

    return print_reloads(None if place is None else str(Path(place).resolve()), count=count, as_json=as_json)


def reload(
    place: Annotated[str | None, typer.Argument(metavar="FILE", help="One flow file; all without.")] = None,
    no_daemon: NoDaemonOption = False,
) -> int:
    """Look into a flow file again though nothing was saved: something else that it needs may be right now."""
    from flowctl.core.cli.watching import reload_files

    return reload_files(None if place is None else str(Path(place).resolve()), no_daemon=no_daemon)
