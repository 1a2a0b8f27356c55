"""The pulse: whether anything was written since the last look; without a daemon it catches up with the journals."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import flowctl
from flowctl.core.daemon.instance import Holder, find_holder
from flowctl.store.home import Home, HomeUnusable
from flowctl.store.overview import OverviewReader
from flowctl.store.problems import DatabaseBusy, DatabaseGone, HomeGone, StoreError
from flowctl.store.sqlite import file_identity
from flowctl.tui.data.hearing import Hearing
from flowctl.tui.data.lanes import Opening
from flowctl.tui.data.safe_rows import line
from flowctl.tui.data.upkeep import Standing, Upkeep
from flowctl.tui.model.snapshots import Pulse

_DAEMON_EVERY_S: Final = 1.0


class Pulsing:
    """Feels the pulse of a home; all of it happens in one thread, whichever that is."""

    def __init__(self, home: Home, clock: Callable[[], datetime], let_go: Callable[[], None]) -> None:
        self._home = home
        #: Has all others close the database.
        self._let_go = let_go
        self._upkeep = Upkeep(home)
        self._hearing = Hearing(home)
        self._clock = clock
        self._opening = Opening(home)
        #: Goes up whenever something was written.
        self.version = 0
        self.holder: Holder | None = None
        self._looked_s = float("-inf")
        self._seen: tuple[int, int] | None = None
        #: When the database could be read last.
        self._good_at: datetime | None = None
        self._had_home = self._had_database = False

    @property
    def unreadable(self) -> Mapping[str, str]:
        """Runs whose journals cannot be read to the end, with the reason."""
        return self._upkeep.unreadable

    @property
    def is_daemon_silent(self) -> bool:
        """Whether the daemon has left a question unanswered for long."""
        return self._hearing.is_silent

    def beat(self) -> Pulse:
        """Look; never raises for what a store may say."""
        now_s, at = time.monotonic(), self._clock()
        if now_s - self._looked_s > _DAEMON_EVERY_S:
            self.holder, self._looked_s = find_holder(self._home), now_s
        holder, standing, is_readable = self.holder, None, True
        try:
            self._look_at_home()
            if holder is None:
                self._hearing.forget()
                standing = self._upkeep.take_in(now_s, at)
            version = self._opening.here(self._look)
            if holder is not None:
                pid = holder.pid
                standing = self._opening.here(lambda reader: self._upkeep.look_at_daemon(reader, pid, now_s, at))
                # One that does not answer explains all else.
                standing = self._hearing.listen(holder, now_s, at) or standing
            if (seen := (self._opening.opened, version)) != self._seen:
                self._seen = seen
                self.version += 1
            self._good_at = at
        except (StoreError, HomeUnusable, OSError) as error:
            error = HomeUnusable.by(self._home.path, error) if isinstance(error, OSError) else error
            is_readable, standing = False, Standing(str(error), self._good_at)
            # Whatever is read next is news.
            self._seen = None
            if not isinstance(error, DatabaseBusy):
                self._let_go()
        return Pulse(
            version=self.version,
            daemon_pid=None if holder is None else holder.pid,
            daemon_since=datetime.fromtimestamp(holder.started_at / 1e6, UTC) if holder and holder.started_at else None,
            problem=None if standing is None else standing.problem,
            # A daemon that answers again changes no file, but is listened to once a second all the same.
            is_told=(standing is None or self._hearing.is_silent) and (holder is not None or self._upkeep.is_told),
            at=at,
            as_of=at if standing is None else standing.since,
            is_readable=is_readable,
            remark=None if holder is None else _of_another_version(holder) or self._hearing.trouble,
        )

    def close(self) -> None:
        """Let go of the database."""
        self._hearing.close()
        self._opening.close()
        self._upkeep.close()

    def _look_at_home(self) -> None:
        """Raise where the folder is gone that was there before: it would read as an empty one."""
        is_there = os.path.isdir(self._home.path)  # noqa: PTH112 - the store speaks in text paths
        if self._had_home and not is_there:
            raise HomeGone(self._home.path)
        self._had_home = self._had_home or is_there
        if is_there and not os.access(self._home.path, os.R_OK | os.X_OK):
            raise HomeUnusable(self._home.path, "Permission denied")

    def _look(self, reader: OverviewReader) -> int:
        """Tell the version of what is in the database; raise where that is none to be read."""
        reader.check_schema()
        is_there = file_identity(self._home.database) is not None
        if self._had_database and not is_there and self.holder is not None:
            raise DatabaseGone(self._home.database)
        self._had_database = self._had_database or is_there
        return reader.data_version()


def _of_another_version(holder: Holder) -> str | None:
    """Say that the daemon is another flowctl than this one."""
    if holder.version in ("", flowctl.__version__):
        return None
    return (
        f"The daemon is flowctl {line(holder.version)}, this interface is {flowctl.__version__}: "
        "`flowctl daemon restart` makes them one; runs go on."
    )
