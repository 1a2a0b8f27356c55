"""The list of runs in each of its orders: its head, its keys, and windows of it that are read by them."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import pytest

from flowctl.store.home import Home
from flowctl.store.journal import LogLine, Record
from flowctl.store.overview import OverviewReader
from flowctl.store.query_language import EVERYTHING
from flowctl.tui.data.source import Source
from flowctl.tui.model.runs_list import target_of
from tests.store.journals import (
    NOON,
    SECOND,
    a_run,
    an_id,
    encoded,
    flow_created,
    flow_state,
    many_runs,
    opened,
    ten_runs,
    write_journal,
)
from tests.tui.data.conftest import hold, soon


def test_the_head_of_the_list_is_read_apart_from_the_rest(home: Home, source: Source) -> None:
    many_runs(home, 25, tasks=0)
    source.pulse()
    page, keys = source.runs_page(limit=7), source.run_keys()

    assert [row.id for row in page.rows] == [an_id(number) for number in range(24, 17, -1)]
    assert page.head == tuple(keys[:7])
    assert (len(keys), page.has_more, source.runs_page(limit=25).has_more) == (25, True, False)
    below = source.runs_page(limit=7, keys=keys[20:22])
    assert [row.id for row in below.rows] == [an_id(4), an_id(3)]
    assert below.head == page.head
    assert source.runs_page(limit=0, keys=()).head is None


def test_what_has_not_ended_stands_on_the_first_page_however_old(home: Home, source: Source) -> None:
    write_journal(home, an_id(0), a_run(an_id(0), at=NOON - SECOND, ends=None, name="old"), active=True)
    many_runs_after(home)
    with hold(home, an_id(0)):
        source.pulse()
        page = source.runs_page(limit=3)

    assert page.rows[0].run.name == "old"
    assert len(page.rows) == 3


def test_keys_give_windows_in_any_order(home: Home, source: Source) -> None:
    ten_runs(home)
    source.pulse()
    keys = source.run_keys()

    assert len(keys) == 10
    page = source.runs_page(limit=0, keys=[keys[7], keys[2], 10**9])
    assert [row.run.name for row in page.rows] == ["run-2", "run-7"]
    assert source.targets([keys[7], keys[2], 10**9]) == {row.key: target_of(row) for row in page.rows}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("age", ["waits", "later", "bad", "quick", "Slow"]),
        ("state", ["bad", "waits", "later", "quick", "Slow"]),
        ("flow", ["quick", "bad", "Slow", "waits", "later"]),
        ("took", ["waits", "Slow", "bad", "quick", "later"]),
        ("name", ["bad", "later", "quick", "Slow", "waits"]),
    ],
)
def test_the_whole_list_is_read_in_each_order_and_back_to_front(
    order: str, expected: list[str], home: Home, source: Source
) -> None:
    of_every_kind(home)
    with hold(home, an_id(3)), hold(home, an_id(4)):
        source.pulse()

        def listed(*, is_reversed: bool) -> list[str]:
            keys = source.run_keys(EVERYTHING, order, is_reversed=is_reversed)
            return [row.run.name for row in source.runs_page(limit=0, keys=keys).rows]

        assert listed(is_reversed=False) == expected
        backwards = listed(is_reversed=True)
    # What has not ended stands first by age, whichever way round.
    assert backwards == (["later", "waits", "Slow", "quick", "bad"] if order == "age" else expected[::-1])


def of_every_kind(home: Home) -> None:
    """Two that completed, one that failed, one that has not begun, one under way."""
    for number, name, flow, tasks, ends in (
        (0, "Slow", "b", 3, "COMPLETED"),
        (1, "quick", "a", 0, "COMPLETED"),
        (2, "bad", "ab", 2, "FAILED"),
        (4, "waits", "c", 0, None),
    ):
        at, run_id = NOON + number * SECOND, an_id(number)
        records = a_run(run_id, at=at, tasks=tasks, ends=ends, name=name, flow_name=flow)
        write_journal(home, run_id, records, active=ends is None)
    begun: list[Record] = [
        opened(an_id(3), at=NOON + 3 * SECOND),
        flow_created(an_id(3), at=NOON + 3 * SECOND, name="later", flow_name="c"),
    ]
    write_journal(home, an_id(3), begun, active=True)


def many_runs_after(home: Home) -> None:
    for number in range(1, 6):
        at = NOON + number * SECOND
        write_journal(home, an_id(number), a_run(an_id(number), at=at, tasks=0))


def test_the_keys_of_all_runs_are_read_anew_only_when_one_came_went_or_ended(
    home: Home, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, keys_of = 0, OverviewReader.keys

    def keys(*words: Any, **options: Any) -> array[int]:
        nonlocal read
        read += 1
        return keys_of(*words, **options)

    def say(record: Record, sequence: int) -> None:
        before = source.pulse().version
        with Path(home.journal(run_id, 1)).open("ab") as file:
            file.write(encoded([record], first_sequence=sequence))
        soon(lambda: source.pulse().version > before)

    monkeypatch.setattr(OverviewReader, "keys", keys)
    many_runs(home, 3, tasks=0)
    run_id, at = an_id(9), NOON + 9 * SECOND
    begun = a_run(run_id, at=at, tasks=0, ends=None)
    write_journal(home, run_id, begun, active=True)
    with hold(home, run_id):
        source.pulse()
        every = list(source.run_keys())
        say(LogLine(at + 1, 0, None, 20, "flowctl.flow_runs", "more"), len(begun))
        assert list(source.run_keys()) == every
        assert read == 1

        say(flow_state("COMPLETED", at=at + SECOND), len(begun) + 1)
        assert list(source.run_keys()) == every
        assert read == 2
    write_journal(home, an_id(4), a_run(an_id(4), at=NOON + 4 * SECOND, tasks=0))
    soon(lambda: source.pulse().problem is None and len(source.run_keys()) == len(every) + 1)
    assert list(source.run_keys(is_reversed=True)) == list(source.run_keys())[::-1]
