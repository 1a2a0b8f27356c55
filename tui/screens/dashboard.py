"""What stands around the list of runs: the last day in figures, what is next, what needs a person, an empty list."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from flowctl.tui.model.deploys_lines import shorter
from flowctl.tui.model.glyphs import Glyphs
from flowctl.tui.model.plans import Ahead
from flowctl.tui.model.snapshots import Counts
from flowctl.tui.model.texts import Line, Span, countdown, fit, fit_line, grouped, round_duration, short_duration

#: Hours between two names on the axis of the day.
_NAMED_EVERY: Final = 3


def day_lines(counts: Counts, glyphs: Glyphs, width: int) -> list[Line]:
    """Write how the runs of the last day went, and hour by hour how many there were."""
    done = sum(hour.completed for hour in counts.hours)
    failed = sum(hour.failed for hour in counts.hours)
    cancelled = sum(hour.cancelled for hour in counts.hours)
    half, most = round_duration(counts.p50_s, dash=glyphs.dash), round_duration(counts.p95_s, dash=glyphs.dash)
    figures: list[Span] = [
        (f"{glyphs.states['completed']} {grouped(done)}  ", "completed"),
        (f"{glyphs.states['failed']} {grouped(failed)}  ", "failed" if failed else "quiet"),
    ]
    if cancelled:
        figures.append((f"{glyphs.states['cancelled']} {grouped(cancelled)}  ", "cancelled"))
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
    rows = [(fire, _at(fire.at, now)) for fire in ahead.next_up]
    name = min(max((len(fire.deployment) for fire, _ in rows), default=0), 16) + 1
    clock = max((len(at) for _, at in rows), default=0) + 1
    lines: list[Line] = []
    for fire, at in rows:
        left = max((fire.at - now).total_seconds(), 0.0)
        soon = f"in {countdown(left)}" if left < 3600 else f"in {short_duration(left)}"
        # The time of day is told already.
        words = shorter(fire.words).replace(f" {fire.at.astimezone():%H:%M}", "")
        spans: Line = (
            (fit(soon, 9), "title" if left < 60 else ""),
            (fit(fire.deployment, name, cut=glyphs.cut), "scheduled"),
            (fit(at, clock), ""),
            (words, "quiet"),
        )
        lines.append(fit_line(spans, width, cut=glyphs.cut))
    if lines:
        return lines
    if ahead.deployments:
        return [(("nothing fires by itself: every schedule is off", "quiet"),)]
    return [(("no schedules yet", "quiet"),), (("flowctl deploy FILE.py:FLOW --cron …", "accent"),)]


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
        (("   : new flow", "accent"), ("   writes a sample and opens it", "")),
        (),
        (("   ?", "accent"), (" shows the keys   ", ""), ("q", "accent"), (" quits", "")),
    ]


def _at(at: datetime, now: datetime) -> str:
    local = at.astimezone()
    return f"{local:%H:%M}" if local.date() == now.astimezone().date() else f"{local:%a %H:%M}"
