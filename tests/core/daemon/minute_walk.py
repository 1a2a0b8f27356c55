"""The rule of occurrences written a second time, as a walk over every minute, with nothing of flowctl in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

MINUTE = timedelta(minutes=1)
AROUND = timedelta(hours=36)
FIRST, LAST = datetime(2025, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)

#: Forty expressions: fixed ones and those that begin with a star, at the hours in which clocks change and elsewhere.
EXPRESSIONS = (
    "0 0 * * *",
    "30 0 * * *",
    "59 23 * * *",
    "0 1 * * *",
    "30 1 * * *",
    "15,45 1-3 * * *",
    "0 2 * * *",
    "30 2 * * *",
    "45 2 * * *",
    "0 2,3 * * *",
    "0,30 0-4 * * *",
    "0 3 * * *",
    "30 3 * * *",
    "0 4 * * *",
    "5 4 * * *",
    "0 9-17 * * *",
    "0 22-2 * * *",
    "10-50/10 1,2,3 * * *",
    "0 12 * * *",
    "0 2 * * 0",
    "30 2 * 3,10 0",
    "0 0 1 * *",
    "0 0 1,15 * 1",
    "30 1 * * 6-7",
    "0 2 25-31 * *",
    "45 23 31 * *",
    "* * * * *",
    "*/5 * * * *",
    "*/15 * * * *",
    "*/20 2 * * *",
    "*/30 * * * *",
    "0 * * * *",
    "7 * * * *",
    "30 * * * 0",
    "0 */2 * * *",
    "30 */3 * * *",
    "0 */5 * * *",
    "*/7 0-4 * * *",
    "* 1-2 * * *",
    "*/10 */6 25-31 3,10 *",
)


def transitions_by_zone() -> dict[str, list[datetime]]:
    """List the instants at which each zone of tzdata changes its offset; zones with equal data share one list."""
    found: dict[str, list[datetime]] = {}
    by_data: dict[bytes, list[datetime]] = {}
    for name in sorted(available_timezones()):
        data = _data(name)
        if data not in by_data:
            by_data[data] = list(_transitions(ZoneInfo(name)))
        found[name] = by_data[data]
    return found


def walk(expression: str, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """Tell when an expression fires within a span, by looking at each of its minutes."""
    times, is_day = read(expression)
    minute, hour, *_ = expression.split()
    is_fixed = not minute.startswith("*") and not hour.startswith("*")
    found: list[datetime] = []
    for before, now in _minutes(zone, start, end):
        matches = _minute_of(now.local) in times and is_day(now.local.date())
        if is_fixed:
            matches = matches and not now.is_second_time
            # The clock was put forward: whatever it leapt over is due now.
            lost = before.local + MINUTE
            while lost < now.local and not matches:
                matches = _minute_of(lost) in times and is_day(lost.date())
                lost += MINUTE
        if matches:
            found.append(now.instant)
    return found


@dataclass(frozen=True)
class Minute:
    instant: datetime
    #: What the clock on the wall shows.
    local: datetime
    #: It showed that an hour ago, too.
    is_second_time: bool


@lru_cache(maxsize=4)
def _minutes(zone: ZoneInfo, start: datetime, end: datetime) -> list[tuple[Minute, Minute]]:
    seen: set[datetime] = set()
    found: list[Minute] = []
    instant = start - MINUTE
    while instant < end:
        local = instant.astimezone(zone).replace(tzinfo=None)
        found.append(Minute(instant, local, local in seen))
        seen.add(local)
        instant += MINUTE
    return list(pairwise(found))


@lru_cache(maxsize=100)
def read(expression: str) -> tuple[frozenset[int], Callable[[date], bool]]:
    """Give the minutes of a day, and which days, by crontab(5)."""
    minutes, hours, days, months, weekdays = expression.split()
    times = frozenset(hour * 60 + minute for hour in _values(hours, 0, 23) for minute in _values(minutes, 0, 59))
    day_set, month_set = _values(days, 1, 31), _values(months, 1, 12)
    weekday_set = {weekday % 7 for weekday in _values(weekdays, 0, 7)}

    @lru_cache(maxsize=1000)
    def is_day(day: date) -> bool:
        in_month, in_week = day.day in day_set, day.isoweekday() % 7 in weekday_set
        if days != "*" and weekdays != "*":
            return day.month in month_set and (in_month or in_week)
        return day.month in month_set and in_month and in_week

    return times, is_day


def _values(field: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        begin, end = (low, high) if span == "*" else (int(first), int(last or first))
        # 22-2 goes over midnight.
        numbers = list(range(begin, end + 1)) if begin <= end else [*range(begin, high + 1), *range(low, end + 1)]
        found.update(numbers[:: int(step or 1)])
    return found


def _minute_of(local: datetime) -> int:
    return local.hour * 60 + local.minute


def _transitions(zone: ZoneInfo) -> Iterator[datetime]:
    step = timedelta(hours=6)
    instant, offset = FIRST, FIRST.astimezone(zone).utcoffset()
    while instant < LAST:
        after = (instant + step).astimezone(zone).utcoffset()
        if after != offset:
            low, high = instant, instant + step
            while high - low > MINUTE:
                middle = low + (high - low) // 2
                middle -= timedelta(seconds=middle.second, microseconds=middle.microsecond)
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == offset else (low, middle)
            yield high
        instant, offset = instant + step, after


def _data(name: str) -> bytes:
    try:
        return files("tzdata.zoneinfo").joinpath(*name.split("/")).read_bytes()
    except (FileNotFoundError, ModuleNotFoundError):
        # A zone of the machine that the package does not have.
        return name.encode()
