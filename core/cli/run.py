"""`flowctl run`: loads a flow, checks its parameters, runs it here and shows it."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, Annotated, Any, ClassVar, Final

import typer

from flowctl.core.cli import completion
from flowctl.core.cli.help import Command

if TYPE_CHECKING:
    from flowctl.core.authoring.flows import Flow
    from flowctl.core.cli.display_options import DisplayOptions

_EPILOG: Final = (
    "Exit codes: 0 completed, 1 failed, 2 nothing was run (target, parameter, setting), 3 crashed, 4 cancelled, "
    "6 home folder unusable, 130 killed by a second Ctrl-C."
)


class _Run(Command):
    examples: ClassVar = (
        ("flowctl run hello.py", "the file has one flow"),
        ("flowctl run hello.py:hello -p names=Ada", "one of several flows"),
        ("flowctl run etl.py --params-file night.toml", "parameters of a file"),
        ("flowctl run etl.py --json | jq .result", "for scripts"),
    )


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(cls=_Run, epilog=_EPILOG)(run)


def run(
    target: Annotated[
        str,
        typer.Argument(metavar="TARGET", help="file.py:flow, file.py (when it has one flow), or package.module:flow."),
    ],
    param: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--param",
            metavar="NAME=VALUE",
            help="A parameter, read as the flow's signature has it; @FILE takes the text of a file. Repeat for a list.",
        ),
    ] = None,
    params_json: Annotated[
        str | None, typer.Option("--params-json", metavar="JSON", help='Parameters as one object: {"limit": 20}.')
    ] = None,
    params_file: Annotated[
        str | None, typer.Option("--params-file", metavar="FILE", help="Parameters from a .json or .toml file.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Name of the run; random without.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag of the run; may be repeated.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object at the end; all else goes to stderr.")
    ] = False,
    events: Annotated[
        bool, typer.Option("--events", help="Print what happens as JSON lines; all else goes to stderr.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only problems and the last line.")] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="One sentence for each change of state, for screen readers and scripts.")
    ] = False,
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
    """Run a flow in this process and show it while it goes."""
    from flowctl.core.cli.display_options import DisplayOptions

    options = DisplayOptions(
        is_json=as_json, with_events=events, is_quiet=quiet, is_linear=plain, least_level=set_level(log_level)
    )
    machine = _machine_stream() if options.for_machines else None
    from flowctl.core.cli.faults import CommandError
    from flowctl.core.cli.parameters import read_parameters
    from flowctl.core.engine.loading_problems import TargetProblem

    try:
        flow = load(target, options)
        arguments = read_parameters(flow, param or [], params_json, params_file)
    except (CommandError, TargetProblem) as error:
        from flowctl.core.cli.refusal import refuse

        return refuse(error, machine)
    from flowctl.core.cli.display import show_and_wait
    from flowctl.core.engine.launch import launch

    return show_and_wait(
        lambda observers: launch(flow, arguments, name=name, tags=tag or [], observers=observers),
        options=options,
        machine=machine,
    )


def set_level(word: str | None) -> int:
    """Set the log level for this process; the setting's own reader knows the words."""
    from flowctl.core.engine.settings import LEVELS

    if word is None:
        return 0
    if word.upper() not in LEVELS:
        raise typer.BadParameter(f"{word!r} is no level. Choose from {', '.join(LEVELS)}.", param_hint="--log-level")
    os.environ["FLOWCTL_LOG_LEVEL"] = word.upper()
    return LEVELS[word.upper()]


def load(target: str, options: DisplayOptions) -> Flow[..., Any]:
    """Load the flow of a target, with the streams prepared for the display that comes."""
    from flowctl.core.cli.display_streams import is_live
    from flowctl.core.engine.loading import load_flow

    if not options.is_quiet and not options.is_linear and is_live(sys.stderr if options.for_machines else sys.stdout):
        from flowctl.core.cli.display_printed import stand_in

        stand_in()
    return load_flow(target)


def _machine_stream() -> IO[str]:
    """Keep standard output for JSON alone; whatever else writes there, child processes too, writes to stderr."""
    try:
        sys.stdout.flush()
        private = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # one of them is closed
        return sys.stdout
    return os.fdopen(private, "w", encoding="utf-8", errors="replace")
