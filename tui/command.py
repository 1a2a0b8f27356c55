"""`flowctl tui`: the runs of this home on the whole screen, live."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Final

import typer

from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.help import Command
from flowctl.tui.skeleton import take_away

_EPILOG: Final = (
    "Quitting never stops work: runs go on, and so does the daemon. "
    "FLOWCTL_THEME, FLOWCTL_ASCII=1 and NO_COLOR choose the looks, FLOWCTL_CALM=1 keeps spinners still, FLOWCTL_FPS=4 "
    "has it updated less often. For screen readers and pipes: flowctl runs watch RUN --plain."
)
#: The one way that needs no screen to be drawn on, and that a screen reader can follow.
_NO_TERMINAL: Final = (
    "`flowctl tui` needs a terminal that can be drawn on. Elsewhere `flowctl runs` lists runs, and "
    "`flowctl runs watch RUN --plain` tells in sentences how one goes."
)


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("tui", cls=Command, epilog=_EPILOG)(tui)


def tui(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="A run to open at once: its name, its id or the beginning of that, or -."),
    ] = None,
    theme: Annotated[
        str | None, typer.Option("--theme", metavar="NAME", help="Colours; an unknown name lists those there are.")
    ] = None,
    no_daemon: Annotated[
        bool, typer.Option("--no-daemon", help="Only look: start no daemon, and ask nothing of one.")
    ] = False,
    is_read_only: Annotated[
        bool, typer.Option("--read-only", help="Show everything live, and let nothing be changed from here.")
    ] = False,
    no_mouse: Annotated[
        bool, typer.Option("--no-mouse", help="Leave the mouse to the terminal, to select text with it.")
    ] = False,
    as_ascii: Annotated[bool, typer.Option("--ascii", help="Draw with ASCII characters alone.")] = False,
    is_web: Annotated[
        bool, typer.Option("--web", help="Serve it to a browser of this machine, at an address with a token.")
    ] = False,
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="The port for --web; 0 takes a free one.")
    ] = 0,
) -> int:
    """Look at all runs as they happen, and act on them by keyboard."""
    if is_web:
        from flowctl.tui.web import serve

        flags = {"--no-daemon": no_daemon, "--read-only": is_read_only, "--no-mouse": no_mouse, "--ascii": as_ascii}
        words = [flag for flag, is_set in flags.items() if is_set]
        words += [] if theme is None else ["--theme", theme]
        return serve([*words, *([] if run is None else [run])], port=port)
    # In a browser the interface has a driver of its own, and pipes.
    is_served = "TEXTUAL_DRIVER" in os.environ
    if not is_served and (not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb"):
        raise CommandError(_NO_TERMINAL, Exit.USAGE)
    try:
        from flowctl.tui.entry import Options, open_interface

        return open_interface(Options(run, theme, no_daemon, is_read_only, has_mouse=not no_mouse, is_ascii=as_ascii))
    finally:
        # Whatever is said next is said on the terminal as it was.
        take_away()
