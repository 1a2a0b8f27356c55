"""All reading of the user's files that the daemon does: in one thread, so that a slow disk never holds up its loop.

Nothing here runs anything of the user's; it walks, reads, compares and packs.
"""

from __future__ import annotations

import difflib
import os
import queue
import stat
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from flowctl.core.daemon.changes import changes_between
from flowctl.core.daemon.editors import Save, Saves, is_empty, is_wanted, read_content
from flowctl.core.daemon.file_watch import FileWatch
from flowctl.core.daemon.framing import Message
from flowctl.core.daemon.inspection_report import may_define_flows, problem_of
from flowctl.core.daemon.sightings import Sighting, is_trusted, look_around
from flowctl.core.daemon.tables import Tables, may_have_tables, read_tables
from flowctl.core.engine.local_code import SKIPPED
from flowctl.store import source_versions
from flowctl.store.flow_files import hash_of

#: A folder made while folders are walked is walked too, so often.
_MOST_WALKS: Final = 5
#: Of longer texts it is not tried whether they are whole.
_LONGEST_CHECKED: Final = 200_000
#: Longer differences are cut; of longer files none is made.
_MOST_DIFF_LINES: Final = 200
_LONGEST_DIFFED: Final = 5_000


class News(NamedTuple):
    """What a look at files showed."""

    saves: list[Save]
    #: Of the saved ones, those that may define flows.
    candidates: frozenset[str]
    #: After how many seconds to look again, for files that may be half written.
    again_s: float | None
    #: A folder came or went, or events were lost: everything is to be walked again.
    must_walk: bool = False


class Packed(NamedTuple):
    """The texts that a flow file is made of."""

    version: bytes
    #: What is wrong with those that may be imported later, and are not among the texts.
    broken: list[Message]
    #: What is other than in the version before, in phrases.
    changes: Sequence[str] = ()


