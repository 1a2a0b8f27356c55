"""`flowctl runs cancel | kill | pause | resume | retry --detach | rerun`, for one run and for many."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator

import pytest

from flowctl.core.daemon.client import wait_until_gone
from flowctl.core.daemon.instance import find_holder
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow
from flowctl.store.states import StateType
from tests.conftest import Command, Project
from tests.core.daemon.waiting import DEADLINE_S, names, once
from tests.store.journals import a_run, an_id, write_journal

_FLOW = """
import time
from pathlib import Path
from flowctl import flow, task

@task
def tick(n):
    time.sleep(0.02)

@flow
def ticking(gate: str, most: int = 1000):
    for n in range(most):
        if Path(gate).exists():
            return n
        tick(n)
"""


@pytest.fixture(autouse=True)
def _no_daemon_left(home: Home) -> Generator[None, None, None]:
    yield
    holder = find_holder(home)
    if holder is not None:
        os.kill(holder.pid, 15)
        assert wait_until_gone(home, within_s=DEADLINE_S)


@pytest.fixture
def two(home: Home, project: Project) -> Generator[list[subprocess.Popen[bytes]], None, None]:
    """Two runs at work, each started by a person's own shell."""
    file, gate = project.write("ticking.py", _FLOW), project.path / "gate"
    script = f"from flowctl.core.engine.loading import load_flow; load_flow({str(file) + ':ticking'!r})({str(gate)!r})"
    processes = [subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL) for _ in range(2)]
    once(lambda: len(names(home.active)) == 2, "two runs")
    yield processes
    gate.touch()
    for process in processes:
        process.wait(DEADLINE_S)


def seen(home: Home) -> list[FlowRunRow]:
    with Reader.open(home) as reader:
        return reader.runs()


def states(home: Home) -> set[StateType]:
    return {run.state_type for run in seen(home)}


def test_runs_of_a_shell_are_paused_resumed_and_cancelled_by_a_daemon_that_is_started_for_it(
    home: Home, flowctl_command: Command, two: list[subprocess.Popen[bytes]]
) -> None:
    paused = flowctl_command("runs", "pause", "--state", "running", "--yes")
    once(lambda: states(home) == {StateType.PAUSED}, "both paused")
    resumed = flowctl_command("runs", "resume", "--flow", "ticking", "--yes")
    once(lambda: states(home) == {StateType.RUNNING}, "both running")
    cancelled = flowctl_command("runs", "cancel", "--since", "1h", "--yes", "--wait")

    assert [line.split()[2:] for line in paused.stdout.splitlines()] == [["pauses"]] * 2
    assert [line.split()[2:] for line in resumed.stdout.splitlines()] == [["goes", "on"]] * 2
    assert cancelled.returncode == 0, cancelled.stderr
    assert states(home) == {StateType.CANCELLED}
    for process in two:
        assert process.wait(DEADLINE_S) != 0


def test_one_run_is_killed_and_the_other_goes_on(
    home: Home, flowctl_command: Command, two: list[subprocess.Popen[bytes]]
) -> None:
    flowctl_command("runs")
    name = seen(home)[0].name

    killed = flowctl_command("runs", "kill", name, "--wait")

    assert (killed.returncode, killed.stdout) == (0, f"✓ {name} is being killed\n")
    assert {run.name: run.state_type for run in seen(home)}[name] is StateType.CANCELLED
    assert StateType.RUNNING in states(home)


def test_a_run_is_made_again_with_a_changed_parameter(home: Home, flowctl_command: Command, project: Project) -> None:
    project.write("ticking.py", _FLOW)
    flowctl_command("run", "ticking.py:ticking", "-p", "gate=/nowhere", "-p", "most=2", "--quiet")

    again = flowctl_command("runs", "rerun", "-", "-p", "most=1")
    once(lambda: len(seen(home)) == 2 and states(home) == {StateType.COMPLETED}, "the second run")

    assert again.returncode == 0, again.stderr
    assert "runs again as " in again.stdout
    assert [run.parameters["most"] for run in seen(home)] == [1, 2]


def test_a_detached_retry_goes_to_the_daemon(home: Home, flowctl_command: Command, project: Project) -> None:
    project.write("broken.py", "from flowctl import flow\n@flow\ndef broken():\n    raise ValueError('no')\n")
    flowctl_command("run", "broken.py:broken", "--quiet")

    retried = flowctl_command("runs", "retry", "-", "--detach")
    once(lambda: [(run.attempt, run.state_type) for run in seen(home)] == [(2, StateType.FAILED)], "attempt 2")

    assert (retried.returncode, retried.stdout.split()[2:]) == (0, ["is", "tried", "again"])


_WAITS_FOR_RETRY = """
from flowctl import flow, task
tries = []

@task(retries=1, retry_delay_seconds=600)
def shaky(word):
    tries.append(word)
    if tries.count(word) < 2:
        raise ValueError("not yet")
    return word

@flow
def shaken():
    futures = [shaky.submit(word) for word in ("one", "two", "three")]
    return [future.result() for future in futures]
"""


