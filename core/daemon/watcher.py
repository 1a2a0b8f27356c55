"""Keeps what the daemon knows of flows in step with the files they are in, between one turn of the pass and the next.

A file goes this way: saved (lookout) → looked into in a child (inspection) → its texts packed (preparation) → into the
database (intake, in the pass's turn, all that is ready in one transaction).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.daemon.inspection import Inspected, Inspectors
from flowctl.core.daemon.intake import DOUBT_S, Ready, take_all
from flowctl.core.daemon.lookout import Lookout, News, Packed
from flowctl.core.daemon.makings import Makings, digests_of
from flowctl.core.daemon.preparation import Preparation
from flowctl.core.daemon.reload_entries import Cause
from flowctl.store.file_records import ReloadCause

if TYPE_CHECKING:
    from flowctl.store.sqlite import sqlite3
    from flowctl.store.writer import Store

#: So often all files are looked at without being asked to: links are turned round, events get lost.
RESCAN_S: Final = 60.0
#: Files that are looked into at once; the others wait here, where the newest save of each counts.
_MOST_ASKED: Final = 64
_MOST_TOLD: Final = 100
#: Files that one turn puts into the database; the daemon answers in between.
_MOST_APPLIED: Final = 100


class Watcher:
    """The flow files, the modules behind them, and what is to be done about them."""

    def __init__(
        self,
        inspectors: Inspectors,
        *,
        wake: Callable[[], None],
        deliver: Callable[[Callable[[], None]], None],
        log: Callable[[str], object],
        clock_s: Callable[[], float],
    ) -> None:
        self.inspectors = inspectors
        self.reloads = 0
        self._wake = wake
        self._log = log
        self._clock_s = clock_s
        self._deliver = deliver
        self._lookout: Lookout | None = None
        self._preparation: Preparation | None = None
        self._files = Makings()
        #: To be looked into, in order.
        self._dirty: dict[str, None] = {}
        #: Why, of each that is on its way.
        self._causes: dict[str, Cause] = {}
        self._asked: set[str] = set()
        self._lost: dict[str, None] = {}
        self._ready: dict[str, Ready] = {}
        self._look_at_s: float | None = None
        self._walk_at_s: float | None = None
        self._is_walking = False
        self._must_walk = False
        self._is_loaded = False
        self._is_walked = False

    # What others ask.

    @property
    def is_busy(self) -> bool:
        """Whether something that was saved is not in the database yet."""
        return bool(self._dirty or self._asked or self._ready or self._lost) or self._is_walking

    def is_behind(self, path: str) -> bool:
        """Whether a save of a flow file is known, and not in the database yet."""
        return path in self._dirty or path in self._asked or path in self._ready

    def is_deployed(self, path: str | None) -> bool:
        """Whether a file is looked after since something is deployed from it."""
        return self._is_loaded and path in self._files.deployed

    def status(self) -> dict[str, Any]:
        """Tell how it is, for those who ask the daemon."""
        return {
            "watched": [row.path for row in self._files.roots],
            "folders": 0 if self._lookout is None else self._lookout.folders,
            "flow_files": len(self._files.digests),
            "reloads": self.reloads,
            "is_busy": self.is_busy,
            "reloading": sorted({*self._dirty, *self._asked, *self._ready})[:_MOST_TOLD],
            "warning": None if self._lookout is None else self._lookout.warning,
            # Files in watched folders that are not looked into, and why.
            "left_out": {}
            if self._lookout is None
            else dict(list(self._lookout.sighting.left_out.items())[:_MOST_TOLD]),
        }

    def refresh(self) -> None:
        """Read from the database what is to be watched, and walk it, in the next turn."""
        self._is_loaded = False
        self._wake()

    def look_again(self, path: str | None) -> list[str]:
        """Look into a flow file again, or into all, though nothing was saved; give those that are looked into."""
        paths = [each for each, digest in self._files.digests.items() if digest is not None and path in (None, each)]
        for each in paths:
            self._soil(each, Cause(ReloadCause.ASKED))
        self._wake()
        return paths

    def close(self) -> None:
        self.inspectors.close()
        if self._lookout is not None:
            self._lookout.close()

    # A turn of the pass.

    def step(self, store: Store, now: datetime) -> float | None:
        """Go on with whatever can go on; say when to come again."""
        now_s = self._clock_s()
        if not self._is_loaded:
            self._load(store.connection)
        for found in self.inspectors.answers(now_s):
            self._answered(store, found)
        self._ask(store.connection, now_s)
        self._apply(store, now, now_s)
        if self._look_at_s is not None and now_s >= self._look_at_s:
            self._look_at_s = None
            self._look(())
        if self._walk_at_s is not None and now_s >= self._walk_at_s:
            self._walk()
        return self._wait_s(now_s)

    def touched(self, paths: set[str], is_all: bool) -> None:
        """Hear from the watch that something was done to files."""
        if is_all:
            self._walk()
            return
        if (python := self._files.python_for(paths)) is not None:
            self.inspectors.warm_up(python, self._clock_s())
        self._look(paths)

    # From files to saves.

    def _load(self, connection: sqlite3.Connection) -> None:
        self._is_loaded = True
        known, doubtful = self._files.load(connection)
        for place in (self._dirty, self._lost, self._ready):
            for path in [path for path in place if path not in self._files.digests]:
                place.pop(path, None)
        # It may have been another file that was wrong, and is right again.
        self._dirty.update(dict.fromkeys(doubtful))
        self._causes.update(dict.fromkeys(doubtful, Cause(ReloadCause.AGAIN)))
        if self._lookout is None:
            if not self._files.roots and not self._files.deployed:
                return
            self._lookout = Lookout(self._noticed, self._deliver)
            self._preparation = Preparation(
                self._lookout, ready=self._stay_ready, look_again=self._look_again, failed=self._failed
            )
        self._remember(known)
        self._walk()

    def _noticed(self, paths: set[str], is_all: bool) -> None:
        """In the thread of the watch."""
        self._deliver(lambda: self.touched(paths, is_all))

    def _walk(self) -> None:
        self._walk_at_s = self._clock_s() + RESCAN_S
        if self._lookout is None:
            return
        if self._is_walking:
            self._must_walk = True
            return
        self._is_walking = True
        roots = tuple(row.path for row in self._files.roots)
        lookout, files, now_s = self._lookout, self._files.files, self._clock_s()
        lookout.do(lambda: lookout.walk(roots, files, now_s), self._walked, self._walk_failed)

    def _walked(self, news: News) -> None:
        self._is_walking = False
        self._is_walked = True
        self._heard(news)
        if self._must_walk:
            self._must_walk = False
            self._walk()

    def _look(self, paths: Iterable[str]) -> None:
        if self._lookout is not None:
            lookout, files, now_s = self._lookout, self._files.files, self._clock_s()
            lookout.do(lambda: lookout.look(paths, files, now_s), self._heard, self._failed)

    def _heard(self, news: News) -> None:
        """Take in which files were saved."""
        for path, digest in news.saves:
            for flow_file in self._files.behind(path):
                self._soil(flow_file, Cause() if flow_file == path else Cause(ReloadCause.MODULE, path))
            if path in self._files.digests:
                self._files.digests[path] = digest
                if digest is None:
                    self._dirty.pop(path, None)
                    self._ready.pop(path, None)
                    self._lost[path] = None
                else:
                    self._soil(path, Cause())
            elif path in news.candidates and self._files.is_watched(path):
                self._files.digests[path] = digest
                self._soil(path, Cause(ReloadCause.FOUND))
        if news.again_s is not None:
            at_s = self._clock_s() + news.again_s
            self._look_at_s = at_s if self._look_at_s is None else min(self._look_at_s, at_s)
        if news.must_walk:
            self._walk()
        self._wake()

    def _soil(self, path: str, cause: Cause | None = None) -> None:
        if self._files.digests.get(path) is None:
            return
        known = self._causes.get(path)
        # A save of its own says more than one of a module in the same moment.
        if cause is not None and (known is None or known.kind is not ReloadCause.SAVED):
            self._causes[path] = cause
        self._lost.pop(path, None)
        self._ready.pop(path, None)
        self._dirty[path] = None

    def _walk_failed(self, error: Exception) -> None:
        self._is_walking = False
        self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._log(f"watch: files cannot be looked at ({type(error).__name__}: {error!s:.300}).")

    # From saves to what is in them.

    def _ask(self, connection: sqlite3.Connection, now_s: float) -> None:
        for path in list(self._dirty):
            if path in self._asked:
                continue
            if len(self._asked) >= _MOST_ASKED:
                return
            del self._dirty[path]
            if path.endswith(".toml"):
                assert self._preparation is not None
                self._asked.add(path)
                self._preparation.read_tables(connection, path, tuple(row.path for row in self._files.roots))
                continue
            is_known = path in self._files.deployed or self._files.is_made_of_something(path)
            found = self.inspectors.ask(path, self._files.surroundings(path), is_known=is_known, now_s=now_s)
            self._asked.add(path)
            if found is not None:
                self._deliver(partial(self._stay_ready, found))

    def _answered(self, store: Store, found: Inspected) -> None:
        if found.path in self._dirty:
            # It was saved again meanwhile.
            self._asked.discard(found.path)
            return
        if found.is_gone:
            # Which the lookout tells, once it is sure.
            self._asked.discard(found.path)
            self._look((found.path,))
            return
        assert self._preparation is not None
        self._note_files(found)
        self._preparation.prepare(store.connection, found)

    def _look_again(self, path: str, is_there: bool) -> None:
        """What was found out about a file is not so any more: it was saved meanwhile, or it went, or cannot be read."""
        self._asked.discard(path)
        if is_there:
            self._soil(path)
        self._wake()

    def _stay_ready(self, found: Inspected, packed: Packed | None = None, diff: str = "") -> None:
        path = found.path
        self._asked.discard(path)
        if path not in self._dirty and self._files.digests.get(path) is not None:
            self._ready[path] = Ready(found, self._files.digests[path], packed, diff, self._causes.get(path, Cause()))
        self._wake()

    # Into the database.

    def _apply(self, store: Store, now: datetime, now_s: float) -> None:
        ready = [each for each in self._ready.values() if each.due_s <= now_s][:_MOST_APPLIED]
        lost = list(self._lost)[:_MOST_APPLIED]
        if not ready and not lost:
            return
        told, waiting = take_all(store, self._files, lost, ready, now)
        for each in waiting:
            self._ready[each.found.path] = each._replace(due_s=now_s + DOUBT_S)
        for path, outcome, words in told:
            self._lost.pop(path, None)
            self._ready.pop(path, None)
            self._causes.pop(path, None)
            # The flow files of new deployments are looked into next.
            if path.endswith(".toml"):
                self._is_loaded = False
                self._soil_flows(next((each for each in ready if each.found.path == path), None))
            if outcome == "empty":
                self._drop(path)
            else:
                self.reloads += 1
                self._log(f"watch: {path} {outcome}. {words}")

    def _soil_flows(self, taken: Ready | None) -> None:
        """Have the flow files that a settings file names looked into: whether they have the flow, and what it needs."""
        if taken is not None and taken.found.tables is not None and taken.cause.kind is not ReloadCause.AGAIN:
            for table in taken.found.tables.tables:
                self._soil(table.file, Cause(ReloadCause.MODULE, taken.found.path))

    def _note_files(self, found: Inspected) -> None:
        """Remember what a flow file is made of, and have new files among it watched."""
        new = self._files.note(found.path, {*found.files, *found.named})
        if self._is_walked and any(file != found.path for file in new):
            # One that is saved between its loading and this is found by the walk.
            self._remember(digests_of(new, found.files))
            self._walk()

    def _remember(self, known: Mapping[str, str | None]) -> None:
        if self._lookout is not None and known:
            lookout = self._lookout
            lookout.do(lambda: lookout.remember(known), lambda _nothing: None, self._failed)

    def _drop(self, path: str) -> None:
        """Forget a file that holds no flows, until it is saved again."""
        if path not in self._files.deployed:
            self._files.forget(path)
            for place in (self._dirty, self._lost, self._ready):
                place.pop(path, None)

    def _wait_s(self, now_s: float) -> float | None:
        waits = [
            at - now_s for at in (self._look_at_s, self._walk_at_s) if at is not None and self._lookout is not None
        ]
        waits += [each.due_s - now_s for each in self._ready.values()]
        waits += [0.0] if self._lost else []
        if self._dirty and len(self._asked) < _MOST_ASKED and any(path not in self._asked for path in self._dirty):
            waits.append(0.0)
        if not self._is_loaded:
            waits.append(0.0)
        if (idle_s := self.inspectors.idle_s(now_s)) is not None:
            waits.append(idle_s)
        return max(min(waits), 0.0) if waits else None
