"""`flowctl config`: every setting, its value and where that came from."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from flowctl.core.cli.exits import Exit
from flowctl.core.cli.help import Command


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(cls=Command)(config)


def config(
    start: Annotated[
        str | None,
        typer.Argument(metavar="[FOLDER]", help="Look for the settings file upward from here; or from a flow file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> int:
    """Show every setting, its value and where it came from."""
    from flowctl.core.engine.settings import SETTINGS, load_settings, unknown_variables
    from flowctl.store.home import ENVIRONMENT, Home

    if start is not None and not Path(start).exists():
        raise typer.BadParameter(f"There is no {start!r}.", param_hint="FOLDER")
    settings = load_settings(start)
    home_origin = f"environment {ENVIRONMENT}" if os.environ.get(ENVIRONMENT) else "default"
    rows: list[tuple[str, object, str, str]] = [("home", Home.default().path, home_origin, "Where flowctl keeps all.")]
    rows += [(name, getattr(settings, name), settings.origin(name), SETTINGS[name].description) for name in SETTINGS]
    if as_json:
        from flowctl.core.cli.output import print_json

        print_json(
            {
                "file": settings.file,
                "settings": {name: {"value": value, "origin": origin} for name, value, origin, _ in rows},
                "warnings": unknown_variables(),
            }
        )
        return Exit.OK
    _print_table(rows, settings.file)
    for warning in unknown_variables():
        sys.stderr.write(f"Warning: {warning}\n")
    return Exit.OK


def _print_table(rows: list[tuple[str, object, str, str]], file: str | None) -> None:
    from rich.table import Table
    from rich.text import Text

    from flowctl.core.cli.output import make_console
    from flowctl.core.cli.palette import ACCENT, QUIET
    from flowctl.core.cli.safe_text import safe, safe_block

    console = make_console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET)
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", overflow="fold")
    for name, value, origin, _description in rows:
        is_default = origin == "default"
        style = "" if is_default else ACCENT
        table.add_row(
            safe(name, style), safe_block(_worded(value), style), safe_block(origin, QUIET if is_default else "")
        )
    console.print(table)
    console.print()
    where = "No settings file: flowctl.toml, or [tool.flowctl] in pyproject.toml, here or above, would be one."
    console.print(Text(f"Settings file: {file}" if file else where, QUIET))


def _worded(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value).lower() if isinstance(value, bool) else str(value)
