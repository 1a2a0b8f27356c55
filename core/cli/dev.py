"""`flowctl dev`: runs a flow, and runs it anew whenever its file or a module that it imports is saved."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from flowctl.core.cli import completion
from flowctl.core.cli.help import Command


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(cls=Command, epilog="No daemon is needed. Each run is on record as those of `flowctl run` are.")(dev)


def dev(
    target: Annotated[
        str,
        typer.Argument(metavar="TARGET", help="file.py:flow, file.py (when it has one flow), or package.module:flow."),
    ],
    param: Annotated[
        list[str] | None,
        typer.Option("-p", "--param", metavar="NAME=VALUE", help="A parameter, as `flowctl run` takes it."),
    ] = None,
    params_json: Annotated[
        str | None, typer.Option("--params-json", metavar="JSON", help='Parameters as one object: {"limit": 20}.')
    ] = None,
    params_file: Annotated[
        str | None, typer.Option("--params-file", metavar="FILE", help="Parameters from a file; it is watched too.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the runs; random without.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag of the runs; may be repeated.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only problems and the last line.")] = False,
    log_level: Annotated[
        str | None,
        typer.Option(
            "--log-level",
            metavar="LEVEL",
            help="Least level of log lines that are kept and shown.",
            autocompletion=completion.levels,
        ),
    ] = None,
) -> int:
    """Run a flow again whenever a file that it is made of is saved."""
    from flowctl.core.cli.dev_loop import DevLoop
    from flowctl.core.cli.run import set_level
    from flowctl.core.engine.loading import check_file, split_target
    from flowctl.core.engine.local_code import roots_of

    set_level(log_level)
    place, _ = split_target(target)
    files: set[str] = set()
    anchor = Path.cwd() / "__main__.py"
    if place.endswith(".py") or os.sep in place:
        # What no save will ever mend is refused at once.
        check_file(place)
        anchor = Path.cwd() / place
        # A link may be turned to another file, and the file that it leads to may be written.
        files |= {str(anchor.parent.resolve() / anchor.name), str(anchor.resolve())}
    if params_file is not None:
        files.add(str(Path(params_file).resolve()))
    plan = {
        "target": target,
        "param": param or [],
        "params_json": params_json,
        "params_file": params_file,
        "name": name,
        "tag": tag or [],
        "quiet": quiet,
        "log_level": log_level,
        "roots": [*roots_of(str(anchor))],
    }
    return DevLoop(plan, files).run()
