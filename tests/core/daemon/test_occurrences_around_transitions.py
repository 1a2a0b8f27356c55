"""Occurrences around every change of a clock, against a walk over every minute.

`FLOWCTL_ALL_ZONES=1` takes every zone and transition from 2025 to 2030; otherwise it is a sample of them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from flowctl.core.authoring.cron import read_cron
from flowctl.core.authoring.recurrences import CronRecurrence
from tests.core.daemon.minute_walk import AROUND, EXPRESSIONS, MINUTE, transitions_by_zone, walk

IS_WHOLE = bool(os.environ.get("FLOWCTL_ALL_ZONES"))
SAMPLE = 24
#: Always in the sample: half an hour, two hours, midnight, a gap over midnight, the usual ones.
ALWAYS = (
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "America/Havana",
    "Africa/Cairo",
    "Europe/Berlin",
    "Africa/El_Aaiun",
)

Case = tuple[ZoneInfo, datetime]


def occurrences(expression: str, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    for each in CronRecurrence(read_cron(expression), zone).after(start - MINUTE):
        if each.at >= end:
            return
        yield each.at


def cases() -> tuple[list[Case], int]:
    """List what differs: zones whose clocks change at one instant in one way share a case. Also count them all."""
    distinct: dict[tuple[object, ...], Case] = {}
    count = 0
    for name, transitions in transitions_by_zone().items():
        zone = ZoneInfo(name)
        for instant in transitions:
            count += 1
            offsets = tuple(
                (instant + step).astimezone(zone).utcoffset() for step in (-AROUND, -MINUTE, MINUTE, AROUND)
            )
            key = (instant, *offsets)
            if key not in distinct or name in ALWAYS:
                distinct[key] = (zone, instant)
    return list(distinct.values()), count


def sampled(found: list[Case]) -> list[Case]:
    always = {zone.key: (zone, instant) for zone, instant in found if zone.key in ALWAYS}
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    return [*always.values(), *random.Random(seed).sample(found, SAMPLE - len(always))]


@pytest.mark.timeout(3600 if IS_WHOLE else 120)
def test_occurrences_around_transitions_are_those_of_a_walk_over_every_minute() -> None:
    found, count = cases()
    chosen = found if IS_WHOLE else sampled(found)

    compared = 0
    differences: list[str] = []
    for zone, instant in chosen:
        start, end = instant - AROUND, instant + AROUND
        for expression in EXPRESSIONS:
            mine, walked = list(occurrences(expression, zone, start, end)), walk(expression, zone, start, end)
            compared += len(walked)
            if mine != walked:
                odd = sorted(set(mine) ^ set(walked))
                differences.append(f"{expression} in {zone.key} at {instant}: {[str(each) for each in odd[:5]]}")

    print(f"{count} transitions of zones, {len(chosen)} distinct ones taken, {compared} occurrences")
    assert differences == []
    assert compared > 1000


@pytest.mark.parametrize("name", ALWAYS)
def test_a_start_at_any_minute_of_a_transition_day_goes_on_where_the_whole_day_would(name: str) -> None:
    zone = ZoneInfo(name)
    for instant in transitions_by_zone()[name][:2]:
        start, end = instant - timedelta(hours=4), instant + timedelta(hours=4)
        for expression in ("30 1 * * *", "0,30 0-4 * * *", "*/30 * * * *", "*/20 2 * * *", "0 */2 * * *"):
            whole = list(occurrences(expression, zone, start, end))
            middle = start
            while middle < end:
                assert list(occurrences(expression, zone, middle, end)) == [each for each in whole if each >= middle]
                middle += 7 * MINUTE
