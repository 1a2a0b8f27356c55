"""Disks that are full and homes that may not be written: a sentence with the remedy, and the exit code that says so."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flowctl.store.home import Home, HomeUnusable
from flowctl.tui.keymap import load_keymap
from tests.conftest import Project
from tests.core.cli.conftest import Say
from tests.core.cli.recorded import completed_run, failed_run
from tests.store.journals import NOON

FLOW = """
from flowctl import flow

@flow
def main():
    print("it ran")
"""
_AS_ANYBODY = ["setpriv", "--inh-caps=-dac_override,-dac_read_search", "--bounding-set=-dac_override,-dac_read_search"]


def flowctl(*words: str, folder: Path, is_full: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody whom permissions bind; with `is_full`, no file may grow."""

    def fill() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    as_anybody = _AS_ANYBODY if os.geteuid() == 0 else []
    if as_anybody and shutil.which("setpriv") is None:
        pytest.skip("root cannot be made to heed permissions here")
    return subprocess.run(
        [*as_anybody, sys.executable, "-m", "flowctl", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        preexec_fn=fill if is_full else None,
        timeout=60,
    )


def test_a_run_on_a_full_disk_says_so_and_runs_nothing(project: Project) -> None:
    project.write("main.py", FLOW)

    said = flowctl("run", "main.py", folder=project.path, is_full=True)

    assert said.returncode == 6
    assert "cannot be written" in said.stderr and "Make room" in said.stderr
    assert "it ran" not in said.stdout
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_a_home_that_may_not_be_written_is_named_with_the_remedy(project: Project, home: Home, mode: int) -> None:
    project.write("main.py", FLOW)
    Path(home.path).mkdir(mode=mode)

    said = flowctl("run", "main.py", folder=project.path)

    assert said.returncode == 6
    assert f"flowctl cannot use its home folder {home.path}: Permission denied. Make it yours" in said.stderr
    assert "it ran" not in said.stdout


def test_what_a_home_that_may_not_be_written_cannot_show_is_told(project: Project, home: Home, say: Say) -> None:
    completed_run(home, NOON)
    say("runs")
    failed_run(home, NOON)
    subprocess.run(["chmod", "-R", "a-w", home.path], check=True)

    said = flowctl("runs", folder=project.path)

    subprocess.run(["chmod", "-R", "u+w", home.path], check=True)
    assert said.returncode == 0
    assert "calm-heron" in said.stdout
    assert said.stderr == f"Warning: {home.path} may not be written, so what 1 run wrote last is not shown.\n"


def test_without_a_home_in_the_system_no_folder_called_tilde_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "FLOWCTL_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    # As the system does with a user id that has no entry.
    monkeypatch.setattr(os.path, "expanduser", str)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(HomeUnusable, match=r"HOME is not set.*or set FLOWCTL_HOME"):
        Home.default()
    assert load_keymap()[1] == []
    assert Home(str(tmp_path / "own")).path == str(tmp_path / "own")
