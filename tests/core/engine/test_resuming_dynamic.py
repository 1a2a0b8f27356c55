"""Retried runs whose next call hangs on what came before: on which task was faster, on an outcome that is new."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowctl.core.engine.launch import launch, relaunch
from flowctl.core.engine.loading import load_flow
from flowctl.store.home import Home
from flowctl.store.states import StateType
from tests.conftest import Project
from tests.core.engine.scripts import only_run
from tests.core.engine.stories import Story

#: More of them for a longer search: FLOWCTL_TEST_SEEDS=1000
SEEDS = int(os.environ.get("FLOWCTL_TEST_SEEDS", "25"))
#: Inputs without an identity that lasts.
OPAQUE = """
class Opaque:
    def __init__(self, number):
        self.number = number
        self.lock = threading.Lock()

@task
def ask(thing):
    effect(f"ask {thing.number}")
    return thing.number * 10
"""


#: How a body may come to know which task was faster; each has another outcome in the second attempt.
WAYS = {
    "as completed": "as_completed(futures if not DEATHS.exists() else futures[::-1])",
    "by state": "sorted(futures, key=lambda each: (each.state.is_final(), DEATHS.exists() and -each.result()))",
    "by wait": "[*(found := wait(futures, 0.07)).done, *found.not_done]",
}


@pytest.mark.parametrize("way", WAYS)
def test_the_task_that_was_faster_may_decide_which_task_is_next(project: Project, home: Home, way: str) -> None:
    body = """
@task
def waits(x):
    effect(f"waits {x}")
    time.sleep(0.05 * (x if not DEATHS.exists() else 2 - x))
    return x

@task
def even(x):
    effect(f"even {x}")
    return x

@task
def odd(x):
    effect(f"odd {x}")
    return x

@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
def main():
    futures = [waits.submit(x) for x in range(3)]
    order = []
    for future in HOW:
        x = future.result()
        order.append(x)
        (odd if x % 2 else even)(x)
    dies()
    effect(f"= {sorted(order)}")
"""
    story = Story(project, home, body.replace("HOW", WAYS[way]))
    story.begin()

    assert story.retry() == 0, story.said
    effects = ["= [0, 1, 2]", "even 0", "even 2", "odd 1", "waits 0", "waits 1", "waits 2"]
    assert sorted(story.effects) == effects


def test_a_call_that_succeeds_now_may_lead_to_other_calls_than_when_it_failed(project: Project, home: Home) -> None:
    body = """
@task
def primary():
    effect("primary")
    if not DEATHS.exists():
        raise ValueError("not reachable")
    return 1

@task
def backup():
    effect("backup")
    return 2

@flow
def main():
    add(0)
    try:
        value = primary()
    except ValueError:
        value = backup()
    more = add(value)
    dies()
    effect(f"= {more}")
"""
    story = Story(project, home, body)
    story.begin()

    assert story.retry() == 0, story.said
    assert story.effects == ["add 0 1", "primary", "backup", "add 2 1", "primary", "add 1 1", "= 2"]


def test_places_after_a_new_outcome_never_give_anothers_result(project: Project, home: Home) -> None:
    body = f"""{OPAQUE}
@task
def count():
    effect("count")
    if len(DEATHS.read_text() if DEATHS.exists() else "") == 0:
        raise ValueError("cannot count")
    return 0

@flow
def main():
    try:
        first = count()
    except ValueError:
        first = 5
    answers = [ask(Opaque(first)), ask(Opaque(first + 1))]
    dies()
    answers += [ask(Opaque(7))]
    dies(3)
    effect(f"= {{answers}}")
"""
    story = Story(project, home, body)
    story.begin()
    assert story.effects == ["count", "ask 5", "ask 6"]

    assert story.retry() != 0
    assert story.effects[3:] == ["count", "ask 0", "ask 1", "ask 7"]
    assert story.retry() == 0, story.said
    assert story.effects[7:] == ["= [0, 10, 70]"]


def test_an_order_that_nobody_knows_never_gives_anothers_result(project: Project, home: Home) -> None:
    body = f"""{OPAQUE}
@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
def main():
    futures = [add.submit(x) for x in range(3)]
    if DEATHS.exists():
        wait(futures)
        futures.reverse()
    answers = [(future.result(), ask(Opaque(future.result()))) for future in as_completed(futures)]
    dies()
    effect(f"= {{sorted(answers)}}")
