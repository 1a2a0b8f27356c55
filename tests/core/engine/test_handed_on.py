"""Plain values that go from task to task: the record says which run each came from."""

from __future__ import annotations

import gc
from typing import Any
from weakref import ref

import pytest

from flowctl import flow, task
from flowctl.core.engine.handed_on import HandedOn
from flowctl.store.home import Home
from tests.core.engine.scripts import only_run, tasks_of


@task
def extract() -> list[str]:
    return ["north", "south", "eastern", "western"]


@task
def pair() -> tuple[dict[str, int], float]:
    return {"a": 1000}, 2.5


@task
def takes(value: Any, other: Any = None) -> Any:
    return [value, other, 1]


@flow
def inner() -> dict[str, str]:
    return {"said": "within"}


def links(home: Home) -> dict[int, dict[str, list[str]]]:
    """Give by number of the task what it was given, and by which task, or flow."""
    run = only_run(home)
    tasks = tasks_of(home, run.id)
    names = {each.id: f"{each.task_name} {each.number}" for each in tasks}
    return {
        each.number: {name: [names.get(id_, "flow") for id_ in ids] for name, ids in each.upstreams.items() if ids}
        for each in tasks
    }


def test_a_value_that_is_handed_on_links_the_task_that_takes_it_to_the_one_that_gave_it(home: Home) -> None:
    @flow
    def main() -> None:
        rows = extract()
        taken = takes(rows, other=inner())
        takes([taken, rows])
        takes(extract.submit().result())

    main()

    found = links(home)
    assert found[1] == {}
    assert found[2] == {"value": ["extract 1"], "other": ["flow"]}
    assert found[3] == {"value": ["takes 2", "extract 1"]}
    assert found[5] == {"value": ["extract 4"]}


def test_parts_of_what_a_task_gave_are_known_and_words_of_the_code_are_not(home: Home) -> None:
    @flow
    def main() -> None:
        first, second = pair()
        takes(second, other=first)
        takes(1, other="no")
        takes({"a": 1000})

    main()

    found = links(home)
    assert found[2] == {"value": ["pair 1"], "other": ["pair 1"]}
    assert (found[3], found[4]) == ({}, {})


@pytest.mark.parametrize("is_future", [False, True])
def test_each_item_of_a_map_comes_from_what_gave_the_whole(home: Home, *, is_future: bool) -> None:
    @flow
    def main() -> None:
        rows: Any = extract.submit()
        takes.map(rows if is_future else rows.result()).wait()

    main()

    found = links(home)
    assert [found[number] for number in range(2, 6)] == [{"value": ["extract 1"]}] * 4


class Large:
    pass


def test_no_value_is_kept_alive_and_another_one_at_its_place_is_not_taken_for_it() -> None:
    handed_on = HandedOn()
    large, rows = Large(), [1, 2]
    handed_on.note(1, large)
    handed_on.note(2, rows)
    gone = ref(large)
    assert (handed_on.source(large), handed_on.source(rows)) == (1, 2)

    del large
    gc.collect()
    rows.append(3)

    assert gone() is None
    assert handed_on.source(rows) is None
    assert all(handed_on.source(Large()) is None for _ in range(100))


def test_of_many_values_the_latest_are_known() -> None:
    handed_on = HandedOn()
    values = [float(number) for number in range(3000)]
    for number, value in enumerate(values):
        handed_on.note(number, value)

    assert [handed_on.source(values[number]) for number in (0, 1999, 2000, 2999)] == [None, None, 2000, 2999]
