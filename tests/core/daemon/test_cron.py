"""Cron expressions: what is read, what is refused, at which local times they fire."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.core.authoring.cron import CronProblem, check_cron, read_cron
from flowctl.core.authoring.cron_words import describe_cron


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def local_times(expression: str, start: str, count: int) -> list[str]:
    begin = local(start)
    return [f"{each:%Y-%m-%d %H:%M}" for each in islice(read_cron(expression).local_times(begin), count)]


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("", "has 0 fields, not 5"),
        ("not a cron", "has 3 fields, not 5"),
        ("61 * * * *", "its minute, '61', has '61', which is out of range (0 to 59)"),
        ("0 24 * * *", "its hour, '24', has '24', which is out of range (0 to 23)"),
        ("0 0 0 * *", "out of range (1 to 31)"),
        ("0 0 * 13 *", "out of range (1 to 12)"),
        ("0 0 * * 8", "out of range (0 to 7)"),
        ("-1 * * * *", "means nothing there"),
        ("*/61 * * * *", "a step beyond its range"),
        ("*/0 * * * *", "a step beyond its range"),
        ("1-31/40 0 * * *", "a step beyond its range"),
        ("0 0 15W * *", "means nothing there"),
        ("0 0 LW * *", "means nothing there"),
        ("R * * * *", "means nothing there"),
        ("H 0 * * *", "means nothing there"),
        ("0 0 * january *", "means nothing there"),
        ("0 0 * * 1#6", "means nothing there"),
        ("0 0 1,, * *", "a comma too many"),
        ("0 0 * * 1,5#3", "mixes weekdays"),
        ("@reboot", "means nothing here"),
        ("@every 5m", "means nothing here"),
        ("* * * * * *", "has to be asked for"),
        ("0 0 1 1 * 0 2099", "has 7 fields"),
        ("\n0 0 * * *", "characters that no cron expression has"),
        ("٣ * * * *", "characters that no cron expression has"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 2,4,6 *", "never fires"),
        ("0 0 30-31 2 ?", "never fires"),
        ("0 0 30 2 &1", "never fires"),
        ("0 0 1 * &1#5", "never fires"),
        ("0 0 & * *", "means nothing there"),
        (",".join(["1"] * 300) + " * * * *", "607 characters; at most 256"),
        (5, "has to be text, not int"),
    ],
)
def test_an_expression_that_cannot_be_meant_is_refused_with_the_reason(expression: Any, part: str) -> None:
    with pytest.raises(CronProblem) as caught:
        read_cron(expression)

    assert part in str(caught.value)
    with pytest.raises(CronProblem):
        check_cron(expression)


def test_a_list_of_100_000_items_is_refused_at_once() -> None:
    began = time.perf_counter()

    with pytest.raises(CronProblem):
        read_cron(",".join(["1"] * 100_000) + " * * * *")

    assert time.perf_counter() - began < 0.05


@pytest.mark.parametrize(
    ("expression", "start", "expected"),
    [
        # What croniter alone gets wrong: a day of the month beside a weekday of one week of it; either is enough.
        ("0 0 15 * 1#1", "2026-01-01", ["2026-01-05 00:00", "2026-01-15 00:00", "2026-02-02 00:00"]),
        ("0 0 1 * 1#1", "2026-01-01", ["2026-01-01 00:00", "2026-01-05 00:00", "2026-02-01 00:00"]),
        ("0 0 13 * 5#2", "2026-01-01", ["2026-01-09 00:00", "2026-01-13 00:00", "2026-02-13 00:00"]),
        ("0 0 15 * L5", "2026-01-16", ["2026-01-30 00:00", "2026-02-15 00:00", "2026-02-27 00:00"]),
        ("0 0 29 2 0#5", "2027-01-01", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        # With an `&` both days are needed.
        ("0 0 13 * &5", "2026-01-01", ["2026-02-13 00:00", "2026-03-13 00:00", "2026-11-13 00:00"]),
        ("0 0 29 2 &1", "2024-03-01", ["2044-02-29 00:00", "2072-02-29 00:00", "2112-02-29 00:00"]),
        ("0 0 1-7 * &mon", "2026-01-01", ["2026-01-05 00:00", "2026-02-02 00:00"]),
        ("0 0 * * &5", "2026-01-01", ["2026-01-02 00:00"]),
        ("0 0 29 2 *", "2096-03-01", ["2104-02-29 00:00"]),
        ("0 0 L * *", "2028-02-01", ["2028-02-29 00:00", "2028-03-31 00:00"]),
        ("0 0 31 * *", "2026-02-01", ["2026-03-31 00:00", "2026-05-31 00:00"]),
        ("0 22-2 * * *", "2026-01-01T21:00", ["2026-01-01 22:00", "2026-01-01 23:00", "2026-01-02 00:00"]),
        ("0 0 * * fri-mon", "2026-01-01", ["2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00"]),
        ("0 0 * * 7", "2026-01-01", ["2026-01-04 00:00"]),
        ("@weekly", "2026-01-01", ["2026-01-04 00:00"]),
        ("5/15 * * * *", "2026-01-01T00:06", ["2026-01-01 00:20", "2026-01-01 00:35"]),
    ],
)
def test_the_days_that_an_expression_means_are_found(expression: str, start: str, expected: list[str]) -> None:
    assert local_times(expression, start, len(expected)) == expected


def test_the_sixth_field_is_seconds_where_it_is_asked_for() -> None:
    found = read_cron("0 9 * * * */20", seconds=True).local_times(local("2026-01-01T09:00:15"))

    assert [each.second for each in islice(found, 3)] == [20, 40, 0]


def test_an_expression_that_has_fired_its_last_comes_to_an_end() -> None:
    assert list(read_cron("0 0 1 1 *").local_times(local("9999-12-30"))) == []


_NUMBERS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@st.composite
def expressions(draw: st.DrawFn) -> str:
    fields: list[str] = []
    for low, high in _NUMBERS:
        kind = draw(st.sampled_from(("*", "*", "step", "list", "range", "one")))
        numbers = st.integers(low, high)
        match kind:
            case "*":
                fields.append("*")
            case "step":
                fields.append(f"*/{draw(st.integers(1, max(1, (high - low) // 2)))}")
            case "list":
                fields.append(",".join(map(str, draw(st.lists(numbers, min_size=1, max_size=4)))))
            case "range":
                fields.append(f"{draw(numbers)}-{draw(numbers)}")
            case _:
                fields.append(str(draw(numbers)))
    return " ".join(fields)


@settings(max_examples=150, deadline=None)
@given(expressions(), st.datetimes(local("2025-01-01"), local("2030-01-01")))
def test_local_times_are_those_of_croniter_where_no_zone_is_about(expression: str, start: datetime) -> None:
    start = start.replace(second=0, microsecond=0)
    try:
        mine = list(islice(read_cron(expression).local_times(start + timedelta(minutes=1)), 8))
    except CronProblem:
        return
    theirs = croniter(expression, start)

    assert mine == [theirs.get_next(datetime) for _ in mine]
    assert mine


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 2 * * *", "at 02:00, every day"),
        ("30 2 1 * *", "at 02:30, on day 1 of the month"),
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("7 * * * *", "every hour at minute 7"),
        ("0 */2 * * *", "every 2 hours"),
        ("0 9-17 * * 1-5", "every hour from 09:00 to 17:00, on Monday to Friday"),
        ("0 0 1,15 * 1", "at 00:00, on days 1 and 15 of the month or on Monday"),
        ("0 0 13 * &5", "at 00:00, on day 13 of the month if that is Friday"),
        ("0 9 * * L5", "at 09:00, on the last Friday of the month"),
        ("0 0 29 2 *", "at 00:00, on day 29 of the month in February"),
    ],
)
def test_an_expression_is_said_in_words(expression: str, words: str) -> None:
    assert describe_cron(read_cron(expression)) == words
