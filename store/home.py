"""The folder in which flowctl keeps everything: where it is, what lies where, who may enter."""

from __future__ import annotations

import os
import sys
from typing import Final

ENVIRONMENT: Final = "FLOWCTL_HOME"


class HomeUnusable(Exception):
    """The home folder cannot be made, read or written, or is not ours."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"flowctl cannot use its home folder {path}: {problem}. "
            f"Make it yours (chown, chmod 700), or set {ENVIRONMENT} to another folder."
        )
        self.path = path

    @classmethod
    def by(cls, path: str, error: OSError) -> HomeUnusable:
        """Say what the system says of something in it."""
        place = error.filename if isinstance(error.filename, str) and error.filename != path else ""
        return cls(path, f"{place}{': ' if place else ''}{error.strerror or error}")


class Home:
    """Paths below one home folder; plain strings, since a run process pays for each import and call."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        expanded = os.path.expanduser(path)
        if expanded[:1] == "~":
            # It would be a folder of that name in whatever folder one is in.
            raise HomeUnusable(path, f"HOME is not set, and the system knows no home of user id {os.geteuid()}")
        self.path = os.path.abspath(expanded)

    @classmethod
    def default(cls) -> Home:
        """Take `FLOWCTL_HOME`, or else the platform's folder for user data."""
        return cls(os.environ.get(ENVIRONMENT) or _platform_folder())

    @property
    def database(self) -> str:
        return f"{self.path}/flowctl.db"

    @property
    def writer_lock(self) -> str:
        """Held (flock) by the one process that may write the database."""
        return f"{self.path}/writer.lock"

    @property
    def runs(self) -> str:
        return f"{self.path}/runs"

    @property
    def active(self) -> str:
        """One empty file per root run whose journal is not ingested to its end."""
        return f"{self.path}/active"

    @property
    def cache(self) -> str:
        """Results by cache key."""
        return f"{self.path}/cache"

    def run_folder(self, run_id: str) -> str:
        """Folder of a root run: `journal.<attempt>`, `lock`, `control`, `results/`."""
        return f"{self.path}/runs/{run_id}"

    def journal(self, run_id: str, attempt: int) -> str:
        return f"{self.path}/runs/{run_id}/journal.{attempt}"

    def run_lock(self, run_id: str) -> str:
        """Held (flock) by the run process as long as it lives."""
        return f"{self.path}/runs/{run_id}/lock"

    def active_marker(self, run_id: str) -> str:
        return f"{self.path}/active/{run_id}"

    def ensure(self) -> None:
        """Make the folders, private to this user; raise `HomeUnusable` where that fails or they are another's."""
        try:
            os.makedirs(self.path, mode=0o700, exist_ok=True)
            found = os.stat(self.path)
            if found.st_uid != os.geteuid():
                raise HomeUnusable(self.path, f"it belongs to user id {found.st_uid}, not to you")
            if found.st_mode & 0o077:
                os.chmod(self.path, 0o700)
            for folder in (self.runs, self.active):
                os.makedirs(folder, mode=0o700, exist_ok=True)
        except OSError as error:
            raise HomeUnusable(self.path, error.strerror or str(error)) from error


def _platform_folder() -> str:
    if sys.platform == "darwin":
        return "~/Library/Application Support/flowctl"
    return (os.environ.get("XDG_DATA_HOME") or "~/.local/share") + "/flowctl"
