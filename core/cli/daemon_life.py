"""`flowctl daemon start | stop | restart | reload`."""

from __future__ import annotations

import os
import signal
import sys

from rich.text import Text

from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.output import make_console
from flowctl.core.cli.palette import ACCENT, QUIET
from flowctl.core.daemon.client import Client, start_daemon, wait_until_gone
from flowctl.core.daemon.instance import Holder, find_holder
from flowctl.store.home import Home

#: A daemon that drains politely takes at most five seconds, and the disk its time.
_STOP_S = 15.0


def start_behind() -> Exit:
    """Start the daemon in the background."""
    home = Home.default()
    holder = find_holder(home)
    if holder is not None:
        _say(f"The daemon is running already (process {holder.pid}).", "")
        return Exit.OK
    pid = start_daemon(home)
    _say(f"The daemon is running (process {pid}).", "")
    _hint("flowctl daemon status", "shows how it is")
    return Exit.OK


def start_here() -> Exit:
    """Be the daemon until Ctrl-C."""
    from flowctl.core.daemon.main import run_daemon

    run_daemon(Home.default(), is_shown=True)
    return Exit.OK


def stop_daemon(*, is_forced: bool) -> Exit:
    """Stop the daemon and wait until it is gone."""
    home = Home.default()
    holder = find_holder(home)
    if holder is None:
        _say("No daemon is running.", "")
        return Exit.OK
    end_daemon(home, is_forced=is_forced)
    _say("The daemon has stopped.", " Runs under way go on.")
    return Exit.OK


def restart_daemon() -> Exit:
    """Put a new daemon in the place of the one that runs."""
    home = Home.default()
    end_daemon(home, is_forced=True)
    _say(f"The daemon is running (process {start_daemon(home)}).", "")
    return Exit.OK


def reload_daemon() -> Exit:
    """Have the daemon read its settings again."""
    with Client.connect(Home.default(), start=False) as client:
        file = client.ask("reload")["settings_file"]
    _say("The daemon has read its settings again", f": {file}" if file else "; there is no settings file.")
    return Exit.OK


def end_daemon(home: Home, *, is_forced: bool = False) -> None:
    """Stop the daemon, if there is one, and wait until it is gone."""
    holder = find_holder(home)
    if holder is None:
        return
    _ask_to_stop(home, holder)
    if not wait_until_gone(home, within_s=_STOP_S):
        if not is_forced:
            raise CommandError(
                f"The daemon (process {holder.pid}) is still at work after {_STOP_S:g} s. "
                "`flowctl daemon stop --force` kills it; nothing that it accepted is lost by that."
            )
        _kill(home)


def _ask_to_stop(home: Home, holder: Holder) -> None:
    try:
        with Client.connect(home, start=False) as client:
            client.ask_as("stop", "stop", {}, within_s=5.0)
    except Exception:  # noqa: BLE001 - it is just starting, ending, or stuck: a signal does as well
        if holder.pid:
            _signal(holder.pid, signal.SIGTERM)


def _kill(home: Home) -> None:
    holder = find_holder(home)
    if holder is not None and holder.pid:
        _signal(holder.pid, signal.SIGKILL)
        wait_until_gone(home, within_s=5.0)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it has just gone


def _say(text: str, rest: str) -> None:
    make_console().print(Text.assemble((text, "bold"), rest))
    sys.stdout.flush()


def _hint(command: str, what: str) -> None:
    console = make_console()
    if console.is_terminal:
        console.print(Text.assemble((command, ACCENT), (f"  {what}", QUIET)))
