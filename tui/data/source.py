"""The one door through which screens read: what is asked may be asked from any thread, and answers are frozen.

By itself it writes nothing. Where no daemon ingests, it catches up with the journals, as reading commands do.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from flowctl.core.daemon.snapshots import plans_lost
from flowctl.store.home import Home
from flowctl.store.overview import OverviewReader
from flowctl.store.problems import RunNotFound
from flowctl.store.query_language import EVERYTHING, Query
from flowctl.store.query_sql import is_indexed
from flowctl.store.records import FlowRunRow, StoredResult, TaskRunRow
from flowctl.tui.data import details, flow_files, form_subjects, overview, safe_rows
from flowctl.tui.data.deployments import DeploymentReading
from flowctl.tui.data.lanes import Lane
from flowctl.tui.data.listing import listed, target
from flowctl.tui.data.log_reading import read_window
from flowctl.tui.data.pulse import Pulsing
from flowctl.tui.data.system import system
from flowctl.tui.model.files import FilesPage, Watching
from flowctl.tui.model.form import FormPlan
from flowctl.tui.model.log_tally import Tally
from flowctl.tui.model.plans import Ahead, ListedDeployment, Outlook
from flowctl.tui.model.run_plans import deployment_plan
from flowctl.tui.model.run_rows import HEAD
from flowctl.tui.model.runs_list import Target
from flowctl.tui.model.snapshots import (
    Counts,
    EarlierRun,
    FlowSummary,
    LogWindow,
    PastRun,
    Pulse,
    RunDetail,
    RunsPage,
    TaskDetail,
)
from flowctl.tui.model.system import SystemFacts

_TYPICAL_EVERY_S: Final = 5.0

#: Orders that go by what a run has from its beginning, and by whether it has ended.
_LASTING: Final = frozenset({"age", "flow", "name"})

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Source:
    """Read-only access to one home, for the time that the interface is open."""

    def __init__(self, home: Home, clock: Clock) -> None:
        self.home = home
        self.clock = clock
        self._pulsing = Pulsing(home, clock, self._let_go)
        self._quick = Lane(home, "read")
        #: For what may take long: counting, searching in logs, the overview.
        self._slow = Lane(home, "search")
        self._typical: dict[str, float] = {}
        self._typical_s = float("-inf")
        #: Only the slow lane's thread uses it, and the keys of all runs with what tells whether they are so still.
        self._plans = DeploymentReading()
        self._there: tuple[object, ...] | None = None
        self._keys: array[int] = array("q")

    @classmethod
    def open(cls, home: Home, *, clock: Clock = utc_now) -> Self:
        """Make a source; nothing is read, and no thread started, before something is asked."""
        return cls(home, clock)

    def close(self) -> None:
        """Break off what is being read and end the threads."""
        for lane in (self._slow, self._quick):
            lane.close()
        self._pulsing.close()

    def _let_go(self) -> None:
        for lane in (self._slow, self._quick):
            lane.let_go()

    def pulse(self) -> Pulse:
        """Catch up where no daemon does, and tell whether anything was written since; cheap, and never raises.

        Alone of all it belongs to one thread, that which closes the source in the end.
        """
        return self._pulsing.beat()

    def runs_page(self, query: Query = EVERYTHING, limit: int = HEAD, keys: Sequence[int] | None = None) -> RunsPage:
        """Read the head of the list of runs that fit: first those that have not ended, then the newest.

        With `keys` those runs are read instead of the head's; with no room in the head, nothing else is.
        """
        lane = self._quick if limit == 0 or is_indexed(query) else self._slow
        return lane.ask(lambda reader: self._page(reader, query, limit, keys))

    def run_keys(self, query: Query = EVERYTHING, order: str = "age", *, is_reversed: bool = False) -> array[int]:
        """Give the keys of all runs that fit, in the order of the list; windows of it are read by them."""

        def read(reader: OverviewReader) -> array[int]:
            there = (reader, order, is_reversed, reader.runs_there()) if query.is_empty and order in _LASTING else None
            if there is not None and self._there == there:
                return self._keys  # nothing but what the order does not go by was written, as a line of a log
            keys = reader.keys(
                query, now=self.clock(), typical=self._typical_of(reader), order=order, is_reversed=is_reversed
            )
            if there is not None:
                self._there, self._keys = there, keys
            return keys

        return self._slow.ask(read)

    def targets(self, keys: Sequence[int]) -> dict[int, Target]:
        """Freeze how runs stand, by their keys, however many; those that were deleted are left out."""
        return self._slow.ask(lambda reader: {each.key: target(each) for each in reader.standings(keys)})

    def typical(self) -> dict[str, float]:
        """Tell how long the runs of each flow usually take, in seconds."""
        return dict(self._quick.ask(self._typical_of))

    def find_run(self, spec: str) -> str:
        """Lead from what a person types to a run's id; raise `RunNotFound` or `AmbiguousRun`."""
        return self._quick.ask(lambda reader: reader.find_run(spec).id)

    def run_detail(self, run_id: str, known: RunDetail | None = None) -> RunDetail:
        """Read a run with all below it; of a run that is known, only what is new. Raise `RunNotFound`."""
        return self._quick.ask(lambda reader: details.run_detail(reader, run_id, known, self.clock()))

    def task_detail(self, run_id: str, number: int) -> TaskDetail:
        """Read one task run, by its number in the tree of its run; raise `RunNotFound`."""
        return self._quick.ask(lambda reader: details.task_detail(reader, run_id, number, self.clock()))

    def latest_of(self, flow_name: str, limit: int = 14) -> tuple[PastRun, ...]:
        """Read the latest runs of one flow, oldest first."""
        return self._quick.ask(lambda reader: overview.latest_of(reader, flow_name, limit))

    def standing(self, run_ids: Sequence[str]) -> tuple[FlowRunRow, ...]:
        """Tell how some runs stand; those that are gone are left out."""
        return self._quick.ask(lambda reader: details.standing(reader, run_ids)) if run_ids else ()

    def tasks_awaiting_retry(self, run_id: str) -> tuple[int, ...]:
        """Give the numbers of a run's tasks that wait for their next try; raise `RunNotFound`."""
        detail = self.run_detail(run_id)
        return tuple(task.number for task in detail.tasks.values() if details.awaits_retry(task))

    def result(self, run_id: str, number: int | None = None) -> StoredResult | None:
        """Find the value on record of a run or of one of its tasks; its bytes are not made safe."""
        return self._quick.ask(lambda reader: reader.result(run_id, number))

    def log_window(
        self,
        run_id: str | None,
        *,
        after: tuple[int, int] | None = None,
        before: tuple[int, int] | None = None,
        level: int = 0,
        tasks: Sequence[int] = (),
        search: str = "",
        limit: int = 256,
    ) -> LogWindow:
        """Read log records by their place `(root, seq)`: behind one, before one, or the last ones.

        Of a run and all below it, of some of its task runs, or with None of all runs.
        """
        # A filter may have to look at the whole log for one window.
        lane = self._slow if level or search or tasks else self._quick

        def read(reader: OverviewReader) -> LogWindow:
            place = None
            if run_id is not None and (place := reader.place(run_id)) is None:
                raise RunNotFound(run_id)
            return read_window(
                reader,
                place,
                self._pulsing.version,
                after=after,
                before=before,
                level=level,
                tasks=tasks,
                text=search,
                limit=limit,
            )

        return lane.ask(read)

    def log_tally(self, run_id: str, tasks: Sequence[int] = ()) -> Tally:
        """Count the log records of a run or of some of its tasks: all, the errors, the warnings."""

        def read(reader: OverviewReader) -> Tally:
            place = reader.place(run_id)
            return Tally(*((0, 0, 0, 0) if place is None else reader.log_tally(place, tasks)))

        return self._slow.ask(read)

    def log_matches(
        self, run_id: str | None, text: str, *, level: int = 0, tasks: Sequence[int] = (), most: int = 10_000
    ) -> int:
        """Count the log records with a text in them, of a run, of some of its tasks, or with None of all runs."""

        def read(reader: OverviewReader) -> int:
            place = None if run_id is None else reader.place(run_id)
            if run_id is not None and place is None:
                return 0
            return reader.log_matches(place, text, level=level, tasks=tasks, most=most)

        return self._slow.ask(read)

    def former_values(self, root_id: str, task: TaskRunRow) -> tuple[str, ...]:
        """Read what a task gave in the latest runs before this one, the newest first."""
        return tuple(map(safe_rows.line, self._slow.ask(lambda reader: reader.former_values(root_id, task))))

    def times_failed(self, flow_name: str, task_key: str) -> int:
        """Count the runs of a flow in the last week in which a task failed; a hundred is enough to know."""
        since = self.clock() - timedelta(days=7)
        return self._slow.ask(lambda reader: reader.times_failed(flow_name, task_key, since))

    def flows(self, latest: int = 20) -> tuple[FlowSummary, ...]:
        """Read every flow that ever ran, with its latest runs."""
        return self._slow.ask(lambda reader: overview.flows(reader, self._typical_of(reader), latest))

    def deployments(self) -> tuple[ListedDeployment, ...]:
        """Read all deployments, by name, with their latest runs."""
        return self._slow.ask(lambda reader: self._plans.listed(reader, self.clock()))

    def lost_plans(self) -> str | None:
        """Say how deployments come back that went with a database that was deleted; None: none are known of."""
        found = self._slow.ask(lambda reader: plans_lost(self.home, reader))
        return None if found is None else safe_rows.line(str(found))

    def outlook(self, key: str) -> Outlook | None:
        """Work out when a deployment fires next; None where there is none of that name."""
        return self._slow.ask(lambda reader: self._plans.outlook(reader, key, self.clock()))

    def ahead(self, limit: int = 10) -> Ahead:
        """Read what fires next, and what is in the way: broken files, runs that wait for others."""
        return self._slow.ask(lambda reader: self._plans.ahead(reader, self.clock(), limit))

    def files_page(self) -> FilesPage:
        """Read all flow files, and what became of the latest saves."""

        def read(reader: OverviewReader) -> FilesPage:
            ran = overview.flows(reader, self._typical_of(reader), 1)
            return flow_files.files_page(reader, ran, self.clock())

        return self._slow.ask(read)

    def run_form(self, run_id: str, *, is_rerun: bool) -> FormPlan:
        """Make the form for the flow of a run, or for a new run like it; raise `RunNotFound`."""

        def read(reader: OverviewReader) -> FormPlan:
            known = {each.key: each for each in self._plans.listed(reader, self.clock())}
            return form_subjects.run_form(reader, run_id, known, is_rerun=is_rerun)

        return self._slow.ask(read)

    def deployment_form(self, key: str) -> FormPlan | None:
        """Make the form for a run of a deployment; None where it is gone."""
        found = next((each for each in self.deployments() if each.key == key), None)
        return None if found is None else deployment_plan(found)

    def file_form(self, path: str, attribute: str) -> FormPlan | None:
        """Make the form for a flow in a watched file; None where there is none."""
        return self._slow.ask(lambda reader: form_subjects.file_form(reader, path, attribute))

    def earlier_parameters(self, flow_name: str) -> Sequence[EarlierRun]:
        """Give the latest runs of a flow with parameters that differ."""
        return self._slow.ask(lambda reader: form_subjects.earlier_parameters(reader, flow_name))

    def watching(self) -> Watching:
        """Ask the daemon which files it is looking into at this moment."""
        return self._slow.ask(
            lambda _reader: flow_files.watching(self.home, has_daemon=self._pulsing.holder is not None)
        )

    def counts(self) -> Counts:
        """Read what the dashboard says."""
        return self._slow.ask(lambda reader: overview.counts(reader, self.clock(), self._pulsing.version))

    def system(self) -> SystemFacts:
        """Read sizes, places and versions."""
        pulsing = self._pulsing
        return self._slow.ask(
            lambda reader: system(
                reader,
                self.home,
                pulsing.holder,
                pulsing.unreadable,
                self.clock(),
                is_silent=pulsing.is_daemon_silent,
            )
        )

    def _page(self, reader: OverviewReader, query: Query, limit: int, keys: Sequence[int] | None) -> RunsPage:
        now, version, typical = self.clock(), self._pulsing.version, self._typical_of(reader)
        head: list[int] = []
        if limit:
            head = reader.search(query, now=now, typical=typical, has_ended=False, limit=limit + 1)
        if limit and len(head) <= limit:
            rest = limit + 1 - len(head)
            head += reader.search(query, now=now, typical=typical, has_ended=True, limit=rest)
        rows = reader.found_runs(head[:limit] if keys is None else keys)
        return RunsPage(
            head=tuple(head[:limit]) if limit else None,
            has_more=len(head) > limit,
            rows=tuple(map(listed, rows)),
            typical={safe_rows.line(flow): seconds for flow, seconds in typical.items()},
            version=version,
            at=now,
        )

    def _typical_of(self, reader: OverviewReader) -> dict[str, float]:
        if time.monotonic() - self._typical_s > _TYPICAL_EVERY_S:
            self._typical = reader.typical_durations()
            self._typical_s = time.monotonic()
        return self._typical
