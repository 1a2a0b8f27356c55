"""What flow files are made of, which of them are the daemon's concern, and in what each is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from flowctl.core.daemon.inspection import Surroundings
from flowctl.store import file_queries, plan_queries, source_versions
from flowctl.store.flow_files import load_source

if TYPE_CHECKING:
    from flowctl.store.file_records import WatchedRow
    from flowctl.store.sqlite import sqlite3

#: In the place of a hash: the content of a file that nobody has looked at is news in any case, also if it is not there.
NEVER_SEEN: Final = "never seen"


class Makings:
    """The flow files, the modules behind them, the watched places."""

    def __init__(self) -> None:
        self.roots: list[WatchedRow] = []
        #: Files of deployments, with what they are loaded in.
        self.deployed: dict[str, Surroundings] = {}
        #: Last content seen of each flow file; None: it is gone.
        self.digests: dict[str, str | None] = {}
        #: Flow file -> the local files it is made of, itself included.
        self._made_of: dict[str, frozenset[str]] = {}
        #: Local file -> the flow files that are made of it.
        self._behind: dict[str, set[str]] = {}

    def load(self, connection: sqlite3.Connection) -> tuple[dict[str, str | None], list[str]]:
        """Read what is watched and deployed; give the contents last seen, and the files that had a problem then."""
        self.roots = file_queries.watched(connection)
        self.deployed = {}
        for row in plan_queries.deployments(connection):
            flow = row.reference
            if flow.file is not None:
                surroundings = Surroundings(python=flow.python, cwd=flow.cwd, path0=flow.path0)
                self.deployed.setdefault(flow.file, surroundings)
        known: dict[str, str | None] = {}
        doubtful: list[str] = []
        for file in file_queries.flow_files(connection):
            if file.path in self.digests or not self.is_ours(file.path):
                continue
            self.digests[file.path] = known[file.path] = file.hash
            if file.problem is not None and file.hash is not None:
                doubtful.append(file.path)
            content = None if file.good_hash is None else load_source(connection, file.good_hash)
            made_of = {} if content is None else source_versions.digests(content)
            self.note(file.path, made_of)
            known |= {path: digest for path, digest in made_of.items() if path != file.path}
        for path in list(self.digests):
            if not self.is_ours(path):
                self.forget(path)
        for path in self.deployed:
            if path not in self.digests:
                self.digests[path] = None
                self.note(path, ())
                known.setdefault(path, NEVER_SEEN)
        return known, doubtful

    @property
    def files(self) -> frozenset[str]:
        """All files that are of interest."""
        return frozenset((*self.digests, *self._behind))

    def behind(self, file: str) -> frozenset[str]:
        """Give the flow files that are made of a file."""
        return frozenset(self._behind.get(file, ()))

    def is_made_of_something(self, path: str) -> bool:
        """Tell whether a flow file could be looked into before."""
        return path in self._made_of

    def note(self, path: str, files: Iterable[str]) -> list[str]:
        """Remember what a flow file is made of; give those files that nothing else was made of."""
        made_of = frozenset((path, *files))
        before = self._made_of.get(path, frozenset[str]())
        self._made_of[path] = made_of
        for gone in before - made_of:
            self._unlink(gone, path)
        new = [file for file in made_of - before if file not in self._behind]
        for file in made_of:
            self._behind.setdefault(file, set()).add(path)
        return new

    def forget(self, path: str) -> None:
        """Take no interest in a flow file any more."""
        for file in self._made_of.pop(path, frozenset[str]()):
            self._unlink(file, path)
        self.digests.pop(path, None)

    def with_digest(self, digest: str, but: str) -> list[str]:
        """List the flow files with a content, but one."""
        return [path for path, known in self.digests.items() if known == digest and path != but]

    def is_watched(self, path: str) -> bool:
        """Tell whether a path is in a watched place."""
        return self._root_of(path) is not None

    def is_ours(self, path: str) -> bool:
        """Tell whether a file is watched, or something is deployed from it."""
        return path in self.deployed or self.is_watched(path)

    def surroundings(self, path: str) -> Surroundings:
        """Say in what a file is loaded: as its deployment says, else in the watched folder."""
        if path in self.deployed:
            return self.deployed[path]
        root = self._root_of(path)
        assert root is not None
        folder = root.path if root.path != path else path.rpartition("/")[0] or "/"
        return Surroundings(python=root.python, cwd=folder)

    def python_for(self, paths: Iterable[str]) -> str | None:
        """Tell which interpreter will be needed when these files were saved."""
        for path in paths:
            flow_file = min(self._behind.get(path, ()), default=path)
            if path in self._behind or (path.endswith(".py") and self.is_watched(path)):
                return self.surroundings(flow_file).python
        return None

    def _root_of(self, path: str) -> WatchedRow | None:
        """Find the watched file or folder that a path is in: the one nearest to it."""
        found = [row for row in self.roots if path == row.path or path.startswith(f"{row.path.rstrip('/')}/")]
        return max(found, key=lambda row: len(row.path), default=None)

    def _unlink(self, file: str, path: str) -> None:
        users = self._behind.get(file)
        if users is not None:
            users.discard(path)
            if not users:
                del self._behind[file]


def digests_of(files: Iterable[str], loaded: Mapping[str, str]) -> dict[str, str | None]:
    """Give the hashes with which files were loaded, of those where they are known."""
    return {file: loaded[file] for file in files if loaded.get(file)}
