"""What is measured of the terminal interface: the cases, the sides that each has, and the bars."""

from __future__ import annotations

from typing import Final

from benchmarks.measuring import Bar, Case, Row, Side

_MINIMAL: Final = "a minimal Textual app"
_WORK: Final = "of it, work of the loop itself"


def _row(what: str, figure: str, unit: str, limit: float | None, floor: str | None = None, is_: str = _MINIMAL) -> Row:
    bar = None if limit is None else Bar(limit=limit, unit=unit)
    return Row(what=what, figure=figure, unit=unit, floor=floor, floor_is=is_ if floor else "", bar=bar)


CASES: Final = (
    Case(
        name="start",
        sides=(Side(subject="tui_path.starts", size=12), Side(subject="tui_path.minimal_starts", size=12)),
        rows=(
            _row("start to first frame: p95", "frame_p95_ms", "ms", 40, "minimal_p95_ms"),
            _row("start to the runs on the screen: p50", "data_p50_ms", "ms", 350, "minimal_p50_ms"),
        ),
    ),
    Case(
        name="quiet",
        sides=(Side(subject="tui_path.quiet", size=80), Side(subject="tui_path.minimal_quiet", size=80)),
        rows=(
            _row("key to paint, quiet: p95", "key_p95_ms", "ms", 30, "minimal_key_p95_ms"),
            _row("the same, 80 x 24", "narrow_key_p95_ms", "ms", 30),
            _row("processor while nothing happens", "idle_percent", "%", 0.3, "minimal_idle_percent"),
            _row("the same, 80 x 24", "narrow_idle_percent", "%", 0.3),
        ),
    ),
    Case(
        name="spinning",
        sides=(Side(subject="tui_live.spinning", size=1),),
        rows=(
            _row("processor while a run only waits, its list", "spinning_percent", "%", 1.5),
            _row("the same, the run opened", "spinning_run_percent", "%", 1.5),
        ),
    ),
    Case(
        name="busy",
        sides=(Side(subject="tui_live.followed", size=40),),
        rows=(
            _row("processor, 1,000 lines a second, not shown", "hidden_percent", "%", 5),
            _row("the same, followed", "followed_percent", "%", 15),
            _row("key to paint meanwhile: p95", "followed_key_p95_ms", "ms", 60),
        ),
    ),
    Case(
        name="works",
        sides=(Side(subject="tui_live.works", size=30),),
        rows=(
            _row("processor, 1,000 changes a second, the list", "works_list_percent", "%", 15),
            _row("the same, the run with its log followed", "works_run_percent", "%", 15),
            _row("key to paint meanwhile, the list: p95", "works_list_key_p95_ms", "ms", 60),
            _row("the same, the run", "works_key_p95_ms", "ms", 60),
            _row("another run's task is done to paint: p95", "works_change_p95_ms", "ms", 250),
        ),
    ),
    Case(
        name="remote",
        sides=(Side(subject="tui_live.remote", size=1),),
        rows=(_row("the same over ssh: sent in a second", "remote_kib", "KiB", 40),),
    ),
    Case(
        name="changes",
        sides=(Side(subject="tui_live.changes", size=40),),
        rows=(
            _row("a task is done to paint: p50", "change_p50_ms", "ms", None),
            _row("the same: p95", "change_p95_ms", "ms", 250),
        ),
    ),
    Case(
        name="beginnings",
        sides=(Side(subject="tui_live.beginnings", size=8),),
        rows=(
            _row("out of quiet a run begins to paint: p95", "begun_p95_ms", "ms", 250),
            _row("the same without a daemon: p95", "begun_alone_p95_ms", "ms", 250),
        ),
    ),
    Case(
        name="lines",
        prepare=Side(subject="tui_path.prepare_lines", size=1_000_000),
        sides=(Side(subject="tui_path.lines", size=1_000_000), Side(subject="tui_path.minimal_memory", size=1)),
        rows=(
            _row("open a log of 1,000,000 lines", "open_ms", "ms", 50),
            _row("memory with it open", "memory_mb", "MB", 60, "minimal_mb"),
        ),
    ),
    Case(
        name="many",
        prepare=Side(subject="store_path.prepare_many_runs", size=100_000),
        sides=(Side(subject="tui_path.many", size=100),),
        rows=(
            _row("100,000 runs: a page to paint: p95", "scroll_p95_ms", "ms", None),
            _row("the longest pause: paging, sorting", "scroll_pause_ms", "ms", 50, "scroll_busy_ms", _WORK),
            _row("the longest pause: pages from both ends", "walk_pause_ms", "ms", 50, "walk_busy_ms", _WORK),
            _row("the longest pause: all marked, asked about", "mark_pause_ms", "ms", 50, "mark_busy_ms", _WORK),
            _row("memory of the list walked through", "many_memory_mb", "MB", None),
            _row("the longest pause: filters as one types", "filter_pause_ms", "ms", 50, "filter_busy_ms", _WORK),
        ),
    ),
    Case(
        name="tasks",
        prepare=Side(subject="tui_path.prepare_tasks", size=20_000),
        sides=(Side(subject="tui_path.tasks", size=1),),
        rows=(
            _row("20,000 tasks in one run, the longest pause", "tree_pause_ms", "ms", 50, "tree_busy_ms", _WORK),
            _row("memory with its tree open", "tree_memory_mb", "MB", None),
        ),
    ),
)
