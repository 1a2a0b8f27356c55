"""Taking in what living runs journal, step by step, and closing the runs whose process is gone."""

from __future__ import annotations

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from flowctl.core.daemon import ingest_pass, rescue_pass
from flowctl.core.daemon.ingest_pass import ActiveRuns
from flowctl.store.home import Home
from flowctl.store.plan_records import FlowReference
from flowctl.store.planned_runs import plan_attempt
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow
from flowctl.store.states import StateType
from flowctl.store.writer import Store
from tests.core.daemon.waiting import names
from tests.store.databases import assert_sound
from tests.store.journals import a_run, a_task, an_id, flow_created, flow_state, opened, task_created, write_journal

RUN = an_id(1)


@pytest.fixture
def active(home: Home) -> ActiveRuns:
    return ActiveRuns(home)


@contextmanager
def living(home: Home, run_id: str = RUN) -> Generator[None, None, None]:
    """Be the living process of a run."""
    Path(home.run_folder(run_id)).mkdir(parents=True, exist_ok=True)
    with Path(home.run_lock(run_id)).open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def seen(home: Home, run_id: str = RUN) -> FlowRunRow:
    with Reader.open(home) as reader:
        return reader.flow_run(run_id)


def test_each_step_takes_in_what_is_new(home: Home, store: Store, active: ActiveRuns) -> None:
    records = a_run(RUN)
    with living(home):
        write_journal(home, RUN, records[:6])
        first = ingest_pass.step(store, active)
        early = seen(home)
        idle = ingest_pass.step(store, active)
        write_journal(home, RUN, records[6:], first_sequence=6)
        second = ingest_pass.step(store, active)

    assert (first.records, idle.runs, second.records) == (6, 0, len(records) - 6)
    assert (early.state_type, early.task_counts) == (StateType.RUNNING, {"Completed": 1})
    assert seen(home).state_type is StateType.COMPLETED
    assert len(active) == 1
    assert_sound(store.connection)


def test_an_idle_look_writes_nothing(home: Home, store: Store, active: ActiveRuns) -> None:
    with living(home):
        write_journal(home, RUN, a_run(RUN))
        ingest_pass.step(store, active)
        commits = store.commits
        for _ in range(5):
            ingest_pass.step(store, active)
            rescue_pass.step(store, active)

    assert store.commits == commits


def test_a_long_journal_is_taken_in_by_many_short_steps_and_others_get_their_turn(
    home: Home, store: Store, active: ActiveRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_pass, "STRETCH_BYTES", 4096)
    monkeypatch.setattr(ingest_pass, "RECORDS_A_STEP", 50)
    other = an_id(2)
    with living(home), living(home, other):
        write_journal(home, RUN, a_run(RUN, tasks=500, ends=None))
        write_journal(home, other, a_run(other))
        steps = 0
        other_done_after = None
        while ingest_pass.step(store, active).is_behind:
            steps += 1
            with Reader.open(home) as reader:
                if other_done_after is None and reader.counts().get(StateType.COMPLETED):
                    other_done_after = steps
        done = seen(home)

    assert steps > 5
    assert other_done_after is not None
    assert other_done_after < 4
    assert done.task_counts == {"Completed": 500}


def test_a_dead_run_is_closed_and_its_marker_goes(home: Home, store: Store, active: ActiveRuns) -> None:
    write_journal(home, RUN, a_run(RUN, tasks=2, ends=None))
    ingest_pass.step(store, active)

    closed = rescue_pass.step(store, active)

    assert closed == [RUN]
    assert seen(home).state_type is StateType.CRASHED
    assert names(home.active) == []
    assert (len(active), rescue_pass.step(store, active)) == (0, [])


def test_a_dead_run_whose_last_words_are_awaited_is_let_be(home: Home, store: Store, active: ActiveRuns) -> None:
    write_journal(home, RUN, a_run(RUN, tasks=2, ends=None))
    ingest_pass.step(store, active)

    early = rescue_pass.step(store, active, is_awaited=lambda run_id: run_id == RUN)
    late = rescue_pass.step(store, active)

    assert (early, late) == ([], [RUN])


def test_an_attempt_that_is_planned_before_the_last_process_is_gone_does_not_crash(
    home: Home, store: Store, active: ActiveRuns, noon: datetime
) -> None:
    with living(home):
        write_journal(home, RUN, a_run(RUN, ends="FAILED"))
        ingest_pass.step(store, active)
        reference = FlowReference(file="/p/etl.py", flow_attribute="etl", python="python", cwd="/p")
        with store.transaction():
            plan_attempt(store.connection, RUN, reference, noon)

    closed = rescue_pass.step(store, active)

    assert closed == [RUN]
    assert (seen(home).state_type, seen(home).attempt) == (StateType.SCHEDULED, 2)


def test_a_next_attempt_is_noticed_though_the_marker_never_went(home: Home, store: Store, active: ActiveRuns) -> None:
    with living(home):
        write_journal(home, RUN, a_run(RUN, ends="FAILED"))
        ingest_pass.step(store, active)
        failed = seen(home)
        again = [opened(RUN, attempt=2), flow_created(RUN), flow_state("RUNNING"), *a_task(8), flow_state("COMPLETED")]
        write_journal(home, RUN, again, attempt=2, first_sequence=100)
        ingest_pass.step(store, active)

    assert failed.state_type is StateType.FAILED
    assert (seen(home).state_type, seen(home).attempt) == (StateType.COMPLETED, 2)


def test_a_journal_that_makes_no_sense_is_told_of_once_and_holds_up_no_other(
    home: Home, store: Store, active: ActiveRuns
) -> None:
    other = an_id(2)
    write_journal(home, RUN, [opened(RUN, number=99), flow_created(RUN)])
    write_journal(home, other, a_run(other))
    ingest_pass.step(store, active)
    closed = rescue_pass.step(store, active)
    commits = store.commits
    for _ in range(3):
        ingest_pass.step(store, active)
        rescue_pass.step(store, active)

    assert closed == [other]
    assert list(active.problems) == [RUN]
    assert "its format is 99" in active.problems[RUN]
    assert store.commits == commits
    assert Path(home.active_marker(RUN)).exists()


def test_a_marker_alone_of_a_process_that_has_just_begun_stays(home: Home, store: Store, active: ActiveRuns) -> None:
    home.ensure()
    with living(home):
        Path(home.active_marker(RUN)).touch()
        ingest_pass.step(store, active)
        closed = rescue_pass.step(store, active)
        kept = Path(home.active_marker(RUN)).exists()
        write_journal(home, RUN, [opened(RUN), flow_created(RUN), task_created(1)])
        taken = ingest_pass.step(store, active)

    assert (closed, kept, taken.records) == ([], True, 3)
