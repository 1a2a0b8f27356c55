"""What `flowctl doctor` looks at: each check is a function that gives a verdict, and a remedy where there is a need."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from flowctl.core.cli.wording import counted, size
from flowctl.store.home import ENVIRONMENT, Home

_SUPPORTED: Final = ((3, 11), (3, 13))
_FEW_BYTES: Final = 100 << 20
_LITTLE_BYTES: Final = 1 << 30
_FEW_NODES: Final = 1_000


class Verdict(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    #: It works, but may surprise.
    WARN = "warn"
    #: Something does not work.
    FAIL = "fail"


class Checkup(NamedTuple):
    """One finding."""

    name: str
    verdict: Verdict
    text: str
    remedy: str = ""

    def plain(self) -> dict[str, str | None]:
        """Give it for machines."""
        return {"name": self.name, "verdict": self.verdict, "text": self.text, "remedy": self.remedy or None}


Check = Callable[[Home], Iterable[Checkup]]


def checkups() -> list[Checkup]:
    """Make all checks; one that fails itself is a finding."""
    from flowctl.core.cli.checkups_daemon import check_daemon, check_schedules, check_settings, check_watching
    from flowctl.core.cli.checkups_store import check_database, check_sqlite
    from flowctl.core.cli.checkups_surroundings import check_limits, check_terminal, check_zones

    home = Home.default()
    checks: tuple[Check, ...] = (
        check_python,
        check_home,
        check_file_system,
        check_disk,
        check_sqlite,
        check_database,
        check_settings,
        check_daemon,
        check_schedules,
        check_watching,
        check_zones,
        check_limits,
        check_terminal,
    )
    found: list[Checkup] = []
    for check in checks:
        try:
            found += check(home)
        except Exception as error:  # noqa: BLE001 - an edge: a check that cannot be made is told, and the others are made
            name = check.__name__.removeprefix("check_").replace("_", " ")
            text = f"could not be checked: {type(error).__name__}: {error}"
            found.append(Checkup(name, Verdict.WARN, text, "Tell us, with this line: it should not happen."))
    return found


def check_python(_home: Home) -> Iterable[Checkup]:
    """The interpreter and its flowctl."""
    import flowctl

    version = sys.version_info[:2]
    text = f"Python {sys.version.split()[0]} at {sys.executable}, flowctl {flowctl.__version__}"
    if sys.platform not in ("linux", "darwin"):
        yield Checkup("python", Verdict.FAIL, text, "flowctl works on Linux and macOS; on Windows, in WSL.")
    elif version < _SUPPORTED[0]:
        yield Checkup("python", Verdict.FAIL, text, "flowctl needs Python 3.11 or newer.")
    elif version > _SUPPORTED[1]:
        yield Checkup("python", Verdict.WARN, text, "flowctl is tested with Python 3.11 to 3.13.")
    else:
        yield Checkup("python", Verdict.OK, text)


def check_home(home: Home) -> Iterable[Checkup]:
    """The home folder: whose it is, who may look in, whether it can be written."""
    path = Path(home.path)
    if not path.exists():
        above = next(folder for folder in path.parents if folder.exists())
        if os.access(above, os.W_OK | os.X_OK):
            yield Checkup("home", Verdict.OK, f"{path} is not there yet; the first run makes it")
        else:
            remedy = f"Make {above} writable, or set {ENVIRONMENT} to another folder."
            yield Checkup("home", Verdict.FAIL, f"{path} cannot be made: {above} is not writable", remedy)
        return
    if not path.is_dir():
        remedy = f"Move it away, or set {ENVIRONMENT} to a folder."
        yield Checkup("home", Verdict.FAIL, f"{path} is no folder", remedy)
        return
    seen = path.stat()
    if seen.st_uid != os.geteuid():
        remedy = f"`sudo chown -R {os.geteuid()} {path}`, or set {ENVIRONMENT} to a folder of yours."
        yield Checkup("home", Verdict.FAIL, f"{path} belongs to user id {seen.st_uid}, not to you", remedy)
        return
    if (problem := _write_problem(path)) is not None:
        remedy = f"`chmod u+rwx {path}`, mount its disk for writing, or set {ENVIRONMENT} to another folder."
        yield Checkup("home", Verdict.FAIL, f"{path} cannot be written: {problem}", remedy)
        return
    yield Checkup("home", Verdict.OK, f"{path}, yours and writable")
    open_ones = [name for name in ("", *_private_files(path)) if (path / name).stat().st_mode & 0o077]
    if open_ones:
        places = ", ".join(str(path / name) for name in open_ones[:3])
        remedy = f"`chmod -R go= {path}`"
        yield Checkup("permissions", Verdict.WARN, f"others may look into {places}", remedy)
    else:
        yield Checkup("permissions", Verdict.OK, "nobody else may look into it")


def check_file_system(home: Home) -> Iterable[Checkup]:
    """The file system under the home: locks and the shared memory of the database have to work on it."""
    from flowctl.core.daemon.file_systems import is_remote, type_of

    place = _nearest(home)
    kind = type_of(place) or "unknown"
    elsewhere = f"Set {ENVIRONMENT} to a folder on a local disk."
    if is_remote(place):
        text = f"{kind}: files there are shared with other machines, and a database in use would be damaged"
        yield Checkup("file system", Verdict.FAIL, text, elsewhere)
    elif kind in ("tmpfs", "ramfs"):
        yield Checkup("file system", Verdict.WARN, f"{kind}: all is lost when the machine stops", elsewhere)
    else:
        yield Checkup("file system", Verdict.OK, kind)


def check_disk(home: Home) -> Iterable[Checkup]:
    """Room for journals, results and the database."""
    place = _nearest(home)
    free = shutil.disk_usage(place).free
    nodes = os.statvfs(place)
    text = f"{size(free)} free"
    remedy = "Free some space, or have less kept: settings retain_days, retain_runs and retain_size."
    if free < _FEW_BYTES:
        yield Checkup("disk", Verdict.FAIL, text, remedy)
    elif nodes.f_files and nodes.f_favail < _FEW_NODES:
        yield Checkup("disk", Verdict.FAIL, f"room for {counted(nodes.f_favail, 'more file')} only", remedy)
    else:
        yield Checkup(
            "disk", Verdict.WARN if free < _LITTLE_BYTES else Verdict.OK, text, remedy if free < _LITTLE_BYTES else ""
        )


def _nearest(home: Home) -> str:
    path = Path(home.path)
    return str(next(folder for folder in (path, *path.parents) if folder.exists()))


def _private_files(path: Path) -> list[str]:
    return [name for name in ("flowctl.db", "flowctl.db-wal", "runs", "daemon.sock", "cache") if (path / name).exists()]


def _write_problem(path: Path) -> str | None:
    """Try to write a file, and to lock it; leave nothing behind."""
    import fcntl
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"flowctl")
            file.flush()
            os.fsync(file.fileno())
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.strerror or str(error)
    return None
