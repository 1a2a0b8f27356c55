"""The pass that brings what living runs journal into the database, some milliseconds after they wrote it."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from flowctl.store.catchup import active_runs
from flowctl.store.home import Home
from flowctl.store.liveness import Look, attempts, look_at_run
from flowctl.store.writer import Store

#: One step takes in about so many records, and one look so many bytes: the daemon answers in between.
RECORDS_A_STEP: Final = 3_000
STRETCH_BYTES: Final = 256 << 10


class _Place(NamedTuple):
    """Where the next record of a run will stand."""

    attempt: int
    offset: int


class ActiveRuns:
    """The runs that are not wholly in the database, as the daemon last saw them."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._places: dict[str, _Place | None] = {}
        #: Runs whose process was found dead, for the rescue pass to close.
        self.ended: set[str] = set()
        #: Run -> why its journal cannot be read to the end.
        self.problems: dict[str, str] = {}
        #: Dead runs whose journal tells nothing that this flowctl understands; they wait for one that does.
        self.unreadable: set[str] = set()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._places

    @property
    def ids(self) -> list[str]:
        """All of them, the ones that waited longest for their turn first."""
        return list(self._places)

    def refresh(self) -> None:
        """See which runs there are now."""
        names = active_runs(self._home)
        if len(names) != len(self._places) or any(name not in self._places for name in names):
            self._places = {name: self._places.get(name) for name in names}
            self.ended.intersection_update(names)

    def with_news(self) -> list[str]:
        """List the runs that wrote something since they were looked at."""
        return [run_id for run_id, place in self._places.items() if self._has_news(run_id, place)]

    def has_news(self, run_id: str) -> bool:
        """Tell whether a run wrote something since it was looked at."""
        return self._has_news(run_id, self._places.get(run_id))

    def looked_at(self, look: Look, offset: int) -> None:
        """Remember how far the newest journal of a run is in the database."""
        # To the end of the line, as below: the next step begins with those that have waited.
        self._places.pop(look.run_id, None)
        self._places[look.run_id] = _Place(look.attempt, offset) if look.attempt else None
        if look.is_settled:
            self.ended.add(look.run_id)
        if look.problem is not None:
            self.problems[look.run_id] = look.problem

    def look_anew(self, run_id: str) -> None:
        """Forget how far a run was ingested: it may have a new attempt, or was interrupted in the middle."""
        if run_id in self._places:
            del self._places[run_id]
            self._places[run_id] = None

    def settled(self, run_id: str) -> None:
        """Forget a run that is wholly in the database."""
        self._places.pop(run_id, None)
        self.ended.discard(run_id)
        self.problems.pop(run_id, None)
        self.unreadable.discard(run_id)

    def _has_news(self, run_id: str, place: _Place | None) -> bool:
        if place is None:
            return bool(attempts(self._home, run_id))
        if os.path.exists(self._home.journal(run_id, place.attempt + 1)):
            self.problems.pop(run_id, None)
            self.unreadable.discard(run_id)
            return True
        if run_id in self.problems:
            return False
        try:
            descriptor = os.open(self._home.journal(run_id, place.attempt), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            # The length of the next record; a writer reserves room, and zeros stand there.
            return any(os.pread(descriptor, 4, place.offset))
        finally:
            os.close(descriptor)


class Progress(NamedTuple):
    """What one step took in."""

    runs: int
    records: int
    #: There is more to be had at once.
    is_behind: bool


def step(store: Store, active: ActiveRuns) -> Progress:
    """Take in what the active runs wrote since the last step, in one transaction."""
    active.refresh()
    news = active.with_news()
    if not news:
        return Progress(0, 0, is_behind=False)
    runs = records = 0
    looked: list[tuple[Look, int]] = []
    interrupted: str | None = None
    # A power cut may undo it: the journals and what is known of them go back together.
    with store.transaction(durable=False):
        for run_id in news:
            if records >= RECORDS_A_STEP:
                break
            runs += 1
            offset = 0
            steps = look_at_run(store.connection, store.home, run_id, stretch_bytes=STRETCH_BYTES)
            while True:
                try:
                    ingested = next(steps)
                except StopIteration as stop:
                    looked.append((stop.value, offset))
                    break
                records += ingested.records
                offset = ingested.offset
                if records >= RECORDS_A_STEP and not ingested.at_end:
                    interrupted = run_id
                    break
    for look, offset in looked:
        active.looked_at(look, offset)
    if interrupted is not None:
        active.look_anew(interrupted)
    return Progress(runs, records, is_behind=interrupted is not None or runs < len(news))