class Lookout:
    """The thread; what it found is given to `deliver`, which takes it to the loop."""

    def __init__(self, notice: Callable[[set[str], bool], None], deliver: Callable[[Callable[[], None]], None]) -> None:
        #: What is watched, as it was last walked; replaced as a whole.
        self.sighting = Sighting()
        self._saves = Saves(is_empty)
        self._watch = FileWatch(notice)
        self._deliver = deliver
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="flowctl lookout", daemon=True)
        self._thread.start()

    @property
    def warning(self) -> str | None:
        """Why files are polled, if they are."""
        return self._watch.warning

    @property
    def folders(self) -> int:
        """How many folders are watched."""
        return len(self._watch.folders)

    def do(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]) -> None:
        """Do something in the thread, and have its value given to `done` in the loop."""

        def job() -> None:
            try:
                value = work()
            except Exception as error:  # noqa: BLE001 - the edge of the thread: it is told in the loop
                caught = error
                self._deliver(lambda: failed(caught))
            else:
                self._deliver(lambda: done(value))

        self._jobs.put(job)

    def close(self) -> None:
        """End the threads, without waiting for a disk that does not answer."""
        self._jobs.put(None)
        self._watch.close()

    def remember(self, known: Mapping[str, str | None]) -> None:
        """Take these contents for the last ones that were seen."""
        for path, digest in known.items():
            self._saves.remember(path, digest)

    def walk(self, roots: Iterable[str], files: Iterable[str], now_s: float) -> News:
        """Walk the watched folders, watch them and the folders of the other files, and say what is new in them."""
        roots, files = tuple(roots), frozenset(files)
        sighting = self.sighting
        for _ in range(_MOST_WALKS):
            sighting = look_around(roots)
            # Of single files too, for the day when one that was deleted comes back.
            folders = sighting.folders | {_existing(os.path.dirname(file)) for file in files | sighting.single}
            if not self._watch.watch(folders):
                break
        gone = {path for path in self.sighting.sources - sighting.sources if path not in files}
        self.sighting = sighting
        news = self._look(sighting.sources | files | gone, now_s)
        self._saves.forget(path for path in gone if not os.path.exists(path))
        return news

    def look(self, touched: Iterable[str], files: frozenset[str], now_s: float) -> News:
        """See which files were saved, of those that something was done to."""
        wanted: set[str] = set()
        must_walk = False
        for path in touched:
            if path in self._saves or path in files:
                wanted.add(path)
            elif self._is_new_source(path):
                self.sighting.sources.add(path)
                wanted.add(path)
            else:
                must_walk = must_walk or self._is_of_folders(path)
        return self._look(wanted, now_s)._replace(must_walk=must_walk)

    def pack(
        self, path: str, files: Mapping[str, str], named: Iterable[str], before: bytes | None = None
    ) -> Packed | None:
        """Put together the texts that were run, by their hashes, and those that may be imported later.

        `before` is what was put together the last time. None when one that was run is another by now.
        """
        texts: dict[str, bytes] = {}
        broken: list[Message] = []
        for file in named:
            if file not in files and (content := read_content(file)) is not None:
                problem = _syntax_problem(file, content)
                if problem is None:
                    texts[file] = content
                else:
                    broken.append(problem)
        for file, digest in files.items():
            content = read_content(file)
            if content is None or (digest and hash_of(content) != digest):
                return None
            texts[file] = content
        changes = [] if before is None else changes_between(source_versions.unpack(before), texts, path)
        return Packed(source_versions.pack(texts), broken, changes)

    def tables(self, path: str, roots: tuple[str, ...]) -> tuple[Tables, bytes] | None:
        """Read the deployments that a settings file asks for; give its text as well."""
        text = read_content(path)
        return None if text is None else (read_tables(path, text, roots), text)

    def _is_new_source(self, path: str) -> bool:
        is_inside = os.path.dirname(path) in self.sighting.folders or path in self.sighting.single
        if not is_inside or not is_wanted(path) or os.path.islink(path):
            return False
        try:
            seen = os.stat(path)
        except OSError:
            return False
        return stat.S_ISREG(seen.st_mode) and is_trusted(seen)

    def _is_of_folders(self, path: str) -> bool:
        """Tell whether a path is a folder that came or went, or a link: that changes what is to be watched."""
        name = os.path.basename(path)
        if path in self.sighting.folders:
            return not os.path.isdir(path)
        if os.path.dirname(path) not in self._watch.folders or name in SKIPPED or name.startswith("."):
            return False
        return os.path.isdir(path) or (os.path.islink(path) and is_wanted(path))

    def _look(self, paths: set[str], now_s: float) -> News:
        saves = self._saves.settled(paths, now_s)
        candidates = {save.path for save in saves if save.digest is not None and _says_something(save.path)}
        return News(saves, frozenset(candidates), self._saves.wait_s(now_s))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def difference(path: str, good: bytes, now: bytes | None) -> str:
    """Show what was changed in a file since it last could be loaded, as `diff -u` does."""
    before = good.decode("utf-8", "replace").splitlines()
    after = (now or b"").decode("utf-8", "replace").splitlines()
    if len(before) + len(after) > _LONGEST_DIFFED:
        return ""
    lines = list(difflib.unified_diff(before, after, f"{path} (last good)", path, lineterm="", n=2))
    if len(lines) > _MOST_DIFF_LINES:
        lines = [*lines[:_MOST_DIFF_LINES], f"… {len(lines) - _MOST_DIFF_LINES} more lines"]
    return "\n".join(lines)


def _syntax_problem(path: str, content: bytes) -> Message | None:
    if len(content) > _LONGEST_CHECKED:
        return None
    try:
        compile(content, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return problem_of(error, path)
    return None


def _says_something(path: str) -> bool:
    text = read_content(path)
    if text is None:
        return False
    return may_have_tables(path, text) if path.endswith(".toml") else may_define_flows(text)


def _existing(folder: str) -> str:
    while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder
