"""Flow files run by plain Python and by `flowctl run`, as real processes: signals, exits, crashes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from flowctl.store.home import Home
from flowctl.store.journal import FlowRunState, LogLine
from flowctl.store.states import StateType
from tests.conftest import Project
from tests.core.engine.by_hand import records_of, the_run_of
from tests.core.engine.scripts import Script, only_run, tasks_of

#: Ctrl-C must be answered by then.
PROMPT_S = 2.0

HEAD = """\
import asyncio, os, sys, time, threading
from flowctl import flow, task, get_run_logger, ProcessPoolTaskRunner, ThreadPoolTaskRunner

def hook(word):
    def noted(flow, run, state):
        print(f"{word} {state.type.value}", flush=True)
    return noted

hooks = dict(on_cancellation=[hook("cancelled")], on_crashed=[hook("crashed")], on_failure=[hook("failed")],
             on_completion=[hook("completed")])

def ready():
    print("ready", flush=True)
"""
TAIL = """
if __name__ == "__main__":
    main()
"""
BODIES = {
    "a sleep in the flow": """
@flow(**hooks)
def main():
    ready()
    time.sleep(60)
""",
    "a sleep in a task": """
@task(retries=3)
def sleeps():
    ready()
    time.sleep(60)

@flow(**hooks)
def main():
    sleeps()
""",
    "a busy loop": """
@task
def spins():
    ready()
    while True:
        pass

@flow(**hooks)
def main():
    spins()
""",
    "waiting for a future": """
@task
def sleeps():
    ready()
    time.sleep(60)

@flow(**hooks)
def main():
    sleeps.submit().result()
""",
    "the delay before a retry": """
@task(retries=3, retry_delay_seconds=60)
def fails():
    raise ValueError("again")

@fails.on_running
def told(task, run, state):
    threading.Timer(0.3, ready).start()

@flow(**hooks)
def main():
    fails()
""",
    "the delay before a retry of the flow": """
@flow(retries=3, retry_delay_seconds=60, **hooks)
def main():
    threading.Timer(0.3, ready).start()
    raise ValueError("again")
""",
    "an asynchronous flow": """
@flow(**hooks)
async def flow_():
    ready()
    await asyncio.sleep(60)

def main():
    asyncio.run(flow_())
""",
    "an asynchronous flow that blocks its loop": """
@flow(**hooks)
async def flow_():
    ready()
    time.sleep(60)

def main():
    asyncio.run(flow_())
""",
    "300 mapped tasks": """
@task
def sleeps(x):
    if x == 0:
        ready()
    time.sleep(60)

@flow(task_runner=ThreadPoolTaskRunner(max_workers=8), **hooks)
def main():
    sleeps.map(range(300)).result()
""",
    "waiting for forgotten tasks at its end": """
@task
def sleeps(x):
    if x == 0:
        ready()
    time.sleep(60)

@flow(task_runner=ThreadPoolTaskRunner(max_workers=8), **hooks)
def main():
    sleeps.map(range(30))
""",
    "a subflow": """
@flow
def inner():
    ready()
    time.sleep(60)

@flow(**hooks)
def main():
    inner()
""",
    "a task with a timeout": """
@task(timeout_seconds=50)
def sleeps():
    ready()
    time.sleep(60)

@flow(timeout_seconds=55, **hooks)
def main():
    sleeps()
""",
    "as_completed": """
from flowctl import as_completed

@task
def sleeps():
    ready()
    time.sleep(60)

@flow(**hooks)
def main():
    for _ in as_completed([sleeps.submit()]):
        pass
""",
    "tasks in processes": """
@task
def sleeps(x):
    ready()
    time.sleep(60)

@flow(task_runner=ProcessPoolTaskRunner(max_workers=1), **hooks)
def main():
    sleeps.submit(1).result()
""",
}


def written(project: Project, body: str) -> Path:
    return project.write("script.py", HEAD + body + TAIL)


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


def test_an_orphan_thread_does_not_hold_up_the_exit(project: Project, home: Home) -> None:
    body = """
@task(timeout_seconds=0.1)
def stuck():
    time.sleep(600)

@flow
def main():
    future = stuck.submit()
    future.wait()
    print(future.state.name, flush=True)
"""
    with Script(written(project, body)) as script:
        script.wait_for_line("TimedOut")
        assert script.end(PROMPT_S) == 0

    assert only_run(home).state_type is StateType.COMPLETED


DEATHS = {
    "os._exit": ("os._exit(7)", 7),
    "a segmentation fault": ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV),
    "SIGKILL": ("os.kill(os.getpid(), 9)", -signal.SIGKILL),
}


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("call", ["dies()", "dies.submit().result()"])
def test_a_process_that_dies_in_a_task_is_crashed_with_its_completed_tasks_kept(
    project: Project, home: Home, death: str, call: str
) -> None:
    code, expected = DEATHS[death]
    body = f"""
