"""`flowctl daemon install | uninstall`: has the system start the daemon, by a systemd user unit or a launchd agent."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.text import Text

from flowctl.core.cli.daemon_life import end_daemon
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError, warn
from flowctl.core.cli.output import make_console
from flowctl.core.cli.palette import ACCENT, QUIET
from flowctl.core.cli.safe_text import safe
from flowctl.core.daemon.client import start_daemon
from flowctl.core.daemon.instance import find_holder
from flowctl.core.daemon.paths import log_path
from flowctl.core.daemon.units import LABEL, UNIT, Program, launchd_agent, systemd_unit, verify_agent
from flowctl.store.home import Home

_COMMAND_S: Final = 30.0


def install_unit() -> Exit:
    """Write the unit, have it looked through, and start it where a session of the system's is there."""
    home = Home.default()
    home.ensure()
    program = Program.present(home)
    path = unit_path()
    is_launchd = path.suffix == ".plist"
    text = launchd_agent(program, log_path(home)) if is_launchd else systemd_unit(program)
    problems = verify_agent(text) if is_launchd else _verify_unit(text)
    if problems:
        raise CommandError(f"The unit would not work: {problems[0]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    console = make_console()
    console.print(Text.assemble(("Written: ", "bold"), safe(path)))
    if _is_started(home, path):
        console.print("The daemon runs, and will run whenever you log in.")
    else:
        console.print("It takes effect when you log in the next time. To start it now:")
        for command in _start_commands(path):
            console.print(Text(f"  {' '.join(command)}", ACCENT))
    if not is_launchd:
        hint = "so that it runs also while you are logged out"
        console.print(Text.assemble(("loginctl enable-linger", ACCENT), (f"  {hint}", QUIET)))
    return Exit.OK


def uninstall_unit() -> Exit:
    """Stop the system's daemon and remove its unit."""
    path = unit_path()
    if not path.exists():
        sys.stdout.write(f"There is no {path}; nothing was changed.\n")
        return Exit.OK
    for command in _stop_commands(path):
        _is_done(command)
    path.unlink()
    if path.suffix != ".plist":
        _is_done(["systemctl", "--user", "daemon-reload"])
    sys.stdout.write(f"Removed {path}. Runs and their records stay.\n")
    return Exit.OK


def unit_path() -> Path:
    """Where the system looks for units of this user."""
    if sys.platform == "darwin":
        return Path("~/Library/LaunchAgents").expanduser() / f"{LABEL}.plist"
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder).expanduser() / "systemd" / "user" / UNIT


def _verify_unit(text: str) -> list[str]:
    """Have systemd read a unit; nothing is said where there is no systemd."""
    import tempfile

    tool = shutil.which("systemd-analyze")
    if tool is None:
        warn("systemd-analyze is not here, so the unit was not verified.")
        return []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / UNIT
        path.write_text(text, encoding="utf-8")
        found = subprocess.run(
            [tool, "verify", "--user", "--man=no", str(path)],
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )
    # Other units of the machine may be at fault too; those are not ours to complain about.
    return [line for line in found.stderr.splitlines() if UNIT in line]


def _is_started(home: Home, path: Path) -> bool:
    """Have the system start the daemon; where there is no session of the system's, leave things as they are."""
    *before, last = _start_commands(path)
    if shutil.which(last[0]) is None or not all(_is_done(command) for command in before):
        return False
    had_daemon = find_holder(home) is not None
    # The system's own is to be the one daemon.
    end_daemon(home)
    is_started = _is_done(last)
    if had_daemon and not is_started:
        start_daemon(home)
    return is_started


def _start_commands(path: Path) -> list[list[str]]:
    if path.suffix == ".plist":
        return [["launchctl", "bootstrap", f"gui/{os.getuid()}", str(path)]]
    return [["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", "--now", UNIT]]


def _stop_commands(path: Path) -> list[list[str]]:
    if path.suffix == ".plist":
        return [["launchctl", "bootout", f"gui/{os.getuid()}/{LABEL}"]]
    return [["systemctl", "--user", "disable", "--now", UNIT]]


def _is_done(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
