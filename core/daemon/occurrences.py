"""The occurrences of a schedule on record: which it asked for in a span, how it is said, how a wish becomes one.

How local times become instants is in `core.authoring.recurrences`; here is what the daemon needs on top: bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final, NamedTuple, cast

from flowctl.core.authoring.cron import read_cron
from flowctl.core.authoring.cron_words import describe_cron
from flowctl.core.authoring.recurrences import (
    DAY,
    CronRecurrence,
    IntervalRecurrence,
    Occurrence,
    Recurrence,
    read_zone,
)
from flowctl.core.authoring.rrules import read_rrule
from flowctl.core.authoring.schedules import check_interval, seconds_of
from flowctl.store.plan_records import CatchUp, ScheduleKind, ScheduleRow, ScheduleSpec

#: Of the occurrences that were missed, only the newest so many are looked at one by one.
MOST_MISSED: Final = 1000
_LONGEST_SLUG: Final = 100
_MOST_KEPT: Final = 10_000


class Missed(NamedTuple):
    """The occurrences of a span."""

    #: The newest ones, oldest first.
    occurrences: list[Occurrence]
    #: There were more, before these.
    has_more: bool


def recurrence_of(kind: ScheduleKind, expression: str, timezone: str, anchor: datetime | None = None) -> Recurrence:
    """Read a schedule; raise `ValueError` with a sentence where it cannot be meant."""
    zone = read_zone(timezone)
    match kind:
        case ScheduleKind.CRON:
            return CronRecurrence(read_cron(expression, seconds=None), zone)
        case ScheduleKind.INTERVAL:
            return IntervalRecurrence(_interval(expression), anchor, zone)
        case ScheduleKind.RRULE:
            return read_rrule(expression, timezone, anchor)


def first_after(recurrence: Recurrence, instant: datetime) -> Occurrence | None:
    """Give the first occurrence after an instant; None where there is none."""
    try:
        return next(recurrence.after(instant), None)
    except (OverflowError, ValueError):
        # The calendar ends.
        return None


def missed(recurrence: Recurrence, after: datetime, until: datetime, *, most: int = MOST_MISSED) -> Missed:
    """Give the newest occurrences of a span, its end included, however long it is."""
    # About as long as so many take, by the first two of the last day.
    nearest = [each.at for each in islice(recurrence.after(max(after, until - DAY)), 2)]
    span = (nearest[1] - nearest[0]) * (most + 1) if len(nearest) == 2 else 400 * DAY
    while True:
        start = until - min(span, until - after)
        found: list[Occurrence] = []
        dropped = False
        for each in recurrence.after(start):
            if each.at > until:
                break
            found.append(each)
            if len(found) > 2 * most:
                del found[:most]
                dropped = True
        if start == after or len(found) > most:
            return Missed(found[-most:], dropped or len(found) > most or start > after)
        # From far away at first, since a walk over years of seconds would never end.
        span *= 4


def describe(kind: ScheduleKind, expression: str, timezone: str) -> str:
    """Say a schedule in words."""
    match kind:
        case ScheduleKind.CRON:
            words = describe_cron(read_cron(expression, seconds=None))
        case ScheduleKind.INTERVAL:
            words = f"every {_length(_interval(expression))}"
        case ScheduleKind.RRULE:
            words = f"by the rule {' '.join(expression.split())}"
    return words if timezone == "UTC" and kind is not ScheduleKind.CRON else f"{words} ({timezone})"


def spec_of(plain: Mapping[str, Any]) -> ScheduleSpec:
    """Make of a plain object, from a flow file, a command or TOML, a schedule that can be meant.

    Raise `ValueError` with a sentence.
    """
    unknown = plain.keys() - _KEYS
    if unknown:
        raise ValueError(f"A schedule has no {sorted(unknown)[0]!r}. It has: {', '.join(sorted(_KEYS))}.")
    try:
        kind = ScheduleKind(plain.get("kind", "cron"))
        catchup = CatchUp(plain.get("catchup") or "latest")
    except ValueError as error:
        raise ValueError(
            f"A schedule's kind is cron, interval or rrule, its catchup latest, all or skip: {error}."
        ) from None
    expression, timezone = str(plain.get("expression", "")), str(plain.get("timezone") or "UTC")
    if kind is ScheduleKind.INTERVAL:
        expression = seconds_of(_interval(expression))
    anchor = _moment(plain.get("anchor_at"))
    recurrence = recurrence_of(kind, expression, timezone, anchor)
    if first_after(recurrence, datetime(2000, 1, 1, tzinfo=UTC)) is None:
        raise ValueError(f"The schedule {expression!r:.80} never fires.")
    parameters: Any = plain.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise ValueError("The `parameters` of a schedule are an object: parameter -> value.")
    slug = str(plain.get("slug") or _slug(kind, expression))
    if len(slug) > _LONGEST_SLUG or not slug.isprintable():
        raise ValueError(f"A schedule's name has at most {_LONGEST_SLUG} printable characters, not {slug!r:.60}.")
    return ScheduleSpec(
        slug=slug,
        kind=kind,
        expression=expression,
        timezone=timezone,
        anchor_at=anchor,
        parameters=cast("dict[str, object]", parameters),
        catchup=catchup,
        active=plain.get("active") is not False,
    )


class Recurrences:
    """The recurrences of schedules on record, each read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Recurrence] = {}

    def of(self, schedule: ScheduleRow) -> Recurrence:
        """Give the recurrence of a schedule; raise `ValueError`."""
        key = (schedule.kind, schedule.expression, schedule.timezone, schedule.anchor_at)
        found = self._known.get(key)
        if found is None:
            if len(self._known) > _MOST_KEPT:
                self._known.clear()
            found = self._known[key] = recurrence_of(
                schedule.kind, schedule.expression, schedule.timezone, schedule.anchor_at
            )
        return found

    def clear(self) -> None:
        """Forget them all, as when zones have other rules."""
        self._known.clear()


_KEYS: Final = frozenset({"slug", "kind", "expression", "timezone", "anchor_at", "parameters", "catchup", "active"})


def _interval(expression: str) -> timedelta:
    try:
        every = timedelta(seconds=float(expression))
    except (ValueError, OverflowError):
        raise ValueError(f"An interval is a number of seconds, not {expression!r:.40}.") from None
    check_interval(every)
    return every


def _slug(kind: ScheduleKind, expression: str) -> str:
    words = " ".join(expression.split())
    return words[:60] if kind is ScheduleKind.CRON else f"{kind} {words}"[:60]


def _moment(value: Any) -> datetime | None:  # what somebody wrote
    if value is None or isinstance(value, datetime):
        found = value
    else:
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            raise ValueError(f"{str(value)!r:.40} is no time. Write it as 2026-01-31T09:00:00+01:00.") from None
    return found if found is None or found.tzinfo is not None else found.replace(tzinfo=UTC)


def _length(every: timedelta) -> str:
    for noun, unit in (("week", 7 * DAY), ("day", DAY), ("hour", DAY / 24), ("minute", DAY / 1440)):
        number, rest = divmod(every, unit)
        if not rest:
            return noun if number == 1 else f"{number} {noun}s"
    seconds = seconds_of(every)
    return "second" if seconds == "1" else f"{seconds} seconds"
