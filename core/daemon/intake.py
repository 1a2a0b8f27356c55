"""Takes looks into files, and the loss of files, into the database: all in one transaction, each undone by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from flowctl.core.daemon import reloading
from flowctl.core.daemon.declaring import take_tables
from flowctl.core.daemon.editors import HALF_S, read_content
from flowctl.core.daemon.inspection import Inspected
from flowctl.core.daemon.lookout import Packed, difference
from flowctl.core.daemon.makings import Makings
from flowctl.core.daemon.reload_entries import Cause, Entry
from flowctl.core.daemon.reloading import Reloaded
from flowctl.store import file_queries, source_versions
from flowctl.store.flow_files import load_source
from flowctl.store.problems import StoreError
from flowctl.store.sqlite import sqlite3
from flowctl.store.writer import Store

#: What is gone is told after that time, and has to be told before it is taken for something else.
DOUBT_S: Final = HALF_S + 0.15


class Ready(NamedTuple):
    """A look into a file that can go into the database."""

    found: Inspected
    digest: str | None
    packed: Packed | None = None
    diff: str = ""
    cause: Cause = Cause()
    #: Not before then, by the monotonic clock, where the next moment may show another picture.
    due_s: float = 0.0


def take_all(
    store: Store, files: Makings, lost: Iterable[str], ready: Iterable[Ready], now: datetime
) -> tuple[list[Reloaded], list[Ready]]:
    """Take in what can be taken in; give what became of it, and those that are to wait for the next moment."""
    told: list[Reloaded] = []
    waiting: list[Ready] = []
    with store.transaction(durable=False) as connection:
        # First what is gone: what was renamed is taken for new otherwise.
        for path in lost:
            with store.transaction():
                entry = Entry(connection, path, now)
                told.append(entry.of(_take_loss(connection, files, path, now)))
        for each in ready:
            path = each.found.path
            makes_deployments = files.is_watched(path)
            if not each.due_s and reloading.is_doubtful(connection, each.found, makes_deployments=makes_deployments):
                waiting.append(each)
                continue
            entry = Entry(connection, path, now, cause=each.cause)
            try:
                with store.transaction():
                    told.append(entry.of(_take(connection, files, each, now), each.found, each.packed))
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - an edge: what one file says must not keep out the others
                words = f"flowctl cannot take it in ({type(error).__name__}: {error!s:.300})."
                told.append(entry.of(Reloaded(path, "failed", words)))
    return told, waiting


def good_text(connection: sqlite3.Connection, found: Inspected) -> tuple[str, bytes | None]:
    """Give the place of a problem, and the text that stood in that file when it last could be loaded."""
    assert found.problem is not None
    place = str(found.problem.get("file") or found.path)
    content = good_version(connection, found.path)
    return place, None if content is None else source_versions.unpack(content).get(place)


def good_version(connection: sqlite3.Connection, path: str) -> bytes | None:
    """Give the texts of a flow file that serve, packed."""
    known = file_queries.flow_file(connection, path)
    return None if known is None or known.good_hash is None else load_source(connection, known.good_hash)


def _take(connection: sqlite3.Connection, files: Makings, each: Ready, now: datetime) -> Reloaded:
    found, path = each.found, each.found.path
    if found.tables is not None:
        python = files.surroundings(path).python
        version = None if each.packed is None else each.packed.version
        return take_tables(
            connection, path, found.tables, python, now, digest=each.digest, version=version, diff=each.diff
        )
    known = file_queries.flow_file(connection, path)
    if found.problem is not None or each.packed is None:
        return reloading.take_problem(connection, known, found, now, digest=each.digest, diff=each.diff)
    for problem in each.packed.broken:
        # What was never right may never be needed; of what was, the version before goes on serving.
        late = replace(found, problem=problem)
        place, good = good_text(connection, late)
        if good is not None:
            diff = difference(place, good, read_content(place))
            return reloading.take_problem(connection, known, late, now, digest=each.digest, diff=diff)
    return reloading.take_in(
        connection,
        found,
        files.surroundings(path),
        now,
        digest=each.digest,
        version=each.packed.version,
        makes_deployments=files.is_watched(path),
    )


def _take_loss(connection: sqlite3.Connection, files: Makings, path: str, now: datetime) -> Reloaded:
    if path.endswith(".toml"):
        return take_tables(connection, path, None, files.surroundings(path).python, now, digest=None)
    known = file_queries.flow_file(connection, path)
    moved_to = [] if known is None or known.hash is None else files.with_digest(known.hash, but=path)
    return reloading.take_loss(connection, path, now, moved_to=moved_to)
