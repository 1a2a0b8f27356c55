"""Reading what the dashboard, the list of flows and the screen about the system show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from flowctl.store.overview import BriefRun, OverviewReader
from flowctl.store.states import FINAL, StateType
from flowctl.tui.data import safe_rows
from flowctl.tui.data.listing import listed
from flowctl.tui.model.glyphs import word_of
from flowctl.tui.model.snapshots import Counts, FlowSummary, Hour, PastRun

HOURS: Final = 24
_MOST_PROBLEMS: Final = 50
_OK: Final = StateType.COMPLETED.value
_PROBLEMS: Final = (StateType.FAILED.value, StateType.CRASHED.value)


def counts(reader: OverviewReader, now: datetime, store_version: int) -> Counts:
    """Count what is at work, and the last day hour by hour."""
    words: dict[str, int] = {}
    for (type_, name), runs in reader.open_states().items():
        word = word_of(type_, name)
        words[word] = words.get(word, 0) + runs
    day = reader.hours(now, HOURS)
    for (_, type_), runs in day.items():
        if type_ in _PROBLEMS:
            word = word_of(type_, "")
            words[word] = words.get(word, 0) + runs
    durations = sorted(reader.durations_since(now - timedelta(hours=HOURS)))
    completed = sum(runs for (_, type_), runs in day.items() if type_ == _OK)
    ended = sum(runs for (_, type_), runs in day.items() if type_ in FINAL)
    problems = reader.problems_since(now - timedelta(hours=HOURS), _MOST_PROBLEMS)
    return Counts(
        words=words,
        total=reader.run_count(),
        hours=tuple(_hour(day, ago) for ago in reversed(range(HOURS))),
        p50_s=_percentile(durations, 50),
        p95_s=_percentile(durations, 95),
        ok_ratio=completed / ended if ended else None,
        problems=tuple(map(listed, problems)),
        version=store_version,
        at=now,
    )


def flows(reader: OverviewReader, typical: Mapping[str, float], latest: int) -> tuple[FlowSummary, ...]:
    """Read every flow that ever ran."""
    return tuple(_flow(reader, name, typical.get(name), latest) for name in reader.flow_names())


def _flow(reader: OverviewReader, name: str, typical_s: float | None, latest: int) -> FlowSummary:
    runs = reader.latest_of(name, latest)
    ended = [run for run in runs if run.state_type in FINAL]
    source = reader.source_of(name)
    file, line = source.get("file"), source.get("line")
    return FlowSummary(
        name=safe_rows.line(name),
        file=safe_rows.line(file) if isinstance(file, str) else None,
        line=line if isinstance(line, int) else None,
        latest=tuple(map(_past, runs)),
        typical_s=typical_s,
        ok_ratio=sum(run.state_type == _OK for run in ended) / len(ended) if ended else None,
    )


def latest_of(reader: OverviewReader, flow_name: str, limit: int) -> tuple[PastRun, ...]:
    """Read the latest runs of one flow, oldest first."""
    return tuple(map(_past, reader.latest_of(flow_name, limit)))


def _past(run: BriefRun) -> PastRun:
    return PastRun(
        id=run.id,
        state_type=run.state_type,
        state_name=safe_rows.line(run.state_name),
        took_s=run.took_s,
        created_at=run.created_at,
    )


def _hour(day: Mapping[tuple[int, str], int], ago: int) -> Hour:
    of_hour = {type_: runs for (hour, type_), runs in day.items() if hour == ago}
    completed = of_hour.get(_OK, 0)
    failed = sum(of_hour.get(type_, 0) for type_ in _PROBLEMS)
    cancelled = of_hour.get(StateType.CANCELLED.value, 0)
    rest = sum(of_hour.values()) - completed - failed - cancelled
    return Hour(completed=completed, failed=failed, cancelled=cancelled, open=rest)


def _percentile(ordered: list[float], percent: int) -> float | None:
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] if ordered else None
