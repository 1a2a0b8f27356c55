"""Ctrl-C, SIGTERM and deadlines in real processes, wherever they strike."""

from __future__ import annotations

import os
import signal

import pytest

from flowctl.store.home import Home
from flowctl.store.journal import FlowRunState
from flowctl.store.states import StateType
from tests.conftest import Project
from tests.core.engine.by_hand import records_of
from tests.core.engine.scripts import Script, only_run, tasks_of
from tests.whole.flow_bodies import BODIES, HEAD, PROMPT_S, written


@pytest.mark.parametrize("name", BODIES)
def test_ctrl_c_cancels_a_script_at_once(project: Project, home: Home, name: str) -> None:
    with Script(written(project, BODIES[name])) as script:
        script.wait_for_line("ready")
        script.signal(signal.SIGINT)
        script.wait_for_line("cancelled CANCELLED")
        status = script.end(PROMPT_S)

    run = only_run(home)
    assert run.state_type is StateType.CANCELLED, script.errors
    assert status in (1, 130, -signal.SIGINT)
    # Nothing seems to go on under a run that has ended.
    assert [task for task in tasks_of(home, run.id) if not task.is_final] == []
    assert "Exception ignored" not in script.errors
    assert "Task was destroyed" not in script.errors


@pytest.mark.parametrize("name", ["a sleep in a task", "300 mapped tasks", "an asynchronous flow"])
def test_ctrl_c_cancels_flowctl_run_and_its_exit_code_says_so(project: Project, home: Home, name: str) -> None:
    body = BODIES[name].replace("def main():\n    asyncio.run(flow_())\n", "main = flow_\n")
    with Script(project.write("script.py", HEAD + body), by="flowctl") as script:
        script.wait_for_line("ready")
        script.signal(signal.SIGINT)
        script.wait_for_line("cancelled CANCELLED")
        status = script.end(PROMPT_S)

    assert status == 4
    assert only_run(home).state_type is StateType.CANCELLED


def test_a_second_ctrl_c_kills_at_once(project: Project, home: Home) -> None:
    body = """
@flow
def main():
    while True:
        try:
            ready()
            time.sleep(60)
        except KeyboardInterrupt:
            print("ignored", flush=True)
"""
    with Script(written(project, body)) as script:
        script.wait_for_line("ready")
        script.signal(signal.SIGINT)
        script.wait_for_line("ignored")
        script.signal(signal.SIGINT)
        status = script.end(PROMPT_S)

    assert status == -signal.SIGINT
    assert only_run(home).state_type is StateType.CRASHED


@pytest.mark.parametrize("name", ["a sleep in a task", "300 mapped tasks", "an asynchronous flow", "a busy loop"])
def test_sigterm_crashes_the_run_in_good_order(project: Project, home: Home, name: str) -> None:
    with Script(written(project, BODIES[name])) as script:
        script.wait_for_line("ready")
        script.signal(signal.SIGTERM)
        script.wait_for_line("crashed CRASHED")
        status = script.end(PROMPT_S)

    run = only_run(home)
    assert (run.state_type, run.message) == (StateType.CRASHED, "Execution was aborted by a termination signal.")
    assert status == 143


def test_a_flow_interrupted_anywhere_has_a_whole_journal_and_is_cancelled(project: Project, home: Home) -> None:
    # One process, fifty runs: each is interrupted by its own hand after a random time, in the midst of records.
    body = """
import random, signal

@task
def empty(x):
    return x

@task(timeout_seconds=100)
def limited(x):
    return x

@flow
def main():
    logger = get_run_logger()
    threading.Timer(dice.uniform(0, 0.03), lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    while True:
        logger.info("line")
        empty(1)
        limited(2)
        empty.submit(3)

if __name__ == "__main__":
    dice = random.Random(int(sys.argv[1]))
    for _ in range(50):
        try:
            main()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    os._exit(0)
"""
    seed = "20260302"
    path = project.write("script.py", HEAD + body)
    with Script(path, seed, environment={"FLOWCTL_SHOW_LOG": "false"}) as script:
        lines = script.output().split()
        assert script.end() == 0, script.errors

    assert lines == ["interrupted"] * 50
    states: list[str] = []
    for run_id in os.listdir(home.runs):  # noqa: PTH208 - paths of a home are strings
        records = records_of(home, run_id)
        if len(last := [each for each in records if isinstance(each, FlowRunState)]) >= 2:
            states.append(f"{last[-1].type}/{last[-1].name}")
    assert states == ["CANCELLED/Cancelled"] * 50, f"seed {seed}"


def test_a_signal_on_the_threshold_of_a_wait_is_not_missed(project: Project, home: Home) -> None:
    # The task gets its turn when the flow lets go of the interpreter to block, and sends the signal just then.
    body = """
import signal

never = threading.Event()

@task
def sends(x):
    if x == 0:
        os.kill(os.getpid(), signal.SIGINT)
    never.wait()

@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
def flow_():
    sends.map(range(30)).result()

def main():
    for _ in range(40):
        try:
            flow_()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    os._exit(0)
"""
    with Script(written(project, body), environment={"FLOWCTL_SHOW_LOG": "false"}) as script:
        assert script.output().split() == ["interrupted"] * 40
        assert script.end() == 0


def test_a_flow_timed_out_anywhere_has_a_whole_journal_and_blames_no_task(project: Project, home: Home) -> None:
    body = """
import random

@task(retries=2)
def empty(x):
    return x

@task(timeout_seconds=100, retries=2)
def limited(x):
    return x

def main():
    logger = get_run_logger()
    while True:
        logger.info("line")
        empty(1)
        limited(2)
        empty.submit(3)

if __name__ == "__main__":
    dice = random.Random(int(sys.argv[1]))
    for _ in range(50):
        state = flow(main, timeout_seconds=dice.uniform(0.001, 0.03))(return_state=True)
        print(state.name, flush=True)
"""
    path = project.write("script.py", HEAD + body)
    with Script(path, "20260302", environment={"FLOWCTL_SHOW_LOG": "false"}) as script:
        lines = script.output().split()
        assert script.end() == 0, script.errors

    assert lines == ["TimedOut"] * 50
    blamed: list[str] = []
    for run_id in os.listdir(home.runs):  # noqa: PTH208 - paths of a home are strings
        records_of(home, run_id)
        blamed += [
            task.state_name
            for task in tasks_of(home, run_id)
            if task.state_name not in ("Completed", "Crashed", "Cancelled")
        ]
    assert blamed == []


def test_a_flows_deadline_inside_a_task_is_the_flows(project: Project, home: Home) -> None:
    body = """
@task(retries=5)
def sleeps():
    time.sleep(60)

@flow(timeout_seconds=0.2)
def flow_():
    try:
        sleeps()
    except Exception:
        print("swallowed", flush=True)
        time.sleep(60)

def main():
    print(flow_(return_state=True).name, flush=True)
"""
    with Script(written(project, body)) as script:
        script.wait_for_line("TimedOut")
        assert script.end() == 0

    run = only_run(home)
    (sleeps,) = tasks_of(home, run.id)
    assert (sleeps.state_type, sleeps.run_count) == (StateType.CRASHED, 1)
