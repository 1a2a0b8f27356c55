"""The next attempt of a run: what completed is reused, the rest runs, and nothing is mixed up."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from flowctl.store.home import Home
from flowctl.store.states import StateType
from tests.conftest import Project
from tests.core.engine.scripts import Script, only_run, tasks_of

#: `effect` says which bodies ran in which attempt; `dies` ends the process in the first attempts.
HEAD = """\
import asyncio, os, signal, sys, threading, time
from dataclasses import dataclass
from pathlib import Path
from flowctl import flow, task, as_completed, ProcessPoolTaskRunner, ThreadPoolTaskRunner, get_run_logger

HERE = Path(__file__).parent
EFFECTS = HERE / "effects"
DEATHS = HERE / "deaths"

def effect(word):
    with EFFECTS.open("a") as file:
        file.write(f"{word}\\n")

def dies(times=1, how="kill"):
    with DEATHS.open("a") as file:
        file.write(".")
    if len(DEATHS.read_text()) <= times:
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("not yet")

@task
def add(x, y=1):
    effect(f"add {x} {y}")
    return x + y
"""
TAIL = """
if __name__ == "__main__":
    main()
"""


class Story:
    """A flow file and its attempts."""

    def __init__(self, project: Project, home: Home, body: str) -> None:
        self.path: Path = project.write("story.py", HEAD + body + TAIL)
        self.home = home

    def begin(self, by: str = "python") -> None:
        with Script(self.path, by=by) as script:
            script.end()
        self.said = script.errors

    def retry(self) -> int:
        with Script(self.path, only_run(self.home).id, by="retry") as script:
            self.said = script.output()
            status = script.end()
        self.said += script.errors
        return status

    @property
    def effects(self) -> list[str]:
        return (self.path.parent / "effects").read_text(encoding="utf-8").splitlines()

    def states(self) -> list[str]:
        """List the task runs of the newest attempt."""
        return [f"{task.task_name} {task.state_name}" for task in tasks_of(self.home, only_run(self.home).id)]


#: Each dies once; every effect is to be there exactly once, and the outcome as if nothing had happened.
STORIES = {
    "one after the other": """
@flow
def main():
    a = add(1)
    b = add(a)
    dies()
    c = add(b)
    effect(f"= {c}")
""",
    "mapped": """
@flow(task_runner=ThreadPoolTaskRunner(max_workers=3))
def main():
    values = add.map(range(20)).result()
    dies()
    more = add.map([value + 100 for value in values]).result()
    effect(f"= {sum(more)}")
""",
    "tasks in tasks": """
@task
def outer(x):
    a = add(x)
    b = add.submit(a).result()
    dies()
    c = add(b, 5)
    effect(f"outer {x}")
    return c

@flow
def main():
    effect(f"= {outer(1) + outer.submit(100).result()}")
""",
    "subflows": """
@flow
def inner(x):
    a = add(x)
    if x == 2:
        dies()
    return add(a, 7)

@flow
def main():
    effect(f"= {inner(1) + inner(2)}")
""",
    "asynchronous tasks in gather": """
@task
async def aadd(x):
    effect(f"aadd {x}")
    await asyncio.sleep(0)
    return x + 1

@flow
async def main_():
    values = await asyncio.gather(*[aadd(x) for x in range(5)])
    dies()
    more = await asyncio.gather(*[aadd(x + 100) for x in values])
    effect(f"= {sum(more)}")

def main():
    asyncio.run(main_())
""",
    "tasks in processes": """
@task
def padd(x):
    effect(f"padd {x}")
    return x + 1

@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def main():
    values = padd.map(range(4)).result()
    dies()
    effect(f"= {sum(padd.map([v * 10 + 1000 for v in values]).result())}")
""",
    "classes of the script itself": """
@dataclass
class Point:
    x: int

@task
def move(point):
    effect(f"move {point.x}")
    return Point(point.x + 1)

@flow
def main(start: Point = Point(5)):
    a = move(start)
    b = move(Point(70))
    dies()
    assert isinstance(a, Point)
    c = move(a)
    effect(f"= {c.x} {b == Point(71)}")
""",
    "a failed call between, tried again": """
