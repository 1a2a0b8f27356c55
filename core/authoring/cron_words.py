"""Says a cron expression in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flowctl.core.authoring.cron import CronFields

_WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_NTH: Final = ("last", "first", "second", "third", "fourth", "fifth")
_LAST_DAY: Final = 32
#: More times of a day than these are said by their minutes and hours.
_MOST_TIMES: Final = 4


def describe_cron(cron: CronFields) -> str:
    """Say when an expression fires: `at 02:30, on Monday to Friday`."""
    times, days = _times(cron), _days(cron)
    if days is None:
        # `every 5 minutes` is every day; `at 02:00` wants it said.
        return f"{times}, every day" if times.startswith("at ") else times
    return f"{times}, {days}"


def _times(cron: CronFields) -> str:
    words = _minutes_and_hours(cron)
    if not cron.has_seconds or cron.seconds == (0,):
        return words
    step = _step(cron.seconds, 60)
    if step is not None:
        seconds = "every second" if step == 1 else f"every {step} seconds"
        return seconds if words == "every minute" else f"{seconds} of: {words}"
    return f"at {_plural('second', cron.seconds)}, {words}"


def _minutes_and_hours(cron: CronFields) -> str:
    minutes, hours = cron.minutes, cron.hours
    if len(minutes) * len(hours) <= _MOST_TIMES:
        return f"at {_listed([f'{hour:02}:{minute:02}' for hour in hours for minute in minutes])}"
    every = _step(minutes, 60)
    if every is not None:
        often = "every minute" if every == 1 else f"every {every} minutes"
        if len(hours) == 24:
            return often
        spans = [f"from {first:02}:00 to {last:02}:59" for first, last in _spans(hours)]
        return f"{often} {_listed(spans)}"
    if len(hours) == 24:
        return "every hour" if minutes == (0,) else f"every hour at {_plural('minute', minutes)}"
    step = _step(hours, 24)
    past = "" if minutes == (0,) else f", at {_plural('minute', minutes)}"
    if step is not None:
        return f"every {step} hours{past}"
    if minutes == (0,) and len(_spans(hours)) == 1:
        return f"every hour from {hours[0]:02}:00 to {hours[-1]:02}:00"
    past_words = "on the hour" if minutes == (0,) else f"at {_plural('minute', minutes)}"
    return f"{past_words} of {_ranges(hours, [f'{hour:02}' for hour in range(24)], 'hour')}"


def _days(cron: CronFields) -> str | None:
    parts: list[str] = []
    if cron.days is not None:
        numbers = sorted(cron.days - {_LAST_DAY})
        words = [_ranges(numbers, [str(day) for day in range(_LAST_DAY)], "day")] if numbers else []
        words += ["the last day"] if _LAST_DAY in cron.days else []
        parts.append(f"on {_listed(words)} of the month")
    if cron.weekdays is not None:
        parts.append(f"on {_weekdays(cron)}")
    months = ""
    if len(cron.months) < 12:
        months = f" in {_ranges(sorted(cron.months), ['', *_MONTHS])}"
    if not parts:
        return f"every day{months}" if months else None
    if cron.needs_both and len(parts) == 2:
        return f"{parts[0]} if that is {parts[1].removeprefix('on ')}{months}"
    return f"{' or '.join(parts)}{months}"


def _weekdays(cron: CronFields) -> str:
    assert cron.weekdays is not None
    if cron.nth:
        return _listed(
            [
                f"the {_listed([_NTH[which] for which in sorted(cron.nth[weekday])])} {_WEEKDAYS[weekday]} of the month"
                for weekday in sorted(cron.nth)
            ]
        )
    # The week of people begins on Monday.
    numbers = sorted((weekday + 6) % 7 for weekday in cron.weekdays)
    return _ranges(numbers, [*_WEEKDAYS[1:], _WEEKDAYS[0]])


def _step(values: Sequence[int], whole: int) -> int | None:
    """Tell the step of values that go evenly round a whole, from 0 on."""
    step = values[1] - values[0] if len(values) > 1 else whole
    return step if step < whole and whole % step == 0 and list(values) == list(range(0, whole, step)) else None


def _spans(values: Sequence[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for value in values:
        if found and found[-1][1] == value - 1:
            found[-1] = (found[-1][0], value)
        else:
            found.append((value, value))
    return found


def _ranges(values: Sequence[int], names: Sequence[str], noun: str = "") -> str:
    words: list[str] = []
    for first, last in _spans(values):
        if last - first > 1:
            words.append(f"{names[first]} to {names[last]}")
        else:
            words += [names[value] for value in range(first, last + 1)]
    noun = f"{noun}s " if noun and len(values) > 1 else f"{noun} " if noun else ""
    return noun + _listed(words)


def _plural(noun: str, values: Sequence[int]) -> str:
    return _ranges(values, [str(value) for value in range(60)], noun)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
