"""What stands around the list of runs: the last day in figures, what needs a person, and what an empty list means."""

from __future__ import annotations

from typing import Final

from flowctl.tui.model.glyphs import Glyphs
from flowctl.tui.model.runs_lines import day_line, why, word_of_run
from flowctl.tui.model.snapshots import Counts
from flowctl.tui.model.texts import Line, Span, grouped, round_duration

_MOST_NEEDS: Final = 8


def day_lines(counts: Counts, glyphs: Glyphs) -> list[Line]:
    """Write how the runs of the last day went."""
    done = sum(hour.completed for hour in counts.hours)
    failed = sum(hour.failed for hour in counts.hours)
    half, most = round_duration(counts.p50_s, dash=glyphs.dash), round_duration(counts.p95_s, dash=glyphs.dash)
    figures: list[Span] = [
        (f"{glyphs.states['completed']} {grouped(done)}  ", "completed"),
        (f"{glyphs.states['failed']} {grouped(failed)}  ", "failed" if failed else "quiet"),
        (f"half under {half} {glyphs.dot} 95 % under {most}", "quiet"),
    ]
    if counts.ok_ratio is not None:
        figures.append((f" {glyphs.dot} {counts.ok_ratio:.0%} ok", "quiet"))
    return [tuple(figures), (), day_line(counts, glyphs)]


def need_lines(counts: Counts, glyphs: Glyphs) -> list[Line]:
    """List the runs that failed and whose flow has not completed since."""
    lines: list[Line] = [
        (
            (f"{glyphs.states[word_of_run(row.run)]} {row.run.flow_name}  ", "problem"),
            (why(row, counts.at, None), ""),
        )
        for row in counts.problems[:_MOST_NEEDS]
    ]
    return lines or [(("nothing: no run failed today", "quiet"),)]


def empty_lines(query: str) -> list[Line]:
    """Say what an empty list means, and what to do next."""
    if query:
        return [
            (),
            (("   No run matches ", ""), (query, "title")),
            (),
            (("   esc", "accent"), (" shows all runs again   ", ""), ("f", "accent"), (" other views", "")),
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
