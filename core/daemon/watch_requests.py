"""Requests about what is watched: have the flows of a file or folder known, or not any more."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from flowctl.core.daemon.protocol import Fields, Refused
from flowctl.core.daemon.sightings import is_trusted
from flowctl.core.daemon.upkeep_requests import text
from flowctl.store import file_queries, plan_queries
from flowctl.store.flow_files import add_watched, forget_flow_file, remove_watched

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon
    from flowctl.core.daemon.requests import Verb


def watch_add(daemon: Daemon, fields: Fields) -> Fields:
    """Watch a file or folder; its flows with a schedule are deployed, with the interpreter that is named."""
    path, python = _path(fields), text(fields, "python")
    try:
        seen = os.stat(path)
    except OSError as error:
        raise Refused("not_found", f"{path} cannot be watched: {error.strerror}.") from error
    if stat.S_ISDIR(seen.st_mode):
        if path == "/":
            raise Refused("refused", "The whole file system cannot be watched. Name the folders that hold flows.")
    elif not path.endswith(".py"):
        raise Refused("bad_request", f"{path} is neither a folder nor a Python file.")
    if not is_trusted(seen):
        raise Refused(
            "refused",
            f"{path} belongs to user id {seen.st_uid}: watching it would run what somebody else writes there.",
        )
    is_new = add_watched(daemon.store.connection, path, daemon.now(), python=python)
    daemon.afterwards.append(lambda: _refresh(daemon))
    return {"path": path, "is_new": is_new}


def watch_rm(daemon: Daemon, fields: Fields) -> Fields:
    """Watch a file or folder no longer; deployments stay, and their files are still looked after."""
    path, connection = _path(fields), daemon.store.connection
    if not remove_watched(connection, path):
        known = ", ".join(row.path for row in file_queries.watched(connection)) or "nothing"
        raise Refused("not_found", f"{path} is not watched. Watched is: {known}.")
    roots = [row.path for row in file_queries.watched(connection)]
    for file in file_queries.flow_files(connection):
        inside = any(file.path == root or file.path.startswith(f"{root}/") for root in roots)
        if not inside and not plan_queries.deployments_of_file(connection, file.path):
            forget_flow_file(connection, file.path)
    daemon.afterwards.append(lambda: _refresh(daemon))
    return {"path": path}


def watch_status(daemon: Daemon, _fields: Fields) -> Fields:
    """Tell what is watched, and how."""
    return {} if daemon.watcher is None else daemon.watcher.status()


def watch_reload(daemon: Daemon, fields: Fields) -> Fields:
    """Look into a flow file again, or with no `path` into all, though nothing was saved."""
    path = _path(fields) if fields.get("path") is not None else None
    paths: list[str] = [] if daemon.watcher is None else daemon.watcher.look_again(path)
    if path is not None and not paths:
        raise Refused(
            "not_found", f"{path} is no flow file that is watched, or it is gone. `flowctl watch ls` lists them."
        )
    return {"paths": paths}


def _path(fields: Fields) -> str:
    path = text(fields, "path")
    if not os.path.isabs(path) or "\0" in path:
        raise Refused("bad_request", f"The file or folder has to be named by its whole path, not {path!r:.100}.")
    return os.path.realpath(path)


def _refresh(daemon: Daemon) -> None:
    if daemon.watcher is not None:
        daemon.watcher.refresh()


VERBS: Final[dict[str, Verb]] = {"watch_add": watch_add, "watch_rm": watch_rm}
QUICK: Final[dict[str, Verb]] = {"watch_status": watch_status, "watch_reload": watch_reload}
