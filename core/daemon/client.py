"""The other end of the daemon's socket: what commands and screens use to ask it for something."""

from __future__ import annotations

import os
import secrets
import select
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.daemon import protocol
from flowctl.core.daemon.instance import ForeignSocket, check_socket, find_holder
from flowctl.core.daemon.paths import log_path, socket_address, socket_path
from flowctl.core.daemon.protocol import Fields
from flowctl.core.daemon.protocol import Refused as Refused
from flowctl.core.daemon.server import peer_uid
from flowctl.store.home import Home, HomeUnusable

#: A daemon that does not answer for so long is stuck, or the disk is.
ANSWER_S: Final = 30.0
#: A new process with its imports, on a busy machine, behind a migration.
START_S: Final = 20.0
_LOOK_EVERY_S: Final = 0.01
#: With less than this a daemon cannot even say why it ends.
_LITTLE_BYTES: Final = 64 << 10
_START: Final = "import sys; sys.path.append({folder!r}); from flowctl.core.daemon.main import main; sys.exit(main())"


class NoDaemon(FlowctlError):
    """No daemon runs, and none was to be started."""

    def __init__(self, home: Home) -> None:
        super().__init__(f"No daemon is running for the home {home.path}. Start it: `flowctl daemon start`.")


class DaemonSilent(FlowctlError):
    """There is a daemon, and it does not answer."""


class DaemonNotStarted(FlowctlError):
    """The daemon ended as soon as it was started."""


class Client:
    """One connection to the daemon of a home; it stays in one thread."""

    def __init__(self, connection: socket.socket, home: Home) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")
        self._home = home

    @classmethod
    def connect(cls, home: Home, *, start: bool = True, within_s: float = ANSWER_S) -> Self:
        """Connect to the daemon, which is started where there is none; raise `NoDaemon` if told not to."""
        connection = _connected(home, within_s)
        if connection is None:
            if not start:
                raise NoDaemon(home)
            start_daemon(home)
            connection = _connected(home)
            if connection is None:
                raise DaemonSilent(
                    f"The daemon of the home {home.path} went away again. `flowctl daemon logs` says why."
                )
        return cls(connection, home)

    def ask(self, verb: str, **fields: object) -> Fields:
        """Ask for something and wait for the answer; raise `Refused`, or `DaemonSilent` when there is none."""
        return self.ask_as(secrets.token_hex(8), verb, fields)

    def ask_as(self, request_id: str, verb: str, fields: Fields, *, within_s: float = ANSWER_S) -> Fields:
        """Ask under an id of one's own: the same request asked again under it is carried out once."""
        try:
            self.put(request_id, verb, fields, within_s=within_s)
            while True:
                line = self._file.readline()
                if not line.endswith(b"\n"):
                    raise DaemonSilent(
                        "The daemon went away before it answered. Whether it did what was asked is shown by "
                        "`flowctl runs`; `flowctl daemon logs` shows what happened."
                    )
                answer = protocol.read_answer(line)
                # News come in between, to those who subscribed.
                if answer.get("id") == request_id:
                    return answer
        except TimeoutError:
            raise DaemonSilent(
                f"The daemon did not answer within {within_s:g} s; it may still do what was asked. "
                "`flowctl daemon logs` shows what it is doing."
            ) from None
        except (BrokenPipeError, ConnectionResetError):
            raise DaemonSilent("The daemon went away. `flowctl daemon logs` shows what happened.") from None

    def put(self, request_id: str, verb: str, fields: Fields, *, within_s: float = ANSWER_S) -> None:
        """Ask for something and do not wait for the answer, which is a piece of news like any other."""
        self._connection.settimeout(within_s)
        self._connection.sendall(protocol.write_request(request_id, verb, fields))

    @property
    def has_news(self) -> bool:
        """Whether there is something to read, be it that the daemon went away."""
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(0))

    def news(self, *, within_s: float | None = None) -> Fields | None:
        """Wait for the next piece of news, after `subscribe` or `put`; None when there was none in time."""
        self._connection.settimeout(within_s)
        try:
            line = self._file.readline()
        except TimeoutError:
            # What makefile read of a line is lost with the timeout, so that the connection is of no more use.
            return None
        if not line.endswith(b"\n"):
            raise DaemonSilent("The daemon went away.")
        return protocol.read_answer(line)

    def interrupt(self) -> None:
        """Have the thread that waits for an answer wait no more; it is told that the daemon went away."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._file.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def is_running(home: Home) -> bool:
    """Tell whether a daemon answers for a home."""
    connection = _connected(home)
    if connection is None:
        return False
    connection.close()
    return True


def start_daemon(home: Home) -> int:
    """Start a daemon in the background and wait until it answers; return its process id."""
    home.ensure()
    began = _size_of(log_path(home))
    if (holder := find_holder(home)) is None or not is_running(home):
        process = _spawned(home)
        try:
            _wait_until_it_answers(home, process, began)
        finally:
            # It is not for this process to wait for its end: it lives on when this one is gone.
            process.returncode = process.returncode or 0
        holder = find_holder(home)
    return 0 if holder is None else holder.pid


def _spawned(home: Home) -> subprocess.Popen[bytes]:
    folder = str(Path(sys.modules["flowctl"].__file__ or "").parent.parent)
    try:
        log = Path(log_path(home)).open("ab")  # noqa: SIM115 - closed below
    except OSError as error:
        raise HomeUnusable(home.path, error.strerror or str(error)) from error
    with log:
        os.fchmod(log.fileno(), 0o600)
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _START.format(folder=folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home.path,
            env={**os.environ, "FLOWCTL_HOME": home.path},
            start_new_session=True,
        )


def _wait_until_it_answers(home: Home, process: subprocess.Popen[bytes], began: int) -> None:
    deadline = time.monotonic() + START_S
    while not is_running(home):
        # Another one may have been faster; then it is that one which answers.
        if process.poll() is not None and find_holder(home) is None and not is_running(home):
            raise DaemonNotStarted(f"The daemon did not start. {_said(home, began)}")
        if time.monotonic() > deadline:
            raise DaemonSilent(f"The daemon did not answer within {START_S:g} s. {_said(home, began)}")
        time.sleep(_LOOK_EVERY_S)


def wait_until_gone(home: Home, *, within_s: float) -> bool:
    """Wait until no daemon holds the home; tell whether that came true."""
    deadline = time.monotonic() + within_s
    while find_holder(home) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def _connected(home: Home, within_s: float = ANSWER_S) -> socket.socket | None:
    path = socket_path(home)
    try:
        check_socket(path, os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(within_s)
        with socket_address(home) as address:
            connection.connect(address)
    except (ConnectionRefusedError, FileNotFoundError):
        # Left behind by a daemon that was killed.
        connection.close()
        return None
    except BaseException:
        connection.close()
        raise
    if (peer := peer_uid(connection)) not in (None, os.geteuid()):
        connection.close()
        raise ForeignSocket(path, f"a process of user id {peer} answers there")
    return connection


def _size_of(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def _said(home: Home, began: int) -> str:
    """Repeat what the daemon said before it ended."""
    try:
        with Path(log_path(home)).open("rb") as log:
            log.seek(began)
            words = log.read(20_000).decode(errors="replace").strip()
    except OSError:
        words = ""
    if not words and shutil.disk_usage(home.path).free < _LITTLE_BYTES:
        return f"The disk of its home {home.path} is full; make room."
    return words.splitlines()[-1] if words else "It said nothing; run `flowctl daemon start --foreground` to see it."