@task
def completes(x):
    return x

@task
def dies():
    {code}

@flow
def main():
    completes.map(range(5)).result()
    completes(9)
    {call}
"""
    with Script(written(project, body)) as script:
        status = script.end()

    run = only_run(home)
    states = [task.state_type for task in tasks_of(home, run.id)]
    assert status == expected
    assert run.state_type is StateType.CRASHED
    assert states == [*[StateType.COMPLETED] * 6, StateType.CRASHED]


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


def test_a_flow_timed_out_anywhere_has_a_whole_journal_and_no_task_takes_the_blame(
    project: Project, home: Home
) -> None:
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
    for run_id in os.listdir(home.runs):  # noqa: PTH208
        records_of(home, run_id)
        blamed += [
            task.state_name for task in tasks_of(home, run_id) if task.state_name not in ("Completed", "Crashed")
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


def test_a_full_disk_is_a_clear_error_and_what_was_reported_is_on_record(project: Project, home: Home) -> None:
    body = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

@task
def talks(x):
    get_run_logger().info("x" * 1000)
    return x

@flow
def main():
    for x in range(1000):
        talks(x)
        os.write(1, f"done {x}\\n".encode())
"""
    with Script(written(project, body), environment={"FLOWCTL_SHOW_LOG": "false"}) as script:
        reported = script.output().split("\n")
        status = script.end()

    run = only_run(home)
    completed = [task.inputs for task in tasks_of(home, run.id) if task.state_type is StateType.COMPLETED]
    count = sum(line.startswith("done") for line in reported)
    assert status == 1
    assert "JournalUnwritable: The run cannot go on, because its journal" in script.errors
    assert 50 < count < 1000
    assert completed[:count] == [f"x={x}" for x in range(count)]
    assert (run.state_type, "JournalUnwritable" in str(run.message)) == (StateType.FAILED, True)


def test_a_full_disk_under_submitted_tasks_ends_the_flow(project: Project, home: Home) -> None:
    body = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

@task
def talks(x):
    get_run_logger().info("x" * 1000)
    return x

@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
def main():
    futures = talks.map(range(250))
    for future in futures:
        future.result()
"""
    with Script(written(project, body), environment={"FLOWCTL_SHOW_LOG": "false"}) as script:
        status = script.end(20)

    assert status == 1
    assert "JournalUnwritable" in script.errors
    assert only_run(home).state_type in (StateType.FAILED, StateType.CRASHED)


def test_a_log_line_of_100_mib_costs_little_more_memory_than_itself(project: Project, home: Home) -> None:
    body = """
import resource

@flow
def main():
    line = "x" * (100 << 20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    get_run_logger().info(line)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, flush=True)
"""
    with Script(written(project, body)) as script:
        kilobytes = int(script.output())

    # Formatting copies it once or twice on its way; nothing else may.
    assert kilobytes < 250 << 10
    lines = [each for each in records_of(home, the_run_of(home)) if isinstance(each, LogLine)]
    assert max(len(line.message) for line in lines) < 70_000


HELLO = """\
from flowctl import flow, task

@task
def greet(name):
    return f"hello {name}"

@flow
def main(name: str = "you"):
    print(greet(name), flush=True)
    return name

if __name__ == "__main__":
    main()
"""


def test_a_script_and_flowctl_run_leave_the_same_records(project: Project, home: Home, tmp_path: Path) -> None:
    path = project.write("hello.py", HELLO)
    shapes = []
    for by in ("python", "flowctl"):
        folder = tmp_path / by
        with Script(path, by=by, environment={"FLOWCTL_HOME": str(folder)}) as script:
            assert script.end() == 0, script.errors
        run = only_run(Home(str(folder)))
        tasks = [
            (task.task_key, task.name, task.state_name, task.inputs) for task in tasks_of(Home(str(folder)), run.id)
        ]
        shapes.append((run.flow_name, run.state_name, run.parameters, tasks))

    assert shapes[0] == shapes[1]
    assert shapes[0][3] == [("hello.greet", "greet-001", "Completed", "name='you'")]


def test_a_script_imports_nothing_that_it_does_not_need(project: Project, home: Home) -> None:
    path = project.write("light.py", HELLO + "    import sys\n    print(*sorted(sys.modules), flush=True)\n")

    with Script(path) as script:
        loaded = set(script.output().split())

    assert "flowctl.core.engine.entry" in loaded
    assert loaded.isdisjoint({"pydantic", "asyncio", "sqlite3", "rich", "typer", "inspect", "multiprocessing"})
