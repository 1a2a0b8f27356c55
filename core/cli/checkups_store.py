"""What `flowctl doctor` looks at in SQLite and the database."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from flowctl.core.cli.checkups import Checkup, Verdict
from flowctl.core.cli.wording import size
from flowctl.store.home import Home
from flowctl.store.problems import DatabaseTooNew, StoreError
from flowctl.store.sqlite import SCHEMA_VERSION, open_reader, schema_version, sqlite3, translated

#: STRICT tables, RETURNING, and more that the schema uses.
_OLDEST: Final = (3, 37, 0)
#: Two connections that write one database in WAL mode may damage it, in versions before these.
_RACE_ENDS: Final = (3, 51, 3)
_RACE_MENDED: Final = {(3, 44): 6, (3, 50): 7}
#: A larger database is looked through by `flowctl db check` alone.
_CHECKED_BYTES: Final = 64 << 20


def check_sqlite(_home: Home) -> Iterable[Checkup]:
    """The version of SQLite, and its known defect."""
    version = sqlite3.sqlite_version_info
    name = f"{sqlite3.sqlite_version} ({sqlite3.__name__})"
    if version < _OLDEST:
        remedy = "Use a Python with a newer SQLite, or install one beside it: `pip install pysqlite3-binary`."
        yield Checkup("sqlite", Verdict.FAIL, f"{name} is too old: 3.37 or newer is needed", remedy)
    elif has_race(version):
        text = f"{name} may damage a database that two programs write at once; flowctl writes with one at a time"
        remedy = "Open flowctl.db for reading only in other programs. SQLite 3.51.3 has it mended."
        yield Checkup("sqlite", Verdict.WARN, text, remedy)
    else:
        yield Checkup("sqlite", Verdict.OK, name)


def has_race(version: tuple[int, ...]) -> bool:
    """Tell whether a version of SQLite has the race that was mended in 3.51.3, 3.50.7 and 3.44.6."""
    return version < _RACE_ENDS and version[2] < _RACE_MENDED.get((version[0], version[1]), 1 << 30)


def check_database(home: Home) -> Iterable[Checkup]:
    """The database: whether it can be read, and whether it is of this flowctl."""
    path = Path(home.database)
    if not path.exists():
        yield Checkup("database", Verdict.OK, "there is none yet; the first command that looks back makes it")
        return
    try:
        with translated(home.database):
            connection = open_reader(home.database)
            try:
                version = schema_version(connection)
                bytes_ = path.stat().st_size
                problem = "ok"
                if bytes_ <= _CHECKED_BYTES:
                    problem = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            finally:
                connection.close()
    except StoreError as error:
        # That it is newer names its own remedy, and rebuilding it would be the wrong one.
        remedy = (
            "" if isinstance(error, DatabaseTooNew) else "`flowctl db check` says more, `flowctl db rebuild` mends."
        )
        yield Checkup("database", Verdict.FAIL, str(error), remedy)
        return
    text = f"{size(bytes_)}, schema {version}"
    if problem != "ok":
        yield Checkup("database", Verdict.FAIL, f"{text}, damaged: {problem}", "Mend it: `flowctl db rebuild`.")
    elif version > SCHEMA_VERSION:
        remedy = "Upgrade this flowctl, or use the one that wrote it."
        yield Checkup("database", Verdict.FAIL, f"{text}: it is of a newer flowctl", remedy)
    elif version < SCHEMA_VERSION:
        yield Checkup("database", Verdict.OK, f"{text}; the next command brings it to schema {SCHEMA_VERSION}")
    else:
        yield Checkup("database", Verdict.OK, text)
