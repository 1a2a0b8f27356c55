"""What the reading side answers, and that no question reads a whole table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.journal import LogLine, Record
from flowctl.store.problems import DatabaseDamaged
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow, LogRow
from flowctl.store.sqlite import open_reader
from flowctl.store.states import StateType
from tests.store.journals import (
    NOON,
    SECOND,
    a_run,
    a_subflow_id,
    a_task,
    an_error,
    an_id,
    flow_created,
    flow_state,
    many_runs,
    opened,
    task_created,
    task_state,
    write_journal,
)

RUN = an_id(1)
NOON_AT = datetime.fromtimestamp(NOON // SECOND, UTC)


def line(at: int, message: str, *, run: int = 0, task: int | None = None, level: int = 20) -> LogLine:
    return LogLine(at, run, task, level, "log", message)


#: A run with a subflow and a subflow of that, tasks in each, and lines in each.
TREE: list[Record] = [
    *(opened(RUN), flow_created(RUN, name="whole"), flow_state("RUNNING", at=NOON + 1), line(NOON, "root")),
    *a_task(1, tags=["big"]),
    flow_created(a_subflow_id(1, 1), run=1, name="child", flow_name="part", parent_run=0, parent_task=1),
    *(flow_state("RUNNING", run=1), line(NOON, "child", run=1, level=30)),
    *a_task(2, run=1, parent_task=1, upstreams={"x": [1], "wait_for": [1, -1]}, map_index=0),
    flow_created(a_subflow_id(1, 2), run=2, name="grandchild", flow_name="part", parent_run=1),
    *(line(NOON, "grandchild", run=2), line(NOON, "task", task=1, level=40)),
    *a_task(3, upstreams={"x": [-1]}, task_name="sum", key="etl.sum"),
    *(flow_state("COMPLETED", run=2, value="7"), flow_state("FAILED", run=1, error=an_error("subflow broke"))),
    flow_state("COMPLETED", at=NOON + 9, value="42", result=["pickle", None, "../../root.pickle", 99_000]),
]


@pytest.fixture
def reader(home: Home) -> Iterator[Reader]:
    write_journal(home, RUN, TREE)
    catch_up(home)
    with Reader.open(home) as reader:
        yield reader


def test_a_flow_run_reads_as_it_was_told(reader: Reader) -> None:
    run = reader.flow_run(RUN)

    assert (run.name, run.flow_name, run.state_type, run.value) == ("whole", "etl", StateType.COMPLETED, "42")
    assert run.parameters == {"n": 3}
    assert run.source == {"file": "/project/etl.py", "line": 7, "flow": "etl"}
    assert (run.parent_id, run.root_id, run.is_root, run.is_final) == (None, RUN, True, True)
    assert run.created_at == NOON_AT
    assert run.ended_at == NOON_AT + timedelta(microseconds=9)
    assert run.task_counts == {"Completed": 2}


def test_a_subflow_knows_its_parent_and_its_error(reader: Reader) -> None:
    (child,) = reader.subflows(RUN)
    (grandchild,) = reader.subflows(child.id)

    assert (child.id, child.parent_id, child.root_id) == (a_subflow_id(1, 1), RUN, RUN)
    assert child.parent_task_id == f"{RUN[:24]}000000000001"
    assert child.error is not None
    assert (child.error.type_name, child.error.text) == ("ValueError", "subflow broke")
    assert (grandchild.parent_id, grandchild.root_id, grandchild.is_root) == (child.id, RUN, False)


def test_task_runs_are_those_of_the_flow_run_itself(reader: Reader) -> None:
    first, third = reader.task_runs(RUN)
    (second,) = reader.task_runs(a_subflow_id(1, 1))

    assert [first.name, second.name, third.name] == ["load-001", "load-002", "sum-003"]
    assert (first.tags, first.inputs, first.value, first.map_index) == (["big"], "x=1", "1", None)
    assert (second.parent_task_id, second.map_index) == (first.id, 0)
    assert second.upstreams == {"x": [first.id], "wait_for": [first.id, a_subflow_id(1, 1)]}
    assert third.upstreams == {"x": [a_subflow_id(1, 1)]}
    assert (third.task_key, third.flow_run_id) == ("etl.sum", RUN)
    assert reader.task_run(RUN, 2) == second
    assert reader.task_run(RUN, 99) is None


def test_task_runs_come_in_pages_by_number(reader: Reader) -> None:
    assert [task.number for task in reader.task_runs(RUN, limit=1)] == [1]
    assert [task.number for task in reader.task_runs(RUN, after=1, limit=5)] == [3]


def test_the_tries_of_a_task_are_told_oldest_first(home: Home) -> None:
    retried: list[Record] = [
        *(task_created(1), task_state(1, "RUNNING", at=NOON + 1)),
        task_state(1, "SCHEDULED", name="AwaitingRetry", at=NOON + 2, due=NOON + SECOND, error=an_error("first")),
    ]
    write_journal(home, RUN, [opened(RUN), flow_created(RUN), *retried, task_created(2)])
    over = [
        task_state(1, "RUNNING", at=NOON + SECOND, run_count=2),
        task_state(1, "FAILED", run_count=2, error=an_error("2")),
    ]
    write_journal(home, an_id(2), [opened(an_id(2)), flow_created(an_id(2)), *retried, *over, flow_state("FAILED")])
    catch_up(home)

    with Reader.open(home) as reader:
        waiting, never_tried = reader.task_runs(RUN)
        (failed,) = reader.task_runs(an_id(2))

    assert [each.number for each in waiting.attempts] == [1]
    assert waiting.attempts[0].error is not None
    assert waiting.attempts[0].error.text == "first"
    assert never_tried.attempts == []
    assert [(each.number, each.state_name, each.error and each.error.text) for each in failed.attempts] == [
        (1, "Failed", "first"),
        (2, "Failed", "2"),
    ]
    assert failed.attempts[1].started_at == NOON_AT + timedelta(seconds=1)
    assert failed.error == failed.attempts[1].error


def test_only_the_newest_attempt_is_shown_unless_another_is_named(home: Home) -> None:
    first = [opened(RUN), flow_created(RUN), *a_task(1), flow_state("FAILED")]
    write_journal(home, RUN, first)
    second: list[Record] = [opened(RUN, attempt=2), flow_created(RUN), *a_task(2), *a_task(3), flow_state("COMPLETED")]
    write_journal(home, RUN, second, attempt=2, first_sequence=len(first))
    catch_up(home)

    with Reader.open(home) as reader:
        assert [task.number for task in reader.task_runs(RUN)] == [2, 3]
        assert [task.number for task in reader.task_runs(RUN, attempt=1)] == [1]
        assert reader.flow_run(RUN).task_counts == {"Completed": 2}
        assert [(state.attempt, state.name) for state in reader.state_history(RUN)] == [
            *((1, "Pending"), (1, "Failed")),
            *((2, "Pending"), (2, "Completed")),
        ]


LOGS: list[tuple[Callable[[Reader], list[LogRow]], list[str]]] = [
    (lambda reader: reader.logs(RUN), ["root", "task"]),
    (lambda reader: reader.logs(RUN, tree=True), ["root", "child", "grandchild", "task"]),
    (lambda reader: reader.logs(RUN, tree=True, level=30), ["child", "task"]),
    (lambda reader: reader.logs(RUN, tree=True, limit=2), ["root", "child"]),
    (
        lambda reader: reader.logs(RUN, tree=True, after_seq=reader.logs(RUN)[0].seq),
        ["child", "grandchild", "task"],
    ),
    (lambda reader: reader.logs(RUN, task=1), ["task"]),
    (lambda reader: reader.logs(a_subflow_id(1, 1)), ["child"]),
    (lambda reader: reader.logs(a_subflow_id(1, 1), tree=True), ["child", "grandchild"]),
    (lambda reader: reader.logs(an_id(99)), []),
]


@pytest.mark.parametrize(("asked", "messages"), LOGS)
def test_logs_of_a_run_or_its_tree(
    reader: Reader, asked: Callable[[Reader], list[LogRow]], messages: list[str]
) -> None:
    assert [each.message for each in asked(reader)] == messages


def test_a_log_row_names_its_run_and_task(reader: Reader) -> None:
    found = reader.logs(RUN, tree=True)

    assert [each.flow_run_id for each in found[:3]] == [RUN, a_subflow_id(1, 1), a_subflow_id(1, 2)]
    assert [each.task_run_id for each in found[2:]] == [None, f"{RUN[:24]}000000000001"]


def test_results_are_inline_or_in_the_runs_own_folder(reader: Reader, home: Home) -> None:
    inline, in_file = reader.result(RUN, 2), reader.result(RUN)

    assert inline is not None
    assert (inline.serializer, inline.data, inline.path) == ("pickle", b"\x80\x05K\x01.", None)
    assert in_file is not None
    assert (in_file.data, in_file.size) == (None, 99_000)
    assert in_file.path == f"{home.run_folder(RUN)}/results/root.pickle"
    assert reader.result(a_subflow_id(1, 1)) is None
    assert reader.result(a_subflow_id(1, 1), 2) == inline
    assert reader.result(RUN, 77) is None


def numbers(runs: Sequence[FlowRunRow]) -> list[int]:
    return [int(run.id[:8], 16) for run in runs]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ({"limit": 3}, [9, 8, 7]),
        ({"flow": "etl"}, [8, 6, 4, 2, 0]),
        ({"flow": "nothing"}, []),
        ({"states": ["FAILED"]}, [7, 4, 1]),
        ({"states": [StateType.CRASHED, StateType.FAILED], "limit": 4}, [8, 7, 5, 4]),
        ({"states": ["FAILED", "FAILED"], "flow": "etl"}, [4]),
        ({"since": NOON_AT + timedelta(seconds=7)}, [9, 8, 7]),
        ({"before": NOON_AT + timedelta(seconds=2)}, [1, 0]),
        ({"include_subflows": True, "limit": 6}, [9, 8, 7, 6, 5, 5]),
        ({"include_subflows": True, "flow": "part"}, [5]),
    ],
)
def test_runs_are_listed_newest_first_and_as_asked(many: Reader, wanted: dict[str, Any], expected: list[int]) -> None:
    found = many.runs(**wanted)

    assert numbers(found) == expected
    assert all(run.task_counts for run in found if run.is_root)


def test_a_state_that_does_not_exist_is_an_error(many: Reader) -> None:
    with pytest.raises(ValueError, match="DANCING"):
        many.runs(states=["DANCING"])


def test_counts_and_flow_names_are_those_of_root_runs(many: Reader) -> None:
    assert many.counts() == {StateType.COMPLETED: 4, StateType.FAILED: 3, StateType.CRASHED: 3}
    assert many.flow_names() == ["etl", "report"]


def test_a_reader_sees_what_is_ingested_later(home: Home) -> None:
    many_runs(home, 1)
    catch_up(home)
    with Reader.open(home) as reader:
        version = reader.data_version()
        write_journal(home, an_id(7), a_run(an_id(7)))
        catch_up(home)

        assert reader.data_version() != version
        assert len(reader.runs()) == 2


def test_damage_met_while_reading_is_told(home: Home) -> None:
    many_runs(home, 200)
    catch_up(home)
    with open(home.database, "r+b") as file:  # noqa: PTH123
        file.seek(4096)
        file.write(b"\xff" * 4096 * 40)

    with pytest.raises(DatabaseDamaged, match="is damaged"), Reader.open(home) as reader:
        reader.runs()
        reader.task_runs(an_id(1))


QUESTIONS: list[Callable[[Reader], object]] = [
    lambda reader: reader.runs(),
    lambda reader: reader.runs(flow="etl"),
    lambda reader: reader.runs(states=["FAILED"]),
    lambda reader: reader.runs(states=["FAILED", "CRASHED"], flow="etl", since=NOON_AT, before=NOON_AT),
    lambda reader: reader.runs(since=NOON_AT),
    lambda reader: reader.runs(include_subflows=True),
    lambda reader: reader.runs(include_subflows=True, flow="part"),
    lambda reader: reader.runs(include_subflows=True, states=["FAILED"]),
    lambda reader: reader.find_run("-"),
    lambda reader: reader.find_run("run-4"),
    lambda reader: reader.find_run("00000007"),
    lambda reader: reader.subflows(an_id(5)),
    lambda reader: reader.task_runs(an_id(5)),
    lambda reader: reader.task_runs(a_subflow_id(5, 1)),
    lambda reader: reader.task_run(an_id(5), 2),
    lambda reader: reader.state_history(an_id(5)),
    lambda reader: reader.logs(an_id(5)),
    lambda reader: reader.logs(an_id(5), tree=True, after_seq=3, limit=5),
    lambda reader: reader.logs(an_id(5), task=1),
    lambda reader: reader.logs(a_subflow_id(5, 1)),
    lambda reader: reader.logs(a_subflow_id(5, 1), tree=True),
    lambda reader: reader.result(an_id(5), 1),
    lambda reader: reader.counts(),
    lambda reader: reader.flow_names(),
]


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
@pytest.mark.usefixtures("many")
def test_no_question_reads_a_whole_table(home: Home, number: int) -> None:
    connection = open_reader(home.database)
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    QUESTIONS[number](Reader(connection, home))
    connection.set_trace_callback(None)

    plans = [step for query in asked for (*_, step) in connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()]

    connection.close()
    assert asked
    scans = [step for step in plans if step.startswith("SCAN") and " USING " not in step]
    # What a question itself names or picked by an index.
    small = {"SCAN asked", "SCAN picked", "SCAN flow", "SCAN below"}
    assert [step for step in scans if step not in small and not re.match(r"SCAN (\d|CONSTANT|\(subquery)", step)] == []


@pytest.mark.usefixtures("many")
def test_the_latest_runs_are_read_in_the_order_of_an_index(home: Home) -> None:
    connection = open_reader(home.database)
    query = "SELECT run FROM flow_run WHERE parent IS NULL ORDER BY created_at DESC, run DESC LIMIT 50"

    plan = [step for (*_, step) in connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()]

    connection.close()
    assert plan == ["SCAN flow_run USING INDEX root_run_created"]
