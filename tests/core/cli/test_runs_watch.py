"""`flowctl runs watch`: a run of another process shown while it goes, and the end of one that is over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flowctl.store.home import Home
from tests.conftest import Project
from tests.core.cli.conftest import Say
from tests.core.engine.scripts import Script

BODY = """
from flowctl import flow, get_run_logger, task

@task(retries=1, retry_delay_seconds=0.1)
def wait(told=[]):
    if not told:
        told.append(1)
        raise OSError("not yet")
    print("ready", flush=True)
    open("go").read()

@flow
def main():
    get_run_logger().info("hello from here")
    wait()
"""


@contextmanager
def watching(project: Project, *options: str) -> Generator[tuple[Script, subprocess.Popen[str]]]:
    """A run that waits at a pipe named `go`, and somebody who watches it."""
    os.mkfifo(project.path / "go")
    with Script(project.write("script.py", BODY), "--name", "seen", by="flowctl") as script:
        script.wait_for_line("ready")
        watcher = subprocess.Popen(
            [sys.executable, "-m", "flowctl", "runs", "watch", "seen", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield script, watcher
        finally:
            watcher.kill()
            watcher.communicate()


def let_go(folder: Path) -> None:
    (folder / "go").write_text("go")


def seen_until(watcher: subprocess.Popen[str], words: str) -> list[str]:
    assert watcher.stdout is not None
    seen: list[str] = []
    for line in watcher.stdout:
        seen.append(line)
        if words in line:
            return seen
    raise AssertionError(f"{words!r} not among {seen}")


def test_a_run_elsewhere_is_told_in_sentences_until_it_has_ended(project: Project) -> None:
    with watching(project, "--plain") as (script, watcher):
        seen = seen_until(watcher, "is running, try 2")
        let_go(project.path)
        rest, err = watcher.communicate(timeout=30)
        script.end()

    sentences = [line[9:].strip() for line in seen]
    assert sentences[1:] == [
        "Flow main (seen) is running.",
        "Info: hello from here.",
        "Task wait-001 is running.",
        "Task wait-001 tries again in 0.1 seconds, try 2 of 2: OSError: not yet.",
        "Task wait-001 is running, try 2.",
    ]
    assert "Task wait-001 completed after" in rest
    assert "\nmain  seen  completed in " in rest
    assert rest.endswith("look back: flowctl runs show seen\n")
    assert (watcher.returncode, err) == (0, "")


def test_a_watched_run_that_is_killed_ends_as_crashed(project: Project) -> None:
    with watching(project) as (script, watcher):
        seen_until(watcher, "retry 1/1")
        script.signal(signal.SIGKILL)
        rest, _ = watcher.communicate(timeout=30)

    assert watcher.returncode == 3
    assert "main  seen  crashed in " in rest
    assert "tasks     1 crashed" in rest


def test_ctrl_c_ends_the_watching_and_not_the_run(project: Project) -> None:
    with watching(project) as (script, watcher):
        seen_until(watcher, "retry 1/1")
        watcher.send_signal(signal.SIGINT)
        _, err = watcher.communicate(timeout=30)
        let_go(project.path)

        assert script.end() == 0
    assert watcher.returncode == 130
    assert err == "Run seen goes on. `flowctl runs watch seen` looks on, `flowctl runs cancel seen` ends it.\n"


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("calm-heron", 0, "completed"),
        ("brave-otter", 1, "failed"),
        ("dusty-crow", 3, "crashed"),
        ("second-wind", 0, "attempt 2"),
    ],
)
def test_a_run_that_is_over_is_told_again_with_its_exit_code(
    runs: Home, say: Say, name: str, code: int, words: str
) -> None:
    said = say("runs", "watch", name)

    assert said.code == code
    assert words in said.out
    assert f"flowctl runs show {name}" in said.out
