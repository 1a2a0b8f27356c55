"""Reading one run: its tree, then only what is new in it; one task with its neighbours; windows of its log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from flowctl.core.cli.queried_runs import queried_runs, read_query
from flowctl.store.home import Home
from flowctl.store.journal import LogLine, Record
from flowctl.store.problems import RunNotFound
from flowctl.store.query_language import parse
from flowctl.tui.data.source import Source
from tests.core.cli import recorded
from tests.store.journals import (
    NOON,
    SECOND,
    a_task,
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
from tests.tui.data.conftest import NOW, hold, soon

QUERIES = (
    *("", "state:problem", "state:active", "state:done", "state:Completed", "state:crashed,failed", "not state:failed"),
    *("flow:etl*", "flow:?tl", "-flow:etl", "name:brave-*", "name:calm-heron", "id:0", "tag:prod", "deployment:x"),
    *("age<1d", "age>1d", "created>2020-01-01", "created<today", "took>1s", "took<1s", "took>1.5x"),
    *("retries>=1", "retries:0", "attempt>1", "param.day>=2026-01-01", "by:hand", "-by:schedule"),
    *("heron", '"calm heron"', "error:Value", "log:hello", "state:failed or state:crashed"),
    "(state:failed or flow:etl) -name:brave*",
)


def test_a_run_is_read_with_all_below_it(home: Home, source: Source) -> None:
    recorded.completed_run(home, NOON)
    source.pulse()

    detail = source.run_detail(recorded.COMPLETED)

    assert [row.flow_name for row in detail.subflows] == ["report"]
    assert list(detail.tasks) == list(range(1, 12))
    assert detail.tasks[11].flow_run_id == detail.subflows[0].id
    assert detail.changed == frozenset(detail.tasks)
    assert [state.name for state in detail.history] == ["Pending", "Running", "Completed"]

    below = source.run_detail(detail.subflows[0].id)
    assert (list(below.tasks), below.subflows) == ([11], ())


def test_of_a_run_that_is_known_only_what_is_new_is_read(home: Home, source: Source) -> None:
    records: list[Record] = [opened(an_id(1)), flow_created(an_id(1)), flow_state("RUNNING")]
    records += [*a_task(1), task_created(2), task_state(2, "RUNNING"), task_created(3)]
    write_journal(home, an_id(1), records)
    with hold(home, an_id(1)):
        source.pulse()
        first = source.run_detail(an_id(1))

        more = [task_state(2, "COMPLETED", at=NOON + SECOND), *a_task(4, at=NOON + SECOND)]
        write_journal(home, an_id(1), more, first_sequence=len(records))
        soon(lambda: bool(source.pulse()) and source.run_detail(an_id(1), first).tasks[2].is_final)
        second = source.run_detail(an_id(1), first)

    assert first.tasks[1] is second.tasks[1]
    assert second.is_update
    assert second.changed == {2, 4}
    assert dict(second.tasks) == dict(source.run_detail(an_id(1)).tasks)
    assert source.run_detail(an_id(1), second).changed == frozenset()


def test_a_log_is_counted_as_a_whole_for_a_task_and_for_what_is_below_a_run(home: Home, source: Source) -> None:
    run = an_id(1)
    said = [(0, None, 20), (0, 1, 30), (0, 1, 40), (1, None, 50)]
    records: list[Record] = [opened(run), flow_created(run), flow_state("RUNNING"), *a_task(1)]
    records += [flow_created(an_id(7), run=1, parent_run=0)]
    records += [LogLine(NOON + SECOND, of, task, level, "x", "said") for of, task, level in said]
    write_journal(home, run, records)
    source.pulse()
    last = len(records) - 1

    assert source.log_tally(run) == (4, 2, 1, last)
    assert source.log_tally(run, [1]) == (2, 1, 1, last - 1)
    assert source.log_tally(an_id(7)) == (1, 1, 0, last)
    assert source.log_tally(an_id(9)) == (0, 0, 0, 0)


def test_a_run_under_way_tells_its_process_and_how_often_a_task_failed_is_counted(home: Home, source: Source) -> None:
    for number in (1, 2, 3):
        failed: list[Record] = [
            task_created(1),
            task_state(1, "RUNNING"),
            task_state(1, "FAILED" if number < 3 else "COMPLETED"),
        ]
        ended = flow_state("FAILED" if number < 3 else "COMPLETED", at=NOON + SECOND)
        records: list[Record] = [
            opened(an_id(number)),
            flow_created(an_id(number)),
            flow_state("RUNNING"),
            *failed,
            ended,
        ]
        write_journal(home, an_id(number), records)
    write_journal(home, an_id(4), [opened(an_id(4)), flow_created(an_id(4)), flow_state("RUNNING")])
    with hold(home, an_id(4)):
        source.pulse()
        live = source.run_detail(an_id(4))
        flow, task = live.run.flow_name, source.run_detail(an_id(1)).tasks[1].task_key

        assert (live.pid, source.run_detail(an_id(1)).pid) == (4711, None)
        assert (live.typical_of, live.typical_s) == (1, 1.0)
        assert source.times_failed(flow, task) == 2
        assert source.times_failed(flow, "another") == 0


def test_what_a_task_gave_in_runs_before_is_read_the_latest_first(home: Home, source: Source) -> None:
    for number in range(1, 6):
        at, run = NOON + number * SECOND, an_id(number)
        gave = task_state(1, "COMPLETED", at=at, value=f"{number} rows")
        records: list[Record] = [opened(run, at=at), flow_created(run, at=at), flow_state("RUNNING", at=at)]
        records += [task_created(1, at=at), task_state(1, "RUNNING", at=at), gave, flow_state("COMPLETED", at=at)]
        write_journal(home, run, records)
    source.pulse()
    task = source.run_detail(an_id(5)).tasks[1]

    assert source.former_values(an_id(5), task) == ("4 rows", "3 rows", "2 rows")
    assert source.former_values(an_id(1), task) == ()


def test_a_run_that_only_follows_a_failed_task_is_listed_with_what_that_one_said(home: Home, source: Source) -> None:
    run, follows = an_id(1), {"type": "UnfinishedRun", "module": "flowctl", "text": "not available"}
    records: list[Record] = [opened(run), flow_created(run), flow_state("RUNNING"), *a_task(1), task_created(2)]
    records += [task_state(2, "RUNNING"), task_state(2, "FAILED", message="TimeoutError: too\x1b late")]
    write_journal(home, run, [*records, flow_state("FAILED", at=NOON + SECOND, error=follows)])
    source.pulse()

    (row,) = source.runs_page().rows
    assert row.cause is not None
    assert row.cause.startswith("TimeoutError: too")
    assert "\x1b" not in row.cause


def test_the_list_knows_the_limit_that_a_run_waits_for_and_since_when_one_is_paused(home: Home, source: Source) -> None:
    waits, paused = an_id(1), an_id(2)
    slot: dict[str, Any] = {"name": "AwaitingConcurrencySlot", "message": "Waits for a slot of the limit tag:gpu (1)."}
    records: list[Record] = [task_created(1), task_state(1, "PENDING", **slot)]
    write_journal(home, waits, [opened(waits), flow_created(waits), flow_state("RUNNING"), *records])
    stops = flow_state("PAUSED", at=NOON + SECOND, message="A person paused it.")
    write_journal(home, paused, [opened(paused), flow_created(paused), flow_state("RUNNING"), stops])
    with hold(home, waits), hold(home, paused):
        source.pulse()
        rows = {row.id: row for row in source.runs_page().rows}

    assert (rows[waits].waits_for_slot, rows[waits].retry_at) == (slot["message"], None)
    assert rows[paused].paused_at == datetime.fromtimestamp((NOON + SECOND) / 1e6, UTC)


def test_lines_with_a_text_are_counted_up_to_a_limit_in_one_run_or_in_all(home: Home, source: Source) -> None:
    for number in (1, 2):
        run = an_id(number)
        records: list[Record] = [opened(run), flow_created(run), flow_state("RUNNING"), *a_task(1)]
        said = [(None, 20, "50% done"), (1, 40, "50% done, no more"), (1, 20, "500 done")]
        records += [LogLine(NOON + SECOND, 0, task, level, "x", text) for task, level, text in said]
        write_journal(home, run, records)
    source.pulse()

    assert source.log_matches(an_id(1), "50% d") == 2
    assert source.log_matches(an_id(1), "50% d", tasks=[1]) == 1
    assert source.log_matches(an_id(1), "50% d", level=40) == 1
    assert source.log_matches(None, "done") == 6
    assert source.log_matches(None, "done", most=4) == 4
    assert source.log_matches(an_id(9), "done") == 0


def test_another_attempt_is_read_anew(home: Home, source: Source) -> None:
    recorded.retried_run(home, NOON)
    source.pulse()
    detail = source.run_detail(recorded.RETRIED)

    assert (detail.run.attempt, list(detail.tasks)) == (2, [2])


def test_a_run_that_is_gone_is_not_found(home: Home, source: Source) -> None:
    ten_runs(home)
    source.pulse()

    for question in (
        lambda: source.run_detail("x"),
        lambda: source.task_detail("x", 1),
        lambda: source.task_detail(an_id(1), 99),
        lambda: source.log_window("x"),
    ):
        with pytest.raises(RunNotFound):
            question()


def test_a_task_is_shown_with_what_it_needs_and_feeds(home: Home, source: Source) -> None:
    records: list[Record] = [opened(an_id(1)), flow_created(an_id(1)), flow_state("RUNNING")]
    records += [*a_task(1), *a_task(2, upstreams={"x": [1]}), *a_task(3, upstreams={"y": [2], "z": [2]})]
    write_journal(home, an_id(1), [*records, flow_state("COMPLETED", at=NOON + SECOND)])
    source.pulse()

    detail = source.task_detail(an_id(1), 2)

    assert [(each.name, each.parameter) for each in detail.upstreams] == [("load-001", "x")]
    assert [(each.name, each.parameter) for each in detail.downstreams] == [("load-003", "y"), ("load-003", "z")]
    assert (detail.has_result, detail.result_size) == (True, 5)
    assert detail.run.id == an_id(1)


def a_long_log(home: Home, count: int) -> None:
    records: list[Record] = [opened(an_id(1)), flow_created(an_id(1)), flow_state("RUNNING"), *a_task(1)]
    for number in range(count):
        task, level = (1, 40) if number % 10 == 0 else (None, 20)
        records.append(LogLine(NOON + number, 0, task, level, "log", f"line {number}"))
    write_journal(home, an_id(1), [*records, flow_state("COMPLETED", at=NOON + SECOND)])


def test_log_windows_walk_the_whole_log_in_both_directions(home: Home, source: Source) -> None:
    a_long_log(home, 100)
    source.pulse()
    window = source.log_window(an_id(1), limit=30)
    assert [entry.row.message for entry in window.entries] == [f"line {n}" for n in range(70, 100)]
    assert (window.has_before, window.has_after) == (True, False)

    up: list[str] = []
    while window.has_before:
        first = window.entries[0]
        window = source.log_window(an_id(1), before=(first.root, first.seq), limit=30)
        up[:0] = [entry.row.message for entry in window.entries]
    assert up == [f"line {n}" for n in range(70)]

    down = [entry.row.message for entry in window.entries]
    while True:
        last = window.entries[-1]
        window = source.log_window(an_id(1), after=(last.root, last.seq), limit=30)
        down += [entry.row.message for entry in window.entries]
        if not window.has_after:
            break
    assert down == [f"line {n}" for n in range(100)]


def test_logs_are_filtered_by_level_task_and_text(home: Home, source: Source) -> None:
    a_long_log(home, 100)
    source.pulse()

    def found(**wanted: object) -> list[str]:
        return [entry.row.message for entry in source.log_window(an_id(1), **wanted).entries]  # type: ignore[arg-type]

    assert found(level=30) == [f"line {n}" for n in range(0, 100, 10)]
    assert found(tasks=[1]) == found(level=30)
    assert found(search="LINE 9") == ["line 9", *(f"line {n}" for n in range(90, 100))]
    assert found(search="%") == []
    assert source.log_window(an_id(1), tasks=[1]).entries[0].speaker == "load"


def test_the_log_of_all_runs_goes_run_by_run(home: Home, source: Source) -> None:
    many_runs(home, 5, tasks=0)
    source.pulse()

    last = source.log_window(None, limit=2)
    rest = source.log_window(None, before=(last.entries[0].root, last.entries[0].seq))

    assert [entry.row.flow_run_id for entry in (*rest.entries, *last.entries)] == [an_id(n) for n in range(5)]


def test_a_query_finds_in_the_interface_what_it_finds_on_the_command_line(home: Home, source: Source) -> None:
    recorded.everything(home, NOON)
    ten_runs(home)
    source.pulse()
    found: dict[str, list[str]] = {}
    for text in QUERIES:
        query = parse(text)
        found[text] = [run.id for run in queried_runs(home, query, now=NOW, limit=1000)]
        keys = source.run_keys(query)
        for page in (source.runs_page(query, limit=1000), source.runs_page(query, keys=keys)):
            assert sorted(row.id for row in page.rows) == sorted(found[text]), text
        assert read_query(text) == query

    # They are not alike because nothing is found, or everything.
    sizes = {len(ids) for ids in found.values()}
    assert len(sizes) > 4, sizes
