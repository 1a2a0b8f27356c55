"""Keeps what the daemon knows of flows in step with the files they are in, between one turn of the pass and the next.

A file goes this way: saved (lookout) → looked into in a child (inspection) → its texts packed (lookout) → into the
database (reloading, in the pass's turn, all that is ready in one transaction).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flowctl.core.daemon import reloading
from flowctl.core.daemon.editors import HALF_S, is_source, read_content
from flowctl.core.daemon.inspection import Inspected, Inspectors, Surroundings
from flowctl.core.daemon.lookout import Lookout, News, difference
from flowctl.core.daemon.reloading import Reloaded
from flowctl.store import plan_queries, source_versions
from flowctl.store.flow_files import load_source

if TYPE_CHECKING:
    from flowctl.store.plan_records import WatchedRow
    from flowctl.store.sqlite import sqlite3
    from flowctl.store.writer import Store

#: So often all files are looked at without being asked to: links are turned round, events get lost.
RESCAN_S: Final = 60.0
#: What is gone is told after that time, and has to be told before it is taken for something else.
_LITTLE_S: Final = 0.15
#: Files that are looked into at once; the others wait here, where the newest save of each counts.
_MOST_ASKED: Final = 64
#: Files that one turn puts into the database; the daemon answers in between.
_MOST_APPLIED: Final = 100
#: In the place of a hash: the content of a file that nobody has looked at is news in any case, also if it is not there.
_NEVER_SEEN: Final = "never seen"


class Ready(NamedTuple):
    """A look into a file that can go into the database."""

    found: Inspected
    digest: str | None
    version: bytes | None
    diff: str
    #: Not before then, by the monotonic clock, where the next moment may show another picture.
    due_s: float


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
        self._roots: list[WatchedRow] = []
        #: Files of deployments, with what they are loaded in.
        self._deployed: dict[str, Surroundings] = {}
        #: Flow file -> the local files it is made of, itself included.
        self._made_of: dict[str, frozenset[str]] = {}
        #: Local file -> the flow files that are made of it.
        self._behind: dict[str, set[str]] = {}
        #: Last content seen of each flow file; None: it is gone.
        self._digests: dict[str, str | None] = {}
        #: To be looked into, in order.
        self._dirty: dict[str, None] = {}
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

    @property
    def warning(self) -> str | None:
        return None if self._lookout is None else self._lookout.warning

    @property
    def left_out(self) -> Mapping[str, str]:
        """Files in watched folders that are not looked into, and why."""
        return {} if self._lookout is None else self._lookout.sighting.left_out

    def status(self) -> dict[str, Any]:
        """Tell how it is, for those who ask the daemon."""
        return {
            "watched": [row.path for row in self._roots],
            "folders": 0 if self._lookout is None else self._lookout.folders,
            "flow_files": len(self._digests),
            "reloads": self.reloads,
            "is_busy": self.is_busy,
            "warning": self.warning,
            "left_out": dict(list(self.left_out.items())[:100]),
        }

    def refresh(self) -> None:
        """Read from the database what is to be watched, and walk it, in the next turn."""
        self._is_loaded = False
        self._wake()

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
        self._ask(now_s)
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
        for path in paths:
            if path in self._behind or (is_source(path) and self._is_watched(path)):
                flow_file = min(self._behind.get(path, {path}))
                self.inspectors.warm_up(self._surroundings(flow_file).python, self._clock_s())
                break
        self._look(paths)

    # From files to saves.

    def _load(self, connection: sqlite3.Connection) -> None:
        self._is_loaded = True
        self._roots = plan_queries.watched(connection)
        self._deployed = {}
        for row in plan_queries.deployments(connection):
            flow = row.reference
            if flow.file is not None:
                surroundings = Surroundings(python=flow.python, cwd=flow.cwd, path0=flow.path0)
                self._deployed.setdefault(flow.file, surroundings)
        if not self._roots and not self._deployed and self._lookout is None:
            return
        if self._lookout is None:
            self._lookout = Lookout(self._noticed, self._deliver)
        known: dict[str, str | None] = {}
        for file in plan_queries.flow_files(connection):
            if file.path in self._digests or not self._is_ours(file.path):
                continue
            self._digests[file.path] = known[file.path] = file.hash
            if file.problem is not None and file.hash is not None:
                # It may have been another file that was wrong, and is right again.
                self._dirty[file.path] = None
            content = None if file.good_hash is None else load_source(connection, file.good_hash)
            made_of = {} if content is None else source_versions.digests(content)
            self._note_files(file.path, made_of)
            known |= {path: digest for path, digest in made_of.items() if path != file.path}
        for path in list(self._digests):
            if not self._is_ours(path):
                self._forget(path)
        for path in self._deployed:
            if path not in self._digests:
                self._digests[path] = None
                self._note_files(path, {})
                known.setdefault(path, _NEVER_SEEN)
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
        roots = tuple(row.path for row in self._roots)
        lookout, files, now_s = self._lookout, self._files, self._clock_s()
        lookout.do(lambda: lookout.walk(roots, files, now_s), self._walked, self._failed)

    def _walked(self, news: News) -> None:
        self._is_walking = False
        self._is_walked = True
        self._heard(news)
        if self._must_walk:
            self._must_walk = False
            self._walk()

    def _look(self, paths: Iterable[str]) -> None:
        if self._lookout is not None:
            lookout, files, now_s = self._lookout, self._files, self._clock_s()
            lookout.do(lambda: lookout.look(paths, files, now_s), self._heard, self._failed)

    def _heard(self, news: News) -> None:
        """Take in which files were saved."""
        for path, digest in news.saves:
            for flow_file in self._behind.get(path, ()):
                self._soil(flow_file)
            if path in self._digests:
                self._digests[path] = digest
                if digest is None:
                    self._dirty.pop(path, None)
                    self._ready.pop(path, None)
                    self._lost[path] = None
                else:
                    self._soil(path)
            elif path in news.candidates and self._is_watched(path):
                self._digests[path] = digest
                self._soil(path)
        if news.again_s is not None:
            at_s = self._clock_s() + news.again_s
            self._look_at_s = at_s if self._look_at_s is None else min(self._look_at_s, at_s)
        if news.must_walk:
            self._walk()
        self._wake()

    def _soil(self, path: str) -> None:
        if self._digests.get(path) is None:
            return
        self._lost.pop(path, None)
        self._ready.pop(path, None)
        self._dirty[path] = None

    def _failed(self, error: Exception) -> None:
        self._is_walking = False
        self._log(f"watch: files cannot be looked at ({type(error).__name__}: {error!s:.300}).")

    # From saves to what is in them.

    def _ask(self, now_s: float) -> None:
        for path in list(self._dirty):
            if path in self._asked:
                continue
            if len(self._asked) >= _MOST_ASKED:
                return
            del self._dirty[path]
            is_known = path in self._deployed or bool(self._made_of.get(path))
            found = self.inspectors.ask(path, self._surroundings(path), is_known=is_known, now_s=now_s)
            self._asked.add(path)
            if found is not None:
                self._deliver(partial(self._stay_ready, found, None, ""))

    def _answered(self, store: Store, found: Inspected) -> None:
        if found.path in self._dirty:
            # It was saved again meanwhile.
            self._asked.discard(found.path)
            return
        assert self._lookout is not None
        lookout = self._lookout
        self._note_files(found.path, dict.fromkeys(found.named, "") | dict(found.files))
        if found.problem is None:
            files = {**found.files, found.path: found.files.get(found.path, "")}
            lookout.do(lambda: lookout.pack(files), partial(self._packed, found), self._failed)
            return
        good = self._good_text(store.connection, found)
        place = str(found.problem.get("file") or found.path)
        if good is None:
            self._stay_ready(found, None, "")
            return
        lookout.do(
            lambda: difference(place, good, read_content(place)),
            lambda diff: self._stay_ready(found, None, diff),
            self._failed,
        )

    def _packed(self, found: Inspected, version: bytes | None) -> None:
        if version is None:
            # One of its files was saved after it was loaded.
            self._asked.discard(found.path)
            self._soil(found.path)
            self._wake()
            return
        self._stay_ready(found, version, "")

    def _stay_ready(self, found: Inspected, version: bytes | None, diff: str) -> None:
        self._asked.discard(found.path)
        if found.path not in self._dirty and self._digests.get(found.path) is not None:
            self._ready[found.path] = Ready(found, self._digests[found.path], version, diff, 0.0)
        self._wake()

    def _good_text(self, connection: sqlite3.Connection, found: Inspected) -> bytes | None:
        assert found.problem is not None
        known = plan_queries.flow_file(connection, found.path)
        content = None if known is None or known.good_hash is None else load_source(connection, known.good_hash)
        texts = {} if content is None else source_versions.unpack(content)
        return texts.get(str(found.problem.get("file") or found.path))

    # Into the database.

    def _apply(self, store: Store, now: datetime, now_s: float) -> None:
        ready = [(path, each) for path, each in self._ready.items() if each.due_s <= now_s][:_MOST_APPLIED]
        lost = list(self._lost)[:_MOST_APPLIED]
        if not ready and not lost:
            return
        with store.transaction(durable=False) as connection:
            # First what is gone: what was renamed is taken for new otherwise.
            told = [self._take_loss(connection, path, now) for path in lost]
            for path, each in ready:
                if not each.due_s and reloading.is_doubtful(
                    connection, each.found, makes_deployments=self._is_watched(path)
                ):
                    self._ready[path] = each._replace(due_s=now_s + HALF_S + _LITTLE_S)
                    continue
                told.append(self._take(connection, each, now))
        for path, outcome, words in told:
            self._lost.pop(path, None)
            self._ready.pop(path, None)
            if outcome == "empty":
                self._drop(path)
            else:
                self.reloads += 1
                self._log(f"watch: {path} {outcome}. {words}")

    def _take(self, connection: sqlite3.Connection, each: Ready, now: datetime) -> Reloaded:
        found, path = each.found, each.found.path
        if found.problem is not None or each.version is None:
            known = plan_queries.flow_file(connection, path)
            return reloading.take_problem(connection, known, found, now, digest=each.digest, diff=each.diff)
        return reloading.take_in(
            connection,
            found,
            self._surroundings(path),
            now,
            digest=each.digest,
            version=each.version,
            makes_deployments=self._is_watched(path),
        )

    def _take_loss(self, connection: sqlite3.Connection, path: str, now: datetime) -> Reloaded:
        known = plan_queries.flow_file(connection, path)
        moved_to = [
            other
            for other, digest in self._digests.items()
            if known is not None and digest is not None and digest == known.hash and other != path
        ]
        return reloading.take_loss(connection, known, path, now, moved_to=moved_to)

    # What belongs to what.

    @property
    def _files(self) -> frozenset[str]:
        return frozenset((*self._digests, *self._behind))

    def _note_files(self, path: str, files: Mapping[str, str]) -> None:
        """Remember what a flow file is made of, with the hashes that were loaded; have new ones watched."""
        made_of = frozenset((path, *files))
        before = self._made_of.get(path, frozenset[str]())
        self._made_of[path] = made_of
        for gone in before - made_of:
            self._unlink(gone, path)
        new = [file for file in made_of - before if file not in self._behind]
        for file in made_of:
            self._behind.setdefault(file, set()).add(path)
        if self._is_walked and any(file != path for file in new):
            # One that is saved between its loading and this is found by the walk.
            self._remember({file: files[file] for file in new if files.get(file)})
            self._walk()

    def _remember(self, known: Mapping[str, str | None]) -> None:
        if self._lookout is not None and known:
            lookout = self._lookout
            lookout.do(lambda: lookout.remember(known), lambda _nothing: None, self._failed)

    def _unlink(self, file: str, path: str) -> None:
        users = self._behind.get(file)
        if users is not None:
            users.discard(path)
            if not users:
                del self._behind[file]

    def _drop(self, path: str) -> None:
        """Forget a file that holds no flows; it stays known where it is, until it is saved again."""
        if path in self._deployed:
            return
        self._forget(path)

    def _forget(self, path: str) -> None:
        for file in self._made_of.pop(path, frozenset[str]()):
            self._unlink(file, path)
        self._digests.pop(path, None)
        for place in (self._dirty, self._lost, self._ready):
            place.pop(path, None)

    def _is_watched(self, path: str) -> bool:
        return self._root_of(path) is not None

    def _is_ours(self, path: str) -> bool:
        return path in self._deployed or self._is_watched(path)

    def _root_of(self, path: str) -> WatchedRow | None:
        """Find the watched file or folder that a path is in: the one nearest to it."""
        found = [row for row in self._roots if path == row.path or path.startswith(f"{row.path.rstrip('/')}/")]
        return max(found, key=lambda row: len(row.path), default=None)

    def _surroundings(self, path: str) -> Surroundings:
        """Say in what a file is loaded: as its deployment says, else in the watched folder."""
        if path in self._deployed:
            return self._deployed[path]
        root = self._root_of(path)
        assert root is not None
        folder = root.path if root.path != path else path.rpartition("/")[0] or "/"
        return Surroundings(python=root.python, cwd=folder)

    def _wait_s(self, now_s: float) -> float | None:
        waits = [
            at - now_s for at in (self._look_at_s, self._walk_at_s) if at is not None and self._lookout is not None
        ]
        waits += [each.due_s - now_s for each in self._ready.values()]
        waits += [0.0] if self._lost else []
        if self._dirty and len(self._asked) < _MOST_ASKED and any(path not in self._asked for path in self._dirty):
            waits.append(0.0)
        if (idle_s := self.inspectors.idle_s(now_s)) is not None:
            waits.append(idle_s)
        return max(min(waits), 0.0) if waits else None
