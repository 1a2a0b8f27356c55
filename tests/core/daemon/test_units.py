"""The texts by which systemd and launchd start the daemon: read by systemd itself, and as a property list."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flowctl.core.daemon.units import UNIT, Program, launchd_agent, systemd_unit, verify_agent
from flowctl.store.home import Home
from tests.conftest import Command

_STRANGE = '/tmp/a b/%h/$HOME/"quoted"/back\\slash'


def test_systemd_accepts_the_unit(home: Home, tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("there is no systemd here")
    program = Program.present(home)
    unit = tmp_path / UNIT
    unit.write_text(systemd_unit(program._replace(environment={**program.environment, "STRANGE": _STRANGE})))

    found = subprocess.run(
        [tool, "verify", "--user", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )

    assert not [line for line in found.stderr.splitlines() if UNIT in line], found.stderr


def test_a_unit_quotes_what_systemd_would_take_for_its_own() -> None:
    text = systemd_unit(Program([sys.executable, "-c", "$x %n"], {"A": _STRANGE}))

    assert f'ExecStart="{sys.executable}" "-c" "$$x %%n"' in text
    assert 'Environment="A=/tmp/a b/%%h/$HOME/\\"quoted\\"/back\\\\slash"' in text
    assert "KillMode=process" in text


def test_the_launchd_agent_is_a_property_list(home: Home) -> None:
    text = launchd_agent(Program.present(home), "/tmp/log")
    found = plistlib.loads(text.encode())

    assert verify_agent(text) == []
    assert found["ProgramArguments"][1:] == ["-m", "flowctl", "daemon", "start", "--foreground"]
    assert found["EnvironmentVariables"]["FLOWCTL_HOME"] == home.path
    assert found["AbandonProcessGroup"] is True
    assert verify_agent("<plist>") != []
    assert verify_agent(launchd_agent(Program(["/no/such/program"], {}), "/tmp/log")) != []


def test_the_unit_is_installed_and_taken_back(flowctl_command: Command, tmp_path: Path) -> None:
    if sys.platform == "darwin":
        pytest.skip("it would be started")
    folder = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "PATH": _without_systemctl(tmp_path)}
    written = flowctl_command("daemon", "install", **folder)
    unit = tmp_path / "config" / "systemd" / "user" / UNIT
    was_there = unit.exists()
    removed = flowctl_command("daemon", "uninstall", **folder)
    again = flowctl_command("daemon", "uninstall", **folder)

    assert (written.returncode, was_there) == (0, True), written.stderr
    assert "systemctl --user enable --now flowctl.service" in written.stdout
    assert removed.stdout == f"Removed {unit}. Runs and their records stay.\n"
    assert not unit.exists()
    assert again.stdout == f"There is no {unit}; nothing was changed.\n"


def _without_systemctl(tmp_path: Path) -> str:
    """Give a PATH on which there is only what verifies a unit: nothing of the machine's is to be started."""
    folder = tmp_path / "bin"
    folder.mkdir()
    if tool := shutil.which("systemd-analyze"):
        (folder / "systemd-analyze").symlink_to(tool)
    return str(folder)
