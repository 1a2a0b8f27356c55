"""`Cron`, `Interval`, `RRule`: when a flow is to run by itself, as its file says with `@flow(schedule=…)`.

What they mean is in `cron`, `recurrences` and `rrules`. A run of the flow pays for none of that: here expressions are
only refused where they cannot be meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Literal, Self

from flowctl.core.authoring.cron import both_days, check_cron

CatchUpWord = Literal["latest", "all", "skip"]
_CATCH_UPS: Final = ("latest", "all", "skip")
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_LENGTH: Final = r"(\d+(?:\.\d+)?)\s*([smhdw]?)"
_SHORTEST: Final = timedelta(seconds=1)
_LONGEST: Final = timedelta(days=36525)


class Schedule:
    """What the three kinds have in common; options are given by name.

    `catchup` says what becomes of times that passed while nothing could run: the `latest` one runs, `all` do, or they
    are passed over (`skip`). `slug` names the schedule where a flow has several.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        expression: str,
        timezone: str | None,
        *,
        anchor: datetime | None = None,
        parameters: Mapping[str, Any] | None = None,
        catchup: CatchUpWord = "latest",
        active: bool = True,
        slug: str | None = None,
    ) -> None:
        self.expression = expression
        self.timezone = _checked_zone(timezone)
        self.anchor = anchor if anchor is None or anchor.tzinfo is not None else anchor.replace(tzinfo=UTC)
        self.parameters = dict(parameters or {})
        if catchup not in _CATCH_UPS:
            raise ValueError(f"`catchup` is one of {', '.join(_CATCH_UPS)}, not {catchup!r}.")
        self.catchup = catchup
        self.active = active
        self.slug = slug

    def with_words(self, **words: Any) -> Self:
        """Give a copy with other parameters, another name, or switched off."""
        made = copy(self)
        made.__dict__.update(words)
        return made

    def plain(self) -> dict[str, Any]:
        """Give it as what JSON has words for."""
        return {
            "slug": self.slug,
            "kind": self.kind,
            "expression": self.expression,
            "timezone": self.timezone,
            "anchor_at": None if self.anchor is None else self.anchor.isoformat(),
            "parameters": self.parameters,
            "catchup": self.catchup,
            "active": self.active,
        }

    def __repr__(self) -> str:
        zone = "" if self.timezone == "UTC" else f", timezone={self.timezone!r}"
        return f"{type(self).__name__}({self.expression!r}{zone})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and self.plain() == other.plain()

    def __hash__(self) -> int:
        return hash((self.kind, self.expression, self.timezone))


class Cron(Schedule):
    """By a cron expression: minute, hour, day of month, month, day of week; with `seconds`, those last.

    Where both days are given, one is enough; with `day_or=False`, or an `&` before the weekday, both are needed.
    Times of the day fire once a day also when the clocks change: see `flowctl schedule preview`.
    """

    kind: ClassVar[str] = "cron"

    def __init__(
        self,
        cron: str,
        timezone: str | None = "UTC",
        *,
        seconds: bool = False,
        day_or: bool = True,
        parameters: Mapping[str, Any] | None = None,
        catchup: CatchUpWord = "latest",
        active: bool = True,
        slug: str | None = None,
    ) -> None:
        expression = " ".join(check_cron(cron, seconds=seconds)) if day_or else both_days(cron, seconds=seconds)
        super().__init__(expression, timezone, parameters=parameters, catchup=catchup, active=active, slug=slug)


class Interval(Schedule):
    """Again and again after the same time, counted from `anchor_date`, or else from a Monday at midnight of the zone.

    The zone is that of `anchor_date` where none is named. Steps of whole days or more keep the wall clock when the
    clocks change; shorter ones count real time.
    """

    kind: ClassVar[str] = "interval"

    def __init__(
        self,
        interval: timedelta | float | None = None,
        anchor_date: datetime | None = None,
        timezone: str | None = None,
        *,
        seconds: float = 0,
        minutes: float = 0,
        hours: float = 0,
        days: float = 0,
        weeks: float = 0,
        parameters: Mapping[str, Any] | None = None,
        catchup: CatchUpWord = "latest",
        active: bool = True,
        slug: str | None = None,
    ) -> None:
        given = interval if isinstance(interval, timedelta) else timedelta(seconds=interval or 0)
        every = given + timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days, weeks=weeks)
        check_interval(every)
        super().__init__(
            seconds_of(every),
            timezone or getattr(anchor_date and anchor_date.tzinfo, "key", None),
            anchor=anchor_date,
            parameters=parameters,
            catchup=catchup,
            active=active,
            slug=slug,
        )


class RRule(Schedule):
    """By a rule of RFC 5545, such as `FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=9`."""

    kind: ClassVar[str] = "rrule"

    def __init__(
        self,
        rrule: str,
        timezone: str | None = "UTC",
        *,
        anchor_date: datetime | None = None,
        parameters: Mapping[str, Any] | None = None,
        catchup: CatchUpWord = "latest",
        active: bool = True,
        slug: str | None = None,
    ) -> None:
        super().__init__(
            rrule, timezone, anchor=anchor_date, parameters=parameters, catchup=catchup, active=active, slug=slug
        )
        from flowctl.core.authoring.rrules import read_rrule

        read_rrule(rrule, self.timezone, self.anchor)


#: Prefect's names.
CronSchedule = Cron
IntervalSchedule = Interval
RRuleSchedule = RRule


def check_interval(every: timedelta) -> None:
    """Refuse steps that cannot be meant."""
    if not _SHORTEST <= every <= _LONGEST:
        raise ValueError(f"An interval goes from one second to a hundred years, not {every.total_seconds():g} s.")


def read_length(text: str) -> timedelta | None:
    """Read `15m`, `1h30m`, `900` (seconds); None for what is no length of time."""
    import re

    words = text.strip()
    if not words or re.sub(_LENGTH, "", words, flags=re.IGNORECASE).strip():
        return None
    try:
        return sum(
            (
                timedelta(seconds=float(number) * _UNIT_S[unit.lower() or "s"])
                for number, unit in re.findall(_LENGTH, words, re.IGNORECASE)
            ),
            timedelta(),
        )
    except OverflowError:
        return None


def seconds_of(every: timedelta) -> str:
    """Write an interval as seconds, exactly."""
    whole, rest = divmod(every, _SHORTEST)
    return f"{whole}.{rest.microseconds:06d}".rstrip("0") if rest else str(whole)


def schedules_of(value: Any) -> list[Schedule]:
    """Give the schedules of `@flow(schedule=…)`: one, several, or none; raise `TypeError`, `ValueError`."""
    if value is None:
        return []
    found: list[Any] = [*value] if isinstance(value, (list, tuple)) else [value]
    for each in found:
        if not isinstance(each, Schedule):
            raise TypeError(f"`schedule` has to be Cron(…), Interval(…) or RRule(…), or a list of them, not {each!r}.")
    if len(found) > 1 and len({each.slug or each.expression for each in found}) < len(found):
        raise ValueError("Two schedules of a flow have the same name. Give each a `slug` of its own.")
    return found


def _checked_zone(timezone: str | None) -> str:
    name = timezone or "UTC"
    if name != "UTC":
        from flowctl.core.authoring.recurrences import read_zone

        read_zone(name)
    return name
