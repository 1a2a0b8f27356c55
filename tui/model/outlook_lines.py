"""What stands below the list of deployments: when one fires next, its day, what could go wrong, its parameters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from textwrap import wrap
from typing import Final
from zoneinfo import ZoneInfo

from flowctl.store.plan_records import CatchUp, Overlap
from flowctl.tui.model.deploys_lines import shorter, until
from flowctl.tui.model.form_fields import MISSING, Field, fields_of
from flowctl.tui.model.glyphs import UNICODE, Glyphs
from flowctl.tui.model.plans import Fire, Hour, ListedDeployment, Outlook
from flowctl.tui.model.texts import Line, Span, counted, fit, round_duration, width_of

_LATE: Final = {CatchUp.LATEST: "run once", CatchUp.ALL: "run all", CatchUp.SKIP: "skip"}
_OVERLAP: Final = {
    Overlap.SKIP: "is skipped",
    Overlap.QUEUE: "waits",
    Overlap.CANCEL_OLD: "cancels the old one",
    Overlap.ALLOW: "runs beside it",
}
_LABEL_EVERY: Final = 4
_MOST_FIRES: Final = 5


def late_text(row: ListedDeployment) -> str:
    """Say what becomes of fires that no daemon was there for."""
    ways = dict.fromkeys(_LATE[each.catchup] for each in row.row.schedules)
    return f"if late: {' or '.join(ways)}" if ways else ""


def fires_line(outlook: Outlook, now: datetime, width: int) -> Line:
    """Write the next fires in one line: `14:50 in 46:38   15:50   16:50   then every hour`."""
    zone = ZoneInfo(outlook.timezone)
    spans: list[Span] = []
    day = now.astimezone(zone).date()
    every = _even_gap(outlook)
    then = f"   then every {every}" if every else ""
    has_seconds = outlook.least_gap_s is not None and outlook.least_gap_s < 60
    for place, fire in enumerate(outlook.fires[:_MOST_FIRES] if then else outlook.fires):
        local = fire.at.astimezone(zone)
        time = f"{local:%H:%M:%S}" if has_seconds else f"{local:%H:%M}"
        text = time if local.date() == day else f"{local:%a} {time}"
        day = local.date()
        if place == 0:
            text = f"{text} in {until(fire.at, now)}"
        piece = f"   {text}" if place else f" {text}"
        if width_of(spans) + len(piece) + len(then) > width:
            break
        spans.append((piece, "title" if place == 0 else ""))
    return (*spans, (then, "quiet")) if then and spans else tuple(spans)


def fires_list(outlook: Outlook, now: datetime, count: int) -> list[Line]:
    """Write the next fires one below the other, with the time until each."""
    zone = ZoneInfo(outlook.timezone)
    has_many = len({fire.slug for fire in outlook.fires}) > 1
    return [_fire_line(fire, zone, now, has_slug=has_many) for fire in outlook.fires[: min(count, _MOST_FIRES)]]


def ribbon(hours: Sequence[Hour], now: datetime, timezone: str, *, width: int, glyphs: Glyphs = UNICODE) -> Line:
    """Draw the hours of a day: fired, skipped, the present, to come."""
    zone = ZoneInfo(timezone)
    spans: list[Span] = []
    for hour in hours:
        local = hour.at.astimezone(zone)
        if local.hour % _LABEL_EVERY == 0 and not (spans and spans[-1][1] == "label"):
            spans.append((f"{' ' if spans else ''}{local.hour:02} ", "label"))
        is_present = 0 <= (now - hour.at).total_seconds() < 3600
        before = _past(hour, glyphs) if hour.has_fired or hour.was_skipped else None
        if is_present:
            spans += [before] if before else []
            spans.append((glyphs.here, "accent"))
            if hour.will_fire or not before:
                spans.append(_to_come(hour, glyphs))
        elif hour.at > now:
            spans.append(_to_come(hour, glyphs))
        else:
            spans.append(before or (glyphs.dot, "quiet"))
    spans.append((" 24", "label"))
    line = tuple((text, "quiet" if style == "label" else style) for text, style in spans)
    return line if width_of(line) <= width else ()


def check_lines(row: ListedDeployment, outlook: Outlook | None, glyphs: Glyphs = UNICODE) -> list[Line]:
    """Say what is wrong, what could become so, and what was looked at and is right."""
    good, bad = glyphs.states["completed"], glyphs.states["failed"]
    lines: list[Line] = []
    if row.row.problem is not None:
        lines.append(((f" {bad} {row.row.problem}", "failed"),))
    lines += [((f" {bad} {each.slug}: {each.problem}", "failed"),) for each in row.row.schedules if each.problem]
    if outlook is None or not outlook.fires:
        return lines
    overlap = _overlap_line(row, outlook, good)
    if overlap is not None and overlap[0][1] == "warning":
        lines.append(overlap)
    lines += [((f" ! {text}", "warning"),) for text in outlook.clock_changes]
    if overlap is not None and overlap[0][1] != "warning":
        lines.append(overlap)
    lines.append(_rate_line(row, good))
    return lines


def folded_checks(lines: Sequence[Line], width: int) -> list[Line]:
    """Fold what is said so that all of it is seen; what does not fit stands below the words, not below the sign."""
    return [
        ((piece, style),)
        for ((text, style),) in lines
        for piece in wrap(text, max(width, 20), subsequent_indent="   ") or [""]
    ]


def default_words(row: ListedDeployment) -> list[tuple[Field, str]]:
    """Give each parameter with what it is when nothing is said."""
    fields = list(fields_of(row.row.parameter_schema))
    known = {field.name for field in fields}
    fields += [Field(name=name, schema={}, root={}) for name in row.row.parameters if name not in known]
    return [(field, _default_of(row, field)) for field in fields]


def defaults_lines(row: ListedDeployment, width: int, glyphs: Glyphs = UNICODE) -> list[Line]:
    """Write the parameters and tags one behind the other, as many in a line as fit."""
    pieces: list[Span] = [(f"{field.name} = {words}", "") for field, words in default_words(row)]
    pieces += [(f"tags: {', '.join(row.row.tags)}", "quiet")] if row.row.tags else []
    if not pieces:
        return [((" it takes no parameters", "quiet"),)]
    lines: list[list[Span]] = [[(" ", "")]]
    for text, style in pieces:
        text = fit(text, min(width_of([(text, "")]), max(width - 2, 1)), cut=glyphs.cut)
        if width_of(lines[-1]) + width_of([(text, "")]) > width and len(lines[-1]) > 1:
            lines.append([(" ", "")])
        lines[-1] += [(text, style), ("      ", "")]
    return [tuple(line) for line in lines]


def defaults_table(row: ListedDeployment, glyphs: Glyphs = UNICODE) -> list[Line]:
    """Write the parameters one below the other, with what each may be."""
    found = default_words(row)
    names = min(max((len(field.name) for field, _ in found), default=0), 20) + 2
    lines: list[Line] = [
        (
            (fit(field.name, names, cut=glyphs.cut), "quiet"),
            (fit(words, 22, cut=glyphs.cut) + " ", "warning" if words == "required" else ""),
            (field.words.partition(" · ")[0], "quiet"),
        )
        for field, words in found
    ]
    lines = lines or [(("it takes no parameters", "quiet"),)]
    lines += [(), ((fit("tags", names), "quiet"), (", ".join(row.row.tags), ""))] if row.row.tags else []
    facts = [("flow", row.row.flow_name), ("file", row.row.reference.file or row.row.reference.module or "")]
    facts.append(("overlap", f"a fire that comes too early {_OVERLAP[row.row.overlap]}"))
    if row.row.run_limit is not None:
        facts.append(("at once", counted(row.row.run_limit, "run")))
    return [*lines, (), *(((fit(name, max(names, 9)), "quiet"), (text, "")) for name, text in facts)]


def schedule_lines(row: ListedDeployment, glyphs: Glyphs = UNICODE) -> list[Line]:
    """Write each schedule: as it was written, and what that means."""
    lines: list[Line] = []
    for schedule, words in zip(row.row.schedules, row.words, strict=True):
        sign = glyphs.alive if schedule.active and not row.row.paused else glyphs.states["scheduled"]
        lines.append(
            (
                (f"{sign} ", "completed" if schedule.active and not row.row.paused else "quiet"),
                (shorter(words), ""),
                (f"   {schedule.expression}" if schedule.expression != words else "", "quiet"),
                (f"   {schedule.timezone}", "quiet"),
            )
        )
    return lines or [(("no schedule: it runs when it is asked for", "quiet"),)]


def _even_gap(outlook: Outlook) -> str:
    """Say how far apart the next fires are, if that is even, and less than a day; else nothing."""
    gaps = {later.at - one.at for one, later in pairwise(outlook.fires)}
    if len(gaps) != 1 or len(outlook.fires) < _MOST_FIRES:
        return ""
    seconds = int(next(iter(gaps)).total_seconds())
    for size, unit in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds < 86_400 and seconds % size == 0 and seconds:
            count = seconds // size
            return unit if count == 1 else f"{count} {unit}s"
    return ""


def _fire_line(fire: Fire, zone: ZoneInfo, now: datetime, *, has_slug: bool) -> Line:
    local = fire.at.astimezone(zone)
    day = f"{local:%H:%M:%S}" if local.date() == now.astimezone(zone).date() else f"{local:%a %-d %b %H:%M}"
    spans: list[Span] = [(f"{fit(day, 17)}", ""), (f"in {fit(until(fire.at, now), 8)}", "quiet")]
    spans += [(f" {fire.slug}", "quiet")] if has_slug else []
    return (*spans, (f" {fire.note}", "warning")) if fire.note else tuple(spans)


def _past(hour: Hour, glyphs: Glyphs) -> Span:
    return (glyphs.fired, "completed") if hour.has_fired else (glyphs.states["skipped"], "warning")


def _to_come(hour: Hour, glyphs: Glyphs) -> Span:
    return (glyphs.to_come, "running") if hour.will_fire else (glyphs.dot, "quiet")


def _overlap_line(row: ListedDeployment, outlook: Outlook, good: str) -> Line | None:
    worst, gap = row.worst_s, outlook.least_gap_s
    if worst is None or gap is None:
        return None
    of = counted(len(row.latest), "run") if len(row.latest) < 30 else "30"
    took = f"worst of {of} took {round_duration(worst)}"
    if worst <= gap:
        return ((f" {good} {took}: no overlap (policy: {row.row.overlap.value})", "quiet"),)
    what = _OVERLAP[row.row.overlap]
    return ((f" ! {took}, fires come {round_duration(gap)} apart: one that comes too early {what}", "warning"),)


def _rate_line(row: ListedDeployment, good: str) -> Line:
    a_day = row.fires_a_day
    rate = f"{a_day:,.0f} runs a day" if a_day >= 1.5 else "1 run a day" if a_day >= 0.95 else f"{a_day * 7:.0f} a week"
    if row.load is None:
        return ((f" {good} {rate}", "quiet"),)
    if row.load >= 1:
        return ((f" ! {rate} of {round_duration(row.typical_s)} each are more than a day has", "warning"),)
    share = f"{row.load:.0%}" if row.load >= 0.01 else "less than 1%"
    return ((f" {good} {rate} · busy {share.replace('%', ' %')} of the time", "quiet"),)


def _default_of(row: ListedDeployment, field: Field) -> str:
    if field.name in row.row.parameters:
        return _worded(field, row.row.parameters[field.name])
    if field.default is not MISSING:
        return field.default_words
    given = [each.parameters[field.name] for each in row.row.schedules if field.name in each.parameters]
    if given:
        return f"{_worded(field, given[0])} (by schedule)"
    return "required" if field.is_required else "its own default"


def _worded(field: Field, value: object) -> str:
    from dataclasses import replace

    return replace(field, default=value).default_words if field.schema else json.dumps(value, ensure_ascii=False)
