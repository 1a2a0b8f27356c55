"""The command line as a whole: which commands there are, and how one of them is carried out."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated, Final

import typer

from flowctl.core.cli import faults
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.help import Group

#: Each command's module, which adds it to the program by its function `register`.
_MODULES: Final = {
    "run": "flowctl.core.cli.run",
    "dev": "flowctl.core.cli.dev",
    "runs": "flowctl.core.cli.runs",
    "daemon": "flowctl.core.cli.daemon",
    "db": "flowctl.core.cli.db",
    "limit": "flowctl.core.cli.limit",
    "config": "flowctl.core.cli.config",
}
_CONTEXT: Final = {"help_option_names": ["--help", "-h"], "max_content_width": 100}


def run_command(words: list[str]) -> int:
    """Carry out one command line; errors become one line on stderr and an exit code."""
    try:
        outcome = build(words)(words, prog_name="flowctl", standalone_mode=False)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        hint = f"`{context.command_path} --help` shows what is possible." if context else ""
        faults.complain(error.format_message(), hint)
        return Exit.USAGE
    except typer.Abort:
        sys.stderr.write("Nothing was done.\n")
        return Exit.FAILED
    except KeyboardInterrupt:
        return Exit.KILLED
    except Exception as error:
        # The outermost edge: what is expected becomes a sentence, the rest stays what it is.
        code = faults.exit_for(error)
        if code is None:
            raise
        faults.complain(str(error))
        return code
    return outcome if isinstance(outcome, int) else Exit.OK


def build(words: list[str]) -> typer.Typer:
    """Build the program, of one command alone where the words name it: the others need not be imported then."""
    app = typer.Typer(
        cls=Group,
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings=_CONTEXT,
        help="Run Python flows on this machine, and look back on what they did.",
        epilog="Start with: flowctl run FILE.py:FLOW",
    )
    app.callback()(_program)
    wanted = words[:1] if words[:1] and words[0] in _MODULES and "_FLOWCTL_COMPLETE" not in os.environ else _MODULES
    for name in wanted:
        importlib.import_module(_MODULES[name]).register(app)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from flowctl import __version__

        typer.echo(f"flowctl {__version__}")
        raise typer.Exit


def _program(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None: ...
