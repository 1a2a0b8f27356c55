"""One daemon for each home: a lock that the kernel lets go when its holder dies, with the holder's name inside."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from contextlib import ExitStack, suppress
from typing import Any, Final, NamedTuple, Self

import flowctl
from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.daemon.paths import lock_path, socket_path
from flowctl.store.home import Home, HomeUnusable
from flowctl.store.locks import writer_lock

#: Who only looks whether the lock is free holds it for an instant; a daemon that starts just then looks again.
_TRY_S: Final = 0.25
_LOOK_EVERY_S: Final = 0.01


class Holder(NamedTuple):
    """A process that says it is the daemon of a home."""

    pid: int
    boot_id: str
    version: str
    #: Microseconds since the epoch.
    started_at: int


class AnotherDaemon(FlowctlError):
    """A daemon of this home lives already."""

    def __init__(self, home: Home, holder: Holder | None) -> None:
        who = f" (process {holder.pid}, flowctl {holder.version})" if holder else ""
        super().__init__(
            f"A daemon of the home {home.path} is running already{who}. "
            "`flowctl daemon status` shows it, `flowctl daemon restart` replaces it."
        )
        self.holder = holder


class ForeignSocket(FlowctlError):
    """Something that is not ours stands where the daemon's socket belongs."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"The daemon cannot use its socket {path}: {problem}. Move it away, then start the daemon.")


class Instance:
    """Being the one daemon of a home, which is also being the one writer of its database."""

    def __init__(self, home: Home, descriptor: int, holds: ExitStack, *, follows_crash: bool) -> None:
        self.home = home
        #: The daemon before this one did not come to its end by itself.
        self.follows_crash = follows_crash
        self._descriptor = descriptor
        self._holds = holds

    @classmethod
    def take(cls, home: Home, *, started_at: int) -> Self:
        """Become the daemon of a home; raise `AnotherDaemon` when there is one, `ForeignSocket`, `HomeUnusable`."""
        with ExitStack() as holds:
            descriptor = _hold(home)
            holds.callback(os.close, descriptor)
            # Who comes to an end by itself leaves the file empty.
            follows_crash = os.fstat(descriptor).st_size > 0
            _write_holder(home, descriptor, Holder(os.getpid(), boot_id(), flowctl.__version__, started_at))
            holds.enter_context(writer_lock(home, as_daemon=True))
            remove_stale_socket(home)
            return cls(home, descriptor, holds.pop_all(), follows_crash=follows_crash)

    def is_ours(self) -> bool:
        """Tell whether others who look for the lock find this one; not so when its file was deleted."""
        return _is_same(self._descriptor, lock_path(self.home))

    def release(self) -> None:
        """Let another daemon have the home, after everything is in order."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        if self.is_ours():
            with suppress(OSError):
                os.unlink(socket_path(self.home))
        self._holds.close()


def find_holder(home: Home) -> Holder | None:
    """Tell which living process is the daemon of a home; None where there is none."""
    try:
        descriptor = os.open(lock_path(home), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _wait_for_name(descriptor)
    finally:
        os.close(descriptor)
    return None


def boot_id() -> str:
    """Distinguish boots of the machine, where the system tells."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def remove_stale_socket(home: Home) -> None:
    """Remove the socket that a killed daemon left; only for who holds the lock. Raise `ForeignSocket`."""
    path = socket_path(home)
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    check_socket(path, found)
    os.unlink(path)


def check_socket(path: str, found: os.stat_result) -> None:
    """Raise `ForeignSocket` where what stands there is no socket of this user."""
    if not stat.S_ISSOCK(found.st_mode):
        raise ForeignSocket(path, "there is something else than a socket")
    if found.st_uid != os.geteuid():
        raise ForeignSocket(path, f"it belongs to user id {found.st_uid}, not to you")


def _hold(home: Home) -> int:
    path = lock_path(home)
    deadline = time.monotonic() + _TRY_S
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise HomeUnusable(home.path, f"{path}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Somebody may have deleted the file: then this lock is one that nobody else will ever meet.
            if _is_same(descriptor, path):
                return descriptor
        except BlockingIOError:
            if time.monotonic() > deadline:
                holder = _read_holder(descriptor)
                os.close(descriptor)
                raise AnotherDaemon(home, holder) from None
        os.close(descriptor)
        time.sleep(_LOOK_EVERY_S)


def _is_same(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _write_holder(home: Home, descriptor: int, holder: Holder) -> None:
    """Say in the lock file who holds it, in one write over what an earlier one left."""
    try:
        text = json.dumps(holder._asdict()).encode()
        os.pwrite(descriptor, text, 0)
        os.ftruncate(descriptor, len(text))
    except OSError as error:
        raise HomeUnusable(home.path, error.strerror or str(error)) from error


def _wait_for_name(descriptor: int) -> Holder:
    """Read who holds the lock; one that has just taken it writes its name in the next moment."""
    deadline = time.monotonic() + _TRY_S
    while (holder := _read_holder(descriptor)) is None:
        if time.monotonic() > deadline:
            return Holder(0, "", "", 0)
        time.sleep(_LOOK_EVERY_S)
    return holder


def _read_holder(descriptor: int) -> Holder | None:
    try:
        found: dict[str, Any] = json.loads(os.pread(descriptor, 4096, 0))  # whatever is in the file
        return Holder(int(found["pid"]), str(found["boot_id"]), str(found["version"]), int(found["started_at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
