"""The next attempt of a run: what completed is reused, the rest runs, and nothing is mixed up."""

from __future__ import annotations

import signal

import pytest

from flowctl.store.home import Home
from flowctl.store.states import StateType
from tests.conftest import Project
from tests.core.engine.scripts import only_run
from tests.core.engine.stories import Story

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
    # One may have been under way when the process died, and is then executed again: with the same number.
    assert len(set(uses)) == len({each.split()[1] for each in uses}), uses
    assert story.effects.count("roll") == 6
