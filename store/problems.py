"""What can be wrong with the store, as one tree of errors; each names the thing, its place and the remedy.

StoreError
├── DatabaseTooNew, DatabaseTooOld   its schema is not the one this flowctl knows
├── DatabaseDamaged                  SQLite cannot make sense of the file
├── DatabaseUnreadable               the disk fails, permissions, something else in its place
├── DatabaseGone                     its file was removed while the daemon writes it
├── HomeGone                         the whole folder was moved, or its disk is not mounted any more
├── DatabaseBusy                     another process writes, and goes on writing
├── DaemonWrites                     the daemon writes, and has to be asked
├── DatabaseUnwritable               full disk, wrong owner
│   └── DatabaseReadOnly             … because nobody may write there
├── RunNotFound, AmbiguousRun        a name leads to no run, or to several
├── RunAlive                         its process still runs
└── NotARootRun                      only whole runs, subflows included, can be deleted
"""

from __future__ import annotations

from collections.abc import Sequence

from flowctl.store.home import ENVIRONMENT


class StoreError(Exception):
    """Root of what the store raises."""


class DatabaseTooNew(StoreError):
    """A newer flowctl wrote this database."""

    def __init__(self, path: str, found: int, known: int) -> None:
        super().__init__(
            f"The database {path} was written by a newer flowctl (its schema is {found}, this flowctl knows {known}). "
            f"Upgrade flowctl, or set {ENVIRONMENT} to another folder."
        )


class DatabaseTooOld(StoreError):
    """An older flowctl wrote this database, and it cannot be brought up to date where it lies."""

    def __init__(self, path: str, found: int, known: int) -> None:
        super().__init__(
            f"The database {path} was written by an older flowctl (its schema is {found}, this flowctl wants {known}) "
            f"and was not brought up to date. If a daemon of that one still runs, `flowctl daemon restart` does it; "
            f"else make its folder writable and run the command again."
        )


class DatabaseDamaged(StoreError):
    """SQLite cannot read the database."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(
            f"The database {path} is damaged ({detail}). The runs are still in their journals: "
            "`flowctl db rebuild` makes it anew, of the latest sound snapshot and of them."
        )


class DatabaseUnreadable(StoreError):
    """The file is there, or something in its place, and cannot be read."""

    def __init__(self, path: str, detail: str, remedy: str) -> None:
        super().__init__(
            f"The database {path} cannot be read: {detail}. Nothing is lost, the runs are in their journals: {remedy}."
        )


class HomeGone(StoreError):
    """The folder that everything lies in is not there any more."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The home folder {path} is gone: it was moved or deleted, or its disk is not mounted any more. "
            f"Once it is back all goes on; {ENVIRONMENT} names another one."
        )


class DatabaseGone(StoreError):
    """The file is not there any more, and its daemon has not noticed yet."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The database {path} was removed while its daemon runs. The runs are still in their journals: "
            "`flowctl daemon stop`, then `flowctl db rebuild` makes it anew, of the latest sound snapshot and of them."
        )


class DatabaseBusy(StoreError):
    """Another process holds the database and does not let go."""

    def __init__(self, path: str, waited_s: float) -> None:
        super().__init__(
            f"Another process has been writing the database {path} for more than {waited_s:g} s. "
            f"Try again in a moment; `fuser {path}` shows which process it is."
        )


class DaemonWrites(StoreError):
    """The daemon holds the database for its whole life: what is to be written is asked of it."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"The daemon of this home writes the database {path}, and nobody else may meanwhile. "
            f"Stop it first: `flowctl daemon stop`."
        )


class DatabaseUnwritable(StoreError):
    """The database cannot be written; nothing is lost, since the runs are in their journals."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(
            f"The database {path} cannot be written: {detail}. Nothing is lost, the runs are in their journals: "
            f"free some space or mend the permissions, then try again."
        )


class DatabaseReadOnly(DatabaseUnwritable):
    """Permissions or the file system forbid to write the database."""


class RunNotFound(StoreError):
    """No run goes by that name."""

    def __init__(self, spec: str, nearest: Sequence[str] = ()) -> None:
        if spec == "-":
            text = "There is no run yet. Start one with `flowctl run`."
        elif nearest:
            text = f"No run goes by {spec!r}. Near it: {', '.join(nearest)}."
        else:
            text = f"No run goes by {spec!r}. `flowctl runs` lists the latest."
        super().__init__(text)
        self.spec = spec
        self.nearest = tuple(nearest)


class AmbiguousRun(StoreError):
    """The beginning of an id fits several runs."""

    def __init__(self, spec: str, candidates: Sequence[tuple[str, str]], more: bool = False) -> None:
        named = ", ".join(f"{run_id} ({name})" for run_id, name in candidates)
        super().__init__(f"{spec!r} fits several runs: {named}{', …' if more else ''}. Give more of the id.")
        self.spec = spec
        self.candidates = tuple(candidates)


class RunAlive(StoreError):
    """The process of a run still lives."""

    def __init__(self, run_id: str, name: str) -> None:
        super().__init__(f"Run {name} ({run_id}) is still running. Cancel it first, or wait for its end.")
        self.run_id = run_id


class NotARootRun(StoreError):
    """A subflow was named where a whole run is needed."""

    def __init__(self, run_id: str, root_id: str) -> None:
        super().__init__(f"Run {run_id} is a subflow and goes with the run that called it. Name that one: {root_id}.")
        self.root_id = root_id
