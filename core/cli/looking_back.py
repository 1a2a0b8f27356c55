"""How every command that looks back begins: the database is brought up to date, then opened for reading."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from flowctl.core.cli.faults import CommandError, warn
from flowctl.core.cli.palette import STATE_NAMES
from flowctl.core.cli.wording import counted, read_moment
from flowctl.core.engine.settings import nearest
from flowctl.store.catchup import active_runs, catch_up
from flowctl.store.home import Home, HomeUnusable
from flowctl.store.queries import Reader
from flowctl.store.query_words import STATE_WORDS
from flowctl.store.records import FlowRunRow
from flowctl.store.states import StateType

#: Words for several types at once, as in queries.
_GROUPS: Final = {word: STATE_WORDS[word].types for word in ("problem", "active", "done")}
_PAGE: Final = 1000
_MOST_WARNINGS: Final = 3


@contextmanager
def open_reader(home: Home) -> Generator[Reader]:
    """Catch up and open the database; say on stderr which journals cannot be read to their end."""
    _check(home)
    damaged = catch_up(home)
    for look in damaged[:_MOST_WARNINGS]:
        warn(f"The journal of run {look.run_id} cannot be read to its end: {look.problem}")
    if len(damaged) > _MOST_WARNINGS:
        warn(f"So it is with {len(damaged) - _MOST_WARNINGS} more journals.")
    if not os.access(home.path, os.W_OK) and (unseen := active_runs(home)):
        warn(f"{home.path} may not be written, so what {counted(len(unseen), 'run')} wrote last is not shown.")
    with Reader.open(home) as reader:
        yield reader


class Wanted(NamedTuple):
    """Which states a person asks for; a run fits by the type or by the name of its state."""

    types: frozenset[StateType]
    #: In lower case.
    names: frozenset[str]
    #: Words that are neither a type nor a name that flowctl gives.
    strange: tuple[str, ...]

    def fits(self, run: FlowRunRow) -> bool:
        """Tell whether a run is in one of the states; with none asked for, every run is."""
        if not self.types and not self.names:
            return True
        return run.state_type in self.types or run.state_name.lower() in self.names

    @property
    def doubts(self) -> str:
        """Say which words flowctl never heard of, a sentence each with a space before it; they may be a flow's own."""
        known = (*STATE_NAMES, *_GROUPS)
        return "".join(f" {word!r} is no state of flowctl's own.{nearest(word, known)}" for word in self.strange)


def read_states(words: list[str]) -> Wanted:
    """Read states as a person types them: types and names in any case; `problem`, `active` and `done` as in queries."""
    types: set[StateType] = set()
    names: set[str] = set()
    for word in words:
        if (group := _GROUPS.get(word.lower().removesuffix("s"))) is not None:
            types.update(group)
        elif word.upper() in StateType.__members__:
            types.add(StateType[word.upper()])
        else:
            names.add(word.lower())
    known = {name.lower() for name in STATE_NAMES}
    return Wanted(frozenset(types), frozenset(names), tuple(sorted(names - known)))


def latest_runs(
    reader: Reader,
    wanted: Wanted,
    *,
    limit: int,
    flow: str | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
) -> list[FlowRunRow]:
    """List the latest runs that fit, newest first."""
    if not wanted.names:
        return reader.runs(states=wanted.types, flow=flow, since=since, before=before, limit=limit)
    found: dict[str, FlowRunRow] = {}
    while True:
        # Names have no index, so that all runs are looked at, a page at a time.
        page = reader.runs(flow=flow, since=since, before=before, limit=_PAGE)
        found.update({run.id: run for run in page if wanted.fits(run)})
        if len(page) < _PAGE or len(found) >= limit or page[-1].created_at == page[0].created_at:
            return list(found.values())[:limit]
        # Runs of the same microsecond come again, and are known by their ids.
        before = page[-1].created_at + timedelta(microseconds=1)


def read_when(option: str, text: str, now: datetime) -> datetime:
    """Read the moment that an option gives."""
    try:
        return read_moment(text, now)
    except ValueError:
        raise CommandError(
            f"{option} {text!r} is no time. Write how long ago (30m, 1h, 2d, 1w), today, or a date (2026-11-23)."
        ) from None


def _check(home: Home) -> None:
    """Refuse a home that only looks empty because it is not ours or not to be read."""
    try:
        found = Path(home.path).stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise HomeUnusable(home.path, error.strerror or str(error)) from error
    if not stat.S_ISDIR(found.st_mode):
        raise HomeUnusable(home.path, "it is not a folder")
    if found.st_uid != os.geteuid():
        raise HomeUnusable(home.path, f"it belongs to user id {found.st_uid}, not to you")
    if not os.access(home.path, os.R_OK | os.X_OK):
        raise HomeUnusable(home.path, "it cannot be read")
