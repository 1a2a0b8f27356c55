"""How a deployment is drawn in the list: on or off, its schedule in words, when it fires next, how its runs went."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from math import sqrt
from typing import Final, NamedTuple

from flowctl.tui.model.glyphs import PROBLEMS, UNICODE, Glyphs, word_of
from flowctl.tui.model.plans import ListedDeployment
from flowctl.tui.model.runs_lines import strip
from flowctl.tui.model.texts import Line, Span, countdown, fit, round_duration

#: What the daemon says of common schedules -> how a person says it, shorter.
_SHORTER: Final = (
    (re.compile(r"every hour at minute (\d)"), r"hourly at :0\1"),
    (re.compile(r"every hour at minute (\d\d)"), r"hourly at :\1"),
    (re.compile(r"at ([\d:]+), on Monday to Friday"), r"weekdays \1"),
    (re.compile(r"at ([\d:]+), every day"), r"daily \1"),
    (re.compile(r"at ([\d:]+), on (\w+day)"), r"\2s \1"),
    (re.compile(r"every (\d+) minutes"), r"every \1 min"),
    (re.compile(r"every (\d+) seconds"), r"every \1 s"),
    (re.compile(r"at ([\d:]+), on day (\d+) of the month"), r"monthly \2. \1"),
)
#: Rules that say what a cron line could.
_RULE: Final = re.compile(
    r"by the rule (?:RRULE:)?FREQ=(?:DAILY|WEEKLY;BYDAY=(?P<day>MO|TU|WE|TH|FR|SA|SU))"
    r";BYHOUR=(?P<hour>\d+);BYMINUTE=(?P<minute>\d+)"
)
_DAYS: Final = {
    "MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday",
    "SU": "Sunday",
}  # fmt: skip
_LOAD_CELLS: Final = 3


class DeployColumns(NamedTuple):
    """How wide each column is; 0: it is not shown."""

    name: int
    flow: int
    schedule: int
    next: int
    last: int
    ok: int
    typical: int
    load: int


def deploy_columns(width: int) -> DeployColumns:
    """Share out a width. Columns leave in this order: load, flow, typical, ok, last; name, schedule and next stay."""
    room = max(width - 5, 1)
    if width >= 110:
        fixed = DeployColumns(0, 0, 0, 21, 22, 7, 9, 8)
    elif width >= 72:
        fixed = DeployColumns(0, 0, 0, 9, 12, 6, 5, 0)
    elif width >= 56:
        fixed = DeployColumns(0, 0, 0, 8, 7, 5, 0, 0)
    else:
        rest = max(room - 8, 1)
        name = max(rest // 2, min(rest, 10))
        return DeployColumns(name, 0, rest - name, 8 if room > 18 else 0, 0, 0, 0, 0)
    rest = room - sum(fixed)
    if width < 72:
        return fixed._replace(name=rest // 2, schedule=rest - rest // 2)
    name, flow = min(max(rest // 3, 13), 30), min(max(rest * 3 // 10, 11), 24)
    return fixed._replace(name=name, flow=flow, schedule=rest - name - flow)


def deploy_head(columns: DeployColumns) -> Line:
    """Draw the names of the columns."""
    text = "  ON " + fit("DEPLOYMENT", columns.name) + fit("FLOW", columns.flow) + fit("SCHEDULE", columns.schedule)
    text += fit("NEXT FIRE" if columns.next > 12 else "NEXT", columns.next)
    text += fit(f"LAST {max(columns.last - 2, 0)}" + (" RUNS" if columns.last > 20 else ""), columns.last)
    text += fit("OK", columns.ok, align="right")
    text += fit("TYPICAL" if columns.typical > 7 else "TYP", columns.typical, align="right")
    text += fit("   LOAD", columns.load)
    return ((text, "quiet"),)


def deploy_line(
    row: ListedDeployment,
    columns: DeployColumns,
    now: datetime,
    *,
    glyphs: Glyphs = UNICODE,
    is_cursor: bool = False,
    is_marked: bool = False,
    pending: str | None = None,
) -> Line:
    """Draw one deployment; `pending` is what was asked of it and is not settled."""
    sign, sign_style = _sign(row, glyphs)
    is_off = row.is_on is False
    spans: list[Span] = [
        (glyphs.cursor if is_cursor else " ", "accent"),
        (glyphs.mark if is_marked else " ", "mark"),
        (f"{sign}  ", sign_style),
        (
            fit(row.name, columns.name - 1, cut=glyphs.cut) + " ",
            "problem" if row.problem else "quiet" if is_off else "",
        ),
    ]
    if columns.flow:
        spans.append((fit(row.row.flow_name, columns.flow - 1, cut=glyphs.cut) + " ", "quiet"))
    spans.append((fit(schedule_text(row, columns.schedule - 1), columns.schedule - 1, cut=glyphs.cut) + " ", ""))
    if columns.next:
        text, style = (pending, "warning") if pending is not None else next_text(row, now, columns.next - 1, glyphs)
        spans.append((fit(text, columns.next - 1, cut=glyphs.cut) + " ", style))
    if columns.last:
        spans += [*strip(row.latest, columns.last - 2, glyphs), ("  ", "")]
    if columns.ok:
        ok = "" if row.ok_ratio is None else f"{row.ok_ratio:.0%}"
        spans.append((fit(ok, columns.ok, align="right"), "failed" if (row.ok_ratio or 1) < 0.8 else ""))
    if columns.typical:
        text = "" if row.typical_s is None else round_duration(row.typical_s)
        spans.append((fit(text, columns.typical, align="right"), ""))
    if columns.load:
        spans += [("   ", ""), *load_bar(row.load, glyphs)]
    return tuple(spans)


def schedule_text(row: ListedDeployment, cells: int) -> str:
    """Say when it fires: as a person would, and where that is too long, as it was written."""
    if not row.words:
        return "no schedule"
    words = shorter(row.words[0])
    more = f" +{len(row.words) - 1}" if len(row.words) > 1 else ""
    written = row.row.schedules[0].expression
    return (words if len(words) <= cells - len(more) or len(written) >= len(words) else written) + more


def shorter(words: str) -> str:
    """Say the words of a common schedule shorter."""
    for pattern, said in _SHORTER:
        if (found := pattern.fullmatch(words)) is not None:
            return found.expand(said)
    if (rule := _RULE.fullmatch(words)) is not None:
        day = "daily" if rule["day"] is None else f"{_DAYS[rule['day']]}s"
        return f"{day} {int(rule['hour']):02}:{int(rule['minute']):02}"
    return words


def next_text(row: ListedDeployment, now: datetime, cells: int, glyphs: Glyphs = UNICODE) -> tuple[str, str]:
    """Say when it fires next, with the clock where there is room, and how that is to look."""
    if row.is_on is None:
        return glyphs.dash, "quiet"
    if row.problem is not None:
        return "rests", "failed"
    if not row.is_on:
        return "off", "quiet"
    at = row.next_at
    if at is None:
        return glyphs.dash, "quiet"
    left = until(at, now)
    return (f"{clock_of(at, now)}  in {left}" if cells >= 14 else left), ""


def clock_of(at: datetime, now: datetime) -> str:
    """Write the time of day of what is to come: with the day where that is another one."""
    local, today = at.astimezone(), now.astimezone()
    days = (local.date() - today.date()).days
    if days <= 0 or (days == 1 and (at - now).total_seconds() < 43_200):
        return f"{local:%H:%M}"
    return f"{local:%a %H:%M}" if days < 7 else f"{local.day} {local:%b}"


def until(at: datetime, now: datetime) -> str:
    """Word the time until something: `46:38`, `9h56`, `5d12h`."""
    seconds = (at - now).total_seconds()
    if seconds < 3600:
        return countdown(seconds)
    if seconds < 86_400:
        return f"{int(seconds // 3600)}h{int(seconds % 3600 // 60):02}"
    return f"{int(seconds // 86_400)}d{int(seconds % 86_400 // 3600):02}h"


def load_bar(load: float | None, glyphs: Glyphs = UNICODE) -> Line:
    """Draw what share of the time is taken, small shares large: 2 % is seen, and full is all of it."""
    if load is None:
        return ((glyphs.rest * _LOAD_CELLS, "rest"),)
    steps = len(glyphs.heights)
    filled = min(round(sqrt(max(load, 0.0)) * _LOAD_CELLS * steps), _LOAD_CELLS * steps)
    full, part = divmod(max(filled, 1) if load else 0, steps)
    bar = glyphs.heights[-1] * full + (glyphs.heights[part - 1] if part else "")
    style = "failed" if load >= 1 else "retrying" if load >= 0.5 else "running"
    return ((bar, style), (glyphs.rest * (_LOAD_CELLS - len(bar)), "rest"))


def tally(rows: Sequence[ListedDeployment]) -> str:
    """Count them: `7 on · 1 off · 1 manual`."""
    firing = [row.is_on for row in rows]
    parts = [
        f"{firing.count(state)} {word}"
        for state, word in ((True, "on"), (False, "off"), (None, "manual"))
        if firing.count(state)
    ]
    return " · ".join(parts) or "none"


def is_problem(row: ListedDeployment) -> bool:
    """Tell whether somebody should look: it cannot fire, or its latest run went wrong."""
    latest = row.latest[-1] if row.latest else None
    return row.problem is not None or (latest is not None and word_of(latest.state_type, latest.state_name) in PROBLEMS)


def _next_key(row: ListedDeployment) -> tuple[int, float]:
    """Those that fire soon come first, then those that are off, then those that are run by hand."""
    at = row.next_at
    if at is not None:
        return 0, at.timestamp()
    return (3 if row.is_on is None else 1 if row.problem else 2), 0.0


def _sign(row: ListedDeployment, glyphs: Glyphs) -> tuple[str, str]:
    if row.problem is not None:
        return glyphs.states["failed"], "failed"
    if row.is_on is None:
        return "–" if glyphs is UNICODE else "-", "quiet"
    return (glyphs.alive, "completed") if row.is_on else (glyphs.states["scheduled"], "quiet")


#: What the list can be sorted by; what sorts alike stays in the order of names.
SORTS: Final[dict[str, Callable[[ListedDeployment], tuple[float, ...]]]] = {
    "name": lambda _row: (),
    "next": _next_key,
    "ok": lambda row: (2.0 if row.ok_ratio is None else row.ok_ratio,),
    "typical": lambda row: (-(row.typical_s or 0.0),),
    "load": lambda row: (-(row.load or 0.0),),
}
#: How the heading of a column begins -> the order that goes by it.
HEADINGS: Final = {"DEPLOYMENT": "name", "NEXT": "next", "OK": "ok", "TYP": "typical", "LOAD": "load"}
