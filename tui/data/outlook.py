"""When a deployment fires next, the hours of its day, and what the clocks will do to it; worked out, not read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from itertools import islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from flowctl.core.authoring.recurrences import CronRecurrence, Occurrence, Recurrence
from flowctl.core.daemon.occurrences import first_after
from flowctl.store.plan_records import DeploymentRow, OccurrenceRow, ScheduleRow
from flowctl.store.plan_records import Outcome as Became
from flowctl.tui.data import safe_rows
from flowctl.tui.model.plans import Fire, Hour, Outlook

_FIRES: Final = 8
_WEEK: Final = timedelta(days=7)
#: A gap that is not among so many fires of a week is not found; those that fire so often are even.
_MOST_LOOKED_AT: Final = 500
_HOUR: Final = timedelta(hours=1)
_AHEAD: Final = timedelta(days=366)
_MOST_CHANGES: Final = 3
#: Of one change, so many lost or doubled times are told one by one.
_MOST_TOLD: Final = 1
_SMALLEST: Final = timedelta(microseconds=1)

#: A schedule and what it means.
Known = tuple[ScheduleRow, Recurrence]


def outlook(row: DeploymentRow, known: Sequence[Known], occurrences: Sequence[OccurrenceRow], now: datetime) -> Outlook:
    """Work out what is to be known of one deployment; `known` are those of its schedules that can fire."""
    zone = known[0][1].zone if known else ZoneInfo("UTC")
    return Outlook(
        deployment_id=row.id,
        version=row.version,
        timezone=zone.key,
        fires=tuple(islice(_fires(known, now), _FIRES)),
        hours=tuple(_hours(known, occurrences, zone, now)),
        least_gap_s=_least_gap_s(known, now),
        clock_changes=tuple(islice(_clock_changes(known, now), _MOST_CHANGES)),
        at=now,
    )


def day_of(zone: ZoneInfo, now: datetime) -> datetime:
    """Give the instant at which the present day of a zone began."""
    return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def _fires(known: Sequence[Known], now: datetime) -> Iterator[Fire]:
    each_ones = [_of_one(schedule, recurrence, now) for schedule, recurrence in known]
    yield from merge(*each_ones, key=lambda fire: fire.at)


def _of_one(schedule: ScheduleRow, recurrence: Recurrence, now: datetime) -> Iterator[Fire]:
    for each in _safely(recurrence.after(max(now, schedule.checked_until))):
        yield Fire(at=each.at, slug=safe_rows.line(schedule.slug), note=each.note)


def _safely(occurrences: Iterator[Occurrence]) -> Iterator[Occurrence]:
    try:
        yield from occurrences
    except (OverflowError, ValueError):
        return  # the calendar ends


def _hours(
    known: Sequence[Known], occurrences: Sequence[OccurrenceRow], zone: ZoneInfo, now: datetime
) -> Iterator[Hour]:
    begin = day_of(zone, now)
    local = now.astimezone(zone)
    end = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
    while begin < end:
        until = begin + _HOUR
        became = [each.outcome for each in occurrences if begin <= each.at < until]
        start = max(begin, now)
        firsts = [first_after(recurrence, start - _SMALLEST) for _, recurrence in known] if until > now else []
        yield Hour(
            at=begin,
            has_fired=any(each is not Became.SKIPPED for each in became),
            was_skipped=Became.SKIPPED in became,
            will_fire=any(first is not None and first.at < until for first in firsts),
        )
        begin = until


def _least_gap_s(known: Sequence[Known], now: datetime) -> float | None:
    times: list[datetime] = []
    for fire in islice(_fires(known, now), _MOST_LOOKED_AT):
        times.append(fire.at)
        if fire.at > now + _WEEK and len(times) > 1:
            break
    return min(((later - one).total_seconds() for one, later in pairwise(times)), default=None)


def _clock_changes(known: Sequence[Known], now: datetime) -> Iterator[str]:
    for _, recurrence in known:
        for before, after in _changes(recurrence.zone, now):
            yield from islice(_touched(recurrence, before, after), _MOST_TOLD)


def _touched(recurrence: Recurrence, before: datetime, after: datetime) -> Iterator[str]:
    """Say what a change of the clocks, somewhere between two midnights, does to a schedule."""
    day = f"{before.astimezone(recurrence.zone):%-d %b %Y}"
    zone = recurrence.zone
    seen = [each for each in _until(recurrence, before, after) if each.note is not None]
    for each in seen:
        note = each.note or ""
        if note.endswith("does not exist"):
            yield f"{day} {note} (clocks go forward): fires at {each.at.astimezone(zone):%H:%M}"
        elif recurrence.is_fixed:
            yield f"{day} {each.at.astimezone(zone):%H:%M} comes twice (clocks go back): fires once"
        else:
            yield f"{day} {each.at.astimezone(zone):%H:%M} comes twice (clocks go back): fires twice"
    if not seen and isinstance(recurrence, CronRecurrence) and (lost := _lost(recurrence, before, after)) is not None:
        yield f"{day} {lost:%H:%M} does not exist (clocks go forward): skipped"


def _until(recurrence: Recurrence, start: datetime, end: datetime) -> Iterator[Occurrence]:
    for each in islice(_safely(recurrence.after(start - _SMALLEST)), _MOST_LOOKED_AT * 10):
        if each.at >= end:
            return
        yield each


def _lost(recurrence: CronRecurrence, before: datetime, after: datetime) -> datetime | None:
    """Find the first local time that the expression means and the clocks leave out."""
    zone = recurrence.zone
    start, end = (at.astimezone(zone).replace(tzinfo=None) for at in (before, after))
    for local in islice(recurrence.fields.local_times(start), _MOST_LOOKED_AT * 10):
        if local >= end:
            return None
        if local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local:
            return local
    return None


def _changes(zone: ZoneInfo, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the days of the next year on which the clocks of a zone change, from midnight to midnight."""
    day: date = now.astimezone(zone).date()
    end = (now + _AHEAD).astimezone(zone).date()
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    while midnight.date() < end:
        following = midnight + timedelta(days=1)
        if midnight.utcoffset() != following.utcoffset():
            yield midnight.astimezone(UTC), following.astimezone(UTC)
        midnight = following
