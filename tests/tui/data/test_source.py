"""The door through which screens read: it catches up, answers any thread with frozen rows, reads only what is new."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flowctl.core.daemon.instance import Instance
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.journal import Record
from flowctl.store.limits import set_limit
from flowctl.store.overview import OverviewReader
from flowctl.store.problems import DatabaseDamaged, StoreError
from flowctl.store.query_language import parse
from flowctl.tui.data.lanes import Lane
from flowctl.tui.data.source import Source
from tests.core.cli import recorded
from tests.store.journals import (
    NOON,
    SECOND,
    a_run,
    an_id,
    flow_created,
    flow_state,
    many_runs,
    opened,
    task_created,
    task_state,
    ten_runs,
    write_journal,
)
from tests.tui.data.conftest import soon
from tests.tui.planned import writing
from tests.tui.screens.sample import alive

_ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def names(source: Source, query: str = "") -> list[str]:
    return [row.run.name for row in source.runs_page(parse(query)).rows]


def test_an_empty_home_reads_as_empty(home: Home, source: Source) -> None:
    pulse = source.pulse()

    assert (pulse.problem, pulse.daemon_pid) == (None, None)
    assert source.runs_page().rows == ()
    assert len(source.run_keys()) == 0
    assert source.flows() == ()
    assert source.counts().total == 0
    assert source.log_window(None).entries == ()
    assert source.system().database_bytes == 0
    assert not Path(home.database).exists()


def test_journals_are_taken_in_where_no_daemon_does(home: Home, source: Source) -> None:
    ten_runs(home)

    assert source.pulse().problem is None
    assert len(source.runs_page().rows) == 10


def test_the_version_goes_up_with_every_change_and_only_then(home: Home, source: Source) -> None:
    ten_runs(home)
    first = source.pulse().version
    assert source.pulse().version == first

    write_journal(home, an_id(77), a_run(an_id(77), at=NOON))

    soon(lambda: source.pulse().version > first)
    assert len(source.runs_page().rows) == 11


def test_a_daemon_is_told_and_left_to_do_the_reading(home: Home, source: Source) -> None:
    home.ensure()
    daemon = Instance.take(home, started_at=NOON)
    try:
        ten_runs(home)
        pulse = source.pulse()
    finally:
        daemon.release()

    assert pulse.daemon_pid is not None
    assert pulse.daemon_since == datetime.fromtimestamp(NOON / 1e6, UTC)
    assert source.runs_page().rows == ()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state:failed flow:report", ["run-7", "run-1"]),
        ("name:run-[5]", []),
        ("run-5", ["run-5"]),
        ("log:hello -state:failed,crashed flow:etl", ["run-6", "run-0"]),
        ("age<56s", ["run-9", "run-8", "run-7", "run-6", "run-5"]),
    ],
)
def test_queries_choose(query: str, expected: list[str], home: Home, source: Source) -> None:
    ten_runs(home)
    source.pulse()

    assert names(source, query) == expected
    assert len(source.run_keys(parse(query))) == len(expected)


def test_the_usual_is_the_median_of_completed_runs(home: Home, source: Source) -> None:
    for number, took in enumerate((1, 3, 100, 2, 2)):
        ends = "FAILED" if took == 100 else "COMPLETED"
        at = NOON + number * 1000 * SECOND
        write_journal(
            home,
            an_id(number),
            [
                opened(an_id(number), at=at),
                flow_created(an_id(number), at=at),
                flow_state("RUNNING", at=at),
                flow_state(ends, at=at + took * SECOND),
            ],
        )
    source.pulse()

    assert source.typical() == {"etl": 2.0}
    assert [row.run.id for row in source.runs_page(parse("took>=1.5x")).rows] == [an_id(2), an_id(1)]


def test_flows_tell_their_latest_runs_and_how_many_went_well(home: Home, source: Source) -> None:
    ten_runs(home)
    source.pulse()

    etl, report = source.flows(latest=3)

    assert (etl.name, etl.file, etl.line) == ("etl", "/project/etl.py", 7)
    assert [run.state_type for run in etl.latest] == ["FAILED", "COMPLETED", "CRASHED"]
    assert etl.ok_ratio == pytest.approx(1 / 3)
    assert report.name == "report"


def test_the_dashboard_counts_the_last_day(home: Home, source: Source) -> None:
    ten_runs(home)
    source.pulse()

    counts = source.counts()

    assert counts.total == 10
    assert (counts.words["failed"], counts.words["crashed"]) == (3, 3)
    assert (counts.hours[-1].completed, counts.hours[-1].failed, len(counts.hours)) == (4, 6, 24)
    assert counts.ok_ratio == pytest.approx(0.4)
    # Those whose flow completed later need nobody.
    assert [row.run.name for row in counts.problems] == ["run-8"]


def test_the_system_says_sizes_places_and_versions(home: Home, source: Source) -> None:
    ten_runs(home)
    source.pulse()

    facts = source.system()

    assert (facts.home, facts.database) == (home.path, home.database)
    assert facts.database_bytes > 0
    assert facts.rows["flow_run"] == 11
    assert facts.versions.keys() == {"flowctl", "Python", "SQLite", "Textual"}


def test_limits_on_tags_name_the_tasks_that_work_under_them_and_those_that_wait(home: Home, source: Source) -> None:
    run_id = an_id(1)
    records: list[Record] = [
        opened(run_id),
        flow_created(run_id, name="brave-otter"),
        flow_state("RUNNING", at=NOON + 5),
    ]
    for number, state in enumerate(("RUNNING", "RUNNING", "PENDING", "COMPLETED"), start=1):
        records.append(task_created(number, task_name="push", map_index=number - 1, tags=["api"]))
        name = "AwaitingConcurrencySlot" if state == "PENDING" else state.capitalize()
        records.append(task_state(number, state, name=name, at=NOON + 10))
    records += [task_created(5, tags=["other"]), task_state(5, "RUNNING", at=NOON + 10)]
    with alive(home, run_id):
        write_journal(home, run_id, records)
        with writing(home) as connection:
            set_limit(connection, "tag:api", 2)
            set_limit(connection, "gpu", 1)
        source.pulse()

        gpu, api = source.system().limits

    assert (gpu.holders, gpu.waiting) == ((), ())
    assert (api.holders, api.waiting) == (("brave-otter push[0, 1]",), ("brave-otter push[2]",))


def test_the_system_says_what_would_be_cleared_away(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    ten_runs(home)
    monkeypatch.setenv("FLOWCTL_RETAIN_DAYS", "30")
    now = datetime.fromtimestamp(NOON / 1e6, UTC) + timedelta(days=1)
    source = Source.open(home, clock=lambda: now)
    source.pulse()
    before = source.system().pruning
    now += timedelta(days=90)

    after = source.system().pruning

    source.close()
    assert before.startswith("nothing yet; the oldest run on ")
    assert after.startswith("10 runs at the next clearing")


def test_answers_cannot_be_changed(home: Home, source: Source) -> None:
    ten_runs(home)
    source.pulse()
    (row, *_) = source.runs_page().rows

    with pytest.raises(FrozenInstanceError):
        row.run.name = "x"  # type: ignore[misc]  # this is what must not work


def test_many_threads_may_ask_at_once(home: Home, source: Source) -> None:
    ten_runs(home)
    source.pulse()

    def ask(number: int) -> int:
        return (len(source.runs_page().rows), len(source.run_keys()))[number % 2]

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(ask, range(120))) == {10}


def test_a_database_that_was_replaced_is_opened_again(home: Home, source: Source, tmp_path: Path) -> None:
    ten_runs(home)
    version = source.pulse().version
    assert len(source.runs_page().rows) == 10
    other = Home(str(tmp_path / "other"))
    many_runs(other, 3)
    catch_up(other)

    for name in ("flowctl.db-wal", "flowctl.db-shm"):
        (Path(home.path) / name).unlink(missing_ok=True)
    Path(other.database).replace(home.database)

    assert len(source.runs_page().rows) == 3
    assert source.pulse().version > version


def test_a_database_that_is_none_is_told_and_the_next_one_is_read(home: Home, source: Source) -> None:
    home.ensure()
    Path(home.database).write_bytes(b"this is no database, however one looks at it" * 100)

    problem = source.pulse().problem
    assert problem is not None
    assert home.database in problem
    with pytest.raises(DatabaseDamaged):
        source.runs_page()

    Path(home.database).unlink()
    ten_runs(home)
    soon(lambda: source.pulse().problem is None and len(source.runs_page().rows) == 10)


def test_closing_breaks_off_what_is_read_and_ends_the_threads(home: Home) -> None:
    ten_runs(home)
    source = Source.open(home)
    source.pulse()
    began = threading.Event()
    lane = Lane(home, "endless")

    def read_for_ever(reader: OverviewReader) -> object:
        began.set()
        return reader._rows(_ENDLESS)  # pyright: ignore[reportPrivateUsage] - no query of its own is endless

    endless, waiting = lane.submit(read_for_ever), lane.submit(lambda reader: reader.run_count())
    assert began.wait(10)

    lane.close()
    source.close()

    with pytest.raises(StoreError, match="interrupted"):
        endless.result(0)
    with pytest.raises(CancelledError):
        waiting.result(0)
    # flowctl-async is the loop of asynchronous tasks, which other tests of this process may have started.
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("flowctl-")]
    assert [name for name in left if name != "flowctl-async"] == []


def test_what_is_closed_already_can_be_broken_off(home: Home) -> None:
    # The thread that closes cannot see whether the other one has let go of its connection just now.
    ten_runs(home)
    Source.open(home).pulse()
    reader = OverviewReader.open(home)
    reader.close()

    reader.interrupt()


def test_a_hostile_run_comes_out_safe(home: Home, source: Source) -> None:
    recorded.hostile_run(home, NOON)
    source.pulse()

    detail = source.run_detail(recorded.HOSTILE)
    texts = [repr(source.runs_page()), repr(detail), repr(source.log_window(None)), repr(source.flows())]
    texts.append(repr(source.task_detail(recorded.HOSTILE, 1)))
    texts.append(repr(source.counts()))

    for text in texts:
        assert "\\x1b" not in text
        assert "\\x9b" not in text
        assert "\\u202e" not in text
        assert "\\x00" not in text
    assert "<U+202E>" in detail.run.name
