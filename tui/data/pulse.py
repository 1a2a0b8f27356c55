"""The pulse: whether anything was written since the last look; without a daemon it catches up with the journals."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from flowctl.core.daemon.instance import Holder, find_holder
from flowctl.store.catchup import active_runs, catch_up
from flowctl.store.home import Home, HomeUnusable
from flowctl.store.problems import StoreError
from flowctl.tui.data.lanes import Opening
from flowctl.tui.model.snapshots import Pulse

_DAEMON_EVERY_S: Final = 1.0
#: A run that was killed writes nothing: without news, one looks after it so often.
_LOOK_AFTER_S: Final = 2.0
#: A commit waits for the disk.
_CATCH_UP_EVERY_S: Final = 0.2

_Sizes = dict[str, tuple[int, ...]]


class Pulsing:
    """Feels the pulse of a home; all of it happens in one thread, whichever that is."""

    def __init__(self, home: Home, clock: Callable[[], datetime]) -> None:
        self._home = home
        self._clock = clock
        self._opening = Opening(home)
        #: Goes up whenever something was written.
        self.version = 0
        self.holder: Holder | None = None
        #: Runs whose journals cannot be read to the end, with the reason.
        self.unreadable: dict[str, str] = {}
        self._looked_s = self._caught_up_s = float("-inf")
        self._seen: tuple[int, int] | None = None
        self._found: tuple[_Sizes, int | None] | None = None

    def beat(self) -> Pulse:
        """Look; never raises for what a store may say."""
        problem: str | None = None
        now_s = time.monotonic()
        if now_s - self._looked_s > _DAEMON_EVERY_S:
            self.holder, self._looked_s = find_holder(self._home), now_s
        holder = self.holder
        try:
            if holder is None:
                self._catch_up(now_s)
            data_version = self._opening.here(lambda reader: reader.data_version())
            seen = (self._opening.opened, data_version)
            if seen != self._seen:
                self._seen = seen
                self.version += 1
        except (StoreError, HomeUnusable) as error:
            problem = str(error)
        return Pulse(
            version=self.version,
            daemon_pid=None if holder is None else holder.pid,
            daemon_since=datetime.fromtimestamp(holder.started_at / 1e6, UTC) if holder and holder.started_at else None,
            problem=problem,
            is_told=holder is not None or not (self._found and self._found[0]),
            at=self._clock(),
        )

    def close(self) -> None:
        """Let go of the database."""
        self._opening.close()

    def _catch_up(self, now_s: float) -> None:
        if now_s - self._caught_up_s < _CATCH_UP_EVERY_S:
            return
        # Another database may be an older one, or lack what the journals of ended runs hold.
        found = _sizes_of(self._home), _inode(self._home.database)
        if found == self._found and (not found[0] or now_s - self._caught_up_s < _LOOK_AFTER_S):
            return
        self._found, self._caught_up_s = found, now_s
        self.unreadable = {look.run_id: str(look.problem) for look in catch_up(self._home)}


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - ten times a second
    except OSError:
        return None


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
