"""The command line as a whole: which commands there are, and how one of them is carried out."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

import typer

from flowctl.core.cli import faults
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.help import Group

#: Each command's module, which adds it to the program by its function `register`.
_MODULES: Final = {
    "run": "flowctl.core.cli.run",
    "dev": "flowctl.core.cli.dev",
    "runs": "flowctl.core.cli.runs",
    "watch": "flowctl.core.cli.watch",
    "daemon": "flowctl.core.cli.daemon",
    "db": "flowctl.core.cli.db",
    "deploy": "flowctl.core.cli.deploy",
    "deployment": "flowctl.core.cli.deployment",
    "schedule": "flowctl.core.cli.schedule",
    "limit": "flowctl.core.cli.limit",
    "config": "flowctl.core.cli.config",
    "doctor": "flowctl.core.cli.doctor",
}
_CONTEXT: Final = {"help_option_names": ["--help", "-h"], "max_content_width": 100}


def run_command(words: list[str], more: Mapping[str, str] | None = None) -> int:
    """Carry out one command line; errors become one line on stderr and an exit code.

    `more` names the modules of commands that stand above this layer.
    """
    try:
        outcome = build(words, more)(words, prog_name="flowctl", standalone_mode=False)
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


def build(words: list[str], more: Mapping[str, str] | None = None) -> typer.Typer:
    """Build the program, of one command alone where the words name it: the others need not be imported then."""
    app = typer.Typer(
        cls=_Program,
        rich_markup_mode=None,
        no_args_is_help=True,
        # What is left to raise is a fault of ours; typer would show it cut, and without the way it came.
        pretty_exceptions_enable=False,
        context_settings=_CONTEXT,
        help="Run Python flows on this machine, and look back on what they did.",
    )
    app.callback()(_program)
    modules = {**_MODULES, **(more or {})}
    wanted = words[:1] if words[:1] and words[0] in modules and "_FLOWCTL_COMPLETE" not in os.environ else modules
    for name in wanted:
        importlib.import_module(modules[name]).register(app)
    return app


class _Program(Group):
    """The program's own help, by what one wants to do."""

    sections: ClassVar = {
        "Run flows": ("run", "dev"),
        "Look at runs": ("runs", "tui"),
        "Have flows run by themselves": ("deploy", "deployment", "schedule", "watch", "limit", "daemon"),
        "Care": ("config", "doctor", "db"),
    }
    examples: ClassVar = (
        ("flowctl run hello.py", "run the flow of a file"),
        ("flowctl run etl.py:load -p limit=20", "one of several, with a parameter"),
        ("flowctl runs", "what ran, and how it ended"),
        ("flowctl runs show -", "the latest run: tasks, times, errors"),
        ("flowctl tui", "all of it, live"),
    )


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
