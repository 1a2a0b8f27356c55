"""What a run keeps of the tasks that it calls: not the tasks."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from flowctl import Task, flow, task


def test_tasks_that_are_made_for_one_call_each_are_not_kept() -> None:
    made: list[weakref.ref[Task[..., Any]]] = []

    @task
    def one() -> int:
        return 1

    @flow
    def many() -> int:
        for _ in range(2500):
            other = one.with_options(retries=1)
            made.append(weakref.ref(other))
            other()
        gc.collect()
        return sum(each() is not None for each in made)

    assert many() <= 1001
