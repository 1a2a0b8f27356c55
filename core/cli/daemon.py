"""`flowctl daemon …` as it is typed; what each command does stands in files of their own."""

from __future__ import annotations

from typing import Annotated

import typer

from flowctl.core.cli.help import Command, Group

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def register(app: typer.Typer) -> None:
    """Add the group `daemon` to the program."""
    group = typer.Typer(
        cls=Group,
        rich_markup_mode=None,
        no_args_is_help=True,
        help="The process that starts scheduled runs and watches files.",
    )
    for command in (start, stop, status, restart, reload, logs, install, uninstall):
        group.command(cls=Command)(command)
    app.add_typer(group, name="daemon")


def start(
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay in this terminal, and show what happens, until Ctrl-C.")
    ] = False,
) -> int:
    """Start the daemon; it goes on when you log out."""
    from flowctl.core.cli import daemon_life

    return daemon_life.start_here() if foreground else daemon_life.start_behind()


def stop(
    force: Annotated[bool, typer.Option("--force", help="Kill it if it does not stop by itself.")] = False,
) -> int:
    """Stop the daemon; runs go on, and the next daemon takes them up."""
    from flowctl.core.cli.daemon_life import stop_daemon

    return stop_daemon(is_forced=force)


def restart() -> int:
    """Stop the daemon if it runs, and start it with this flowctl."""
    from flowctl.core.cli.daemon_life import restart_daemon

    return restart_daemon()


def status(as_json: AsJson = False) -> int:
    """Show whether the daemon runs, and how it is.

    Exit code 1 when it does not run.
    """
    from flowctl.core.cli.daemon_status import print_status

    return print_status(as_json=as_json)


def reload() -> int:
    """Have the daemon read its settings again."""
    from flowctl.core.cli.daemon_life import reload_daemon

    return reload_daemon()


def logs(
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, metavar="N", help="The last so many.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> int:
    """Print what the daemon says of itself."""
    from flowctl.core.cli.daemon_logs import print_logs

    return print_logs(lines=lines, follow=follow)


def install() -> int:
    """Have the system start the daemon when you log in.

    Writes a systemd user unit, or on macOS a launchd agent, and starts it.
    """
    from flowctl.core.cli.daemon_unit import install_unit

    return install_unit()


def uninstall() -> int:
    """Take back what `install` did; the daemon's data stay."""
    from flowctl.core.cli.daemon_unit import uninstall_unit

    return uninstall_unit()
