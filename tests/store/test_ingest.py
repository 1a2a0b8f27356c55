"""From journal to rows: what each record does, and that neither cuts nor damage change the outcome."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from flowctl.store.home import Home
from flowctl.store.ingest import Ingested, ingest_journal
from flowctl.store.journal import LogLine, Record
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import FINAL, StateType, is_allowed
from tests.store.databases import assert_sound, contents, in_memory, open_below_closed
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


@pytest.fixture
def database() -> Iterable[sqlite3.Connection]:
    connection = in_memory()
    yield connection
    connection.close()


def ingest_all(
    database: sqlite3.Connection, home: Home, run_id: str = RUN, attempt: int = 1, stretch_bytes: int = 1 << 20
) -> Ingested:
    while True:
        ingested = ingest_journal(database, home, run_id, attempt, stretch_bytes=stretch_bytes)
        if ingested.at_end:
            return ingested


def told(database: sqlite3.Connection, home: Home, records: Iterable[Record]) -> Ingested:
    write_journal(home, RUN, records)
    ingested = ingest_all(database, home)
    assert_sound(database)
    return ingested


def row(database: sqlite3.Connection, table: str, **key: object) -> dict[str, Any]:
    where = " AND ".join(f"{column} = ?" for column in key)
    cursor = database.execute(f"SELECT * FROM {table} WHERE {where}", tuple(key.values()))
    found = cursor.fetchall()
    assert len(found) == 1
    return dict(zip([column[0] for column in cursor.description], found[0], strict=True))


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


def test_the_same_journal_twice_is_the_same_as_once(database: sqlite3.Connection, home: Home) -> None:
    told(database, home, a_run(RUN))
    before = contents(database)

    again = ingest_all(database, home)
    database.execute("UPDATE journal SET offset = 0")
    from_the_start = ingest_all(database, home)

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
    ingest_all(database, home, stretch_bytes=stretch_bytes)

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
    ingest_all(database, home, attempt=2)

    assert_sound(database)
    run = row(database, "flow_run", id=RUN)
    assert (run["attempt"], run["state_type"], run["error"], run["run_count"]) == (2, "RUNNING", None, 2)
    assert (run["created_at"], run["started_at"], run["ended_at"]) == (NOON, NOON + 101, None)
    counts = database.execute("SELECT attempt, state_name, tasks FROM task_count WHERE tasks ORDER BY 1, 2").fetchall()
    assert counts == [(1, "Completed", 1), (1, "Crashed", 1), (2, "Running", 1)]
    assert [each for (each,) in database.execute("SELECT type FROM flow_run_state ORDER BY attempt, seq")] == [
        *("PENDING", "RUNNING", "FAILED", "PENDING", "RUNNING")
    ]


def test_a_late_word_of_an_older_attempt_is_kept_and_changes_nothing(database: sqlite3.Connection, home: Home) -> None:
    first = [*START, task_created(1), task_state(1, "RUNNING")]
    told(database, home, first)
    second: list[Record] = [opened(RUN, attempt=2), flow_created(RUN), flow_state("RUNNING", run_count=2)]
    write_journal(home, RUN, second, attempt=2, first_sequence=len(first))
    ingest_all(database, home, attempt=2)
    before = row(database, "flow_run", id=RUN)

    late: list[Record] = [
        *(task_state(1, "COMPLETED"), task_created(9), task_state(9, "COMPLETED")),
        *(LogLine(NOON, 0, None, 20, "late", "late"), flow_state("COMPLETED")),
    ]
    write_journal(home, RUN, late, first_sequence=50)
    ingest_all(database, home)

    assert_sound(database)
    assert row(database, "flow_run", id=RUN) == before
    assert [row(database, "task_run", number=number)["state_type"] for number in (1, 9)] == ["CRASHED", "CRASHED"]
    assert row(database, "log", logger="late")["message"] == "late"
    assert row(database, "flow_run_state", type="COMPLETED")["applied"] == 0
    crashed = row(database, "flow_run_state", type="CRASHED")
    assert (crashed["attempt"], crashed["inferred"], crashed["applied"]) == (1, 1, 1)


def test_whether_a_crash_was_looked_at_before_the_next_attempt_makes_no_difference(tmp_path: Path) -> None:
    from flowctl.store.fold import Fold

    found: list[dict[str, list[tuple[Any, ...]]]] = []
    for looked_between in (True, False):
        home, database = Home(str(tmp_path / str(looked_between))), in_memory()
        first = [*START, task_created(1), task_state(1, "RUNNING", at=NOON + 77)]
        write_journal(home, RUN, first)
        ingest_all(database, home)
        if looked_between:
            fold = Fold(database, RUN, 1)
            fold.conclude(1)
            fold.write()
        write_journal(home, RUN, [opened(RUN, attempt=2), flow_created(RUN)], attempt=2, first_sequence=len(first))
        ingest_all(database, home, attempt=2)
        found.append(contents(database))
        database.close()

    assert found[0] == found[1]
    assert (NOON + 77) in found[0]["task_run"][0]


def test_a_torn_record_is_left_for_later(database: sqlite3.Connection, home: Home) -> None:
    path = write_journal(home, RUN, a_run(RUN))
    whole = Path(path).read_bytes()
    reference = in_memory()
    ingest_all(reference, home)
    Path(path).write_bytes(whole[:-7])

    torn = ingest_all(database, home)
    Path(path).write_bytes(whole)
    ingest_all(database, home)

    assert torn.is_torn
    assert torn.problem is None
    assert contents(database) == contents(reference)


def test_reserved_room_behind_the_last_record_is_no_record(database: sqlite3.Connection, home: Home) -> None:
    write_journal(home, RUN, a_run(RUN), tail=bytes(100_000))

    ingested = ingest_all(database, home, stretch_bytes=500)

    assert not ingested.is_torn
    assert row(database, "flow_run", id=RUN)["state_type"] == "COMPLETED"
    assert ingest_journal(database, home, RUN, 1).records == 0


def test_a_record_longer_than_a_stretch_is_taken(database: sqlite3.Connection, home: Home) -> None:
    write_journal(home, RUN, [*START, LogLine(NOON, 0, None, 20, "log", "x" * 60_000), flow_state("COMPLETED")])

    ingest_all(database, home, stretch_bytes=100)

    assert len(row(database, "log", root=1)["message"]) == 60_000
    assert row(database, "flow_run", id=RUN)["state_type"] == "COMPLETED"


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (flow_state("DANCING"), "no state type is called 'DANCING'"),
        (task_state(1, "DANCING"), "no state type is called 'DANCING'"),
        (LogLine(1 << 63, 0, None, 20, "log", "too late"), "too large"),
        (LogLine(NOON, 0, None, "high", "log", ""), "cannot store TEXT value in INTEGER"),  # type: ignore[arg-type]
        (LogLine(NOON, 0, None, 20, "log", ["list"]), "type 'list' is not supported"),  # type: ignore[arg-type]
        (task_state([1], "RUNNING"), "unhashable"),  # type: ignore[arg-type]
    ],
)
def test_a_record_that_makes_no_sense_ends_the_journal_and_says_where(
    database: sqlite3.Connection, home: Home, bad: Record, problem: str
) -> None:
    path = write_journal(home, RUN, [*START, *a_task(1)])
    place = Path(path).stat().st_size
    write_journal(home, RUN, [bad, *a_task(2)], first_sequence=6)

    ingested = ingest_all(database, home)

    assert ingested.problem is not None
    assert f"at byte {place}: " in ingested.problem
    assert problem in ingested.problem
    assert ingested.offset == place
    assert row(database, "journal", run_id=RUN)["problem"] == ingested.problem
    assert database.execute("SELECT number, state_type FROM task_run").fetchall() == [(1, "COMPLETED")]
    assert_sound(database)


def test_a_body_that_is_no_record_ends_the_journal_and_says_where(database: sqlite3.Connection, home: Home) -> None:
    from zlib import crc32

    body = b"\xc1 never used by msgpack"
    path = write_journal(home, RUN, START)
    place = Path(path).stat().st_size
    with Path(path).open("ab") as file:
        file.write(len(body).to_bytes(4, "little") + crc32(body).to_bytes(4, "little") + body)

    ingested = ingest_all(database, home)

    assert f"at byte {place}: " in (ingested.problem or "")
    assert row(database, "flow_run", id=RUN)["state_type"] == "RUNNING"


@pytest.mark.parametrize(
    "misfit",
    [
        *(task_state(7, "RUNNING"), task_created(1), task_created(7, run=5), flow_state("RUNNING", run=5)),
        *(flow_created(a_subflow_id(1, 5), run=5, parent_run=4), LogLine(NOON, 5, None, 20, "log", "lost")),
    ],
)
def test_a_record_that_fits_nothing_told_before_is_noted_and_passed_over(
    database: sqlite3.Connection, home: Home, misfit: Record
) -> None:
    told(database, home, [*START, *a_task(1), misfit, flow_state("COMPLETED")])

    assert row(database, "flow_run", id=RUN)["state_type"] == "COMPLETED"
    assert row(database, "journal", run_id=RUN)["problem"]


def test_a_journal_of_a_newer_format_is_not_taken(database: sqlite3.Connection, home: Home) -> None:
    write_journal(home, RUN, [opened(RUN, number=99), flow_created(RUN)])

    assert "its format is 99" in (ingest_all(database, home).problem or "")
    assert database.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)


def test_a_journal_in_the_folder_of_another_run_is_not_taken(database: sqlite3.Connection, home: Home) -> None:
    write_journal(home, RUN, a_run(an_id(2)))

    assert an_id(2) in (ingest_all(database, home).problem or "")
    assert database.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)


def test_text_that_no_encoding_has_is_written_out(database: sqlite3.Connection, home: Home) -> None:
    records = [*START, *a_task(1), LogLine(NOON, 0, None, 20, "log", "caf\udce9\x00é"), flow_state("COMPLETED")]
    told(database, home, records)

    assert row(database, "log", root=1)["message"] == "caf\\udce9\x00é"
    assert row(database, "flow_run", id=RUN)["state_type"] == "COMPLETED"
    assert row(database, "journal", run_id=RUN)["problem"] is None
