"""Whatever the stretches in which a journal comes in, the database comes out the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.store.fold import Fold
from flowctl.store.home import Home
from flowctl.store.ingest import ingest_journal
from flowctl.store.journal import LogLine, Record
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import StateType
from tests.store.databases import assert_sound, contents, in_memory, open_below_closed
from tests.store.journals import (
    NOON,
    a_subflow_id,
    an_error,
    an_id,
    encoded,
    flow_created,
    flow_state,
    opened,
    task_created,
    task_state,
)

RUN = an_id(1)

_at = st.integers(NOON, NOON + 1_000_000)
_run = st.integers(0, 2)
_task = st.integers(1, 4)
_type = st.sampled_from([each.value for each in StateType])
_text = st.none() | st.text(max_size=5) | st.just("\udce9")
_error = st.none() | st.just(an_error())
_result = st.none() | st.just(["json", b"1", None, 1])
_name = st.sampled_from(["Running", "NotReady", "Cached"])


@st.composite
def _record(draw: st.DrawFn) -> Record:
    """Make a record that may be allowed or not, and may speak of runs that there are or are not."""
    at, run, task, text = draw(_at), draw(_run), draw(_task), draw(_text)
    count, error, result = draw(st.integers(0, 3)), draw(_error), draw(_result)
    match draw(st.integers(0, 5)):
        case 0:
            number = draw(st.integers(1, 2))
            return flow_created(a_subflow_id(1, number), at=at, run=number, parent_run=run)
        case 1:
            return flow_state(
                draw(_type), at=at, run=run, run_count=count, message=text, error=error, result=result, run_name=text
            )
        case 2:
            return task_created(task, at=at, run=run, task_name=f"task{task}", name=text)
        case 3:
            return LogLine(at, run, None, 20, "log", text or "")
        case _:
            return task_state(
                task,
                draw(_type),
                at=at,
                name=draw(_name),
                run_count=count,
                message=text,
                inputs=text,
                error=error,
                result=result,
            )


_journal = st.lists(_record(), max_size=25)


def ingest(database: sqlite3.Connection, home: Home, attempt: int, stretch_bytes: int = 1 << 20) -> None:
    while not ingest_journal(database, home, RUN, attempt, stretch_bytes=stretch_bytes).at_end:
        pass


def conclude(database: sqlite3.Connection, attempt: int) -> None:
    fold = Fold(database, RUN, attempt)
    fold.conclude(attempt)
    fold.write()


@settings(max_examples=100, deadline=None)
@given(first=_journal, second=st.none() | _journal, cuts=st.lists(st.integers(0, 3000), max_size=6), data=st.data())
def test_no_cut_changes_the_outcome(
    first: list[Record], second: list[Record] | None, cuts: list[int], data: st.DataObject
) -> None:
    journals: list[list[Record]] = [[opened(RUN), flow_created(RUN), *first]]
    if second is not None:
        journals.append([opened(RUN, attempt=2), flow_created(RUN), *second])
    whole, cut = in_memory(), in_memory()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(folder)
        Path(home.run_folder(RUN)).mkdir(parents=True)
        sequence = 0
        for attempt, records in enumerate(journals, 1):
            path = Path(home.journal(RUN, attempt))
            written = encoded(records, first_sequence=sequence)
            sequence += len(records)

            for end in sorted({end for end in cuts if end < len(written)}):
                path.write_bytes(written[:end])
                ingest(cut, home, attempt, data.draw(st.sampled_from([1, 200, 1 << 20])))
            path.write_bytes(written)
            ingest(cut, home, attempt, data.draw(st.sampled_from([1, 200, 1 << 20])))
            ingest(whole, home, attempt)

    assert contents(cut) == contents(whole)
    for database in (cut, whole):
        conclude(database, len(journals))
        assert_sound(database)
        assert open_below_closed(database) == []
    assert contents(cut) == contents(whole)
    assert whole.execute("SELECT count(*) FROM flow_run WHERE number = 0 AND ended_at IS NULL").fetchone() == (0,)
    whole.close()
    cut.close()


@settings(max_examples=100, deadline=None)
@given(records=_journal, late=_journal)
def test_a_late_word_of_an_older_attempt_never_changes_the_run(records: list[Record], late: list[Record]) -> None:
    database = in_memory()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(folder)
        Path(home.run_folder(RUN)).mkdir(parents=True)
        first: list[Record] = [opened(RUN), flow_created(RUN), *records]
        Path(home.journal(RUN, 1)).write_bytes(encoded(first))
        ingest(database, home, 1)
        second: list[Record] = [opened(RUN, attempt=2), flow_created(RUN), flow_state("RUNNING", run_count=2)]
        Path(home.journal(RUN, 2)).write_bytes(encoded(second, first_sequence=len(first)))
        ingest(database, home, 2)
        before = database.execute("SELECT * FROM flow_run WHERE number = 0").fetchall()
        closed = database.execute("SELECT * FROM task_run ORDER BY number").fetchall()

        with Path(home.journal(RUN, 1)).open("ab") as file:
            file.write(encoded(late, first_sequence=1000))
        ingest(database, home, 1)

    assert database.execute("SELECT * FROM flow_run WHERE number = 0").fetchall() == before
    after = database.execute("SELECT * FROM task_run ORDER BY number").fetchall()
    assert [row for row in after if row in closed] == closed
    unfinished = "SELECT count(*) FROM task_run WHERE ended_at IS NULL AND state_name <> 'NotReady'"
    assert database.execute(unfinished).fetchone() == (0,)
    assert_sound(database)
    database.close()