def test_retry_delays_of_a_run_at_work_are_ended_and_a_task_that_waits_is_skipped(
    home: Home, flowctl_command: Command, project: Project
) -> None:
    file = project.write("shaken.py", _WAITS_FOR_RETRY)
    script = f"from flowctl.core.engine.loading import load_flow; print(load_flow({str(file) + ':shaken'!r})())"
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:

        def waiting() -> list[str]:
            flowctl_command("runs")
            with Reader.open(home) as reader:
                found = [task for run in reader.runs() for task in reader.task_runs(run.id)]
            return [task.name for task in found if task.state_name == "AwaitingRetry"]

        once(lambda: len(waiting()) == 3, "three that wait")
        first, second, third = waiting()
        skipped = flowctl_command("runs", "skip", "-", third)
        one = flowctl_command("runs", "retry", "-", "--now", "--task", first)
        once(lambda: waiting() == [second], "one that waits")
        others = flowctl_command("runs", "retry", "--now", "--query", "flow:shaken", "--yes")
        said, _ = process.communicate(timeout=DEADLINE_S)
        again = flowctl_command("runs", "retry", "--now")

    assert said.decode().strip() == "['one', 'two', None]"
    assert (skipped.returncode, skipped.stdout.split()[-2:]) == (0, ["is", "skipped"])
    assert [line.split()[1] for line in one.stdout.splitlines()] == [first]
    assert [line.split()[1] for line in others.stdout.splitlines()] == [second]
    assert (again.returncode, "No task waits for its retry" in again.stderr) == (2, True)


def test_runs_that_fit_a_query_are_retried_all_at_once_and_the_others_are_left_alone(
    home: Home, flowctl_command: Command, project: Project
) -> None:
    project.write("broken.py", "from flowctl import flow\n@flow\ndef broken(n: int):\n    return 1 / n\n")
    for n in (0, 0, 1):
        flowctl_command("run", "broken.py:broken", "-p", f"n={n}", "--quiet")

    unsure = flowctl_command("runs", "retry", "--query", "flow:broken")
    retried = flowctl_command("runs", "retry", "--query", "flow:broken", "--yes")
    once(lambda: sorted(run.attempt for run in seen(home) if run.is_final) == [1, 2, 2], "the second attempts")
    wrong = flowctl_command("runs", "cancel", "--query", "nonsense>")

    assert "Retry 2 runs? Say --yes" in unsure.stderr
    assert (retried.returncode, len(retried.stdout.splitlines())) == (0, 2)
    assert {run.state_type for run in seen(home) if run.attempt == 1} == {StateType.COMPLETED}
    assert (wrong.returncode, wrong.stderr[:15]) == (2, "Error: --query:")


def test_what_the_process_of_a_run_took_and_how_it_ended_is_shown(
    home: Home, flowctl_command: Command, project: Project
) -> None:
    project.write("exits.py", "import os\nfrom flowctl import flow\n@flow\ndef exits():\n    os._exit(7)\n")
    flowctl_command("run", "exits.py:exits", "--quiet")
    flowctl_command("runs", "rerun", "-")
    once(lambda: len(seen(home)) == 2 and states(home) == {StateType.CRASHED}, "the second crash")

    shown = flowctl_command("runs", "show", "-").stdout

    (process,) = [line for line in shown.splitlines() if line.startswith("  process")]
    assert "MiB of memory at most" in process
    assert "of processor time" in process
    assert process.endswith("exit status 7")
    assert "exit status 7 before the flow did" in shown
    assert shown.count("Pending") == 1


def test_what_makes_no_sense_is_refused_with_a_sentence(home: Home, flowctl_command: Command) -> None:
    write_journal(home, an_id(1), a_run(an_id(1), name="done"))

    nothing = flowctl_command("runs", "cancel")
    unsure = flowctl_command("runs", "rerun", "--flow", "etl")
    unknown = flowctl_command("runs", "cancel", "nosuchrun")
    over = flowctl_command("runs", "cancel", "done")
    no_fit = flowctl_command("runs", "cancel", "--state", "running")
    bad = flowctl_command("runs", "rerun", "done", "-p", "oops")
    flowctl_command("daemon", "stop")
    forbidden = flowctl_command("runs", "cancel", "done", "--no-daemon")

    assert (nothing.returncode, nothing.stderr[:27]) == (2, "Error: Name the runs to can")
    assert (unsure.returncode, "Rerun 1 run? Say --yes" in unsure.stderr) == (2, True)
    assert (unknown.returncode, "No run goes by 'nosuchrun'" in unknown.stderr) == (5, True)
    assert (over.returncode, "has ended already" in over.stdout) == (2, True)
    assert (no_fit.returncode, no_fit.stdout) == (0, "No run fits; nothing was changed.\n")
    assert (bad.returncode, "Write -p name=value" in bad.stderr) == (2, True)
    assert (forbidden.returncode, "flowctl daemon start" in forbidden.stderr) == (7, True)
