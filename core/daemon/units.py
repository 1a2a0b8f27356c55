"""The texts by which the system starts the daemon: a systemd user unit, a launchd agent."""

from __future__ import annotations

import os
import plistlib
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from flowctl.store.home import Home

UNIT: Final = "flowctl.service"
LABEL: Final = "local.flowctl.daemon"
#: What a login shell knows and a service manager does not: flows look for programs there.
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV")


class Program(NamedTuple):
    """What is to be started, and in which environment."""

    command: list[str]
    environment: dict[str, str]

    @classmethod
    def present(cls, home: Home) -> Self:
        """The flowctl that is running now, for a home."""
        kept = {name: value for name in _KEPT if (value := os.environ.get(name))}
        folder = str(Path(sys.modules["flowctl"].__file__ or "").parent.parent)
        if folder not in sys.path[1:] and "PYTHONPATH" not in kept:
            kept["PYTHONPATH"] = folder
        return cls(
            [sys.executable, "-m", "flowctl", "daemon", "start", "--foreground"],
            {**kept, "FLOWCTL_HOME": home.path},
        )


def systemd_unit(program: Program) -> str:
    """Write a systemd user unit."""
    environment = "\n".join(f"Environment={_quoted(f'{name}={value}')}" for name, value in program.environment.items())
    # Only here does systemd take a dollar for the beginning of a variable.
    command = " ".join(_quoted(word).replace("$", "$$") for word in program.command)
    return f"""\
[Unit]
Description=flowctl daemon: schedules, run processes, database

[Service]
Type=notify
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
{environment}
# Runs are processes of their own: they outlive the daemon, and the next one takes them up.
KillMode=process
# Stopped by `flowctl daemon stop` it stays stopped; killed it comes back.
Restart=on-failure
RestartSec=2
UMask=0077

[Install]
WantedBy=default.target
"""


def launchd_agent(program: Program, log: str) -> str:
    """Write a launchd agent."""
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": program.command,
            "EnvironmentVariables": program.environment,
            "RunAtLoad": True,
            # Stopped by `flowctl daemon stop` it stays stopped; killed it comes back.
            "KeepAlive": {"SuccessfulExit": False},
            "ProcessType": "Background",
            # Runs outlive the daemon.
            "AbandonProcessGroup": True,
            "Umask": 0o077,
            "StandardErrorPath": log + ".stderr",
        },
        sort_keys=False,
    ).decode()


def verify_agent(text: str) -> list[str]:
    """Read a launchd agent as launchd does; return what is wrong with it."""
    try:
        found: dict[str, Any] = plistlib.loads(text.encode())  # whatever a plist may hold
    except Exception as error:  # noqa: BLE001 - the parser behind it raises errors of its own
        return [f"it is no property list: {error}"]
    problems = [f"{key} is missing" for key in ("Label", "ProgramArguments") if not found.get(key)]
    if not problems and not os.access(found["ProgramArguments"][0], os.X_OK):
        problems.append(f"{found['ProgramArguments'][0]} cannot be started")
    return problems


def _quoted(word: str) -> str:
    """Quote a word for systemd, where `%` begins a specifier and a backslash an escape."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{escaped}"'
