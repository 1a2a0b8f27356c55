"""What waits for what, as an indented text."""

from __future__ import annotations

from flowctl.tui.model.graph_lines import graph_lines
from flowctl.tui.model.texts import plain
from flowctl.tui.model.waterfall import Waterfall
from tests.tui.model.snapshots_made import a_detail, a_run, a_task, at


def drawn(*tasks: object, is_ascii: bool = False) -> list[str]:
    waterfall = Waterfall(a_detail(tasks, run=a_run("completed")))  # type: ignore[arg-type]  # they are made by a_task
    return [plain(line).rstrip() for line in graph_lines(waterfall, at(20), is_ascii=is_ascii)]


def test_each_task_stands_under_the_last_that_it_waits_for_and_names_the_others() -> None:
    lines = drawn(
        a_task(1, "extract"),
        a_task(2, "config"),
        *(a_task(3 + n, "transform", index=n, needs=[1]) for n in range(2)),
        a_task(5, "load", needs=[2, 3, 4]),
        a_task(6, "notify", needs=[5]),
    )

    assert lines == [
        " ✓ extract  1.0s",
        " └─ ✓ transform[2]  2✓  1.0s",
        "    └─ ✓ load  1.0s   after config, transform",
        "       └─ ✓ notify  1.0s",
        " ✓ config  1.0s",
    ]


def test_branches_are_joined_by_lines_also_in_ascii() -> None:
    tasks = (a_task(1, "a"), a_task(2, "b", needs=[1]), a_task(3, "c", needs=[2]), a_task(4, "d", needs=[1]))

    assert drawn(*tasks) == [" ✓ a  1.0s", " ├─ ✓ b  1.0s", " │  └─ ✓ c  1.0s", " └─ ✓ d  1.0s"]
    assert drawn(*tasks, is_ascii=True)[1].startswith(" |- ")


def test_a_run_without_tasks_has_no_lines() -> None:
    assert drawn() == []
