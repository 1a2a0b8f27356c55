"""Reading deployments for the list, when one of them fires, and what the dashboard says is ahead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from statistics import median
from typing import Final, cast
from zoneinfo import ZoneInfo

from flowctl.core.authoring.recurrences import Occurrence, Recurrence
from flowctl.core.daemon.occurrences import Recurrences, describe
from flowctl.core.daemon.reloading import in_words
from flowctl.store import file_queries, plan_queries
from flowctl.store.overview import BriefRun, OverviewReader
from flowctl.store.plan_records import DeploymentRow, ScheduleRow
from flowctl.store.states import FINAL, StateType
from flowctl.tui.data import safe_rows
from flowctl.tui.data.listing import listed
from flowctl.tui.data.outlook import day_of, outlook
from flowctl.tui.model.plans import Ahead, BrokenFile, ListedDeployment, NextFire, Outlook
from flowctl.tui.model.snapshots import PastRun

#: As many as the strip shows, and as many as "worst of 30" means.
LATEST: Final = 30
_MOST_WAITING: Final = 20
_WEEK: Final = timedelta(days=7)
#: How often a schedule fires is known well enough after so many times.
_MOST_COUNTED: Final = 200
#: Occurrences that are looked at for the hours of the day; of those that come so often, the latest.
_MOST_OF_DAY: Final = 2000
_OK: Final = StateType.COMPLETED.value


class DeploymentReading:
    """Reads deployments; how often each schedule fires is worked out once."""

    def __init__(self) -> None:
        self.recurrences = Recurrences()
        self._rates: dict[tuple[object, ...], float] = {}

    def listed(self, reader: OverviewReader, now: datetime) -> tuple[ListedDeployment, ...]:
        """Read all deployments with their latest runs."""
        lines = {
            (file.path, str(flow.get("attribute"))): line
            for file in reader.read_with(file_queries.flow_files)
            for flow in file.flows
            if isinstance(line := flow.get("line"), int)
        }
        latest = reader.latest_of_deployments(LATEST)
        return tuple(
            self._listed(
                row,
                latest.get(row.id, []),
                now,
                lines.get((row.reference.file or "", row.reference.flow_attribute), 1),
            )
            for row in reader.read_with(plan_queries.deployments)
        )

    def ahead(self, reader: OverviewReader, now: datetime, limit: int) -> Ahead:
        """Read what is to come, and what is in the way."""
        rows = reader.read_with(plan_queries.deployments)
        fires = sorted((at, row.name, row) for row in rows if (at := row.next_at) is not None)
        files = reader.read_with(file_queries.flow_files)
        broken = [
            BrokenFile(
                path=safe_rows.line(file.path),
                problem=safe_rows.line(in_words(file.problem)),
                has_good=file.good_hash is not None and file.hash is not None,
                checked_at=file.checked_at,
            )
            for file in files
            if file.problem is not None
        ]
        return Ahead(
            next_up=tuple(_next_fire(at, row) for at, _, row in fires[:limit]),
            broken=tuple(broken),
            kept_waiting=tuple(map(listed, reader.kept_waiting(_MOST_WAITING))),
            deployments=len(rows),
            firing=len(fires),
            at=now,
        )

    def outlook(self, reader: OverviewReader, key: str, now: datetime) -> Outlook | None:
        """Work out when a deployment fires, and what could go wrong; None where there is none of that name."""
        row = reader.read_with(lambda connection: plan_queries.deployment_named(connection, key))
        if row is None:
            return None
        firing = [] if row.paused or row.problem else [each for each in row.schedules if each.active]
        known = [(each, found) for each in firing if (found := self.recurrence(each)) is not None]
        since = day_of(known[0][1].zone if known else ZoneInfo("UTC"), now)
        times = reader.read_with(lambda connection: plan_queries.occurrences(connection, row.id, limit=_MOST_OF_DAY))
        return outlook(row, known, [each for each in times if each.at >= since], now)

    def recurrence(self, schedule: ScheduleRow) -> Recurrence | None:
        """Give the recurrence of a schedule, if this machine can work it out."""
        try:
            return self.recurrences.of(schedule)
        except ValueError:
            return None

    def _listed(self, row: DeploymentRow, latest: list[BriefRun], now: datetime, line: int) -> ListedDeployment:
        took = [run.took_s for run in latest if run.state_type == _OK and run.took_s is not None]
        ended = [run for run in latest if run.state_type in FINAL]
        firing = [] if row.paused else [each for each in row.schedules if each.active]
        return ListedDeployment(
            row=_safe(row),
            key=row.name,
            words=tuple(safe_rows.line(words_of(each)) for each in row.schedules),
            latest=tuple(
                PastRun(
                    id=run.id,
                    state_type=run.state_type,
                    state_name=safe_rows.line(run.state_name),
                    took_s=run.took_s,
                    created_at=run.created_at,
                )
                for run in latest
            ),
            typical_s=median(took) if took else None,
            worst_s=max(took, default=None),
            ok_ratio=sum(run.state_type == _OK for run in ended) / len(ended) if ended else None,
            line=line,
            fires_a_day=sum(self._rate(each, now) for each in firing),
        )

    def _rate(self, schedule: ScheduleRow, now: datetime) -> float:
        key = (schedule.kind, schedule.expression, schedule.timezone, schedule.anchor_at, now.date())
        if key not in self._rates:
            recurrence = self.recurrence(schedule)
            times = [] if recurrence is None else _times_within(recurrence.after(now), now + _WEEK)
            self._rates[key] = _a_day(times)
        return self._rates[key]


def words_of(schedule: ScheduleRow) -> str:
    """Say a schedule in words, without its zone; one that cannot be read any more is shown as it stands."""
    try:
        words = describe(schedule.kind, schedule.expression, schedule.timezone)
        return words.removesuffix(f" ({schedule.timezone})")
    except ValueError:
        return f"{schedule.kind} {schedule.expression}"


def _times_within(occurrences: Iterable[Occurrence], end: datetime) -> list[datetime]:
    times: list[datetime] = []
    try:
        for each in islice(occurrences, _MOST_COUNTED):
            if each.at > end:
                break
            times.append(each.at)
    except (OverflowError, ValueError):
        pass  # the calendar ends
    return times


def _a_day(times: list[datetime]) -> float:
    if len(times) < _MOST_COUNTED:
        return len(times) / _WEEK.days
    # Those that fire so often are even.
    return (len(times) - 1) / max((times[-1] - times[0]).total_seconds(), 1.0) * 86_400


def _next_fire(at: datetime, row: DeploymentRow) -> NextFire:
    schedule = next((each for each in row.schedules if each.next_at == at), row.schedules[0])
    return NextFire(
        at=at,
        deployment=safe_rows.line(row.name),
        flow_name=safe_rows.line(row.flow_name),
        words=safe_rows.line(words_of(schedule)),
    )


def _safe(row: DeploymentRow) -> DeploymentRow:
    # `plain` gives a mapping for a mapping, and None for none.
    schedules = [
        replace(
            each,
            slug=safe_rows.line(each.slug),
            expression=safe_rows.line(each.expression),
            problem=safe_rows.line_or_none(each.problem),
        )
        for each in row.schedules
    ]
    return replace(
        row,
        name=safe_rows.line(row.name),
        flow_name=safe_rows.line(row.flow_name),
        parameters=cast("dict[str, object]", safe_rows.plain(row.parameters)),
        parameter_schema=cast("dict[str, object] | None", safe_rows.plain(row.parameter_schema)),
        tags=[safe_rows.line(tag) for tag in row.tags],
        description=safe_rows.line_or_none(row.description),
        problem=safe_rows.line_or_none(row.problem),
        schedules=schedules,
    )
