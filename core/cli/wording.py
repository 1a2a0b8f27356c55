"""Times, sizes and counts in the words a person reads, and the times and sizes a person types."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def ago(at: datetime, now: datetime) -> str:
    """Write how long ago something was: `just now`, `41s ago`, `3h ago`; `in 5m` for what is to come."""
    seconds = (now - at).total_seconds()
    text = _coarse(abs(seconds))
    if not text:
        return "just now"
    return f"{text} ago" if seconds > 0 else f"in {text}"


def moment(at: datetime) -> str:
    """Write date and time of day where the user is."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def zoned(at: datetime, zone: tzinfo) -> str:
    """Write weekday, date and time of day in a zone, with its name: `Sun 2026-11-29 01:30 CET`."""
    local = at.astimezone(zone)
    seconds = ":%S" if local.second else ""
    return local.strftime(f"%a %Y-%m-%d %H:%M{seconds} %Z")


def clock(at: datetime) -> str:
    """Write the time of day where the user is, with milliseconds."""
    return at.astimezone().strftime("%H:%M:%S.%f")[:-3]


def iso(at: datetime | None) -> str | None:
    """Write a time for machines."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def size(count: int) -> str:
    """Write a number of bytes: `840 B`, `64 KiB`, `1.2 MiB`."""
    if count < 1024:
        return f"{count} B"
    power = next((power for power in (1, 2, 3) if count / 1024**power < 1023.5), 4)
    amount, unit = count / 1024**power, ("KiB", "MiB", "GiB", "TiB")[power - 1]
    return f"{amount:.0f} {unit}" if amount >= 9.95 or amount.is_integer() else f"{amount:.1f} {unit}"


def counted(number: int, noun: str) -> str:
    """Write `1 task`, `2 tasks`, `10,000 tasks`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def read_moment(text: str, now: datetime) -> datetime:
    """Read `30m`, `1h`, `2d` (so long before now) or a date as ISO writes it (where the user is); else ValueError."""
    words = text.strip().lower().removesuffix(" ago").replace(" ", "")
    if words[-1:] in _UNIT_S and words[:-1].replace(".", "", 1).isdigit():
        try:
            return now - timedelta(seconds=float(words[:-1]) * _UNIT_S[words[-1]])
        except OverflowError as error:
            raise ValueError(text) from error
    midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    if words in ("today", "yesterday"):
        return midnight - timedelta(days=1 if words == "yesterday" else 0)
    at = datetime.fromisoformat(text.strip())
    try:
        return at.astimezone() if at.tzinfo is None else at
    except (OverflowError, OSError) as error:
        raise ValueError(text) from error


def _coarse(seconds: float) -> str:
    if seconds < 1:
        return ""
    for unit, limit, length in (("s", 60, 1), ("m", 3600, 60), ("h", 86400, 3600), ("d", 60 * 86400, 86400)):
        if seconds < limit:
            return f"{int(seconds / length)}{unit}"
    return f"{int(seconds / 86400 / 30)}mo" if seconds < 730 * 86400 else f"{int(seconds / 86400 / 365)}y"
