"""The tree of the Run screen: how runs are folded, that ids stay, and that what changes by and by ends up the same."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.store.records import TaskRunRow
from flowctl.tui.model.waterfall import REPEATED, SMALL, Waterfall
from flowctl.tui.model.waterfall_nodes import Group, Node
from tests.tui.model.snapshots_made import RUN, a_detail, a_run, a_task, at, task_id


def outline(waterfall: Waterfall) -> list[str]:
    """Write the rows as indented names, groups with what they count."""
    return [
        "  " * node.depth + (f"{node.name}{node.counts}" if isinstance(node, Group) else node.name)
        for node in waterfall.rows
    ]


def whole(node: Node) -> list[object]:
    """Write a tree with all that its rows show, folded or not."""
    counts = {word: count for word, count in node.counts.items() if count} if isinstance(node, Group) else None
    times = (node.started_at, node.ended_at, node.due_at)
    return [node.kind, node.id, node.name, node.word, counts, times, *map(whole, node.children)]


def test_tasks_stand_under_the_run_in_the_order_of_their_numbers() -> None:
    waterfall = Waterfall(a_detail([a_task(2, "b"), a_task(1, "a")]))

    assert outline(waterfall) == ["etl_daily", "  a", "  b"]


def test_mapped_tasks_make_a_group_with_counts() -> None:
    tasks = [a_task(1, "extract"), *(a_task(n, "load", "running", index=n - 2) for n in (2, 3))]

    waterfall = Waterfall(a_detail([*tasks, a_task(4, "load", "failed", index=2)]))

    assert outline(waterfall)[2] == "  load{'running': 2, 'failed': 1}"
    assert waterfall.rows[2].word == "running"
    assert [node.depth for node in waterfall.rows] == [0, 1, 1, 2, 2, 2]


def test_mapping_the_same_task_again_makes_another_group() -> None:
    tasks = [a_task(n, "load", index=(n - 1) % 2) for n in (1, 2, 3, 4)]

    groups = [node for node in Waterfall(a_detail(tasks)).rows if node.kind == "group"]

    assert [len(group.children) for group in groups] == [2, 2]
    assert groups[0].id != groups[1].id


def test_a_task_called_again_and_again_is_folded_in_the_place_of_its_first_call() -> None:
    tasks = [a_task(n, "step" if n % 2 else f"other{n}") for n in range(1, 2 * REPEATED)]

    names = [node.name for node in Waterfall(a_detail(tasks)).root.children]

    assert names == ["step", *(f"other{n}" for n in range(2, 2 * REPEATED, 2))]


def test_less_often_called_tasks_stay_where_they_are() -> None:
    tasks = [a_task(n, "step") for n in range(1, REPEATED)]

    assert {node.kind for node in Waterfall(a_detail(tasks)).root.children} == {"task"}


def test_what_a_task_calls_hangs_under_it_and_so_do_subflows() -> None:
    sub = a_run("running", flow="report", id="sub", parent_id=RUN, parent_task_id=task_id(1), created=1)
    tasks = [a_task(1, "outer", "running"), a_task(2, "inner", parent=1), a_task(3, "draw", flow="sub", created=2)]

    waterfall = Waterfall(a_detail(tasks, subflows=[sub]))

    assert outline(waterfall) == ["etl_daily", "  outer", "    inner", "    report", "      draw"]


def test_a_child_without_its_parent_is_shown_all_the_same() -> None:
    waterfall = Waterfall(a_detail([a_task(5, "lost", parent=99, flow="nobody")]))

    assert outline(waterfall) == ["etl_daily", "  lost"]


def test_large_groups_are_folded_and_small_ones_are_not() -> None:
    large = [a_task(n, "large", index=n - 1) for n in range(1, SMALL + 2)]
    small = [a_task(n + 100, "small", index=n - 1) for n in range(1, SMALL + 1)]

    waterfall = Waterfall(a_detail([*large, *small]))

    assert len(waterfall.rows) == 1 + 1 + 1 + SMALL


def test_a_group_does_not_fold_by_itself_around_the_cursor() -> None:
    tasks = [a_task(n, index=n - 1) for n in range(1, SMALL + 1)]
    detail = a_detail(tasks)
    waterfall = Waterfall(detail)
    waterfall.select(task_id(3))
    before = waterfall.index_of(task_id(3))

    waterfall.update(a_detail([*tasks, a_task(SMALL + 1, index=SMALL)], after=detail))

    assert waterfall.index_of(task_id(3)) == before
    assert waterfall.rows[before].id == task_id(3)


def test_what_somebody_folded_stays_folded() -> None:
    tasks = [a_task(n, index=n - 1) for n in (1, 2)]
    detail = a_detail(tasks)
    waterfall = Waterfall(detail)
    group = waterfall.toggle(task_id(1))

    waterfall.update(a_detail([*tasks, a_task(3, index=2)], after=detail))
    assert [node.id for node in waterfall.rows] == [RUN, group]

    waterfall.update(a_detail(tasks))
    assert [node.id for node in waterfall.rows] == [RUN, group]
    assert waterfall.index_of(task_id(2)) == 1


def test_left_folds_then_goes_up_then_leaves_and_right_unfolds_then_opens() -> None:
    waterfall = Waterfall(a_detail([a_task(n, index=n - 1) for n in (1, 2)]))
    group = waterfall.rows[1].id

    assert waterfall.fold(task_id(2)) == group
    assert waterfall.fold(group) == group
    assert len(waterfall.rows) == 2
    assert waterfall.fold(group) is None
    assert waterfall.fold(RUN) is None
    assert waterfall.unfold(group)
    assert not waterfall.unfold(group)
    assert not waterfall.unfold(task_id(1))


def test_folding_all_leaves_the_run_open() -> None:
    waterfall = Waterfall(a_detail([a_task(1, "a"), a_task(2, "b", parent=1)]))

    waterfall.fold_all(is_unfolded=False)
    assert outline(waterfall) == ["etl_daily", "  a"]

    waterfall.fold_all(is_unfolded=True)
    assert len(waterfall.rows) == 3


def test_the_next_problem_is_found_in_folded_groups_and_around_the_end() -> None:
    tasks = [a_task(n, word="failed" if n in (3, 8) else "completed", index=n - 1) for n in range(1, 11)]
    waterfall = Waterfall(a_detail([*tasks, a_task(11, "z", "crashed")]))

    assert waterfall.next_problem(RUN) == task_id(3)
    assert waterfall.next_problem(task_id(3)) == task_id(8)
    assert waterfall.next_problem(task_id(11)) == task_id(3)
    assert waterfall.next_problem(task_id(3), -1) == task_id(11)
    assert waterfall.reveal(task_id(8)) == 9
    assert waterfall.rows[9].id == task_id(8)


def test_without_problems_there_is_no_next_one() -> None:
    assert Waterfall(a_detail([a_task(1)], run=a_run("failed"))).next_problem(RUN) is None


def test_siblings_end_where_their_parent_ends() -> None:
    waterfall = Waterfall(a_detail([a_task(1, "a"), a_task(2, "b"), a_task(3, "c", parent=2)]))

    assert waterfall.sibling(task_id(1)) == task_id(2)
    assert waterfall.sibling(task_id(2)) is None
    assert waterfall.sibling(task_id(3)) is None
    assert waterfall.sibling(task_id(2), -1) == task_id(1)


def test_a_group_ends_when_its_last_member_has_ended() -> None:
    running = [a_task(1, index=0), a_task(2, word="running", index=1)]
    detail = a_detail(running)
    waterfall = Waterfall(detail)
    assert (waterfall.rows[1].started_at, waterfall.rows[1].ended_at) == (at(0), None)

    waterfall.update(a_detail([running[0], a_task(2, index=1, created=4)], after=detail))

    assert waterfall.rows[1].ended_at == at(5)
    assert waterfall.rows[1].word == "completed"


def test_a_group_whose_members_all_wait_tells_the_next_try() -> None:
    tasks = [a_task(n, word="retrying", index=n - 1, due=100 - n) for n in (1, 2)]

    assert Waterfall(a_detail(tasks)).rows[1].due_at == at(98)


def test_the_log_of_a_group_is_that_of_all_its_members() -> None:
    waterfall = Waterfall(a_detail([*(a_task(n, index=n - 1) for n in (1, 2)), a_task(3, "x", parent=2)]))

    assert waterfall.rows[1].task_numbers == [1, 2, 3]


def test_only_what_changed_looks_different() -> None:
    tasks = [a_task(1, "a"), a_task(2, "b", "running"), *(a_task(n, "m", "running", index=n - 3) for n in (3, 4))]
    detail = a_detail(tasks)
    waterfall = Waterfall(detail)
    versions = {node.id: node.version for node in waterfall.rows}
    group = waterfall.node(task_id(3))
    assert group is not None and group.parent is not None

    changed = waterfall.update(a_detail([*tasks[:2], a_task(3, "m", index=0), tasks[3]], after=detail))

    assert changed == {task_id(3), group.parent.id}
    assert {node.id for node in waterfall.rows if node.version != versions[node.id]} == changed


def test_another_attempt_begins_anew() -> None:
    detail = a_detail([a_task(1, "a", "failed")])
    waterfall = Waterfall(detail)

    waterfall.update(a_detail([a_task(2, "a")], run=a_run(attempt=2), after=detail))

    assert outline(waterfall) == ["etl_daily", "  a"]
    assert waterfall.node(task_id(1)) is None


words = st.sampled_from(["waiting", "running", "completed", "failed", "retrying", "blocked", "cached"])
shapes = st.lists(
    st.tuples(st.sampled_from("abc"), words, words, st.booleans(), st.none() | st.integers(1, 6), st.booleans()),
    min_size=1,
    max_size=24,
)


@settings(max_examples=300, deadline=None)
@given(shapes, st.integers(0, 24), st.data())
def test_what_came_by_and_by_is_what_comes_at_once(shape: list[Any], cut: int, data: st.DataObject) -> None:
    """Tasks appear and change in any steps; the tree is that of the last detail, whatever happened in between."""
    first: list[TaskRunRow] = []
    last: list[TaskRunRow] = []
    indices: dict[tuple[str, int | None], int] = {}
    for number, (name, before, after, is_mapped, parent, _) in enumerate(shape, 1):
        parent = parent if parent is not None and parent < number else None
        index = indices.get((name, parent), 0) if is_mapped else None
        indices[name, parent] = 0 if data.draw(st.integers(0, 9)) == 0 else (index or 0) + 1
        made: dict[str, Any] = {"parent": parent, "index": index, "created": number}
        # Who has ended changes no more.
        before = before if before in ("waiting", "running", "retrying") else after
        # What began cannot wait again, nor be blocked.
        after = before if before in ("running", "retrying") and after in ("waiting", "blocked") else after
        first.append(a_task(number, name, before, **made))
        last.append(a_task(number, name, after, **made))
    start = a_detail(first[:cut])
    middle = a_detail([*last[: cut // 2], *first[cut // 2 :]], after=start)
    end = a_detail(last, after=middle)
    waterfall = Waterfall(start)
    for detail in (middle, end):
        waterfall.index_of(task_id(1))
        waterfall.update(detail)

    assert whole(waterfall.root) == whole(Waterfall(a_detail(last)).root)
    indices_of = [waterfall.index_of(node.id) for node in waterfall.rows]
    assert indices_of == list(range(len(waterfall.rows)))


@pytest.mark.parametrize("shape", ["mapped", "repeated", "by themselves"])
def test_twenty_thousand_tasks_are_no_pause(shape: str) -> None:
    tasks = [
        a_task(
            n,
            f"t{n % 7}" if shape == "repeated" else "t" if shape == "mapped" else f"t{n}",
            "running",
            index=n - 1 if shape == "mapped" else None,
        )
        for n in range(1, 20_001)
    ]
    detail = a_detail(tasks)

    def build() -> float:
        began = time.perf_counter()
        assert Waterfall(detail).rows
        return time.perf_counter() - began

    waterfall = Waterfall(detail)
    later = a_detail([a_task(1, tasks[0].task_name, index=tasks[0].map_index), *tasks[1:]], after=detail)
    began = time.perf_counter()
    waterfall.update(later)
    updated = time.perf_counter() - began

    # Measured: 35 ms and 0.1 ms. Room for a machine that does other things as well.
    assert min(build() for _ in range(5)) < 0.15
    assert updated < 0.02
