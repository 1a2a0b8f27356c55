"""Schedules as a person says them, the way the list writes them: `hourly at :50`, `weekdays 14:30`, `every 15 min`."""

from __future__ import annotations

import re
from typing import Any, Final

_DAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_CLOCK: Final = r"(?:at )?(?P<hour>\d{1,2}):(?P<minute>\d\d)"
_HOURLY: Final = re.compile(r"(?:hourly|every hour) at :?(?P<minute>\d{1,2})")
_DAILY: Final = re.compile(rf"(?:daily|every day) {_CLOCK}")
_WEEKDAYS: Final = re.compile(rf"weekdays {_CLOCK}")
_WEEKLY: Final = re.compile(rf"(?:on |every )?(?P<day>{'|'.join(_DAYS)})s? {_CLOCK}")
_MONTHLY: Final = re.compile(rf"monthly (?:on )?(?P<day>\d{{1,2}})\.? {_CLOCK}")
_EVERY: Final = re.compile(r"every (?P<count>\d+) ?(?P<unit>s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)")


def plain_schedule(text: str, timezone: str) -> dict[str, Any]:
    """Make a plain schedule of what is typed: as one says it, a cron line, a length or a rule.

    Raise `ValueError` with a sentence.
    """
    from flowctl.core.cli.faults import CommandError
    from flowctl.core.cli.schedule_words import guess_plain

    said = written(text)
    try:
        return guess_plain(said, timezone, seconds=len(said.split()) == 6)
    except CommandError as error:
        raise ValueError(str(error)) from None


def written(text: str) -> str:
    """Write what is said as cron or as a length; what is written so already stays as it is."""
    words = " ".join(text.lower().split())
    if (found := _HOURLY.fullmatch(words)) is not None:
        return f"{int(found['minute'])} * * * *"
    for pattern, days in ((_DAILY, "*"), (_WEEKDAYS, "1-5")):
        if (found := pattern.fullmatch(words)) is not None:
            return f"{int(found['minute'])} {int(found['hour'])} * * {days}"
    if (found := _WEEKLY.fullmatch(words)) is not None:
        return f"{int(found['minute'])} {int(found['hour'])} * * {_DAYS.index(found['day'])}"
    if (found := _MONTHLY.fullmatch(words)) is not None:
        return f"{int(found['minute'])} {int(found['hour'])} {int(found['day'])} * *"
    if (found := _EVERY.fullmatch(words)) is not None:
        return f"{found['count']}{found['unit'][0]}"
    return text.strip()
