"""The fixtures that all tests share: few and dull, and no test ever sees the home of the person who runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from flowctl.store.home import Home

#: A command may be slow on a busy machine; one that hangs is a failure with its output, not a lost test run.
COMMAND_S = 50

#: What changes how things look; a size is what a line editor in this process may have put there.
SETTINGS = ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "GITLAB_CI", "CI", "COLUMNS", "LINES")

Command = Callable[..., subprocess.CompletedProcess[str]]

# A script that starts the tests in the background has them ignore ctrl+c, and so would every program that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Use all processors for the whole suite and for folders of it, but not for files and tests that are named."""
    is_worker = hasattr(config, "workerinput")
    if is_worker or not config.pluginmanager.hasplugin("xdist") or not all(map(os.path.isdir, config.args)):
        return
    is_by_hand = config.option.usepdb or config.option.capture == "no"
    if config.option.numprocesses is None and not is_by_hand:
        config.option.numprocesses = "auto"
        config.option.dist = "worksteal"


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, object, object]:
    """Spell out the lone surrogates that a test wrote: a report goes from one process to another as UTF-8."""
    return _spelt((yield))


def _spelt(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list | tuple):
        items = map(_spelt, cast("Iterable[object]", value))
        return tuple(items) if isinstance(value, tuple) else list(items)
    if isinstance(value, dict):
        return {key: _spelt(each) for key, each in cast("dict[object, object]", value).items()}
    return value


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of the test's own, in force for this process and its children; the person's own settings are not."""
    for name in os.environ:
        if name.startswith("FLOWCTL_") or name in SETTINGS:
            monkeypatch.delenv(name)
    monkeypatch.setenv("FLOWCTL_HOME", str(tmp_path / "home"))
    return Home(str(tmp_path / "home"))


@pytest.fixture
def noon() -> datetime:
    """A fixed time."""
    return datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Project:
    """A folder of the user's, with flow files in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> Path:
        """Write a file, with the folders that it needs; return its path."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty folder for flow files."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)


@pytest.fixture
def flowctl_command(project: Project) -> Command:
    """Run `flowctl` with arguments in a process of its own, in the project's folder; output is text."""

    def run(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flowctl", *arguments],
            cwd=cwd or project.path,
            env={**os.environ, "COLUMNS": "120", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
        )

    return run
