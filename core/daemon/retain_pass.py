"""The pass that keeps the home small and sound: old runs go, room is given back, the database is copied aside.

Each turn is short. What takes long (measuring, copying) is done in a thread, which has no part in the writer's
connection.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from flowctl.core.daemon.chores import Chores
from flowctl.core.daemon.snapshots import Snapshot, list_snapshots, take_snapshot
from flowctl.store import deletion
from flowctl.store.flow_files import drop_unused_sources
from flowctl.store.health import look_after_crash
from flowctl.store.home import Home
from flowctl.store.plans import prune_occurrences
from flowctl.store.problems import RunAlive, StoreError
from flowctl.store.retention import Policy, Room, expired_runs, forget_requests, room_of, runs_to_free
from flowctl.store.sqlite import translated
from flowctl.store.writer import Store

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon

#: Nobody waits for it, and the daemon has better things to do when it has just started.
FIRST_LOOK: Final = timedelta(seconds=30)
LOOK_EVERY: Final = timedelta(minutes=10)
MEASURE_EVERY: Final = timedelta(hours=1)
#: With less than this free, nothing more is begun, and the status says so before anything fails.
LEAST_FREE_BYTES: Final = 16 << 20
#: Runs that are looked for at once; the rest is found at the next look.
_RUNS_AT_ONCE: Final = 500
_ROWS_AT_ONCE: Final = 5000
#: Who did not get an answer asks again within moments; people look back for longer.
_REQUESTS_KEPT: Final = timedelta(days=7)
_TURN_S: Final = 1.0


class DiskNearlyFull(StoreError):
    """There is hardly any room left where the home is."""

    def __init__(self, home: Home, free: int) -> None:
        super().__init__(
            f"The disk of {home.path} is nearly full: {free / 1e6:.1f} MB are free. Runs will fail when it is full: "
            "make room, or delete runs (`flowctl db prune`)."
        )


class Retainer:
    """What is on its way out, and when was looked last."""

    def __init__(self, home: Home, started: datetime) -> None:
        self.home = home
        #: Runs to delete.
        self.doomed: deque[str] = deque()
        #: How much room everything took when last measured.
        self.room: Room | None = None
        self._steps: Generator[None, None, None] | None = None
        self._look_at = started + FIRST_LOOK
        self._measure_at = started + FIRST_LOOK
        self._copied_at = max((each.at for each in list_snapshots(home)), default=None)
        self._copied_commits: int = -1
        self._copy_from = started + FIRST_LOOK
        self._has_unswept = False
        self.doomed.extend(deletion.unfinished_deletions(home))

    @property
    def is_deleting(self) -> bool:
        return bool(self.doomed) or self._steps is not None

    def doom(self, ids: list[str]) -> None:
        """Have runs deleted as soon as can be."""
        waiting = set(self.doomed)
        self.doomed.extend(run_id for run_id in ids if run_id not in waiting)

    def look(self, store: Store, policy: Policy, now: datetime) -> None:
        """See now and then which runs have been kept long enough."""
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY
        now_us = int(now.timestamp() * 1_000_000)
        self.doom(expired_runs(store.connection, policy, now_us=now_us, limit=_RUNS_AT_ONCE))
        with store.transaction(durable=False):
            forget_requests(store.connection, before_us=now_us - _REQUESTS_KEPT // timedelta(microseconds=1))
            drop_unused_sources(store.connection)
            if policy.days:
                prune_occurrences(store.connection, now - timedelta(days=policy.days), limit=_ROWS_AT_ONCE)
        if policy.size and self.room is not None and self.room.total > policy.size:
            self.doom(runs_to_free(store.connection, self.home, excess=self.room.total - policy.size))
            self.room = None
            self._measure_at = now

    def look_soon(self, now: datetime) -> None:
        """Look again with the next turn."""
        self._look_at = now

    def measured(self, room: Room, now: datetime) -> None:
        """Take note of how much room everything takes."""
        self.room = room
        self.look_soon(now)

    def is_to_be_copied(self, now: datetime, every: timedelta, commits: int) -> bool:
        """Tell whether it is time for a copy that would differ from the last one; once for each time that it is."""
        is_recent = self._copied_at is not None and now - self._copied_at < every
        if not every or is_recent or now < self._copy_from or commits == self._copied_commits:
            return False
        self._copied_at, self._copied_commits = now, commits
        return True

    def is_to_be_measured(self, now: datetime) -> bool:
        """Tell whether the home is to be measured anew; once for each time that it is."""
        if now < self._measure_at:
            return False
        self._measure_at = now + MEASURE_EVERY
        return True

    def delete_some(self, store: Store) -> bool:
        """Delete a little; tell whether there is more to delete."""
        with translated(self.home.database):
            if self._steps is None:
                if not self.doomed:
                    return self._finish(store)
                self._steps = deletion.deleting(store.connection, self.home, [self.doomed[0]])
            try:
                next(self._steps)
                store.commits += 1
            except StopIteration:
                self._steps = None
                self.doomed.popleft()
                self._has_unswept = True
            except RunAlive:
                # It was taken up again meanwhile.
                self._steps = None
                self.doomed.popleft()
            except BaseException:
                self._steps = None
                raise
        return True

    def _finish(self, store: Store) -> bool:
        if self._has_unswept:
            deletion.sweep(self.home)
            self._has_unswept = False
        return deletion.give_back_room(store.connection)


def plug(daemon: Daemon) -> Callable[[datetime], float | None]:
    """Take part in the daemon's loop."""
    home = daemon.home
    retainer = daemon.retainer = Retainer(home, daemon.now())
    chores: Chores[Room | Snapshot | list[str]] = Chores(lambda: daemon.poke("retain"))
    if daemon.follows_crash:
        chores.begin("database", lambda: look_after_crash(home))
    daemon.on_reload.append(lambda: retainer.look_soon(daemon.now()))

    def turn(now: datetime) -> float | None:
        settings = daemon.settings
        for done in chores.collect():
            if done.error is not None:
                daemon.report(done.name, done.error)
                continue
            daemon.recovered(done.name)
            if isinstance(done.value, Room):
                retainer.measured(done.value, now)
            elif isinstance(done.value, Snapshot):
                daemon.log.write(f"Copied the database to {done.value.path}.")
            elif done.value:
                daemon.log.write(f"Took up {len(done.value)} runs again, of which the database had lost something.")
        policy = Policy(days=settings.retain_days, runs=settings.retain_runs, size=settings.retain_size)
        retainer.look(daemon.store, policy, now)
        if retainer.delete_some(daemon.store):
            return 0.0
        if policy.size and retainer.is_to_be_measured(now):
            chores.begin("measure", lambda: room_of(home))
        if retainer.is_to_be_copied(now, timedelta(hours=settings.snapshot_hours), daemon.store.commits):
            chores.begin("snapshot", lambda: take_snapshot(home, now))
        return _TURN_S

    return turn


def check_disk(home: Home) -> None:
    """Raise `DiskNearlyFull` before anything else finds out."""
    try:
        found = os.statvfs(home.path)
    except OSError:
        return
    free = found.f_bavail * found.f_frsize
    if free < LEAST_FREE_BYTES:
        raise DiskNearlyFull(home, free)
