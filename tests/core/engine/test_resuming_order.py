"""Retried runs: what is refused, and which call a record belongs to."""

from __future__ import annotations

from flowctl.store.home import Home
from flowctl.store.states import StateType
from tests.conftest import Project
from tests.core.engine.scripts import Script, only_run, tasks_of
from tests.core.engine.stories import Story


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
