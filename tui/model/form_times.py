"""Times as people type them into a form: `14:30`, `tomorrow 9:00`, `2h30m`, a date; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from flowctl.core.authoring.schedules import read_length
from flowctl.tui.model.form_fields import Field, Reading
from flowctl.tui.model.texts import short_duration

_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DAYS: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
_EXAMPLES: Final = "write 14:30, tomorrow 9:00, 2h or 2026-11-24T09:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeField(Field):
    """A moment; its value is what ISO writes for it, with the zone."""

    #: Whether a length means so long ago, rather than so much later.
    is_past: bool = False

    def read(self, text: str, now: datetime | None) -> Reading:
        """Tell which moment a text means; times of the day are those where the user is."""
        words = text.strip()
        if not words or words == "now" or now is None:
            return Reading()
        at = read_time(words, now, is_past=self.is_past)
        if at is None:
            return Reading(problem=f"not a time: {words!r:.30}; {_EXAMPLES}")
        away = (at - now).total_seconds()
        if not self.is_past and away < 0:
            return Reading(problem=f"{at:%a %-d %b %H:%M} has passed")
        distance = f"in {short_duration(away)}" if away >= 0 else f"{short_duration(-away)} ago"
        return Reading(at.isoformat(timespec="seconds"), None, f"{at:%a %-d %b %Y %H:%M}, {distance}")


def time_field(name: str, said: str, *, is_past: bool = False) -> TimeField:
    """Make a field for a moment."""
    return TimeField(name=name, schema={"type": "string"}, root={}, said=said, is_past=is_past)


def read_time(text: str, now: datetime, *, is_past: bool = False) -> datetime | None:
    """Read a moment, in the zone of the user; None for what is none."""
    local = now.astimezone()
    words = text.lower().split()
    length = read_length(text.removeprefix("+").removeprefix("in ").removesuffix(" ago"))
    try:
        if length is not None:
            return local - length if is_past and not text.startswith(("+", "in ")) else local + length
        day = local.date()
        if words[0] in _DAYS:
            day += timedelta(days=_DAYS[words.pop(0)])
            if not words:
                return datetime.combine(day, time()).astimezone()
            clock = _CLOCK.fullmatch(words[0]) if len(words) == 1 else None
            return None if clock is None else datetime.combine(day, _time(clock)).astimezone()
        if len(words) == 1 and (clock := _CLOCK.fullmatch(words[0])) is not None:
            at = datetime.combine(day, _time(clock)).astimezone()
            if not is_past and at < local:
                at = datetime.combine(day + timedelta(days=1), _time(clock)).astimezone()
            return at
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _time(found: re.Match[str]) -> time:
    return time(int(found[1]), int(found[2]), int(found[3] or 0))