@task(retries=1)
def flaky(x):
    add(x)
    if not (HERE / "tried").exists():
        (HERE / "tried").touch()
        raise ValueError("first try")
    add(x, 2)
    add(x, 3)
    dies()
    return add(x, 4)

@flow
def main():
    effect(f"= {flaky(1)}")
""",
}
TWICE = {"a failed call between, tried again": ["add 1 1"]}


@pytest.mark.parametrize("name", STORIES)
def test_an_attempt_after_sigkill_executes_nothing_twice(project: Project, home: Home, name: str) -> None:
    story = Story(project, home, STORIES[name])

    story.begin()
    crashed = only_run(home)
    status = story.retry()

    assert crashed.state_type is StateType.CRASHED, story.said
    assert status == 0, story.said
    run = only_run(home)
    assert (run.id, run.state_type, run.attempt) == (crashed.id, StateType.COMPLETED, 2)
    effects = story.effects
    twice = [each for each in set(effects) if effects.count(each) > 1]
    assert twice == TWICE.get(name, [])
    assert len([each for each in effects if each.startswith("=")]) == 1
    assert any(state.endswith("Cached") for state in story.states()) is (name != "subflows")


def test_the_first_attempt_by_flowctl_run_is_resumed_as_one_by_python(project: Project, home: Home) -> None:
    story = Story(project, home, STORIES["classes of the script itself"])

    story.begin(by="flowctl")
    assert only_run(home).state_type is StateType.CRASHED, story.said
    assert story.retry() == 0, story.said

    assert sorted(story.effects) == ["= 7 True", "move 5", "move 6", "move 70"]


def test_three_attempts_in_a_row_keep_what_each_completed(project: Project, home: Home) -> None:
    body = """
@flow
def main():
    add(1)
    dies(2, "raise")
    add(2)
    if len(DEATHS.read_text()) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    add(3)
    effect("= done")
"""
    story = Story(project, home, body)

    story.begin()
    assert only_run(home).state_type is StateType.FAILED
    assert story.retry() == 1
    assert story.retry() == -signal.SIGKILL
    assert only_run(home).state_type is StateType.CRASHED
    assert story.retry() == 0, story.said

    assert story.effects == ["add 1 1", "add 2 1", "add 3 1", "= done"]
    assert only_run(home).attempt == 4


def test_equal_calls_keep_their_own_results(project: Project, home: Home) -> None:
    body = """
@task
def roll():
    number = len([each for each in EFFECTS.read_text().splitlines() if each == "roll"]) if EFFECTS.exists() else 0
    effect("roll")
    return number

@task
def use(which, number):
    effect(f"use {which} {number}")
    return number

@flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
def main():
    rolls = [roll.submit() for _ in range(6)]
    for which, future in enumerate(rolls):
        use.submit(which, future)
    [future.result() for future in rolls]
    use(-1, -1)
    dies()
    effect("= done")
"""
    story = Story(project, home, body.replace("max_workers=1", "max_workers=1"))
    story.begin()
    story.path.write_text(
        story.path.read_text(encoding="utf-8").replace("max_workers=1", "max_workers=6"), encoding="utf-8"
    )

    assert story.retry() == 0, story.said
    uses = [each for each in story.effects if each.startswith("use")]
    assert len(uses) == len(set(uses)), uses
    assert story.effects.count("roll") == 6


def test_arguments_without_an_identity_never_get_anothers_result(project: Project, home: Home) -> None:
    body = """
class Opaque:
    def __init__(self, number):
        self.number = number
        self.lock = threading.Lock()

@task
def ask(thing):
    if thing.number % 2:
        time.sleep(0.02)
    effect(f"ask {thing.number}")
    return thing.number

@flow(task_runner=ThreadPoolTaskRunner(max_workers=6))
def main():
    things = [Opaque(number) for number in range(6)]
    answers = ask.map(things).result()
    dies()
    effect(f"= {answers}")
"""
    story = Story(project, home, body)
    story.begin()

    assert story.retry() == 0, story.said
    assert story.effects[-1] == "= [0, 1, 2, 3, 4, 5]"
    assert len([each for each in story.effects if each.startswith("ask")]) == 6


def test_a_result_too_large_to_keep_is_made_again_and_a_persisted_one_is_not(project: Project, home: Home) -> None:
    body = """
@task
def large(x):
    effect(f"large {x}")
    return "x" * 100_000

