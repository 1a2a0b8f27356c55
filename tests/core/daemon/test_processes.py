"""Killing whole trees of processes, whatever is in their way."""

from __future__ import annotations

import signal
import subprocess
import time

from flowctl.core.daemon import processes
from flowctl.core.daemon.processes import Process


def test_a_process_that_is_long_in_dying_is_waited_for() -> None:
    gone = Process(2**22 + 1, 1)
    dies_at = time.monotonic() + 0.2

    assert processes.kill_tree(lambda: [gone] if time.monotonic() < dies_at else []) == []


def test_a_process_that_does_not_die_is_given_up() -> None:
    stuck = Process(2**22 + 1, 1)

    assert processes.kill_tree(lambda: [stuck], patience_s=0.01) == [stuck]


def test_one_that_was_started_while_its_tree_was_looked_at_is_killed_too() -> None:
    with subprocess.Popen(["sleep", "600"]) as late:
        found = processes.find(late.pid)
        assert found is not None
        looks = [[], [found], []]

        assert processes.kill_tree(lambda: looks.pop(0) if looks else []) == []

        assert late.wait(10) == -signal.SIGKILL
