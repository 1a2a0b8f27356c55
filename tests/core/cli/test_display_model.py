"""The reducer behind the displays: what it folds, counts and forgets."""

from __future__ import annotations

import sys

from flowctl.core.cli.display_groups import Group
from flowctl.core.cli.display_model import RunModel
from flowctl.store.journal import Record
from tests.core.cli.streams import RUN_ID, Stage, a_busy_run, an_error


def played(*records: Record) -> RunModel:
    model = RunModel()
    for record in records:
        model.apply(record)
    return model


def below(group: Group) -> dict[str, Group]:
    return {child.name: child for child in group.children.values()}


def test_the_root_run_is_known_by_name_parameters_and_state() -> None:
    stage = Stage()

    model = played(*stage.opening, stage.flow("RUNNING"))

    assert (model.run_id, model.root.name, model.root.run_name) == (RUN_ID, "etl", "brave-otter")
    assert model.root.word == "running"
    assert model.tags == ["nightly"]


def test_runs_of_one_task_are_one_group_in_call_order() -> None:
    model = played(*a_busy_run(40, ends=None))

    names = [child.name for child in model.root.children.values()]

    assert names == ["list_files", "parse_module", "fetch", "region", "aggregate"]
    parse = below(model.root)["parse_module"]
    assert (parse.total, parse.done, parse.is_mapped) == (40, 24, True)
    assert {word: count for word, count in parse.counts.items() if count} == {
        "completed": 23,
        "failed": 1,
        "running": 3,
        "queued": 13,
    }


def test_counts_of_the_whole_run_follow_every_move() -> None:
    model = played(*a_busy_run(40, ends="COMPLETED"))

    assert {word: count for word, count in model.counts.items() if count} == {"completed": 41, "failed": 3}
    assert model.task_total == 44
    assert model.tasks == {}


def test_a_waiting_retry_keeps_its_due_time_and_its_limit_until_the_next_attempt() -> None:
    stage = Stage()
    created = stage.task("fetch")
    said = stage.log("Task run failed with OSError: no - Retry 2/4 will start 3 second(s) from now", task=created.task)
    waiting = stage.state(created.task, "SCHEDULED", "AwaitingRetry", due=3, run_count=2)
    model = played(*stage.opening, created, stage.state(created.task, "RUNNING"), said, waiting)
    group = below(model.root)["fetch"]

    (run,) = group.waiting.values()

    assert (run.due, run.run_count, run.retries, group.word) == (waiting.due, 2, 4, "retrying")
    model.apply(stage.state(created.task, "RUNNING", "Retrying", run_count=3))
    assert group.waiting == {}
    assert group.word == "running"


def test_a_task_that_is_not_ready_counts_as_blocked_for_good() -> None:
    stage = Stage()
    created = stage.task("load")

    model = played(*stage.opening, created, stage.state(created.task, "PENDING", "NotReady", message="extract failed"))

    assert model.tasks == {}
    (problem,) = below(model.root)["load"].problems
    assert (problem.word, problem.text) == ("blocked", "extract failed")


def test_what_mapped_tasks_call_is_folded_over_all_of_them() -> None:
    stage = Stage()
    records: list[Record] = [*stage.opening]
    for index in range(100):
        outer = stage.task("outer", index=index)
        records += [outer, stage.state(outer.task, "RUNNING"), *stage.whole_task("inner", parent=outer.task)]
        records.append(stage.state(outer.task, "COMPLETED"))

    model = played(*records)

    outer_group = below(model.root)["outer"]
    assert list(model.root.children.values()) == [outer_group]
    assert below(outer_group)["inner"].total == 100


def test_recursion_is_folded_into_its_first_appearance() -> None:
    stage = Stage()
    records: list[Record] = [*stage.opening]
    parent = None
    for _ in range(500):
        created = stage.task("walk", parent=parent)
        records += [created, stage.state(created.task, "RUNNING")]
        parent = created.task

    model = played(*records)

    (walk,) = model.root.children.values()
    assert walk.total == 500
    assert walk.children == {}


def test_a_few_subflows_of_one_flow_stand_apart_and_many_share_a_group() -> None:
    stage = Stage()
    records: list[Record] = [*stage.opening]
    for index in range(100):
        created = stage.subflow("region", f"region-{index}")
        records += [created, stage.flow("RUNNING", run=created.run), stage.flow("COMPLETED", run=created.run)]

    model = played(*records)

    totals = [group.total for group in model.root.children.values()]
    assert totals == [1, 1, 1, 1, 1, 1, 94]
    assert list(model.flows) == [0]


def test_a_hundred_thousand_tasks_leave_no_more_behind_than_a_hundred() -> None:
    def model_of(count: int) -> RunModel:
        stage = Stage()
        model = played(*stage.opening)
        for index in range(count):
            for record in stage.whole_task(f"name-{index}", 0.001, index=index):
                model.apply(record)
        return model

    small, large = model_of(1000), model_of(30_000)

    assert large.task_total == 30_000
    assert len(large.root.children) == len(small.root.children) <= 401
    assert large.tasks == {}
    assert sys.getsizeof(large.counts) == sys.getsizeof(small.counts)


def test_the_slowest_tasks_are_kept_with_their_names() -> None:
    stage = Stage()
    records: list[Record] = [*stage.opening]
    for seconds in (0.5, 3.0, 0.1, 2.0, 1.0, 4.0, 0.2):
        records += stage.whole_task("work", seconds)

    model = played(*records)

    assert [round(seconds, 1) for seconds, _, _ in sorted(model.slowest, reverse=True)] == [4.0, 3.0, 2.0, 1.0, 0.5]
    assert max(model.slowest)[2] == "work-006"


def test_only_the_first_problems_of_a_group_are_kept() -> None:
    stage = Stage()
    records: list[Record] = [*stage.opening]
    for index in range(50):
        created = stage.task("parse", index=index)
        records += [created, stage.state(created.task, "FAILED", error=an_error(text=f"row {index}"))]

    group = below(played(*records).root)["parse"]

    assert [problem.text for problem in group.problems] == [
        "ValueError: row 0",
        "ValueError: row 1",
        "ValueError: row 2",
    ]
    assert group.problem_count == 50


def test_what_the_engine_says_in_the_log_is_not_shown_twice_but_the_users_lines_are() -> None:
    stage = Stage()
    model = played(*stage.opening, stage.log("Finished in state Completed()"), stage.log("reading", level=30))

    assert [line.message for line in model.logs] == ["reading"]
    assert model.warning_count == 1


def test_log_lines_below_the_wanted_level_are_not_shown() -> None:
    stage = Stage()
    model = RunModel()
    model.least_level = 30

    for record in (*stage.opening, stage.log("fine"), stage.log("not fine", level=30)):
        model.apply(record)

    assert [line.message for line in model.logs] == ["not fine"]


def test_a_record_of_an_unknown_run_changes_nothing() -> None:
    stage = Stage()
    model = played(*stage.opening)

    assert model.apply(stage.state(99, "RUNNING")) is None
    assert model.apply(stage.flow("RUNNING", run=99)) is None
    assert model.task_total == 0