@task(persist_result=True)
def kept(x):
    effect(f"kept {x}")
    return "y" * 100_000

@flow
def main():
    a, b = large(1), kept(1)
    dies()
    effect(f"= {len(a)} {len(b)}")
"""
    story = Story(project, home, body)
    story.begin()

    assert story.retry() == 0, story.said
    assert story.effects == ["large 1", "kept 1", "large 1", "= 100000 100000"]


def test_another_order_of_calls_stops_the_run_with_a_sentence(project: Project, home: Home) -> None:
    body = """
@task
def first():
    effect("first")

@task
def second():
    effect("second")

@flow
def main():
    first()
    second()
    dies()
"""
    story = Story(project, home, body)
    story.begin()
    changed = story.path.read_text(encoding="utf-8").replace(
        "    first()\n    second()\n", "    second()\n    first()\n"
    )
    story.path.write_text(changed, encoding="utf-8")

    assert story.retry() == 1
    assert "The flow changed since attempt 1" in story.said
    assert story.effects == ["first", "second"]
    run = only_run(home)
    assert (run.state_type, run.attempt) == (StateType.FAILED, 2)


def test_an_order_of_completion_that_differs_is_no_change(project: Project, home: Home) -> None:
    body = """
@task
def waits(x):
    late = x if not DEATHS.exists() else 3 - x
    time.sleep(late * 0.02)
    effect(f"waits {x}")
    if DEATHS.exists() or x > 1:
        return "x" * 100_000
    return x

@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
def main():
    futures = {waits.submit(x): x for x in range(4)}
    for future in as_completed(futures):
        add(futures[future])
    dies()
    effect("= done")
"""
    story = Story(project, home, body)
    story.begin()

    assert story.retry() == 0, story.said
    adds = [each for each in story.effects if each.startswith("add")]
    assert sorted(adds) == ["add 0 1", "add 1 1", "add 2 1", "add 3 1"]


def test_a_flow_that_was_tried_again_in_its_process_is_resumed(project: Project, home: Home) -> None:
    body = """
@task
def parent(x):
    add(x)
    return add(x, 2)

@flow(retries=1)
def main():
    parent(1)
    if not (HERE / "tried").exists():
        (HERE / "tried").touch()
        raise ValueError("first try")
    parent(2)
    dies()
    parent(3)
    effect("= done")
"""
    story = Story(project, home, body)
    story.begin()
    before = story.effects

    assert story.retry() == 0, story.said
    assert story.effects[len(before) :] == ["add 3 1", "add 3 2", "= done"]


def test_numbers_of_nested_tasks_in_processes_are_never_used_twice(project: Project, home: Home) -> None:
    body = """
@task
def nested(x):
    return add(x) + sum(add.map([x + 10, x + 20]).result())

@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def other():
    return nested.submit(5).result()

@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def main():
    a = nested.map([1, 2]).result()
    b = other()
    dies()
    c = nested.submit(3).result()
    d = add(9)
    effect(f"= {a} {b} {c} {d}")
"""
    story = Story(project, home, body)
    story.begin()
    before = tasks_of(home, only_run(home).id)

    assert story.retry() == 0, story.said
    assert story.effects[-1] == "= [36, 39] 48 42 10"
    run = only_run(home)
    after = tasks_of(home, run.id)
    assert {task.number for task in before} & {task.number for task in after} == set()
    assert run.state_type is StateType.COMPLETED
    assert [task.state_name for task in after if not task.is_final] == []
    assert max(task.number for task in after if task.task_name == "nested") < 1000


def test_a_completed_run_is_not_retried(project: Project, home: Home) -> None:
    story = Story(project, home, "\n@flow\ndef main():\n    add(1)\n")
    story.begin()

    assert story.retry() != 0
    assert story.effects == ["add 1 1"]
    assert "nothing to retry" in story.said


def test_a_run_that_is_still_at_work_is_not_retried(project: Project, home: Home) -> None:
    body = """
@flow
def main():
    add(1)
    print("ready", flush=True)
    time.sleep(60)
"""
    story = Story(project, home, body)
    with Script(story.path) as script:
        script.wait_for_line("ready")
        assert story.retry() != 0

    assert "still" in story.said
    assert story.effects == ["add 1 1"]
