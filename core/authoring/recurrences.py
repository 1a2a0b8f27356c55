"""From local times to instants: when a schedule fires, daylight saving included.

Schedules that mean times of the day fire once a day, whatever the clocks do: at the first of two equal local times,
and at the end of a gap in which their time would have been. Schedules that mean an interval stay even: they fire at
both of two equal local times, and not in a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo, available_timezones

from flowctl.core.authoring.cron import CronFields

#: Intervals from here on keep the wall clock; shorter ones count real time.
DAY: Final = timedelta(days=1)
#: Where intervals and rules are counted from when nobody says: a Monday, at midnight of the zone.
_ORIGIN: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - local times have no zone yet
_SECOND: Final = timedelta(seconds=1)


class Occurrence(NamedTuple):
    """An instant that a schedule asks for."""

    #: UTC.
    at: datetime
    #: Of schedules that mean a time of day: that time and its zone.
    local_at: str | None = None
    #: What the clocks had to do with it, on such a day.
    note: str | None = None


class Recurrence(Protocol):
    """What fires again and again."""

    @property
    def zone(self) -> ZoneInfo: ...

    @property
    def is_fixed(self) -> bool:
        """Whether it means times of the day."""
        ...

    def after(self, instant: datetime) -> Iterator[Occurrence]:
        """Yield its occurrences after an instant, in order; the iterator may end."""
        ...


class ZoneProblem(ValueError):
    """A time zone that the machine does not know."""

    def __init__(self, name: str) -> None:
        from difflib import get_close_matches

        near = get_close_matches(name, available_timezones(), n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(
            f"There is no time zone {name!r:.60}.{guess} Zones are named as in 'Europe/Berlin'; if none is known here, "
            "`pip install tzdata`."
        )


def read_zone(name: str) -> ZoneInfo:
    """Load a time zone by its name; raise `ZoneProblem`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError, AttributeError):
        # The names of folders, of files that are no zones, and what is no name at all come as various errors.
        raise ZoneProblem(str(name)) from None


class CronRecurrence:
    """A cron expression in a zone."""

    def __init__(self, fields: CronFields, zone: ZoneInfo) -> None:
        self.fields = fields
        self.zone = zone

    @property
    def is_fixed(self) -> bool:
        return not self.fields.is_wildcard

    def after(self, instant: datetime) -> Iterator[Occurrence]:
        """Yield its occurrences after an instant, in order."""
        return (_fixed if self.is_fixed else _even)(self.fields.local_times, self.zone, instant)


class IntervalRecurrence:
    """Steps of one length from an anchor."""

    def __init__(self, every: timedelta, anchor: datetime | None, zone: ZoneInfo) -> None:
        self.every = every
        self.zone = zone
        self._anchor = anchor or _ORIGIN.replace(tzinfo=zone)

    @property
    def is_fixed(self) -> bool:
        return self.every >= DAY

    def after(self, instant: datetime) -> Iterator[Occurrence]:
        """Yield its occurrences after an instant, in order."""
        if self.is_fixed:
            return _fixed(self._local_times, self.zone, instant)
        anchor = self._anchor.astimezone(UTC)
        return (Occurrence(at) for at in _steps(anchor, self.every, instant.astimezone(UTC) + _SMALLEST))

    def _local_times(self, start: datetime) -> Iterator[datetime]:
        return _steps(self._anchor.astimezone(self.zone).replace(tzinfo=None), self.every, start)


class LocalRecurrence:
    """Local times of any making, in a zone."""

    def __init__(
        self, local_times: Callable[[datetime], Iterator[datetime]], zone: ZoneInfo, *, is_fixed: bool
    ) -> None:
        self.zone = zone
        self.is_fixed = is_fixed
        self._local_times = local_times

    def after(self, instant: datetime) -> Iterator[Occurrence]:
        """Yield its occurrences after an instant, in order."""
        return (_fixed if self.is_fixed else _even)(self._local_times, self.zone, instant)


_SMALLEST: Final = timedelta(microseconds=1)


def _steps(anchor: datetime, every: timedelta, start: datetime) -> Iterator[datetime]:
    """Yield the steps from `start` on; both have a zone, or neither has."""
    number = -((anchor - start) // every)
    while True:
        try:
            yield anchor + number * every
        except OverflowError:
            return
        number += 1


def _fixed(
    local_times: Callable[[datetime], Iterator[datetime]], zone: ZoneInfo, instant: datetime
) -> Iterator[Occurrence]:
    """Yield what means times of the day: once for each, and later rather than not at all."""
    instant = instant.astimezone(UTC)
    last = instant
    for local in local_times(_local(instant, zone)):
        first, second = local.replace(tzinfo=zone), local.replace(tzinfo=zone, fold=1)
        before, after = _offset(first), _offset(second)
        note = None
        if before < after:
            at = _end_of_gap(local, zone, before, after)
            note = f"{local:%H:%M} does not exist"
        else:
            at = (local - before).replace(tzinfo=UTC)
            if before > after:
                note = _FIRST_TIME
        if at > last:
            last = at
            yield Occurrence(at, f"{local} {zone.key}", note)


def _even(
    local_times: Callable[[datetime], Iterator[datetime]], zone: ZoneInfo, instant: datetime
) -> Iterator[Occurrence]:
    """Yield what means an interval: even in real time, as far as the local times are."""
    instant = instant.astimezone(UTC)
    start = _local(instant, zone)
    before, after = (_offset(start.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if before > after:
        # The hour that comes twice: what stands earlier in it is still to come for the second time.
        start -= before - after
    waiting: list[datetime] = []
    for local in local_times(start):
        before, after = (_offset(local.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
        if before < after:
            continue
        first = (local - before).replace(tzinfo=UTC)
        while waiting and waiting[0] < first:
            yield Occurrence(heappop(waiting), None, _SECOND_TIME)
        if before > after and (second := (local - after).replace(tzinfo=UTC)) > instant:
            heappush(waiting, second)
        if first > instant:
            yield Occurrence(first, None, _FIRST_TIME if before > after else None)
    while waiting:
        yield Occurrence(heappop(waiting), None, _SECOND_TIME)


_FIRST_TIME: Final = "comes twice: the first"
_SECOND_TIME: Final = "comes twice: the second"


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(local: datetime) -> timedelta:
    offset = local.utcoffset()
    return timedelta(0) if offset is None else offset


def _end_of_gap(local: datetime, zone: ZoneInfo, before: timedelta, after: timedelta) -> datetime:
    """Find the first instant after a gap that a local time falls into."""
    # At the one the old offset holds still, at the other the new one does.
    low, high = (local - after).replace(tzinfo=UTC, microsecond=0), (local - before).replace(tzinfo=UTC, microsecond=0)
    while high - low > _SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if _offset(middle.astimezone(zone)) == before:
            low = middle
        else:
            high = middle
    return high
