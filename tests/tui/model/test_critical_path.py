"""The tasks that a run's duration hangs on."""

from __future__ import annotations

from flowctl.tui.model.critical_path import critical_path
from tests.tui.model.snapshots_made import a_task, a_try, task_id


def test_it_goes_back_by_the_slowest_of_what_each_task_waited_for() -> None:
    tasks = [
        a_task(1, "extract", tries=[a_try(1, 0, 2)]),
        a_task(2, "fetch", tries=[a_try(1, 2, 9)], upstreams={"n": [task_id(1)]}),
        a_task(3, "fetch", tries=[a_try(1, 2, 5)], upstreams={"n": [task_id(1)]}),
        a_task(4, "load", tries=[a_try(1, 9, 12)], upstreams={"pages": [task_id(2), task_id(3)]}),
    ]

    assert critical_path(tasks) == {task_id(1), task_id(2), task_id(4)}


def test_tasks_called_one_after_the_other_follow_each_other() -> None:
    tasks = [a_task(n, "step", tries=[a_try(1, n, n + 1)]) for n in range(1, 5)]

    assert critical_path(tasks) == {task_id(n) for n in range(1, 5)}


def test_what_is_still_at_work_holds_the_run_up() -> None:
    tasks = [
        a_task(1, "quick", tries=[a_try(1, 0, 2)]),
        a_task(2, "slow", "running", tries=[a_try(1, 0, None)]),
        a_task(3, "late", "running", tries=[a_try(1, 2, None)]),
    ]

    assert critical_path(tasks) == {task_id(2)}


def test_a_run_of_one_task_or_of_none_that_began_has_no_path() -> None:
    assert critical_path([]) == frozenset()
    assert critical_path([a_task(1)]) == frozenset()
