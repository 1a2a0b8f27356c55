"""`flowctl runs retry`: what is reused, what runs again, and when it is refused."""

from __future__ import annotations

import fcntl
import json

import pytest

from flowctl.store.home import Home
from tests.conftest import Command, Project
from tests.core.cli.conftest import Say
from tests.store.journals import a_run, an_id, write_journal

FLOW = """
from pathlib import Path
from flowctl import flow, task

@task
def load(n):
    with Path("calls").open("a") as calls:
        calls.write(f"{n} ")
    if n == 3 and not Path("mended").exists():
        raise LookupError("no table 3")
    return n * 2

@task
def total(rows):
    return sum(rows)

@flow
def half(n: int = 5):
    return total(load.map(range(n)))
"""


def test_the_next_attempt_reuses_what_completed_and_says_so_before(
    project: Project, flowctl_command: Command, say: Say
) -> None:
    project.write("half.py", FLOW)
    assert flowctl_command("run", "half.py:half", "--name", "first-try").returncode == 1
    project.write("mended", "")

    retried = flowctl_command("runs", "retry", "first-try")

    assert retried.returncode == 0, retried.stderr
    assert retried.stderr.splitlines() == [
        "Attempt 2 of first-try",
        "  4 completed calls are reused",
        "  again: load, total",
    ]
    calls = (project.path / "calls").read_text().split()
    assert sorted(calls) == ["0", "1", "2", "3", "3", "4"]
    run = json.loads(say("runs", "show", "first-try", "--json").out)
    assert (run["state"]["name"], run["attempt"], run["value"]) == ("Completed", 2, "20")
    assert say("runs", "result", "first-try").out == "20\n"


def test_a_completed_run_is_refused(runs: Home, say: Say) -> None:
    said = say("runs", "retry", "calm-heron")

    assert said.code == 2
    assert said.err == "Error: Run calm-heron is Completed, so there is nothing to retry. Run its flow anew.\n"


def test_a_run_at_work_is_refused(home: Home, say: Say) -> None:
    run_id = an_id(9)
    write_journal(home, run_id, a_run(run_id, ends=None, name="busy-bee"))
    with open(home.run_lock(run_id)) as lock:  # noqa: PTH123 - its process lives
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = say("runs", "retry", "busy-bee")

    assert said.code == 2
    assert "Run busy-bee is still at work (Running)" in said.err


def test_a_subflow_is_refused(runs: Home, say: Say) -> None:
    said = say("runs", "retry", "tiny-fox")

    assert said.code == 2
    assert "is a subflow" in said.err


@pytest.mark.parametrize("run", ["brave-otter", "dusty-crow"])
def test_a_flow_whose_file_is_gone_is_an_error_and_runs_nothing(run: str, runs: Home, say: Say) -> None:
    said = say("runs", "retry", run)

    assert said.code == 2
    assert "Error: " in said.err and "Traceback" not in said.err
    assert "attempt 2" not in say("runs", "show", run).out
