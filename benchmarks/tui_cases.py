"""What is measured of the terminal interface: the cases, the sides that each has, and the bars."""

from __future__ import annotations

from typing import Final

from benchmarks.measuring import Bar, Case, Row, Side

_MINIMAL: Final = "a minimal Textual app"

CASES: Final = (
    Case(
        name="start",
        sides=(Side(subject="tui_path.starts", size=20), Side(subject="tui_path.minimal_starts", size=20)),
        rows=(
            Row(
                what="start to first frame: p95",
                figure="frame_p95_ms",
                unit="ms",
                floor="minimal_p95_ms",
                floor_is=_MINIMAL,
                bar=Bar(limit=40, unit="ms"),
            ),
            Row(
                what="start to the runs on the screen: p50",
                figure="data_p50_ms",
                unit="ms",
                floor="minimal_p50_ms",
                floor_is=_MINIMAL,
                bar=Bar(limit=350, unit="ms"),
            ),
        ),
    ),
    Case(
        name="quiet",
        sides=(Side(subject="tui_path.quiet", size=100), Side(subject="tui_path.minimal_quiet", size=100)),
        rows=(
            Row(
                what="key to paint, quiet: p95",
                figure="key_p95_ms",
                unit="ms",
                floor="minimal_key_p95_ms",
                floor_is=_MINIMAL,
                bar=Bar(limit=30, unit="ms"),
            ),
            Row(
                what="processor while nothing happens",
                figure="idle_percent",
                unit="%",
                floor="minimal_idle_percent",
                floor_is=_MINIMAL,
                bar=Bar(limit=0.3, unit="%"),
            ),
        ),
    ),
    Case(
        name="busy",
        sides=(Side(subject="tui_path.busy", size=40),),
        rows=(
            Row(
                what="processor, 1,000 lines a second followed",
                figure="busy_percent",
                unit="%",
                bar=Bar(limit=15, unit="%"),
            ),
            Row(what="key to paint meanwhile: p95", figure="busy_key_p95_ms", unit="ms", bar=Bar(limit=60, unit="ms")),
        ),
    ),
    Case(
        name="painted",
        sides=(Side(subject="tui_path.painted", size=60),),
        rows=(
            Row(what="change in a run to paint: p50", figure="painted_p50_ms", unit="ms"),
            Row(what="the same: p95", figure="painted_p95_ms", unit="ms", bar=Bar(limit=250, unit="ms")),
        ),
    ),
    Case(
        name="lines",
        prepare=Side(subject="tui_path.prepare_lines", size=1_000_000),
        sides=(Side(subject="tui_path.lines", size=1_000_000),),
        rows=(
            Row(what="open a log of 1,000,000 lines", figure="open_ms", unit="ms", bar=Bar(limit=50, unit="ms")),
            Row(what="memory with it open", figure="memory_mb", unit="MB", bar=Bar(limit=60, unit="MB")),
        ),
    ),
    Case(
        name="scroll",
        prepare=Side(subject="store_path.prepare_many_runs", size=100_000),
        sides=(Side(subject="tui_path.scroll", size=100),),
        rows=(
            Row(what="100,000 runs: page and filter: p95", figure="scroll_p95_ms", unit="ms"),
            Row(what="the longest pause", figure="pause_ms", unit="ms", bar=Bar(limit=50, unit="ms")),
        ),
    ),
)
