"""`flowctl daemon …` as people type it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flowctl.store.home import Home
from tests.conftest import Command
from tests.core.daemon.asking import seen_alive
from tests.core.daemon.waiting import DEADLINE_S, once

pytestmark = pytest.mark.usefixtures("no_daemon_left")


def test_the_commands_start_show_and_stop_a_daemon(home: Home, flowctl_command: Command) -> None:
    nothing = flowctl_command("daemon", "status")
    started = flowctl_command("daemon", "start")
    again = flowctl_command("daemon", "start")
    status = flowctl_command("daemon", "status", "--json")
    restarted = flowctl_command("daemon", "restart")
    stopped = flowctl_command("daemon", "stop")
    gone = flowctl_command("daemon", "stop")
    logs = flowctl_command("daemon", "logs")

    assert (nothing.returncode, nothing.stdout.splitlines()[0][:20]) == (1, "No daemon is running")
    assert started.stdout.startswith("The daemon is running (process ")
    assert again.stdout.startswith("The daemon is running already (process ")
    assert json.loads(status.stdout)["state"] == "ok"
    assert restarted.stdout != started.stdout
    assert stopped.stdout == "The daemon has stopped. Runs under way go on.\n"
    assert gone.stdout == "No daemon is running.\n"
    assert [line.endswith("Stopped.") for line in logs.stdout.splitlines()].count(True) == 2


def test_a_daemon_in_the_foreground_ends_with_ctrl_c(home: Home) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "flowctl", "daemon", "start", "--foreground"], stderr=subprocess.PIPE, text=True
    )
    once(lambda: seen_alive(home), "an answer")

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 0
    assert "Asked to stop." in said
    assert said.splitlines()[-1].endswith("Stopped.")


def test_a_service_manager_is_told_when_the_daemon_is_ready(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind("notify")
        told.settimeout(DEADLINE_S)
        process = subprocess.Popen(
            [sys.executable, "-m", "flowctl", "daemon", "start", "--foreground"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "NOTIFY_SOCKET": f"/proc/{os.getpid()}/cwd/notify"},
        )
        words = told.recv(1000)
    answers = seen_alive(home)
    process.terminate()

    assert (words, answers) == (b"READY=1", True)
    assert process.wait(DEADLINE_S) == 0
