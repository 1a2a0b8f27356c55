"""Verified copies of the database that the daemon makes now and then, the latest few of them kept."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from flowctl.core.daemon.paths import snapshots
from flowctl.store.copies import UNFINISHED, copy_database
from flowctl.store.home import Home
from flowctl.store.lost_plans import LostPlans, lost_plans
from flowctl.store.queries import Reader
from flowctl.store.sqlite import translated

#: The newest may have been made when something was wrong already.
KEPT: Final = 3
_NAME: Final = re.compile(r"flowctl-(\d{8}T\d{6})Z\.db")


class Snapshot(NamedTuple):
    """A copy of the database in the home's own folder for them."""

    at: datetime
    path: str
    size: int


def take_snapshot(home: Home, now: datetime) -> Snapshot:
    """Make one, and let the oldest beyond `KEPT` go; callable in any thread."""
    folder = Path(snapshots(home))
    path = folder / f"flowctl-{now.astimezone(UTC):%Y%m%dT%H%M%S}Z.db"
    with translated(str(path)):
        folder.mkdir(mode=0o700, exist_ok=True)
        for leftover in folder.glob(f"*{UNFINISHED}*"):
            leftover.unlink(missing_ok=True)
        copy_database(home, str(path))
        for old in list_snapshots(home)[KEPT:]:
            Path(old.path).unlink(missing_ok=True)
        return Snapshot(now, str(path), path.stat().st_size)


def list_snapshots(home: Home) -> list[Snapshot]:
    """List what there is, the newest first."""
    found: list[Snapshot] = []
    try:
        entries = list(os.scandir(snapshots(home)))
    except OSError:
        return []
    for entry in entries:
        match = _NAME.fullmatch(entry.name)
        if match is not None:
            at = datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
            found.append(Snapshot(at, entry.path, entry.stat().st_size))
    return sorted(found, reverse=True)


def plans_lost(home: Home, reader: Reader) -> LostPlans | None:
    """Tell whether a snapshot has deployments that went with a database that was deleted."""
    return reader.read_with(lambda connection: lost_plans(connection, [each.path for each in list_snapshots(home)]))
