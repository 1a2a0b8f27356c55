"""What is measured of the daemon: the cases, the sides that each has, and the bars."""

from __future__ import annotations

from typing import Final

from benchmarks.cases import CASES as WITHOUT_DAEMON
from benchmarks.measuring import Bar, Case, Row, Side

#: Asked without a daemon, and the same with one.
_LATEST: Final = tuple(case for case in WITHOUT_DAEMON if case.name == "latest")

CASES: Final = (
    Case(
        name="start",
        sides=(Side(subject="daemon_path.starts", size=100), Side(subject="floors.starts", size=20)),
        rows=(
            Row(
                what="request to first line of user code: p50",
                figure="start_p50_ms",
                unit="ms",
                floor="exec_p50_ms",
                floor_is="a new bare Python, to its first line",
                bar=Bar(limit=60, unit="ms"),
            ),
            Row(
                what="the same: p95",
                figure="start_p95_ms",
                unit="ms",
                floor="exec_p95_ms",
                floor_is="a new bare Python, to its first line",
                bar=Bar(limit=150, unit="ms"),
            ),
        ),
    ),
    Case(
        name="due",
        sides=(Side(subject="daemon_path.due", size=1_000),),
        rows=(
            Row(what="due to first line, 1,000 schedules: p50", figure="due_p50_ms", unit="ms"),
            Row(what="the same: p95", figure="due_p95_ms", unit="ms", bar=Bar(limit=300, unit="ms")),
        ),
    ),
    Case(
        name="save",
        sides=(Side(subject="daemon_path.saves", size=40), Side(subject="floors.starts", size=20)),
        rows=(
            Row(
                what="save of a flow file to its reload: p50",
                figure="save_p50_ms",
                unit="ms",
                floor="exec_p50_ms",
                floor_is="a new bare Python, to its first line",
            ),
            Row(what="the same: p95", figure="save_p95_ms", unit="ms", bar=Bar(limit=400, unit="ms")),
        ),
    ),
    Case(
        name="seen",
        sides=(Side(subject="daemon_path.seen", size=200),),
        rows=(
            Row(what="state in a run to state in the database: p50", figure="seen_p50_ms", unit="ms"),
            Row(what="the same: p95", figure="seen_p95_ms", unit="ms", bar=Bar(limit=60, unit="ms")),
        ),
    ),
    Case(
        name="idle",
        sides=(Side(subject="daemon_path.idle", size=20),),
        rows=(
            Row(
                what="idle daemon + fork server: memory (PSS)",
                figure="idle_mb",
                unit="MB",
                floor="bare_mb",
                floor_is="two idle bare Pythons",
                bar=Bar(limit=90, unit="MB"),
            ),
            Row(
                what="the same: processor",
                figure="idle_percent",
                unit="% of a core",
                bar=Bar(limit=0.5, unit="%"),
            ),
        ),
    ),
    Case(
        name="ingest",
        sides=(Side(subject="daemon_path.ingest", size=50_000), Side(subject="floors.rows", size=50_000)),
        rows=(
            Row(
                what="daemon takes in task runs of one journal",
                figure="ingest_per_s",
                unit="/s",
                floor="rows_per_s",
                floor_is="executemany, no checks, two tables",
                bar=Bar(limit=20_000, unit="/s", is_least=True),
            ),
        ),
    ),
    Case(
        name="twenty",
        sides=(Side(subject="daemon_path.twenty", size=200),),
        rows=(
            Row(
                what="20 runs at once, 4 readers: lock errors",
                figure="lock_errors",
                unit="",
                bar=Bar(limit=0, unit="errors"),
            ),
            Row(what="the same: task runs until all is recorded", figure="twenty_per_s", unit="/s"),
        ),
    ),
    *_LATEST,
)
