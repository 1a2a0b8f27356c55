"""Requests about the daemon itself: what it is doing, that it should stop, that it should read its settings again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import flowctl
from flowctl.core.daemon.paths import socket_path
from flowctl.core.daemon.protocol import Fields, Refused
from flowctl.core.engine.settings import SettingsError

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon
    from flowctl.core.daemon.requests import Verb


def status(daemon: Daemon, _fields: Fields) -> Fields:
    """Tell how the daemon is."""
    troubles = {
        name: {"since": trouble.since.isoformat(), "message": trouble.message, "is_defect": trouble.is_defect}
        for name, trouble in sorted(daemon.troubles.items())
    }
    return {
        "pid": os.getpid(),
        "version": flowctl.__version__,
        "home": daemon.home.path,
        "socket": socket_path(daemon.home),
        "started_at": daemon.started_at,
        "now": daemon.clock(),
        "state": "stopping" if daemon.is_stopping else "degraded" if troubles else "ok",
        "troubles": troubles,
        "active": len(daemon.active),
        "unreadable": dict(daemon.active.problems),
        "connections": len(daemon.server.connections),
        "changes": daemon.changes,
        "settings_file": daemon.settings.file,
        "cpu_s": round(sum(os.times()[:2]), 2),
        "memory": _memory(),
    }


def stop(daemon: Daemon, _fields: Fields) -> Fields:
    """Stop the daemon; runs go on."""
    daemon.log.write("Asked to stop.")
    daemon.stop()
    return {"pid": os.getpid()}


def reload(daemon: Daemon, _fields: Fields) -> Fields:
    """Read the settings, and what plugged passes keep of files, again."""
    try:
        daemon.reload()
    except SettingsError as error:
        raise Refused("refused", f"The settings stay as they were. {error}") from error
    daemon.recovered("settings")
    return {"settings_file": daemon.settings.file}


def _memory() -> int | None:
    """Tell the resident memory of this process in bytes, where the system tells it cheaply."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


VERBS: Final[dict[str, Verb]] = {}
QUICK: Final[dict[str, Verb]] = {"status": status, "stop": stop, "reload": reload}
