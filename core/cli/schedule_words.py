"""Schedules as people type them: `--cron`, `--interval 15m`, `--rrule`, and the times of day they name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flowctl.core.authoring.schedules import read_length
from flowctl.core.cli.faults import CommandError

_RULE: Final = re.compile(r"\s*(FREQ=|RRULE[:;]|DTSTART)", re.IGNORECASE)


def plain_of(
    cron: Sequence[str],
    interval: str | None,
    rrule: str | None,
    *,
    timezone: str,
    seconds: bool = False,
    catchup: str | None = None,
    slug: str | None = None,
) -> list[dict[str, Any]]:
    """Make plain schedules of the options; raise `CommandError` with a sentence."""
    from flowctl.core.authoring.cron import check_cron

    given: list[dict[str, Any]] = []
    try:
        given += [{"kind": "cron", "expression": " ".join(check_cron(each, seconds=seconds))} for each in cron]
    except ValueError as error:
        raise CommandError(str(error)) from None
    if interval is not None:
        every = read_length(interval)
        if every is None:
            raise CommandError(f"--interval {interval!r} is no length of time. Write 900 (seconds), 15m, 2h or 1d.")
        given.append({"kind": "interval", "expression": str(every.total_seconds())})
    if rrule is not None:
        given.append({"kind": "rrule", "expression": rrule})
    if slug is not None and len(given) > 1:
        raise CommandError("One name fits one schedule only. Give the schedules one at a time.")
    for each in given:
        each["timezone"] = timezone
        if catchup is not None:
            each["catchup"] = catchup
        if slug is not None:
            each["slug"] = slug
    return given


def guess_plain(expression: str, timezone: str, *, seconds: bool) -> dict[str, Any]:
    """Tell by its form whether an expression is a cron line, an interval or a rule."""
    if _RULE.match(expression):
        return plain_of((), None, expression, timezone=timezone)[0]
    if read_length(expression) is not None:
        return plain_of((), expression, None, timezone=timezone)[0]
    return plain_of((expression,), None, None, timezone=timezone, seconds=seconds)[0]


def read_time(option: str, text: str) -> datetime:
    """Read a date or time as ISO writes it; without a zone it is meant where the user is."""
    try:
        found = datetime.fromisoformat(text.strip())
        return found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise CommandError(
            f"{option} {text!r} is no time. Write a date (2026-11-23) or a time (2026-11-23T14:00, +01:00 if need be)."
        ) from None


def read_delay(option: str, text: str) -> timedelta:
    """Read how long to wait: `10m`, `2h`."""
    found = read_length(text)
    if found is None:
        raise CommandError(f"{option} {text!r} is no length of time. Write 90 (seconds), 10m, 2h or 1d.")
    return found