"""
    story = Story(project, home, body)
    story.begin()

    assert story.retry() == 0, story.said
    assert story.effects[-1] == "= [(1, 10), (2, 20), (3, 30)]"
    assert len([each for each in story.effects if each.startswith("add")]) == 3


def test_large_arguments_that_differ_in_the_middle_are_told_apart(project: Project, home: Home) -> None:
    body = """
@task
def measure(data):
    effect(f"measure {data.strip(b'.')}")
    return len(data)

@flow
def main():
    half = b"." * 2_000_000
    measure(half + b"MARK" + half)
    dies()
    effect("= done")
"""
    story = Story(project, home, body)
    story.begin()
    story.path.write_text(story.path.read_text(encoding="utf-8").replace("MARK", "KRAM"), encoding="utf-8")

    assert story.retry() == 0, story.said
    assert story.effects == ["measure b'MARK'", "measure b'KRAM'", "= done"]


def test_nested_tasks_in_processes_are_reused_too(project: Project, home: Home) -> None:
    body = """
@task
def leaf(x):
    effect(f"leaf {x}")
    return x * 2

@task
def nested(x):
    total = leaf(x) + sum(leaf.map([x + 10, x + 20]).result())
    if x == 2:
        dies(1, "raise")
    return total + leaf(x + 30)

@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def main():
    effect(f"= {nested.map([1, 2]).result()}")
"""
    story = Story(project, home, body)
    story.begin()
    assert only_run(home).state_type is StateType.FAILED, story.said
    assert story.effects.count("leaf 2") == 1

    assert story.retry() == 0, story.said
    assert sorted(story.effects) == sorted(
        ["= [128, 136]", *(f"leaf {x + y}" for x in (1, 2) for y in (0, 10, 20, 30))]
    )


def test_a_changed_order_is_accepted_when_asked_for(project: Project, home: Home) -> None:
    body = """
@flow
def main():
    add(1)
    add(2)
    dies()
    effect("= done")
"""
    story = Story(project, home, body)
    story.begin()
    changed = story.path.read_text(encoding="utf-8").replace("    add(1)\n", "    renamed(0)\n    add(1)\n")
    changed = changed.replace("@flow", "@task\ndef renamed(x):\n    effect('renamed')\n\n@flow")
    story.path.write_text(changed, encoding="utf-8")

    assert story.retry() == 1
    assert "--anyway" in story.said
    assert story.retry("--anyway") == 0, story.said
    assert story.effects == ["add 1 1", "add 2 1", "renamed", "= done"]


def test_a_generator_on_record_gives_its_consumer_the_same_values_again(project: Project, home: Home) -> None:
    body = """
@task
def rows(count, size=1):
    effect(f"rows {count} {size}")
    for number in range(count):
        yield {"number": number, "text": "x" * size}

@task
async def arows(count):
    effect(f"arows {count}")
    for number in range(count):
        yield number

@flow
def letters(word):
    effect(f"letters {word}")
    yield from word

async def consume():
    return [number async for number in arows(3)]

@flow
def main():
    seen = []
    for row in rows(3):
        row["number"] += 100
        seen.append(add(row["number"]))
    large = len(list(rows(2, 50_000)))
    few = next(iter(rows(4)))["number"]
    spelled = list(letters("abc"))
    numbers = asyncio.run(consume())
    dies()
    effect(f"= {seen} {large} {few} {spelled} {numbers}")
"""
    story = Story(project, home, body)
    story.begin()
    first = ["rows 3 1", "add 100 1", "add 101 1", "add 102 1", "rows 2 50000", "rows 4 1", "letters abc", "arows 3"]
    assert story.effects == first, story.said

    assert story.retry() == 0, story.said
    # One was too large to be kept, one was left before its end.
    again = ["rows 2 50000", "rows 4 1", "= [101, 102, 103] 2 0 ['a', 'b', 'c'] [0, 1, 2]"]
    assert story.effects == [*first, *again]


def test_flows_of_chance_never_get_the_record_of_another_call(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    path = Path(__file__).with_name("dynamic_flow.py")
    retried = 0
    for seed in range(SEEDS):
        monkeypatch.setenv("STORY_SEED", str(seed))
        monkeypatch.setenv("STORY_ATTEMPT", "1")
        ended = launch(load_flow(f"{path}:main"), {})
        for attempt in range(2, 12):
            if ended.state.is_completed():
                break
            assert str(ended.error) == "dies", (seed, attempt, ended.state)
            monkeypatch.setenv("STORY_ATTEMPT", str(attempt))
            ended = relaunch(ended.run_id)
            retried += 1
    assert retried > SEEDS
