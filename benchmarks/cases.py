"""What is measured: the cases, the sides that each has, and the bars."""

from __future__ import annotations

from typing import Final

from benchmarks.measuring import Bar, Case, Figures, Row, Side


def _growth(figures: Figures) -> Figures:
    """Compare what a mapped task takes between 50,000 and 100,000 with what it takes between 25,000 and 50,000."""
    low, middle, high = figures["few.mb"], figures["half.mb"], figures["all.mb"]
    return {"growth": (high - middle) / 2 / max(middle - low, 0.001)}


CASES: Final = (
    Case(
        name="import",
        sides=(Side(subject="processes.importing", size=20),),
        rows=(
            Row(
                what="import flowctl, flow and task: beyond bare",
                figure="import_ms",
                unit="ms",
                floor="bare_ms",
                floor_is="python -c pass",
                bar=Bar(limit=40, unit="ms"),
            ),
            Row(
                what="the same, processor time",
                figure="import_cpu_ms",
                unit="ms",
                floor="bare_cpu_ms",
                floor_is="python -c pass",
            ),
        ),
    ),
    Case(
        name="hello",
        sides=(
            Side(subject="processes.hello", size=20, prefix="shown."),
            Side(subject="processes.silent_hello", size=20, prefix="silent."),
        ),
        rows=tuple(
            Row(
                what=f"python hello.py, {words}{clock}",
                figure=f"{prefix}.hello{kind}_ms",
                unit="ms",
                floor=f"{prefix}.bare{kind}_ms",
                floor_is="python -c pass",
                bar=None if kind else Bar(limit=6, unit="× floor", of_ratio=True),
            )
            for prefix, words in (("shown", "log on stderr"), ("silent", "console off"))
            for kind, clock in (("", ""), ("_cpu", ": processor"))
        ),
    ),
    Case(
        name="sequential",
        sides=(
            Side(subject="run_path.sequential", size=10_000),
            Side(subject="floors.transactions", size=10_000),
            Side(subject="floors.calls", size=10_000),
        ),
        rows=(
            Row(
                what="10,000 empty tasks, one after the other",
                figure="sequential_us",
                unit="µs/task",
                floor="transactions_us",
                floor_is="two bare SQLite transactions",
                bar=Bar(limit=1, unit="× floor", of_ratio=True),
            ),
            Row(
                what="the same, beside plain calls",
                figure="sequential_us",
                unit="µs/task",
                floor="calls_us",
                floor_is="a plain function call",
            ),
        ),
    ),
    Case(
        name="submitted",
        sides=(Side(subject="run_path.submitted", size=10_000), Side(subject="floors.submitted", size=10_000)),
        rows=(
            Row(
                what="10,000 tasks submitted and awaited",
                figure="submitted_per_s",
                unit="/s",
                floor="pool_per_s",
                floor_is="ThreadPoolExecutor",
                bar=Bar(limit=15_000, unit="/s", is_least=True),
            ),
        ),
    ),
    Case(
        name="mapped",
        sides=(Side(subject="run_path.mapped", size=1_000), Side(subject="floors.mapped", size=1_000)),
        rows=(
            Row(
                what="map 1,000 + reduce",
                figure="map_reduce_ms",
                unit="ms",
                floor="pool_ms",
                floor_is="sum(ThreadPoolExecutor.map)",
            ),
        ),
    ),
    Case(
        name="sleeping",
        sides=(Side(subject="run_path.sleeping", size=1_000), Side(subject="floors.sleeping", size=1_000)),
        rows=(
            Row(
                what="1,000 tasks of 10 ms, 50 workers",
                figure="naps_times_ideal",
                unit="× 200 ms",
                floor="pool_times_ideal",
                floor_is="ThreadPoolExecutor(50)",
                bar=Bar(limit=1.15, unit="× 200 ms"),
            ),
        ),
    ),
    Case(
        name="logs",
        sides=(
            Side(subject="run_path.run_logger", size=10_000),
            Side(subject="floors.log_lines", size=10_000),
            Side(subject="run_path.std_logging", size=10_000),
        ),
        rows=tuple(
            Row(
                what=f"10,000 log lines, {way}, console off",
                figure=figure,
                unit="/s",
                floor="file_lines_per_s",
                floor_is="logging.FileHandler",
                bar=Bar(limit=100_000, unit="/s", is_least=True),
            )
            for way, figure in (("run logger", "run_logger_per_s"), ("logging", "std_logging_per_s"))
        ),
    ),
    Case(
        name="memory",
        sides=(
            Side(subject="run_path.memory", size=25_000, prefix="few."),
            Side(subject="run_path.memory", size=50_000, prefix="half."),
            Side(subject="run_path.memory", size=100_000, prefix="all."),
            Side(subject="floors.futures_in_memory", size=25_000, prefix="few."),
            Side(subject="floors.futures_in_memory", size=50_000, prefix="half."),
            Side(subject="floors.futures_in_memory", size=100_000, prefix="all."),
        ),
        rows=(
            *(
                Row(
                    what=f"peak memory, {size} mapped tasks",
                    figure=f"{prefix}.mb",
                    unit="MB",
                    floor=f"{prefix}.pool_mb",
                    floor_is="concurrent futures",
                    bar=Bar(limit=250, unit="MB") if prefix == "all" else None,
                )
                for prefix, size in (("few", "25,000"), ("half", "50,000"), ("all", "100,000"))
            ),
            Row(
                what="a task's memory above 50,000 ÷ below",
                figure="growth",
                unit="×",
                bar=Bar(limit=1.2, unit="×"),
            ),
        ),
        derive=_growth,
    ),
    Case(
        name="ingest",
        sides=(Side(subject="store_path.ingest", size=50_000), Side(subject="floors.rows", size=50_000)),
        rows=(
            Row(
                what="catch up, task runs of one journal",
                figure="ingest_per_s",
                unit="/s",
                floor="rows_per_s",
                floor_is="executemany, no checks, two tables",
                bar=Bar(limit=20_000, unit="/s", is_least=True),
            ),
            Row(
                what="database, 1,000 task runs",
                figure="database_kb_per_1000",
                unit="KB",
                floor="rows_kb_per_1000",
                floor_is="these two tables",
                bar=Bar(limit=500, unit="KB"),
            ),
            Row(
                what="journal, 1,000 task runs",
                figure="journal_kb_per_1000",
                unit="KB",
                floor="rows_kb_per_1000",
                floor_is="these two tables",
            ),
        ),
    ),
    Case(
        name="journals",
        prepare=Side(subject="store_path.prepare_small_journals", size=10_000),
        sides=(Side(subject="store_path.small_journals", size=10_000), Side(subject="floors.small_files", size=10_000)),
        rows=(
            Row(
                what="catch up, 10,000 small journals",
                figure="small_journals_s",
                unit="s",
                floor="small_files_s",
                floor_is="read them, executemany a row each",
            ),
        ),
    ),
    Case(
        name="latest",
        prepare=Side(subject="store_path.prepare_many_runs", size=100_000),
        sides=(Side(subject="store_path.latest_runs", size=100_000), Side(subject="floors.latest_rows", size=100_000)),
        rows=(
            Row(
                what="latest 50 of 100,000 runs",
                figure="latest_ms",
                unit="ms",
                floor="bare_query_ms",
                floor_is="connect and SELECT, bare table",
                bar=Bar(limit=5, unit="ms"),
            ),
        ),
    ),
)
