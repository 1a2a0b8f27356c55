"""One real daemon with real flows that fail, wait, die and are saved anew, watched in a real terminal."""

from __future__ import annotations

import os
import signal
import sys

from flowctl.core.daemon.instance import find_holder
from flowctl.store.home import Home
from tests.conftest import Command, Project
from tests.core.daemon.conftest import no_daemon_left as no_daemon_left
from tests.tui.screens.byte_stream import strays
from tests.tui.screens.terminal import Terminal

FLOWS = """
import os
from flowctl import flow, task

@task(retries=1, retry_delay_seconds=600)
def fetch():
    raise ValueError("no such table")

@flow
def waits():
    fetch()

@flow
def falls():
    raise RuntimeError("it fell over")

@flow
def dies():
    os._exit(3)
"""


def test_flows_fail_wait_die_and_are_reloaded_before_ones_eyes(
    home: Home, project: Project, flowctl_command: Command, no_daemon_left: None
) -> None:
    file = project.write("jobs.py", FLOWS)
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    command = [sys.executable, "-m", "flowctl", "tui"]
    terminal = Terminal(command, size=(120, 30), environment=environment, folder=project.path)
    try:
        # There was no daemon: the interface has started one.
        terminal.until(lambda: "daemon" in terminal.screen.text() and "no daemon" not in terminal.screen.text())
        assert flowctl_command("watch", "add", str(file)).returncode == 0
        for name in ("waits", "falls", "dies"):
            assert flowctl_command("deploy", f"jobs.py:{name}").returncode == 0
            assert flowctl_command("deployment", "run", name).returncode == 0
        terminal.until(lambda: all(word in terminal.screen.text() for word in ("retry 9:", "✗ failed", "! crashed")))

        # Retried now, the one that waits fails.
        terminal.press("r")
        terminal.until(lambda: "retry 9:" not in terminal.screen.text() and "✗ failed" in terminal.screen.text())

        terminal.press("3")
        terminal.shows("jobs.py")
        file.write_text(FLOWS.replace("def falls():", "def falls(:"), encoding="utf-8")
        terminal.shows("syntax error")
        file.write_text(FLOWS, encoding="utf-8")
        terminal.until(lambda: "syntax error" not in terminal.screen.text().split("reload log")[0])

        # Killed, the daemon is told of as gone; what it has written stays on the screen.
        terminal.press("1")
        terminal.shows("waits")
        holder = find_holder(home)
        assert holder is not None
        assert holder.pid
        os.kill(holder.pid, signal.SIGKILL)
        terminal.shows("no daemon")
        assert "waits" in terminal.screen.text()
        terminal.press("\x11")
        assert terminal.wait() == 0
        assert strays(terminal.output) == []
    finally:
        terminal.close()
