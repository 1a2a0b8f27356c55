"""Tasks in processes of their own: values, failures, deaths, logs; real children, as in a script."""

from __future__ import annotations

import json
from typing import Any

from flowctl.store.home import Home
from flowctl.store.journal import LogLine, TaskRunState
from flowctl.store.states import StateType
from tests.conftest import Project
from tests.core.engine.by_hand import records_of
from tests.core.engine.scripts import Script, only_run, tasks_of

HEAD = """\
import json, logging, os, signal, sys, threading, time
from flowctl import flow, task, tags, get_run_logger, runtime, ProcessPoolTaskRunner

class Unspeakable(Exception):
    def __init__(self, one, two):
        super().__init__(one)

def answer(value):
    print(json.dumps(value), flush=True)
"""
TAIL = """
if __name__ == "__main__":
    main()
"""


def answer_of(project: Project, body: str) -> Any:
    with Script(project.write("script.py", HEAD + body + TAIL)) as script:
        said = script.output()
    assert said, script.errors
    return json.loads(said.splitlines()[-1])


def test_values_come_from_other_processes_and_failures_with_their_report(project: Project, home: Home) -> None:
    body = """
@task
def where(x):
    return os.getpid(), x

@task
def fails(x):
    raise Unspeakable("cannot be pickled", x)

@task
def counts(n):
    yield from range(n)

@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def main():
    pids = {pid for pid, _ in where.map(range(20)).result()}
    future = fails.submit(1)
    future.wait()
    answer([len(pids) <= 2 and os.getpid() not in pids, future.state.name, str(future.state.data),
            counts.submit(3).result(), where(1)[0] == os.getpid()])
"""
    assert answer_of(project, body) == [True, "Failed", "cannot be pickled", [0, 1, 2], True]

    run = only_run(home)
    failed = [each for each in records_of(home, run.id) if isinstance(each, TaskRunState) and each.type == "FAILED"]
    assert failed[0].error is not None
    assert failed[0].error["type"] == "Unspeakable"
    assert any(frame[2] == "fails" for frame in failed[0].error["frames"])


def test_a_child_that_dies_fails_its_task_only(project: Project, home: Home) -> None:
    body = """
@task
def dies(how):
    if how == "exit":
        os._exit(7)
    if how == "segv":
        import ctypes
        ctypes.string_at(0)
    if how == "sys":
        sys.exit(3)
    os.kill(os.getpid(), signal.SIGKILL)

@task
def lives(x):
    return x

@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def main():
    seen = []
    for how in ("exit", "segv", "kill", "sys"):
        future = dies.submit(how)
        future.wait()
        seen.append([future.state.name, str(future.state.data), lives.submit(1).result()])
    answer(seen)
"""
    seen = answer_of(project, body)

    assert [each[0] for each in seen] == ["Failed", "Failed", "Failed", "Crashed"]
    assert "exit status 7" in seen[0][1]
    assert "SIGSEGV" in seen[1][1]
    assert "SIGKILL" in seen[2][1]
    assert [each[2] for each in seen] == [1, 1, 1, 1]


def test_a_timeout_kills_the_child_and_a_retry_gets_another(project: Project, home: Home) -> None:
    body = """
@task(timeout_seconds=0.6, retries=1)
def stuck(path):
    with open(path, "a") as file:
        file.write(f"{os.getpid()}\\n")
    if len(open(path).readlines()) == 1:
        while True:
            pass
    return "second"

@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def main():
    # The child starts before the clock of the task does.
    warm.submit().wait()
    value = stuck.submit("pids").result()
    first = int(open("pids").readlines()[0])
    answer([value, os.path.exists(f"/proc/{first}")])

@task
def warm():
    return 1
"""
    assert answer_of(project, body) == ["second", False]


def test_arguments_that_cannot_be_pickled_fail_the_task_and_the_next_goes_on(project: Project, home: Home) -> None:
    body = """
@task
def takes(x):
    return 1

@task
def gives():
    return threading.Lock()

@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def main():
    seen = []
    for future in (takes.submit(threading.Lock()), gives.submit(), takes.submit(lambda: 1)):
        future.wait()
        seen.append(future.state.name)
    answer(seen)
"""
    assert answer_of(project, body) == ["Failed", "Failed", "Completed"]


def test_logs_prints_and_nested_tasks_of_children_are_on_record_in_subflows_too(project: Project, home: Home) -> None:
    body = """
@task
def leaf(x):
    return x + 1

@task(log_prints=True)
def talks(x):
    get_run_logger().info(f"logger {x}")
    logging.getLogger("library").warning(f"library {x}")
    print("print", x)
    values = leaf.map(range(20)).result()
    threads = [threading.Thread(target=lambda: get_run_logger_of(x)) for _ in range(4)]
    return [sum(values), leaf(5), runtime.task_run.name, runtime.flow_run.name, sorted(runtime.task_run.tags)]

@flow(task_runner=ProcessPoolTaskRunner(max_workers=2), flow_run_name="inner")
def inner():
    return talks.with_options(task_run_name="talker").submit(2).result()

@flow(task_runner=ProcessPoolTaskRunner(max_workers=2), flow_run_name="outer")
def main():
    with tags("here"):
        first = talks.submit(1)
    answer([first.result(), inner()])
"""
    first, second = answer_of(project, body)

    assert first[:2] == second[:2] == [210, 6]
    assert first[3:] == ["outer", ["here"]]
    assert second[2:4] == ["talker", "inner"]
    run = only_run(home)
    records = records_of(home, run.id)
    messages = [each.message for each in records if isinstance(each, LogLine)]
    for x in (1, 2):
        assert [messages.count(f"{word} {x}") for word in ("logger", "library", "print")] == [1, 1, 1]
    tasks = tasks_of(home, run.id)
    assert {task.state_type for task in tasks} == {StateType.COMPLETED}
    assert len([task for task in tasks if task.task_name == "leaf"]) == 21


def test_exceptions_with_an_init_of_their_own_arrive_as_what_they_are(project: Project) -> None:
    body = """
class Refused(Exception):
    def __init__(self, code, reason):
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.lock = threading.Lock()

@task
def fails():
    raise Refused(404, "no such page")

@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def main():
    try:
        fails.submit().result()
    except Refused as error:
        answer([str(error), error.code, hasattr(error, "lock")])
"""
    assert answer_of(project, body) == ["404: no such page", 404, False]


def test_arguments_that_no_process_can_be_given_are_told_with_a_remedy(project: Project) -> None:
    body = """
@task
def takes(lock):
    return 1

@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def main():
    error = takes.submit(threading.Lock()).result(raise_on_failure=False)
    answer([type(error).__name__, *error.__notes__])
"""
    kind, note = answer_of(project, body)

    assert kind == "TypeError"
    assert "arguments of task 'takes'" in note
    assert "Pass plain data" in note
