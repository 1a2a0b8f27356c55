"""Occurrences of intervals, rules and cron lines: where clocks change, over long spans, at the edges."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flowctl import Cron, CronSchedule, Interval, RRule, flow
from flowctl.core.authoring.recurrences import Occurrence, ZoneProblem, read_zone
from flowctl.core.authoring.schedules import Schedule
from flowctl.core.daemon.occurrences import describe, first_after, missed, recurrence_of, spec_of
from flowctl.store.plan_records import ScheduleKind
from flowctl.testing import schedule_dates

BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"


def dates(schedule: Schedule, start: str, count: int) -> list[str]:
    found = schedule_dates(schedule, count, datetime.fromisoformat(start))
    return [each.replace(":00+", "+").replace(":00-", "-") for each in found]


def test_a_daily_job_whose_time_is_leapt_over_runs_at_the_first_instant_there_is() -> None:
    assert dates(Cron("30 2 * * *", NEW_YORK), "2026-03-07T12:00+00:00", 2) == [
        "2026-03-08T03:00-04:00",
        "2026-03-09T02:30-04:00",
    ]


def test_times_that_are_leapt_over_together_run_once() -> None:
    assert dates(Cron("0,30 2,3 * * *", NEW_YORK), "2026-03-08T00:00-05:00", 2) == [
        "2026-03-08T03:00-04:00",
        "2026-03-08T03:30-04:00",
    ]


def test_a_daily_job_at_a_time_that_comes_twice_runs_at_the_first() -> None:
    assert dates(Cron("30 1 * * *", NEW_YORK), "2026-10-31T12:00+00:00", 2) == [
        "2026-11-01T01:30-04:00",
        "2026-11-02T01:30-05:00",
    ]


def test_a_job_of_every_half_an_hour_stays_even_when_clocks_go_back() -> None:
    found = [
        datetime.fromisoformat(each)
        for each in schedule_dates(Cron("*/30 * * * *", BERLIN), 8, datetime(2026, 10, 25, 0, 0, tzinfo=UTC))
    ]

    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=30)}


def test_a_job_of_some_hours_has_no_invented_run_when_clocks_go_forward() -> None:
    assert dates(Cron("0 */2 * * *", NEW_YORK), "2026-03-08T00:00-05:00", 3) == [
        "2026-03-08T00:00-05:00",
        "2026-03-08T04:00-04:00",
        "2026-03-08T06:00-04:00",
    ]


def test_an_interval_of_days_keeps_the_wall_clock_and_a_shorter_one_does_not() -> None:
    anchor = datetime(2026, 3, 27, 9, tzinfo=read_zone(BERLIN))

    assert dates(Interval(days=1, anchor_date=anchor, timezone=BERLIN), "2026-03-28T00:00+00:00", 2) == [
        "2026-03-28T09:00+01:00",
        "2026-03-29T09:00+02:00",
    ]
    assert dates(Interval(hours=12, anchor_date=anchor, timezone=BERLIN), "2026-03-28T12:00+00:00", 2) == [
        "2026-03-28T21:00+01:00",
        "2026-03-29T10:00+02:00",
    ]


def test_an_interval_that_is_counted_from_nowhere_begins_on_a_monday_at_midnight() -> None:
    assert dates(Interval(weeks=1, timezone=BERLIN), "2026-01-01T00:00+00:00", 1) == ["2026-01-05T00:00+01:00"]
    assert dates(Interval(900), "2026-01-01T00:01+00:00", 1) == ["2026-01-01T00:15+00:00"]


def test_an_interval_before_its_anchor_steps_back_from_it() -> None:
    anchor = datetime(2030, 1, 1, 0, 7, tzinfo=UTC)

    assert dates(Interval(hours=1, anchor_date=anchor), "2026-01-01T00:00+00:00", 1) == ["2026-01-01T00:07+00:00"]


@pytest.mark.parametrize("seconds", [0, -5, 0.5, 1e12])
def test_an_interval_that_cannot_be_meant_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"from one second to a hundred years|days=|Python int"):
        Interval(seconds)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY;BYHOUR=9;BYMINUTE=30", ["2026-03-28T09:30+01:00", "2026-03-29T09:30+02:00"]),
        ("RRULE:FREQ=MONTHLY;BYDAY=-1FR", ["2026-04-24T00:00+02:00", "2026-05-29T00:00+02:00"]),
        ("DTSTART:20200102T080000\nRRULE:FREQ=WEEKLY;INTERVAL=2", ["2026-04-02T08:00+02:00", "2026-04-16T08:00+02:00"]),
        ("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", ["2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00"]),
        ("FREQ=HOURLY;BYDAY=SA;BYHOUR=5", ["2026-03-28T05:00+01:00", "2026-04-04T05:00+02:00"]),
        ("FREQ=DAILY;UNTIL=20260328T230000Z", ["2026-03-28T00:00+01:00", "2026-03-29T00:00+01:00"]),
        ("DTSTART:20260327T010000\nFREQ=DAILY;COUNT=2", ["2026-03-28T01:00+01:00"]),
        ("DTSTART:20260301T100000\nRRULE:FREQ=YEARLY\nRDATE:20260328T120000", ["2026-03-28T12:00+01:00"]),
        ("RDATE:20260401T090000", ["2026-04-01T09:00+02:00"]),
        ("RRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY;BYDAY=SA,SU", ["2026-03-30T00:00+02:00", "2026-03-31T00:00+02:00"]),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO\nRRULE:FREQ=MONTHLY", ["2026-03-30T00:00+02:00", "2026-04-01T00:00+02:00"]),
        # As in Prefect, days are counted from the beginning of 2020, a Wednesday.
        ("FREQ=WEEKLY", ["2026-04-01T00:00+02:00", "2026-04-08T00:00+02:00"]),
        ("FREQ=DAILY\nEXDATE:20260328T000000,20260330T000000", ["2026-03-29T00:00+01:00", "2026-03-31T00:00+02:00"]),
    ],
)
def test_a_rule_fires_at_the_local_times_that_it_says(rule: str, expected: list[str]) -> None:
    assert dates(RRule(rule, BERLIN), "2026-03-27T12:00+00:00", len(expected)) == expected


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ("", "has no RRULE"),
        ("foo", "has 'FOO'"),
        ("FREQ=FORTNIGHTLY", "has no FREQ"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0"),
        ("FREQ=DAILY;COUNT=3", "needs a beginning"),
        ("DTSTART:20260101T000000\nFREQ=SECONDLY;COUNT=100000000", "COUNT=100000000"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "never fires"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never fires"),
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "Write it as FREQ=DAILY"),
        ("FREQ=HOURLY;INTERVAL=2;BYHOUR=1", "cannot be read"),
        ("FREQ=DAILY;BYHOUR=99", "cannot be read"),
        ("DTSTART;TZID=Asia/Tokyo:20260101T000000\nFREQ=DAILY", "names TZID"),
        ("EXDATE:20260101T000000", "has no RRULE"),
        ("RRULE:FREQ=DAILY\nEXRULE:FREQ=DAILY", "never fires"),
        ("RRULE:FREQ=MINUTELY\nEXRULE:FREQ=MINUTELY", "never fires"),
        ("\n".join(["RRULE:FREQ=DAILY"] * 21), "more than 20 rules"),
        ("FREQ=DAILY;" + "X" * 7000, "7,011 characters"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_in_a_bounded_time(rule: str, part: str) -> None:
    began = time.perf_counter()

    with pytest.raises(ValueError, match="The rule") as caught:
        RRule(rule, BERLIN)

    assert part in str(caught.value)
    assert time.perf_counter() - began < 5


def test_a_rule_that_began_two_years_ago_by_the_second_is_found_fast() -> None:
    rule = recurrence_of(ScheduleKind.RRULE, "DTSTART:20240101T000000\nFREQ=SECONDLY;INTERVAL=7", "UTC")
    began = time.perf_counter()

    first = first_after(rule, datetime(2026, 1, 1, tzinfo=UTC))

    assert first is not None
    assert (first.at - datetime(2024, 1, 1, tzinfo=UTC)).total_seconds() % 7 == 0
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    ("kind", "expression"),
    [
        (ScheduleKind.CRON, "* * * * * *"),
        (ScheduleKind.INTERVAL, "1"),
        (ScheduleKind.RRULE, "FREQ=SECONDLY"),
    ],
)
def test_two_years_of_missed_seconds_give_the_newest_thousand_in_a_moment(kind: ScheduleKind, expression: str) -> None:
    recurrence = recurrence_of(kind, expression, BERLIN)
    now = datetime(2026, 10, 25, 2, tzinfo=UTC)
    began = time.perf_counter()

    found = missed(recurrence, now - timedelta(days=730), now)

    assert time.perf_counter() - began < 1
    assert found.has_more
    assert [each.at for each in found.occurrences] == [now - timedelta(seconds=999 - each) for each in range(1000)]


@pytest.mark.parametrize("expression", ["0 2 * * *", "*/30 * * * *", "0 0 29 2 *", "0 0 1 1 *", "0 4 * * 1#1"])
@pytest.mark.parametrize("days", [0.01, 1, 40, 4000])
def test_what_was_missed_in_a_span_is_what_a_walk_through_it_finds(expression: str, days: float) -> None:
    recurrence = recurrence_of(ScheduleKind.CRON, expression, BERLIN)
    now = datetime(2026, 10, 26, 3, 15, tzinfo=UTC)
    after = now - timedelta(days=days)
    walked: list[Occurrence] = []
    for each in recurrence.after(after):
        if each.at > now:
            break
        walked.append(each)

    found = missed(recurrence, after, now)

    assert found.occurrences == walked[-1000:]
    assert found.has_more is (len(walked) > 1000)


def test_a_time_of_the_day_is_known_by_the_day_as_well_as_by_the_instant() -> None:
    fixed = first_after(recurrence_of(ScheduleKind.CRON, "30 2 * * *", BERLIN), datetime(2026, 3, 28, 12, tzinfo=UTC))
    even = first_after(recurrence_of(ScheduleKind.CRON, "*/5 * * * *", BERLIN), datetime(2026, 3, 28, 12, tzinfo=UTC))

    assert fixed is not None
    assert even is not None
    assert (fixed.local_at, even.local_at) == ("2026-03-29 02:30:00 Europe/Berlin", None)
    assert fixed.note == "02:30 does not exist"


def test_the_end_of_the_calendar_is_the_end_of_a_schedule() -> None:
    recurrence = recurrence_of(ScheduleKind.CRON, "0 0 * * *", BERLIN)

    assert first_after(recurrence, datetime(9999, 12, 31, 22, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    "name", ["Mars/Base", "Europ/Berlin", "../etc/passwd", "America", "", "/etc/localtime", "a" * 500]
)
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ZoneProblem, match="There is no time zone"):
        read_zone(name)


def test_a_zone_that_is_misspelled_is_guessed() -> None:
    with pytest.raises(ZoneProblem, match="Did you mean 'Europe/Berlin'"):
        Cron("* * * * *", timezone="Europ/Berlin")


@pytest.mark.parametrize(
    ("plain", "part"),
    [
        ({"expression": "61 * * * *"}, "out of range"),
        ({"kind": "sundial", "expression": "x"}, "cron, interval or rrule"),
        ({"kind": "interval", "expression": "soon"}, "a number of seconds"),
        ({"expression": "* * * * *", "timezone": "Mars/Base"}, "no time zone"),
        ({"expression": "* * * * *", "catchup": "some"}, "latest, all or skip"),
        ({"expression": "* * * * *", "cronn": 1}, "has no 'cronn'"),
        ({"expression": "* * * * *", "parameters": [1]}, "an object"),
        ({"expression": "* * * * *", "anchor_at": "yesterday"}, "is no time"),
        ({"expression": "* * * * *", "slug": "a\nb"}, "printable"),
    ],
)
def test_a_wish_that_cannot_be_meant_is_refused_with_a_sentence(plain: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError) as caught:
        spec_of(plain)

    assert part in str(caught.value)


def test_what_a_flow_file_says_becomes_a_schedule() -> None:
    @flow(
        schedule=[Cron("0 2 * * *", timezone=BERLIN, parameters={"full": True}), Interval(minutes=15, catchup="skip")]
    )
    def nightly() -> None: ...

    specs = [spec_of(each.plain()) for each in nightly.schedules]

    assert [(each.slug, each.expression, each.timezone, each.catchup) for each in specs] == [
        ("0 2 * * *", "0 2 * * *", BERLIN, "latest"),
        ("interval 900", "900", "UTC", "skip"),
    ]
    assert specs[0].parameters == {"full": True}


def test_what_is_no_schedule_is_refused_where_it_is_written() -> None:
    with pytest.raises(TypeError, match=r"Cron\(…\)"):
        flow(schedule="0 2 * * *")(lambda: None)
    with pytest.raises(ValueError, match="same name"):
        flow(schedule=[Cron("0 2 * * *"), Cron("0 2 * * *", timezone=BERLIN)])(lambda: None)


def test_a_cron_expression_can_need_both_of_its_days() -> None:
    assert CronSchedule(cron="0 0 13 * 5", day_or=False) == Cron("0 0 13 * &5")
    assert Cron("0 0 13 * *", day_or=False).expression == "0 0 13 * *"
    assert dates(Cron("0 0 13 * 5", day_or=False), "2026-02-14T00:00+00:00", 2) == [
        "2026-03-13T00:00+00:00",
        "2026-11-13T00:00+00:00",
    ]


def test_an_interval_takes_the_zone_of_its_anchor_where_none_is_named() -> None:
    anchor = datetime(2026, 1, 5, 9, tzinfo=ZoneInfo(BERLIN))

    assert Interval(days=1, anchor_date=anchor).timezone == BERLIN
    assert Interval(days=1, anchor_date=anchor, timezone="UTC").timezone == "UTC"
    assert Interval(days=1, anchor_date=anchor.astimezone(UTC)).timezone == "UTC"


@pytest.mark.parametrize(
    ("kind", "expression", "words"),
    [
        (ScheduleKind.CRON, "0 2 * * *", "at 02:00, every day (Europe/Berlin)"),
        (ScheduleKind.INTERVAL, "900", "every 15 minutes (Europe/Berlin)"),
        (ScheduleKind.INTERVAL, "604800", "every week (Europe/Berlin)"),
        (ScheduleKind.INTERVAL, "1.5", "every 1.5 seconds (Europe/Berlin)"),
        (ScheduleKind.RRULE, "FREQ=DAILY", "by the rule FREQ=DAILY (Europe/Berlin)"),
    ],
)
def test_a_schedule_is_said_in_words(kind: ScheduleKind, expression: str, words: str) -> None:
    assert describe(kind, expression, BERLIN) == words


def test_a_flow_with_a_schedule_loads_no_croniter() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from flowctl import flow, Cron\n"
        "@flow(schedule=Cron('0 2 * * *'))\ndef nightly(): ...\n"
        "assert not {'croniter', 'dateutil', 'zoneinfo'} & sys.modules.keys(), sys.modules.keys()"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr == ""


def test_the_first_thousand_steps_of_a_schedule_go_on_from_one_another() -> None:
    recurrence = recurrence_of(ScheduleKind.CRON, "*/7 0-4 * * *", "Australia/Lord_Howe")
    start = datetime(2026, 4, 1, tzinfo=UTC)
    whole = [each.at for each in islice(recurrence.after(start), 1000)]

    single = [start]
    while len(single) <= 1000:
        following = first_after(recurrence, single[-1])
        assert following is not None
        single.append(following.at)

    assert single[1:] == whole
