"""Journals that end in the middle of a record, or hold what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.store.home import Home
from flowctl.store.ingest import ingest_journal
from flowctl.store.journal import LogLine, Record
from flowctl.store.sqlite import sqlite3
from tests.store.databases import assert_sound, contents, in_memory, ingest_all, row, told
from tests.store.journals import (
    NOON,
    a_run,
    a_subflow_id,
    a_task,
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


def test_a_torn_record_is_left_for_later(database: sqlite3.Connection, home: Home) -> None:
    path = write_journal(home, RUN, a_run(RUN))
    whole = Path(path).read_bytes()
    reference = in_memory()
    ingest_all(reference, home, RUN)
    Path(path).write_bytes(whole[:-7])

    torn = ingest_all(database, home, RUN)
    Path(path).write_bytes(whole)
    ingest_all(database, home, RUN)

    assert torn.is_torn
    assert torn.problem is None
    assert contents(database) == contents(reference)


def test_reserved_room_behind_the_last_record_is_no_record(database: sqlite3.Connection, home: Home) -> None:
    write_journal(home, RUN, a_run(RUN), tail=bytes(100_000))

    ingested = ingest_all(database, home, RUN, stretch_bytes=500)

    assert not ingested.is_torn
    assert row(database, "flow_run", id=RUN)["state_type"] == "COMPLETED"
    assert ingest_journal(database, home, RUN, 1).records == 0


def test_a_record_longer_than_a_stretch_is_taken(database: sqlite3.Connection, home: Home) -> None:
    write_journal(home, RUN, [*START, LogLine(NOON, 0, None, 20, "log", "x" * 60_000), flow_state("COMPLETED")])

    ingest_all(database, home, RUN, stretch_bytes=100)

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

    ingested = ingest_all(database, home, RUN)

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

    ingested = ingest_all(database, home, RUN)

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

    assert "its format is 99" in (ingest_all(database, home, RUN).problem or "")
    assert database.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)


def test_a_journal_in_the_folder_of_another_run_is_not_taken(database: sqlite3.Connection, home: Home) -> None:
    write_journal(home, RUN, a_run(an_id(2)))

    assert an_id(2) in (ingest_all(database, home, RUN).problem or "")
    assert database.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)


def test_text_that_no_encoding_has_is_written_out(database: sqlite3.Connection, home: Home) -> None:
    records = [*START, *a_task(1), LogLine(NOON, 0, None, 20, "log", "caf\udce9\x00é"), flow_state("COMPLETED")]
    told(database, home, records)

    assert row(database, "log", root=1)["message"] == "caf\\udce9\x00é"
    assert row(database, "flow_run", id=RUN)["state_type"] == "COMPLETED"
    assert row(database, "journal", run_id=RUN)["problem"] is None
