"""Whether what runs write reaches the database: taken in from here where there is no daemon, else by the daemon.

Neither may keep a screen from being read: a foreign tool that holds the database is waited for in a thread of its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Final, NamedTuple

from flowctl.store.catchup import active_runs, catch_up
from flowctl.store.home import Home, HomeUnusable
from flowctl.store.liveness import Look, attempts
from flowctl.store.overview import OverviewReader
from flowctl.store.problems import DatabaseReadOnly, StoreError
from flowctl.store.sqlite import file_identity
from flowctl.tui.data.lanes import BUSY_S
from flowctl.tui.model.texts import clock

#: A commit waits for the disk.
_CATCH_UP_EVERY_S: Final = 0.2
#: A run that was killed writes nothing: without news, one looks after it so often.
_LOOK_AFTER_S: Final = 2.0
_RETRY_AFTER_S: Final = 0.5
#: The first screen should show all there is; later ones are not kept waiting.
_FIRST_PATIENCE_S: Final = 2.0
_PATIENCE_S: Final = 0.3
#: Taking in may take so long before it is said.
_LONG_S: Final = 2.0
#: A daemon ingests within some milliseconds; one that has not after so long is stuck, or something holds it up.
_BEHIND_S: Final = 3.0
_LOOK_AT_DAEMON_EVERY_S: Final = 1.0
#: Of so many runs under way, the oldest tell whether anything moves.
_MOST_RUNS: Final = 50


_Sizes = dict[str, tuple[int, ...]]


class Standing(NamedTuple):
    """Why the database does not hold all that runs wrote, and since when."""

    problem: str
    #: None: nothing could be read yet.
    since: datetime | None


class Upkeep:
    """The journals of one home; all but its thread is called in the thread that looks at the store."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flowctl-upkeep")
        self._sizes: _Sizes | None = None
        self._identity: object = None
        self._under_way: Future[list[Look]] | None = None
        self._began_s = self._looked_s = float("-inf")
        self._began_at: datetime | None = None
        self._is_first = True
        self._standing: Standing | None = None
        #: (run, attempt, offset) -> when its next record was first seen to wait.
        self._waiting: dict[tuple[str, int, int], tuple[float, datetime]] = {}
        #: Run -> why its journal cannot be read to the end.
        self.unreadable: Mapping[str, str] = {}

    def close(self) -> None:
        """End the thread; what is being taken in is waited for."""
        self._executor.shutdown()

    @property
    def is_told(self) -> bool:
        """Whether a change of a file tells all there is to know: a run that is killed changes none."""
        return self._under_way is None and not self._sizes

    def take_in(self, now_s: float, at: datetime) -> Standing | None:
        """Catch up where that is due; tell what keeps it from being done."""
        self._waiting.clear()
        if self._under_way is None and self._is_due(now_s):
            self._began_s, self._began_at = now_s, at
            self._under_way = self._executor.submit(catch_up, self._home, wait_s=BUSY_S)
            wait([self._under_way], timeout=_FIRST_PATIENCE_S if self._is_first else _PATIENCE_S)
            self._is_first = False
        if self._under_way is not None and self._began_at is not None:
            if self._under_way.done():
                self._standing = self._outcome(self._under_way, self._began_at)
                self._under_way = None
            elif now_s - self._began_s > _LONG_S and self._standing is None:
                text = f"What runs wrote is still being taken into the database {self._home.database}."
                self._standing = Standing(text, self._began_at)
        return self._standing

    def look_at_daemon(self, reader: OverviewReader, pid: int, now_s: float, at: datetime) -> Standing | None:
        """Tell whether a daemon leaves lying what runs write."""
        self._sizes = None
        if now_s - self._looked_s < _LOOK_AT_DAEMON_EVERY_S:
            return self._standing
        self._looked_s = now_s
        run_ids = active_runs(self._home)[:_MOST_RUNS]
        places = reader.journal_places(run_ids) if run_ids else {}
        waiting = {place for run_id in run_ids if (place := self._next(run_id, places))}
        self._waiting = {place: self._waiting.get(place, (now_s, at)) for place in waiting}
        since_s, since = min(self._waiting.values(), default=(now_s, at))
        self._standing = None
        if now_s - since_s > _BEHIND_S:
            self._standing = Standing(
                f"The daemon (process {pid}) has left lying what runs wrote since {clock(since)}. "
                "`flowctl daemon logs` says why, `flowctl daemon restart` replaces it.",
                since,
            )
        return self._standing

    def _is_due(self, now_s: float) -> bool:
        if now_s - self._began_s < _CATCH_UP_EVERY_S:
            return False
        sizes, identity = _sizes_of(self._home), file_identity(self._home.database)
        is_same = (sizes, identity) == (self._sizes, self._identity)
        after_s = _LOOK_AFTER_S if self._standing is None else _RETRY_AFTER_S
        # Without a run under way there is nobody to look after.
        if is_same and ((self._standing is None and not sizes) or now_s - self._began_s < after_s):
            return False
        self._sizes, self._identity = sizes, identity
        return True

    def _outcome(self, done: Future[list[Look]], began_at: datetime) -> Standing | None:
        since = began_at if self._standing is None else self._standing.since
        try:
            self.unreadable = {look.run_id: str(look.problem) for look in done.result()}
        except (StoreError, HomeUnusable) as error:
            return Standing(str(error), since)
        except OSError as error:
            return Standing(str(HomeUnusable.by(self._home.path, error)), since)
        # What cannot be written is passed over in silence: what is there can still be read.
        if self._sizes and not os.access(self._home.path, os.W_OK):
            return Standing(str(DatabaseReadOnly(self._home.database, "its folder is read-only")), since)
        return None

    def _next(self, run_id: str, places: Mapping[tuple[str, int], tuple[int, bool]]) -> tuple[str, int, int] | None:
        """Find the place of the record of a run that is not taken in; None: there is none."""
        attempt = (attempts(self._home, run_id) or [0])[-1]
        offset, is_readable = places.get((run_id, attempt), (0, True))
        if not attempt or not is_readable:
            return None
        try:
            descriptor = os.open(self._home.journal(run_id, attempt), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            # The length of the next record; a writer reserves room, and zeros stand there.
            return (run_id, attempt, offset) if any(os.pread(descriptor, 4, offset)) else None
        finally:
            os.close(descriptor)


def _sizes_of(home: Home) -> _Sizes:
    """Give the size of every journal of every active run."""
    return {run_id: _sizes(home.run_folder(run_id)) for run_id in active_runs(home)}


def _sizes(folder: str) -> tuple[int, ...]:
    try:
        with os.scandir(folder) as entries:
            return tuple(
                size for _, size in sorted((e.name, e.stat().st_size) for e in entries if e.name.startswith("journal."))
            )
    except OSError:
        # Deleted, or not made yet: the marker comes first.
        return ()
