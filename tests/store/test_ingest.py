"""From journal to rows: what each record does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowctl.store.home import Home
from flowctl.store.journal import LogLine, Record
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import FINAL, StateType, is_allowed
from tests.store.databases import assert_sound, contents, in_memory, ingest_all, open_below_closed, row, told
from tests.store.journals import (
    NOON,
    a_run,
    a_subflow_id,
    a_task,
    an_error,
    an_id,
    flow_created,
    flow_state,
    opened,
    task_created,
    task_state,
    write_journal,
)

RUN = an_id(1)
START: list[Record] = [opened(RUN), flow_created(RUN), flow_state("RUNNING", at=NOON + 1)]


def test_a_whole_run_is_on_record(database: sqlite3.Connection, home: Home) -> None:
    told(database, home, a_run(RUN, tags=["nightly"]))

    run = row(database, "flow_run", id=RUN)
    assert (run["state_type"], run["state_name"], run["value"], run["tags"]) == (
        "COMPLETED",
        "Completed",
        "42",
        '["nightly"]',
    )
    assert (run["created_at"], run["started_at"], run["ended_at"]) == (NOON, NOON + 5, NOON + 1_006_000)
    task = row(database, "task_run", number=2)
    assert (task["state_name"], task["inputs"], task["value"]) == ("Completed", "x=2", "2")
    assert (task["created_at"], task["started_at"], task["ended_at"]) == (NOON + 4000, NOON + 4010, NOON + 5000)
    assert row(database, "task_count", run=1) == {"run": 1, "attempt": 1, "state_name": "Completed", "tasks": 3}
    assert row(database, "log", root=1)["message"] == "hello"
    assert row(database, "result", number=2)["data"] == b"\x80\x05K\x01."
    journal = row(database, "journal", run_id=RUN)
    assert (journal["pid"], journal["host"], journal["problem"]) == (4711, "host", None)


def test_what_a_task_is_granted_is_on_record(database: sqlite3.Connection, home: Home) -> None:
    told(database, home, [*START, task_created(1, terms='{"retries": 4}'), task_created(2)])

    assert [row(database, "task_run", number=number)["terms"] for number in (1, 2)] == ['{"retries": 4}', None]


def test_the_same_journal_twice_is_the_same_as_once(database: sqlite3.Connection, home: Home) -> None:
    told(database, home, a_run(RUN))
    before = contents(database)

    again = ingest_all(database, home, RUN)
    database.execute("UPDATE journal SET offset = 0")
    from_the_start = ingest_all(database, home, RUN)

    assert (again.records, from_the_start.records) == (0, 0)
    assert contents(database) == before


@pytest.mark.parametrize("before", [state for state in StateType if is_allowed(StateType.PENDING, state)])
@pytest.mark.parametrize("after", list(StateType))
def test_states_change_by_the_table_and_no_other_way(
    database: sqlite3.Connection, home: Home, before: StateType, after: StateType
) -> None:
    told(
        database,
        home,
        [
            *(opened(RUN), flow_created(RUN), flow_created(a_subflow_id(1, 1), run=1, parent_run=0)),
            *(task_created(1), task_state(1, before.value), task_state(1, after.value)),
            *(flow_state(before.value, run=1), flow_state(after.value, run=1)),
        ],
    )

    expected = after if is_allowed(before, after) else before
    task, run = row(database, "task_run", number=1), row(database, "flow_run", number=1)
    assert task["state_type"] == run["state_type"] == expected
    assert (task["ended_at"] is not None) == (run["ended_at"] is not None) == (expected in FINAL)
    history = database.execute("SELECT type, applied FROM flow_run_state WHERE run = 2 ORDER BY seq").fetchall()
    assert history == [("PENDING", 1), (before, 1), (after, int(is_allowed(before, after)))]


def test_a_task_that_was_tried_three_times_has_its_earlier_tries(database: sqlite3.Connection, home: Home) -> None:
    told(
        database,
        home,
        [
            *START,
            task_created(1, at=NOON),
            task_state(1, "RUNNING", at=NOON + 1),
            task_state(
                1, "SCHEDULED", name="AwaitingRetry", at=NOON + 2, due=NOON + 9, message="m1", error=an_error("1")
            ),
            task_state(1, "RUNNING", name="Retrying", at=NOON + 10, run_count=2),
            task_state(1, "RUNNING", name="Retrying", at=NOON + 20, run_count=3, message="m2", error=an_error("2")),
            task_state(1, "FAILED", at=NOON + 30, run_count=3, error=an_error("3")),
        ],
    )

    tries = database.execute(
        "SELECT run_count, started_at - ?, ended_at - ?, state_name, message, error FROM task_attempt", (NOON, NOON)
    ).fetchall()
    assert [each[:5] for each in tries] == [(1, 1, 2, "Failed", "m1"), (2, 10, 20, "Failed", "m2")]
    assert [json.loads(each[5])["text"] for each in tries] == ["1", "2"]
    task = row(database, "task_run", number=1)
    assert (task["started_at"], task["tried_at"], task["ended_at"]) == (NOON + 1, NOON + 20, NOON + 30)
    assert (task["run_count"], task["due_at"], json.loads(task["error"])["text"]) == (3, None, "3")


def test_a_task_that_completed_at_once_has_no_row_for_its_try(database: sqlite3.Connection, home: Home) -> None:
    told(database, home, [*START, *a_task(1)])

    assert database.execute("SELECT count(*) FROM task_attempt").fetchone() == (0,)


def test_a_name_made_of_a_template_replaces_the_given_one(database: sqlite3.Connection, home: Home) -> None:
    told(
        database,
        home,
        [*START, flow_state("RUNNING", run_name="run-7"), task_created(1), task_state(1, "RUNNING", run_name="load-7")],
    )

    assert row(database, "flow_run", id=RUN)["name"] == "run-7"
    assert row(database, "task_run", number=1)["name"] == "load-7"


@pytest.mark.parametrize(
    ("ending", "closed"),
    [("COMPLETED", "CRASHED"), ("FAILED", "CRASHED"), ("CANCELLED", "CANCELLED"), ("CRASHED", "CRASHED")],
)
@pytest.mark.parametrize("stretch_bytes", [1, 1 << 20])
def test_the_end_of_a_run_closes_what_is_open_below_it(
    database: sqlite3.Connection, home: Home, ending: str, closed: str, stretch_bytes: int
) -> None:
    write_journal(
        home,
        RUN,
        [
            *START,
            flow_created(a_subflow_id(1, 1), run=1, parent_run=0),
            *a_task(1),
            *(task_created(2), task_state(2, "RUNNING")),
            task_created(3, run=1),
            *(task_created(4), task_state(4, "PENDING", name="NotReady")),
            flow_state(ending, at=NOON + 50),
        ],
    )
    ingest_all(database, home, RUN, stretch_bytes=stretch_bytes)

    assert_sound(database)
    assert open_below_closed(database) == []
    states = database.execute("SELECT state_type, state_name FROM task_run ORDER BY number").fetchall()
    assert states == [
        ("COMPLETED", "Completed"),
        (closed, closed.title()),
        (closed, closed.title()),
        ("PENDING", "NotReady"),
    ]
    subflow = row(database, "flow_run", number=1)
    assert (subflow["state_type"], subflow["ended_at"]) == (closed, NOON + 50)


def test_a_next_attempt_begins_anew_and_keeps_what_was(database: sqlite3.Connection, home: Home) -> None:
    first = [*START, *a_task(1), task_created(2), flow_state("FAILED", at=NOON + 9, error=an_error())]
    told(database, home, first)
    second: list[Record] = [
        *(opened(RUN, attempt=2, at=NOON + 100), flow_created(RUN, at=NOON + 100)),
        *(flow_state("RUNNING", at=NOON + 101, run_count=2), task_created(3), task_state(3, "RUNNING")),
    ]
    write_journal(home, RUN, second, attempt=2, first_sequence=len(first))
    ingest_all(database, home, RUN, attempt=2)

    assert_sound(database)
    run = row(database, "flow_run", id=RUN)
    assert (run["attempt"], run["state_type"], run["error"], run["run_count"]) == (2, "RUNNING", None, 2)
    assert (run["created_at"], run["started_at"], run["ended_at"]) == (NOON, NOON + 101, None)
    counts = database.execute("SELECT attempt, state_name, tasks FROM task_count WHERE tasks ORDER BY 1, 2").fetchall()
    assert counts == [(1, "Completed", 1), (1, "Crashed", 1), (2, "Running", 1)]
    assert [each for (each,) in database.execute("SELECT type FROM flow_run_state ORDER BY attempt, seq")] == [
        *("PENDING", "RUNNING", "FAILED", "PENDING", "RUNNING")
    ]


def test_the_value_of_a_run_that_is_tried_again_is_no_longer_its_value(
    database: sqlite3.Connection, home: Home
) -> None:
    first = [*START, flow_state("COMPLETED", value="1", result=["json", b"1", None, 1])]
    told(database, home, first)
    write_journal(home, RUN, [opened(RUN, attempt=2), flow_created(RUN)], attempt=2, first_sequence=len(first))
    ingest_all(database, home, RUN, attempt=2)

    assert row(database, "flow_run", id=RUN)["value"] is None
    assert database.execute("SELECT count(*) FROM result").fetchone() == (0,)


def test_going_on_after_a_pause_is_no_new_try(database: sqlite3.Connection, home: Home) -> None:
    told(
        database,
        home,
        [
            *(*START, task_created(1), task_state(1, "RUNNING", at=NOON + 1)),
            *(task_state(1, "RUNNING", at=NOON + 2), task_state(1, "COMPLETED", at=NOON + 3)),
        ],
    )

    assert database.execute("SELECT count(*) FROM task_attempt").fetchone() == (0,)
    assert row(database, "task_run", number=1)["tried_at"] is None


def test_a_late_word_of_an_older_attempt_is_kept_and_changes_nothing(database: sqlite3.Connection, home: Home) -> None:
    first = [*START, task_created(1), task_state(1, "RUNNING")]
    told(database, home, first)
    second: list[Record] = [opened(RUN, attempt=2), flow_created(RUN), flow_state("RUNNING", run_count=2)]
    write_journal(home, RUN, second, attempt=2, first_sequence=len(first))
    ingest_all(database, home, RUN, attempt=2)
    before = row(database, "flow_run", id=RUN)

    late: list[Record] = [
        *(task_state(1, "COMPLETED"), task_created(9), task_state(9, "COMPLETED")),
        *(LogLine(NOON, 0, None, 20, "late", "late"), flow_state("COMPLETED")),
        flow_created(a_subflow_id(1, 9), run=9, parent_run=0),
    ]
    write_journal(home, RUN, late, first_sequence=50)
    ingest_all(database, home, RUN)

    assert_sound(database)
    assert row(database, "flow_run", id=RUN) == before
    assert [row(database, "task_run", number=number)["state_type"] for number in (1, 9)] == ["CRASHED", "CRASHED"]
    assert row(database, "log", logger="late")["message"] == "late"
    assert row(database, "flow_run_state", type="COMPLETED")["applied"] == 0
    assert row(database, "flow_run", number=9)["state_type"] == "CRASHED"
    crashed = row(database, "flow_run_state", type="CRASHED", run=1)
    assert (crashed["attempt"], crashed["inferred"], crashed["applied"]) == (1, 1, 1)


def test_an_attempt_changes_no_task_and_no_subflow_of_an_older_one(database: sqlite3.Connection, home: Home) -> None:
    resting: list[Record] = [task_created(1), task_state(1, "PENDING", name="NotReady")]
    first = [*START, *resting, flow_created(a_subflow_id(1, 1), run=1, parent_run=0)]
    told(database, home, first)
    second: list[Record] = [opened(RUN, attempt=2), flow_created(RUN)]
    write_journal(home, RUN, second, attempt=2, first_sequence=len(first))
    ingest_all(database, home, RUN, attempt=2)
    before = row(database, "task_run", number=1), row(database, "flow_run", number=1)

    write_journal(home, RUN, [task_state(1, "COMPLETED"), flow_state("COMPLETED", run=1)], attempt=2, first_sequence=50)
    ingest_all(database, home, RUN, attempt=2)
    write_journal(home, RUN, [task_state(1, "RUNNING"), flow_state("RUNNING", run=1)], first_sequence=60)
    ingest_all(database, home, RUN)

    assert (row(database, "task_run", number=1), row(database, "flow_run", number=1)) == before
    assert before[0]["state_name"] == "NotReady"
    assert before[1]["state_type"] == "CRASHED"


def test_whether_a_crash_was_looked_at_before_the_next_attempt_makes_no_difference(tmp_path: Path) -> None:
    from flowctl.store.fold import Fold

    found: list[dict[str, list[tuple[Any, ...]]]] = []
    for looked_between in (True, False):
        home, database = Home(str(tmp_path / str(looked_between))), in_memory()
        first = [*START, task_created(1), task_state(1, "RUNNING", at=NOON + 77)]
        write_journal(home, RUN, first)
        ingest_all(database, home, RUN)
        if looked_between:
            fold = Fold(database, RUN, 1)
            fold.conclude(1)
            fold.write()
        write_journal(home, RUN, [opened(RUN, attempt=2), flow_created(RUN)], attempt=2, first_sequence=len(first))
        ingest_all(database, home, RUN, attempt=2)
        found.append(contents(database))
        database.close()

    assert found[0] == found[1]
    assert (NOON + 77) in found[0]["task_run"][0]
