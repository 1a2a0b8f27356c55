"""Where the files of a home's daemon lie, and how its socket is reached however long the home's path is."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from flowctl.store.home import Home

_SOCKET: Final = "daemon.sock"
#: The kernel takes 107 bytes on Linux, 103 on macOS.
_LONGEST_ADDRESS: Final = 100


def socket_path(home: Home) -> str:
    """The socket on which the daemon answers."""
    return f"{home.path}/{_SOCKET}"


def lock_path(home: Home) -> str:
    """Held (flock) by the daemon as long as it lives; inside: who it is."""
    return f"{home.path}/daemon.lock"


def log_path(home: Home) -> str:
    """What the daemon says of itself."""
    return f"{home.path}/daemon.log"


def snapshots(home: Home) -> str:
    """Folder of verified copies of the database."""
    return f"{home.path}/snapshots"


@contextmanager
def socket_address(home: Home) -> Generator[str, None, None]:
    """Give an address of the socket that is short enough to be bound or connected to."""
    path = socket_path(home)
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield path
    elif sys.platform == "linux":
        folder = os.open(home.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{folder}/{_SOCKET}"
        finally:
            os.close(folder)
    else:
        # A folder of ours alone, so that nobody can put another link in the place of this one.
        with tempfile.TemporaryDirectory(prefix="fc", dir="/tmp") as folder:
            os.symlink(home.path, f"{folder}/h")
            yield f"{folder}/h/{_SOCKET}"
