"""What stands around the list of runs: the last day in figures, what is next, what needs a person, an empty list."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Final

from flowctl.tui.model.glyphs import Glyphs
from flowctl.tui.model.plans import Ahead
from flowctl.tui.model.runs_lines import why, word_of_run
from flowctl.tui.model.snapshots import Counts
from flowctl.tui.model.texts import Line, Span, countdown, fit, grouped, round_duration, short_duration

_MOST_NEEDS: Final = 8
#: Hours between two names on the axis of the day.
_NAMED_EVERY: Final = 3


def day_lines(counts: Counts, glyphs: Glyphs, width: int) -> list[Line]:
    """Write how the runs of the last day went, and hour by hour how many there were."""
    done = sum(hour.completed for hour in counts.hours)
    failed = sum(hour.failed for hour in counts.hours)
    other = sum(hour.other for hour in counts.hours)
    half, most = round_duration(counts.p50_s, dash=glyphs.dash), round_duration(counts.p95_s, dash=glyphs.dash)
    figures: list[Span] = [
        (f"{glyphs.states['completed']} {grouped(done)}  ", "completed"),
        (f"{glyphs.states['failed']} {grouped(failed)}  ", "failed" if failed else "quiet"),
    ]
    if other:
        figures.append((f"{glyphs.states['cancelled']} {grouped(other)}  ", "cancelled"))
    figures.append((f" p50 {half}  p95 {most}", "quiet"))
    if counts.ok_ratio is not None:
        figures.append((f"   {100 * counts.ok_ratio:.3g} % ok", "quiet"))
    cells = 2 if width >= 2 * len(counts.hours) else 1
    return [tuple(figures), *_towers(counts, glyphs, cells), _hours_line(counts, cells)]


def _towers(counts: Counts, glyphs: Glyphs, cells: int) -> list[Line]:
    """Draw the hours two rows high."""
    steps, top = len(glyphs.heights), max((hour.total for hour in counts.hours), default=0)
    upper: list[Span] = []
    lower: list[Span] = []
    for hour in counts.hours:
        # Whatever there was is seen.
        height = max(1, round(hour.total / top * 2 * steps)) if hour.total and top else 0
        look = "failed" if hour.failed else "completed"
        pad = " " * (cells - 1)
        upper.append(((glyphs.heights[height - steps - 1] if height > steps else " ") + pad, look))
        lower.append(
            (
                (glyphs.heights[min(height, steps) - 1] if height else glyphs.heights[0]) + pad,
                look if height else "rest",
            )
        )
    return [tuple(upper), tuple(lower)]


def _hours_line(counts: Counts, cells: int) -> Line:
    text = ""
    last = len(counts.hours) - 1
    for place in range(0, last + 1, _NAMED_EVERY):
        hour = counts.at.astimezone() - timedelta(hours=last - place)
        text += fit(f"{hour:%H}h", _NAMED_EVERY * cells)
    return ((text, "quiet"),)


def next_lines(ahead: Ahead, now: datetime, width: int, glyphs: Glyphs) -> list[Line]:
    """List what fires next, with the time until then and the time of day."""
    lines: list[Line] = []
    for fire in ahead.next_up:
        local, left = fire.at.astimezone(), max((fire.at - now).total_seconds(), 0.0)
        at = f"{local:%H:%M}" if local.date() == now.astimezone().date() else f"{local:%a %H:%M}"
        soon = f"in {countdown(left)}" if left < 86_400 else f"in {short_duration(left)}"
        name = max(8, min(16, width - 30))
        lines.append(
            (
                (fit(soon, 11), "title" if left < 60 else ""),
                (fit(fire.deployment, name, cut=glyphs.cut) + " ", "scheduled"),
                (fit(at, 10), ""),
                (fire.words, "quiet"),
            )
        )
    if lines:
        return lines
    if ahead.deployments:
        return [(("nothing fires by itself: every schedule is off", "quiet"),)]
    return [(("no schedules yet", "quiet"),), (("flowctl deploy FILE.py:FLOW --cron …", "accent"),)]


def need_lines(counts: Counts, ahead: Ahead | None, glyphs: Glyphs, now: datetime) -> list[Line]:
    """List what a person should look at: runs that failed, files that are broken, runs that are kept waiting."""
    lines: list[Line] = []
    seen: dict[str, int] = {}
    for row in counts.problems:
        seen[row.run.flow_name] = seen.get(row.run.flow_name, 0) + 1
    told: set[str] = set()
    for row in counts.problems[:_MOST_NEEDS]:
        flow = row.run.flow_name
        if flow in told:
            continue
        told.add(flow)
        times = f" {glyphs.dot} {seen[flow]} times" if seen[flow] > 1 else ""
        sign = glyphs.states[word_of_run(row.run)]
        lines.append(
            ((f"{sign} {fit(flow, 14, cut=glyphs.cut)} ", "problem"), (why(row, counts.at, None), ""), (times, "quiet"))
        )
    if ahead is not None:
        for file in ahead.broken:
            serves = "an older version serves" if file.has_good else "nothing serves"
            lines.append(((f"! {PurePath(file.path).name} broken", "problem"), (f", {serves}", "")))
        for row in ahead.kept_waiting:
            since = row.run.due_at or row.run.created_at
            waited = short_duration((now - since).total_seconds())
            why_so = f"  {row.run.message}" if row.run.message else ""
            sign = glyphs.states["queued"]
            lines.append(((f"{sign} {row.run.flow_name} ", "queued"), (f"waits for {waited}", ""), (why_so, "quiet")))
    return lines or [(("nothing: no run failed today", "quiet"),)]


def empty_lines(query: str, total: int | None = None) -> list[Line]:
    """Say what an empty list means, and what to do next."""
    if query:
        return [
            (),
            (("   No run matches ", ""), (query, "title"), (f"   0 of {grouped(total)}" if total else "", "quiet")),
            (),
            (
                ("   esc", "accent"),
                (" shows all runs again   ", ""),
                ("f", "accent"),
                (" other views   ", ""),
                ("/", "accent"),
                (" another query", ""),
            ),
        ]
    return [
        (),
        (("   No runs yet.", "title"),),
        (),
        (("   Run a flow in another terminal, and it appears here:", ""),),
        (("   flowctl run FILE.py:FLOW", "accent"),),
        (),
        (("   ?", "accent"), (" shows the keys   ", ""), ("q", "accent"), (" quits", "")),
    ]
