"""A cron expression: how it is read and refused, and at which local times it fires, zones aside.

croniter reads the fields, and nothing more: its own steps fire fixed times twice in autumn, invent runs in spring,
miss days when a weekday of the month meets a day of the month, and cost fifty times as much as those here.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

#: Longer ones are no schedule but an attack: a list of 100,000 items takes a second to read.
LONGEST: Final = 256
#: What fires at all fires within so many years: a fifth Tuesday in February comes every 28, and after 40 around 2100.
_FARTHEST_YEARS: Final = 41
#: Times of a day that are made once and not anew for each day.
_MOST_KEPT: Final = 1440

_ALIASES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS: Final = ("minute", "hour", "day of month", "month", "day of week", "second")
_RANGES: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7), (0, 59))
_DAY, _MONTH, _WEEKDAY = 2, 3, 4
_NAMES: Final = {
    _MONTH: ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
    _WEEKDAY: ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"),
}
_ANY: Final = ("*", "?")
_SOME_DAY: Final = date(2024, 1, 1)
_ITEM: Final = re.compile(
    r"(?:[*?]|(?P<first>\d{1,2}|[A-Z]{3})(?:-(?P<last>\d{1,2}|[A-Z]{3}))?)(?:/(?P<step>\d{1,2}))?"
)
#: The last Friday of a month, or the second one.
_NTH: Final = re.compile(r"L[0-7]|(?:[0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)#[1-5]")


class CronProblem(ValueError):
    """A cron expression that cannot be meant."""

    def __init__(self, expression: str, problem: str) -> None:
        shown = expression if len(expression) <= 60 else expression[:59] + "…"
        super().__init__(f"The cron expression {shown!r} {problem}")


class CronFields(NamedTuple):
    """What the fields of an expression allow."""

    text: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    #: None: any, and then only the weekday decides; 32 is the last day, whichever that is.
    days: frozenset[int] | None
    months: frozenset[int]
    #: 0 is Sunday. None: any, and then only the day of the month decides; where both are given, one is enough,
    #: unless both are needed.
    weekdays: frozenset[int] | None
    #: Weekday -> which ones of the month, from 1; 0 is the last. These, and no others of that weekday.
    nth: dict[int, frozenset[int]]
    #: Its minute or hour field begins with `*`: it means an interval, not times of the day.
    is_wildcard: bool
    has_seconds: bool
    #: Its weekday was written behind an `&`: the 13th, and a Friday.
    needs_both: bool = False

    def times(self, start: time = time.min) -> Iterator[time]:
        """Yield the times of a day on which it fires, from `start` on."""
        for hour in self.hours:
            if hour < start.hour:
                continue
            for minute in self.minutes:
                if (hour, minute) < (start.hour, start.minute):
                    continue
                for second in self.seconds:
                    if (found := time(hour, minute, second)) >= start:
                        yield found

    def on(self, day: date) -> bool:
        """Tell whether it fires on a day."""
        if day.month not in self.months:
            return False
        if self.days is None and self.weekdays is None:
            return True
        last = monthrange(day.year, day.month)[1]
        if self.days is not None:
            is_day = day.day in self.days or (32 in self.days and day.day == last)
            if is_day != self.needs_both:
                return is_day
        weekday = day.isoweekday() % 7
        if self.weekdays is None or weekday not in self.weekdays:
            return False
        wanted = self.nth.get(weekday)
        return wanted is None or (day.day + 6) // 7 in wanted or (0 in wanted and day.day > last - 7)

    def days_from(self, start: date) -> Iterator[date]:
        """Yield the days on which it fires; ends when there was none in years."""
        limit = start.year + _FARTHEST_YEARS
        day = start
        while day.year <= limit and day < date.max:
            if day.month not in self.months:
                if (day.year, day.month) == (9999, 12):
                    return
                day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
                continue
            if self.on(day):
                yield day
                limit = day.year + _FARTHEST_YEARS
            day += timedelta(days=1)

    def local_times(self, start: datetime) -> Iterator[datetime]:
        """Yield the local times at which it fires, from `start` on; neither they nor it have a zone."""
        is_short = len(self.hours) * len(self.minutes) * len(self.seconds) <= _MOST_KEPT
        whole_day = list(self.times()) if is_short else None
        for day in self.days_from(start.date()):
            if day == start.date():
                times = self.times(start.time())
            else:
                times = iter(whole_day) if whole_day is not None else self.times()
            for each in times:
                yield datetime.combine(day, each)


def read_cron(expression: str, *, seconds: bool | None = False, is_checked: bool = False) -> CronFields:
    """Read an expression of five fields, or with `seconds` of six, the seconds last; None: as it is written.

    Raise `CronProblem`.
    """
    fields = expression.split() if is_checked else check_cron(expression, seconds=seconds)
    from croniter import croniter

    try:
        # croniter has no types, and no `&`.
        found: Any = croniter.expand(" ".join(fields).replace("&", ""))
        values, nth = found
        return _of(fields, values, nth)
    except Exception as error:  # noqa: BLE001 - croniter raises more than its own errors
        raise CronProblem(expression, f"cannot be read: {error}.") from None


def check_cron(expression: str, *, seconds: bool | None = False) -> list[str]:
    """Refuse what `read_cron` refuses, in a hundredth of its time; return the fields. Raise `CronProblem`."""
    if not isinstance(expression, str):  # pyright: ignore[reportUnnecessaryIsInstance] - it comes from users
        raise CronProblem(repr(expression), f"has to be text, not {type(expression).__name__}.")
    if len(expression) > LONGEST:
        raise CronProblem(expression, f"has {len(expression):,} characters; at most {LONGEST} make a schedule.")
    if not expression.isprintable() or not expression.isascii():
        raise CronProblem(expression, "has characters that no cron expression has.")
    fields = _ALIASES.get(expression.strip().lower(), expression).split()
    if text := next((each for each in fields if each.startswith("@")), None):
        raise CronProblem(expression, f"has {text}, which means nothing here. There are: {', '.join(_ALIASES)}.")
    wanted = 6 if seconds or (seconds is None and len(fields) == 6) else 5
    if len(fields) != wanted:
        hint = "minute, hour, day of month, month, day of week"
        if seconds:
            hint += ", second"
        elif len(fields) == 6:
            hint += " (a sixth one, of seconds, has to be asked for: seconds=True, or --seconds)"
        count = "one field" if len(fields) == 1 else f"{len(fields)} fields"
        raise CronProblem(expression, f"has {count}, not {wanted}: {hint}.")
    for place, field in enumerate(fields):
        for item in (field.removeprefix("&") if place == _WEEKDAY else field).upper().split(","):
            if problem := _item_problem(item, place):
                name, (low, high) = _FIELDS[place], _RANGES[place]
                raise CronProblem(expression, f"cannot be read: its {name}, {field!r}, {problem} ({low} to {high}).")
    weekdays = fields[_WEEKDAY].upper().removeprefix("&").split(",")
    if len({_NTH.fullmatch(item) is None for item in weekdays}) > 1:
        raise CronProblem(expression, "mixes weekdays with those of one week of the month. Make two schedules of it.")
    if _never_fires(fields):
        raise CronProblem(expression, "never fires: none of its months has such a day.")
    return fields


def both_days(expression: str, *, seconds: bool = False) -> str:
    """Have an expression with two days fire where both fit, by an `&` before its weekday; raise `CronProblem`."""
    fields = check_cron(expression, seconds=seconds)
    if fields[_DAY] not in _ANY and fields[_WEEKDAY] not in _ANY:
        fields[_WEEKDAY] = f"&{fields[_WEEKDAY].removeprefix('&')}"
    return " ".join(fields)


def _never_fires(fields: list[str]) -> bool:
    needs_both = fields[_WEEKDAY].startswith("&")
    if fields[_DAY] in _ANY or not (fields[_WEEKDAY] in _ANY or needs_both):
        return False
    if needs_both and ("#" in fields[_WEEKDAY] or "L" in fields[_WEEKDAY].upper()):
        # The 1st is no fifth Monday: seldom written, so it may cost the time to try.
        return (
            next(read_cron(" ".join(fields), seconds=len(fields) == 6, is_checked=True).days_from(_SOME_DAY), None)
            is None
        )
    days, months = (_spread(fields[place].upper(), place) for place in (_DAY, _MONTH))
    longest = max(29 if month == 2 else monthrange(2024, month)[1] for month in months)
    return min(days) > longest


def _spread(field: str, place: int) -> set[int]:
    """List the numbers of a field that was checked; the last day of the month counts as the first, which every has."""
    low, high = _RANGES[place]
    found: set[int] = set()
    for item in field.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            found.add(1)
            continue
        first, last, step = match["first"], match["last"], int(match["step"] or 1)
        begin = low if first is None else _number(first, place)
        end = _number(last, place) if last else high if first is None or match["step"] else begin
        numbers = [*range(begin, end + 1)] if begin <= end else [*range(begin, high + 1), *range(low, end + 1)]
        found.update(numbers[::step])
    return found


def _number(word: str, place: int) -> int:
    return int(word) if word.isdigit() else _NAMES[place].index(word) + (place == _MONTH)


def _item_problem(item: str, place: int) -> str | None:
    """Say what is wrong with an item of a field's list."""
    if (place == _DAY and item == "L") or (place == _WEEKDAY and _NTH.fullmatch(item)):
        return None
    found = _ITEM.fullmatch(item)
    if found is None:
        return f"has {item!r}, which means nothing there" if item else "has a comma too many"
    (low, high), names = _RANGES[place], _NAMES.get(place, ())
    numbers: list[int] = []
    for word in (found["first"], found["last"]):
        if word is None:
            continue
        if not word.isdigit() and word not in names:
            return f"has {word!r}, which means nothing there"
        numbers.append(_number(word, place))
    if any(not low <= number <= high for number in numbers):
        return f"has {item!r}, which is out of range"
    if found["step"] is not None:
        begin, end = numbers[0] if numbers else low, numbers[1] if len(numbers) == 2 else high
        span = end - begin if end >= begin else end - begin + high - low + 1
        if not 0 < int(found["step"]) <= max(span, 1):
            return f"has a step beyond its range, {item!r}"
    return None


def _of(fields: list[str], values: list[list[Any]], nth: dict[int, set[Any]]) -> CronFields:
    minutes, hours, days, months, weekdays, *rest = values
    return CronFields(
        text=" ".join(fields),
        seconds=_numbers(rest[0], 5) if rest else (0,),
        minutes=_numbers(minutes, 0),
        hours=_numbers(hours, 1),
        days=None if days == ["*"] else frozenset(32 if each == "l" else int(each) for each in days),
        months=frozenset(_numbers(months, 3)),
        weekdays=None if weekdays == ["*"] else frozenset(int(each) % 7 for each in weekdays),
        nth={
            int(weekday) % 7: frozenset(0 if each == "l" else int(each) for each in which)
            for weekday, which in nth.items()
        },
        is_wildcard=fields[0].startswith("*") or fields[1].startswith("*"),
        has_seconds=bool(rest),
        needs_both=days != ["*"] and fields[_WEEKDAY].startswith("&"),
    )


def _numbers(values: list[Any], field: int) -> tuple[int, ...]:
    low, high = _RANGES[field]
    if "*" in values:
        return tuple(range(low, high + 1))
    return tuple(sorted({int(each) for each in values}))
