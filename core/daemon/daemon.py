"""The daemon: one loop that gives each pass its turn when there is something for it, and answers requests.

Between two turns it sleeps. It is woken by the socket, by a run that begins (its marker appears), by signals and by
children; while runs are active it looks at their journals some forty times a second. All SQLite work is in this thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from flowctl.core.daemon import ingest_pass, requests, rescue_pass, retain_pass
from flowctl.core.daemon.daemon_log import DaemonLog
from flowctl.core.daemon.folder_watch import FolderWatch, watch_folder
from flowctl.core.daemon.ingest_pass import ActiveRuns
from flowctl.core.daemon.instance import Instance
from flowctl.core.daemon.passes import Pass, Trouble, plugged_passes
from flowctl.core.daemon.retain_pass import DiskNearlyFull, Retainer, check_disk
from flowctl.core.daemon.server import Server
from flowctl.core.engine.settings import Settings, SettingsError, load_settings
from flowctl.store.home import Home
from flowctl.store.problems import StoreError
from flowctl.store.writer import Store

#: How often the journals of active runs are looked at: while they write, and when all have been silent for a while.
POLL_S: Final = 0.02
QUIET_POLL_S: Final = 0.04
_QUIET_AFTER_S: Final = 5.0
#: Without a watch on the folder of active runs, an idle daemon looks there itself.
_UNWATCHED_POLL_S: Final = 0.05
#: Who died is found by the lock; this often, where nothing else told.
_RESCUE_EVERY_S: Final = 0.1
_IDLE_S: Final = 1.0
#: Of two clocks that should go alike.
_CLOCK_JUMP_S: Final = 0.5
_ROUNDS_BETWEEN: Final = 5
#: At its end, what was asked before is still carried out, for at most so long.
_DRAIN_S: Final = 5.0

Clock = Callable[[], int]


def now_us() -> int:
    """The time, in microseconds since the epoch."""
    return time.time_ns() // 1000


class Daemon:
    """What the passes and the requests share."""

    def __init__(
        self,
        instance: Instance,
        store: Store,
        *,
        log: DaemonLog,
        started_at: int,
        clock: Clock = now_us,
    ) -> None:
        self.home: Home = instance.home
        self.store = store
        self.log = log
        self.clock = clock
        self.started_at = started_at
        self.settings: Settings = load_settings(self.home.path)
        self.active = ActiveRuns(self.home)
        self.server = Server(self.wake, log.write)
        #: What is to be done once the requests of this turn are on the disk: signals to processes, pokes.
        self.afterwards: list[Callable[[], None]] = []
        #: Called whenever the settings were read again.
        self.on_reload: list[Callable[[], None]] = []
        #: Called at the end, before the database is closed.
        self.on_stop: list[Callable[[], None]] = []
        #: Tells of a dead run process whose last words are still to be written down.
        self.is_awaited: Callable[[str], bool] = lambda _run_id: False
        #: Set by the passes that have such things.
        self.retainer: Retainer | None = None
        self.dispatcher: Any = None  # each of its own file's type; they come above this one
        self.watcher: Any = None  # as above
        self.scheduler: Any = None  # as above
        #: Goes up whenever there is something new to see.
        self.changes = 0
        #: The daemon before this one was killed, or the machine went down under it.
        self.follows_crash = instance.follows_crash
        #: How many open descriptors this process was allowed before it raised the limit; children get that back.
        self.descriptors_before = 1024
        self._instance = instance
        self._event = asyncio.Event()
        self._is_stopping = False
        self._watch: FolderWatch | None = None
        self._last_news_s = 0.0
        #: Of the wall clock to the loop's, in seconds.
        self._ahead_s: float | None = None
        self._troubles: dict[str, Trouble] = {}
        self._commits_told = 0
        self._ingest = Pass("ingest", self._take_in)
        self._rescue = Pass("rescue", self._close_dead)
        self._plugged: list[Pass] = []
        self._passes: list[Pass] = []

    def now(self) -> datetime:
        """The time of this turn."""
        return datetime.fromtimestamp(self.clock() / 1_000_000, UTC)

    def wake(self) -> None:
        """Have a turn at once; to be called in the loop's thread."""
        self._event.set()

    def poke(self, *names: str) -> None:
        """Give these passes their turn as soon as can be."""
        for each in self._passes:
            if each.name in names:
                each.poke()
        self.wake()

    def stop(self) -> None:
        """Come to an end, politely."""
        self._is_stopping = True
        self.wake()

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping

    @property
    def troubles(self) -> dict[str, Trouble]:
        """What keeps which part from its work, now."""
        found = {each.name: each.trouble for each in self._passes if each.trouble is not None}
        return {**found, **self._troubles}

    def report(self, name: str, error: Exception) -> None:
        """Remember and log what keeps a part from its work."""
        known = self._troubles.get(name)
        if known is None or known.message != str(error):
            self._troubles[name] = Trouble(self.now(), str(error), is_defect=False)
            self.log.write(f"{name}: {error}")
            self.changed()

    def recovered(self, name: str) -> None:
        """Forget what kept a part from its work."""
        if self._troubles.pop(name, None) is not None:
            self.log.write(f"{name}: works again.")
            self.changed()

    def log_defect(self, where: str, error: BaseException) -> None:
        """Put an error that nobody foresaw into the log, with its traceback."""
        self.log.write_defect(where, error)

    def guarded(self, where: str, action: Callable[[], None]) -> None:
        """Do something whose failure must not end the daemon."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the edge of the daemon
            self.log_defect(where, error)

    def changed(self) -> None:
        """Tell subscribers that there is something new to see."""
        self.changes += 1
        self.server.tell({"changed": self.changes})

    def reload(self) -> None:
        """Read the settings again; raise `SettingsError` and keep the old ones where they are wrong."""
        self.settings = load_settings(self.home.path)
        for action in self.on_reload:
            action()
        self.log.write(f"Settings read again{f' from {self.settings.file}' if self.settings.file else ''}.")
        self.poke("retain", *(each.name for each in self._plugged))

    async def run(self, *, is_ready: Callable[[], None]) -> None:
        """Live until asked to stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        # In a terminal it means that the terminal is gone; from a service manager, that the settings have changed.
        hang_up = self._asked_to_stop if sys.stdin is not None and sys.stdin.isatty() else self._asked_to_reload
        loop.add_signal_handler(signal.SIGHUP, hang_up)
        self._watch = watch_folder(self.home.active)
        if self._watch is not None:
            loop.add_reader(self._watch.descriptor, self._marker_came)
        requests.load_verbs()
        self._plugged = plugged_passes(self)
        upkeep = [Pass("retain", retain_pass.plug(self)), Pass("house", self._keep_house)]
        self._passes = [self._ingest, self._rescue, *self._plugged, *upkeep]
        await self.server.open(self.home)
        is_ready()
        try:
            while not self._is_stopping:
                self._turn(loop.time())
                await self._rest(loop)
            await self._drain(loop)
        finally:
            self._close()

    def _turn(self, now_s: float) -> None:
        self._event.clear()
        if self.server.has_requests:
            requests.answer_all(self, self.server.take())
        for each in self._passes:
            if each.is_due(now_s) or each is self._ingest:
                self._give_turn(each, now_s)
        if self.store.commits != self._commits_told:
            self._commits_told = self.store.commits
            self.changed()

    def _give_turn(self, each: Pass, now_s: float) -> None:
        if each.trouble is not None and not each.is_due(now_s):
            return
        try:
            if each.succeeded(now_s, each.turn(self.now())):
                self.log.write(f"{each.name}: works again.")
                self.changed()
        except StoreError as error:
            trouble = Trouble(self.now(), str(error), is_defect=False)
            if each.failed(now_s, trouble):
                self.log.write(f"{each.name}: {error}")
                self.changed()
        except Exception as error:  # noqa: BLE001 - the edge around a pass: it is recorded, shown and tried again
            trouble = Trouble(self.now(), f"{type(error).__name__}: {error!s:.300}", is_defect=True)
            if each.failed(now_s, trouble):
                self.log_defect(f"pass {each.name}", error)
                self.changed()

    async def _rest(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sleep until there is something to do; give the connections their turn in any case."""
        now_s = loop.time()
        wait_s = _IDLE_S if self._watch is not None else _UNWATCHED_POLL_S
        if self.active:
            wait_s = POLL_S if now_s - self._last_news_s < _QUIET_AFTER_S else QUIET_POLL_S
        for each in self._passes:
            if each.due_s is not None:
                wait_s = min(wait_s, each.due_s - now_s)
        if self.server.has_requests or wait_s <= 0:
            # A new connection needs several rounds of the loop until its first request is there.
            for _ in range(_ROUNDS_BETWEEN):
                await asyncio.sleep(0)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._event.wait()

    def _take_in(self, _now: datetime) -> float | None:
        progress = ingest_pass.step(self.store, self.active)
        if progress.runs:
            self.store.checkpoint()
            self._last_news_s = asyncio.get_running_loop().time()
        if self.active.ended:
            self._rescue.poke()
        return 0.0 if progress.is_behind else None

    def _close_dead(self, _now: datetime) -> float | None:
        closed = rescue_pass.step(self.store, self.active, is_awaited=self.is_awaited)
        if closed:
            self.poke("dispatch", "schedule")
        if len(closed) == rescue_pass.RUNS_A_STEP:
            return 0.0
        return _RESCUE_EVERY_S if self.active else None

    def _keep_house(self, _now: datetime) -> float | None:
        if not self._instance.is_ours():
            self.log.write("The lock file of this daemon was removed or replaced, so that another may start: it ends.")
            self._is_stopping = True
            return None
        if not self.store.is_in_place():
            # What it writes from now on would be lost with the file; the next one finds all runs in their journals.
            self.log.write(f"The database {self.home.database} was removed or replaced under this daemon: it ends.")
            self._is_stopping = True
            return None
        now_s = asyncio.get_running_loop().time()
        self.server.sweep(now_s)
        self.store.rest()
        self._look_at_clock(now_s)
        try:
            check_disk(self.home)
            self.recovered("disk")
        except DiskNearlyFull as error:
            self.report("disk", error)
        return _IDLE_S

    def _look_at_clock(self, now_s: float) -> None:
        """Notice that the clock was set, or that the machine slept: what is due is to be worked out anew."""
        ahead_s = self.clock() / 1_000_000 - now_s
        if self._ahead_s is not None and abs(ahead_s - self._ahead_s) > _CLOCK_JUMP_S:
            self.poke(*(each.name for each in self._plugged))
        self._ahead_s = ahead_s

    def _marker_came(self) -> None:
        if self._watch is not None:
            self._watch.drain()
        self._rescue.poke()
        self.wake()

    def _asked_to_stop(self) -> None:
        if self._is_stopping:
            # A second signal: nothing is lost by it, runs go on and the next daemon takes up from here.
            os._exit(1)
        self.log.write("Asked to stop.")
        self.stop()

    def _asked_to_reload(self) -> None:
        try:
            self.reload()
            self.recovered("settings")
        except SettingsError as error:
            self.report("settings", error)

    async def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer what was asked before, take in what was written before."""
        self.server.stop_listening()
        deadline = loop.time() + _DRAIN_S
        while loop.time() < deadline:
            await asyncio.sleep(0)
            if self.server.has_requests:
                requests.answer_all(self, self.server.take())
                continue
            self._give_turn(self._ingest, loop.time())
            if self._ingest.due_s is None or self._ingest.trouble is not None:
                break
        for action in reversed(self.on_stop):
            self.guarded("stop", action)
        self.server.close()
        # Transports send what is still to be sent.
        for _ in range(20):
            if not self.server.connections:
                break
            await asyncio.sleep(0.01)

    def _close(self) -> None:
        if self._watch is not None:
            asyncio.get_running_loop().remove_reader(self._watch.descriptor)
            self._watch.close()
