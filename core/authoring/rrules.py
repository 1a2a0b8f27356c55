"""Rules of RFC 5545: read, bounded, and turned into local times by dateutil.

dateutil knows no end to its search: a rule that never fires, or one that counts from long ago, would hold the daemon
up for ever. So rules are evaluated near the end of its calendar, which repeats every 400 years, and from a start that
is moved close to where one looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from flowctl.core.authoring.recurrences import LocalRecurrence, read_zone

LONGEST: Final = 6500
MOST_COUNTED: Final = 1000
_MOST_TIMES_A_DAY: Final = 1440
_LARGEST_INTERVAL: Final = 10_000
_HORIZON_YEARS: Final = 50
#: Where rules that name no beginning are counted from, as in Prefect.
_ORIGIN: Final = datetime(2020, 1, 1)  # noqa: DTZ001 - local times have no zone yet
_MOST_RULES: Final = 20
#: A schedule whose times are all left out, so many in a row, has come to its end: a month of minutes.
_MOST_LEFT_OUT: Final = 50_000
_STEPS: Final = {
    "SECONDLY": timedelta(seconds=1),
    "MINUTELY": timedelta(minutes=1),
    "HOURLY": timedelta(hours=1),
    "DAILY": timedelta(days=1),
    "WEEKLY": timedelta(weeks=1),
}
_FREQUENCIES: Final = (*_STEPS, "MONTHLY", "YEARLY")
_SHORT: Final = ("SECONDLY", "MINUTELY", "HOURLY")
_TIMES: Final = ("BYHOUR", "BYMINUTE", "BYSECOND")
_DATES: Final = ("BYMONTH", "BYMONTHDAY", "BYDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS")
_PARTS: Final = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", *_TIMES, *_DATES)
_MOMENT: Final = re.compile(r"(\d{8})(?:T(\d{6})(Z)?)?")


class RuleProblem(ValueError):
    """A rule that cannot be meant."""

    def __init__(self, text: str, problem: str) -> None:
        shown = " ".join(text.split())
        super().__init__(f"The rule {shown if len(shown) <= 60 else shown[:59] + '…'!r} {problem}")


def read_rrule(text: str, timezone: str, anchor: datetime | None = None) -> LocalRecurrence:
    """Read a rule, with or without `RRULE:`, or several lines: DTSTART, RRULE, RDATE, EXRULE, EXDATE.

    Without DTSTART it is counted from the anchor, or else from the beginning of 2020. Raise `RuleProblem`.
    """
    zone = read_zone(timezone)
    if len(text) > LONGEST:
        raise RuleProblem(text, f"has {len(text):,} characters; at most {LONGEST:,} make a schedule.")
    lines = _read_lines(text, zone)
    start = lines.start
    if start is None and anchor is not None:
        start = anchor.astimezone(zone).replace(tzinfo=None, microsecond=0)
    if start is None and any("COUNT" in parts for parts in (*lines.rules, *lines.but_rules)):
        raise RuleProblem(text, "counts, so it needs a beginning: add a line DTSTART:20260101T000000.")
    start = start or _ORIGIN
    rules = [_Rule(text, _bounded(text, parts), start) for parts in lines.rules]
    but = [_Rule(text, _bounded(text, parts), start) for parts in lines.but_rules]
    whole = _RuleSet(rules, sorted(lines.dates), but, frozenset(lines.but_dates))
    if next(whole.local_times(start), None) is None:
        raise RuleProblem(text, "never fires.")
    return LocalRecurrence(whole.local_times, zone, is_fixed=all(parts["FREQ"] not in _SHORT for parts in lines.rules))


class _RuleSet:
    """Rules and single times, those of other rules and other single times left out."""

    def __init__(
        self, rules: list[_Rule], dates: list[datetime], but_rules: list[_Rule], but_dates: frozenset[datetime]
    ) -> None:
        self._rules = rules
        self._dates = dates
        self._but_rules = but_rules
        self._but_dates = but_dates

    def local_times(self, start: datetime) -> Iterator[datetime]:
        """Yield the local times from `start` on, each once."""
        dates = (each for each in self._dates if each >= start)
        wanted = merge(dates, *(rule.local_times(start) for rule in self._rules))
        unwanted = merge(*(rule.local_times(start) for rule in self._but_rules))
        left_out = next(unwanted, None)
        last: datetime | None = None
        in_a_row = 0
        for each in wanted:
            while left_out is not None and left_out < each:
                left_out = next(unwanted, None)
            if each in (last, left_out) or each in self._but_dates:
                in_a_row += 1
                if in_a_row > _MOST_LEFT_OUT:
                    return
                continue
            in_a_row = 0
            last = each
            yield each


class _Rule:
    """One rule from a local start."""

    def __init__(self, text: str, parts: dict[str, str], start: datetime) -> None:
        self.start = start
        self._step = _STEPS.get(parts["FREQ"])
        self._interval = int(parts.get("INTERVAL", "1"))
        self._count = int(parts["COUNT"]) if "COUNT" in parts else None
        self._until = _moment(text, parts["UNTIL"]) if "UNTIL" in parts else None
        endless = {name: value for name, value in parts.items() if name not in ("COUNT", "UNTIL")}
        self._text = ";".join(f"{name}={value}" for name, value in endless.items())
        try:
            self._made(start)
        except Exception as error:  # noqa: BLE001 - dateutil raises whatever its calculations run into
            raise RuleProblem(text, f"cannot be read: {error}.") from None

    def local_times(self, start: datetime) -> Iterator[datetime]:
        """Yield its local times from `start` on."""
        begin = self.start
        if self._count is None and self._step is not None and start > begin:
            # As many whole steps as there are: its phase stays.
            stride = self._step * self._interval
            begin += stride * max((start - begin) // stride - 1, 0)
        years = max((9999 - _HORIZON_YEARS - max(begin, start).year) // 400 * 400, 0)
        found = iter(self._made(begin.replace(year=begin.year + years)))
        for each in islice(found, self._count):
            local = each.replace(year=each.year - years)
            if self._until is not None and local > self._until:
                return
            if local >= start:
                yield local

    def _made(self, start: datetime) -> Any:  # dateutil has no types
        from dateutil.rrule import rrulestr

        return rrulestr(self._text, dtstart=start)


@dataclass(slots=True)
class _Lines:
    """What the lines of a text ask for."""

    rules: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    dates: set[datetime] = field(default_factory=set[datetime])
    but_rules: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    but_dates: set[datetime] = field(default_factory=set[datetime])
    start: datetime | None = None


def _read_lines(text: str, zone: ZoneInfo) -> _Lines:
    found = _Lines()
    # RFC 5545 folds long lines by a line break and a space.
    for line in re.sub(r"\r?\n[ \t]", "", text.strip()).upper().splitlines():
        name, _, value = line.strip().rpartition(":")
        name, _, zone_word = name.partition(";")
        if zone_word and zone_word not in (f"TZID={zone.key.upper()}", "VALUE=DATE", "VALUE=DATE-TIME"):
            raise RuleProblem(text, f"names {zone_word}, while its time zone is {zone.key}. Leave one of them away.")
        if name in ("", "RRULE") and value:
            found.rules.append(_read_parts(text, value, zone))
        elif name == "EXRULE":
            found.but_rules.append(_read_parts(text, value, zone))
        elif name == "DTSTART" and found.start is None:
            found.start = _moment(text, value, zone)
        elif name in ("RDATE", "EXDATE"):
            dates = found.dates if name == "RDATE" else found.but_dates
            dates.update(_moment(text, each, zone) for each in value.split(","))
        elif line.strip():
            raise RuleProblem(
                text,
                f"has {line.strip()[:40]!r}; DTSTART (once), RRULE, RDATE, EXRULE and EXDATE are understood.",
            )
    if not found.rules and not found.dates:
        raise RuleProblem(text, "has no RRULE. Write it as FREQ=DAILY;BYHOUR=9.")
    if len(found.rules) + len(found.but_rules) > _MOST_RULES:
        raise RuleProblem(text, f"has more than {_MOST_RULES} rules. Make several schedules of it.")
    return found


def _read_parts(text: str, value: str, zone: ZoneInfo) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in filter(None, value.strip().split(";")):
        name, _, given = part.partition("=")
        if name not in _PARTS or name in parts or not given:
            known = ", ".join(_PARTS)
            raise RuleProblem(text, f"has {part[:40]!r}, which is nothing, or twice. There are: {known}.")
        parts[name] = given
    if parts.get("FREQ") not in _FREQUENCIES:
        raise RuleProblem(text, f"has no FREQ. There are: {', '.join(_FREQUENCIES)}.")
    for name in ("INTERVAL", "COUNT"):
        most = _LARGEST_INTERVAL if name == "INTERVAL" else MOST_COUNTED
        if name in parts and not (parts[name].isdigit() and len(parts[name]) < 9 and 1 <= int(parts[name]) <= most):
            raise RuleProblem(text, f"has {name}={parts[name][:20]}; it goes from 1 to {most:,}.")
    if until := parts.get("UNTIL"):
        parts["UNTIL"] = _moment(text, until, zone).strftime("%Y%m%dT%H%M%S")
        if "T" not in until:
            parts["UNTIL"] = until + "T235959"
    return parts


def _bounded(text: str, parts: dict[str, str]) -> dict[str, str]:
    """Refuse what would be searched for too long, or say the same so that it is found fast."""
    times = 1
    for name in _TIMES:
        times *= parts[name].count(",") + 1 if name in parts else 1
    if times > _MOST_TIMES_A_DAY:
        raise RuleProblem(text, f"has {times:,} times in a step; at most {_MOST_TIMES_A_DAY:,} are taken.")
    frequency = parts["FREQ"]
    if frequency not in _SHORT or not any(name in parts for name in _DATES):
        return parts
    if frequency == "SECONDLY" or parts.get("INTERVAL", "1") != "1" or "BYSETPOS" in parts or "COUNT" in parts:
        raise RuleProblem(
            text, f"picks days for FREQ={frequency}. Write it as FREQ=DAILY with BYHOUR, BYMINUTE and BYSECOND."
        )
    found = {**parts, "FREQ": "DAILY"}
    found.setdefault("BYHOUR", ",".join(map(str, range(24))))
    if frequency == "MINUTELY":
        found.setdefault("BYMINUTE", ",".join(map(str, range(60))))
    return found


def _moment(text: str, value: str, zone: ZoneInfo | None = None) -> datetime:
    """Read a date or time as local time."""
    found = _MOMENT.fullmatch(value.strip())
    if found is not None:
        try:
            local = datetime.strptime(found[1] + (found[2] or "000000"), "%Y%m%d%H%M%S")  # noqa: DTZ007 - as above
            if found[3] and zone is not None:
                return local.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
            return local
        except (ValueError, OverflowError):
            pass
    raise RuleProblem(text, f"has {value[:30]!r}, which is no time. Write it as 20260131T093000.")
