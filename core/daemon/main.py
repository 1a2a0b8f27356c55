"""The process of the daemon, from its first line to its last."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import socket
import sys
from typing import Final

import flowctl
from flowctl.core.daemon import processes
from flowctl.core.daemon.daemon import Daemon, now_us
from flowctl.core.daemon.daemon_log import DaemonLog
from flowctl.core.daemon.instance import Instance
from flowctl.store.catchup import mark_unknown
from flowctl.store.home import Home
from flowctl.store.limits import publish
from flowctl.store.writer import Store

#: Descriptors for a thousand connections and more; usually 1,024 are allowed and may be raised.
_DESCRIPTORS: Final = 8192


def run_daemon(home: Home, *, is_shown: bool) -> None:
    """Be the daemon of a home until told to stop; raise where there is one already, or the home cannot be used."""
    started_at = now_us()
    home.ensure()
    os.umask(0o077)
    log = DaemonLog(home, is_shown=is_shown)
    instance = Instance.take(home, started_at=started_at)
    try:
        if not is_shown:
            log.take_over_output()
        # The folder from which it was started must not be kept from being unmounted or removed.
        os.chdir(home.path)
        processes.name_this("flowctl-daemon")
        before = _raise_limits()
        mark_unknown(home)
        store = Store.open_writer(home)
        try:
            daemon = Daemon(instance, store, log=log, started_at=started_at)
            daemon.descriptors_before = before
            # The database may be another one than before: restored, or made anew.
            daemon.guarded("limits", lambda: publish(store.connection, home.path))
            log.write(f"flowctl {flowctl.__version__} daemon, process {os.getpid()}, home {home.path}.")
            asyncio.run(daemon.run(is_ready=_tell_ready))
        finally:
            store.close()
        log.write("Stopped.")
    finally:
        instance.release()


def _tell_ready() -> None:
    # What is there now stays; the collector need not look at it ever again.
    gc.collect()
    gc.freeze()
    notify("READY=1")


def notify(text: str) -> None:
    """Tell systemd, where it started this process and wants to know."""
    # Run processes are not the service, and must not say that they are.
    address = os.environ.pop("NOTIFY_SOCKET", None)
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            try:
                channel.sendto(text.encode(), "\0" + address[1:] if address[0] == "@" else address)
            except OSError:
                pass  # whoever started it does not listen any more


def _raise_limits() -> int:
    """Allow more open descriptors; return how many were allowed before, for the children."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return soft


def main() -> int:
    """Be the daemon that a client started in the background."""
    from flowctl.core.authoring.exceptions import FlowctlError
    from flowctl.store.home import HomeUnusable
    from flowctl.store.problems import StoreError

    try:
        run_daemon(Home.default(), is_shown=False)
    except (FlowctlError, StoreError, HomeUnusable) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
