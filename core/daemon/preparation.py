"""Between a look into a file and the database: its texts are packed, and compared with those that serve."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeVar

from flowctl.core.daemon.editors import read_content
from flowctl.core.daemon.inspection import Inspected
from flowctl.core.daemon.intake import good_text, good_version
from flowctl.core.daemon.lookout import Lookout, Packed, difference
from flowctl.core.daemon.tables import Tables
from flowctl.store import source_versions
from flowctl.store.sqlite import sqlite3

_T = TypeVar("_T")


class Taker(Protocol):
    """Takes what can go into the database."""

    def __call__(self, found: Inspected, packed: Packed | None = None, diff: str = "") -> None: ...


class Preparation:
    """Has the thread of the lookout read and compare; answers come in the loop."""

    def __init__(
        self,
        lookout: Lookout,
        *,
        ready: Taker,
        look_again: Callable[[str, bool], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._lookout: Final = lookout
        self._ready: Final = ready
        #: Path, and whether there is anything to look at.
        self._look_again: Final = look_again
        self._failed: Final = failed

    def prepare(self, connection: sqlite3.Connection, found: Inspected) -> None:
        """Pack the texts of a file that could be loaded; of another one, see what was changed since it could."""
        if found.problem is None:
            files = {**found.files, found.path: found.files.get(found.path, "")}
            before = good_version(connection, found.path)
            self._do(
                found.path,
                lambda: self._lookout.pack(found.path, files, found.named, before),
                partial(self._packed, found),
            )
            return
        place, good = good_text(connection, found)
        if good is None:
            self._ready(found)
            return
        self._do(
            found.path,
            lambda: difference(place, good, read_content(place)),
            lambda diff: self._ready(found, diff=diff),
        )

    def read_tables(self, connection: sqlite3.Connection, path: str, roots: tuple[str, ...]) -> None:
        """Read the deployments that a settings file asks for."""
        before = good_version(connection, path)
        good = None if before is None else source_versions.unpack(before).get(path)
        self._do(path, lambda: self._tables(path, roots, good), partial(self._tables_read, path))

    def _tables(self, path: str, roots: tuple[str, ...], good: bytes | None) -> _Read | None:
        """In the thread."""
        read = self._lookout.tables(path, roots)
        if read is None:
            return None
        tables, text = read
        diff = "" if good is None or tables.tables else difference(path, good, text)
        return _Read(tables, Packed(source_versions.pack({path: text}), []), diff)

    def _tables_read(self, path: str, read: _Read | None) -> None:
        if read is None:
            # It went, which is told in a moment.
            self._look_again(path, False)
        else:
            self._ready(Inspected(path=path, tables=read.tables), read.packed, read.diff)

    def _packed(self, found: Inspected, packed: Packed | None) -> None:
        if packed is None:
            # One of its files was saved after it was loaded.
            self._look_again(found.path, True)
        else:
            self._ready(found, packed)

    def _do(self, path: str, work: Callable[[], _T], done: Callable[[_T], None]) -> None:
        def failed(error: Exception) -> None:
            self._look_again(path, False)
            self._failed(error)

        self._lookout.do(work, done, failed)


class _Read(NamedTuple):
    """A settings file as it was read."""

    tables: Tables
    packed: Packed
    diff: str
