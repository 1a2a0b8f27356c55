"""Flow files run by plain Python and by `flowctl run`, as real processes: exits, crashes, full disks."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from flowctl.store.home import Home
from flowctl.store.journal import LogLine
from flowctl.store.states import StateType
from tests.conftest import Project
from tests.core.engine.by_hand import records_of, the_run_of
from tests.core.engine.scripts import Script, only_run, tasks_of
from tests.whole.flow_bodies import PROMPT_S, written


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
    shapes: list[tuple[object, ...]] = []
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
    assert shapes[0][-1] == [("hello.greet", "greet-001", "Completed", "name='you'")]


def test_a_script_imports_nothing_that_it_does_not_need(project: Project, home: Home) -> None:
    path = project.write("light.py", HELLO + "    import sys\n    print(*sorted(sys.modules), flush=True)\n")

    with Script(path) as script:
        loaded = set(script.output().split())

    assert "flowctl.core.engine.entry" in loaded
    assert loaded.isdisjoint({"pydantic", "asyncio", "sqlite3", "rich", "typer", "inspect", "multiprocessing"})
