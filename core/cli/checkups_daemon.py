"""What `flowctl doctor` looks at in settings, daemon, schedules and watched files."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import flowctl
from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.cli.checkups import Checkup, Verdict
from flowctl.core.cli.wording import counted
from flowctl.core.daemon.client import Client, NoDaemon
from flowctl.core.daemon.protocol import Fields
from flowctl.core.daemon.snapshots import plans_lost
from flowctl.core.engine.settings import SettingsError, load_settings, unknown_variables
from flowctl.store import file_queries, plan_queries
from flowctl.store.file_records import FlowFileRow
from flowctl.store.home import Home
from flowctl.store.plan_records import DeploymentRow
from flowctl.store.problems import StoreError
from flowctl.store.queries import Reader

#: One that hangs is a finding; three checks ask it.
_PATIENCE_S: Final = 3.0
_INOTIFY: Final = "/proc/sys/fs/inotify"
_FEW_WATCHES: Final = 8_192
_FEW_INSTANCES: Final = 32
_RAISE: Final = (
    "`sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=1024`, and put both into "
    "/etc/sysctl.d/90-inotify.conf to keep them."
)


def check_settings(_home: Home) -> Iterable[Checkup]:
    """The settings file and the environment."""
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Checkup("settings", Verdict.FAIL, str(error), "Mend it; `flowctl config` shows each setting.")
        return
    yield Checkup("settings", Verdict.OK, settings.file or "defaults; there is no settings file here or above")
    for warning in unknown_variables():
        yield Checkup("settings", Verdict.WARN, warning, "Correct or unset it.")


def check_daemon(home: Home) -> Iterable[Checkup]:
    """The daemon: whether it answers, and how it is."""
    try:
        status = _ask(home, "status")
    except NoDaemon:
        yield Checkup("daemon", Verdict.OK, "not running; commands that need it start it")
        return
    except (FlowctlError, OSError) as error:
        yield Checkup("daemon", Verdict.FAIL, str(error), "`flowctl daemon logs` says more; `flowctl daemon restart`.")
        return
    text = f"process {status['pid']}, flowctl {status['version']}"
    if status["version"] != flowctl.__version__:
        remedy = "`flowctl daemon restart` puts this one in its place; runs go on."
        yield Checkup("daemon", Verdict.WARN, f"{text}, which is not this flowctl", remedy)
    elif status["state"] == "ok":
        yield Checkup("daemon", Verdict.OK, text)
    for name, trouble in status.get("troubles", {}).items():
        remedy = "`flowctl daemon logs` says more." if trouble["is_defect"] else ""
        yield Checkup("daemon", Verdict.FAIL, f"{name}: {trouble['message']}", remedy)


def check_schedules(home: Home) -> Iterable[Checkup]:
    """Schedules that fire nobody's runs: no daemon, a problem of their flow."""
    rows = _deployments(home)
    waiting = [row for row in rows if not row.paused and any(schedule.active for schedule in row.schedules)]
    broken = [row for row in rows if row.problem is not None]
    if waiting and not _is_running(home):
        text = f"{counted(len(waiting), 'deployment')} with schedules, and no daemon to start their runs"
        yield Checkup(
            "schedules", Verdict.WARN, text, "`flowctl daemon start`; at each login: `flowctl daemon install`."
        )
    else:
        yield Checkup("schedules", Verdict.OK, f"{counted(len(rows), 'deployment')}, {len(waiting)} by schedule")
    if (lost := _lost(home)) is not None:
        yield Checkup("schedules", Verdict.WARN, lost, "`flowctl db rebuild`, or deploy them again.")
    for row in broken[:3]:
        remedy = f"`flowctl deployment show {row.name}`"
        yield Checkup("schedules", Verdict.WARN, f"{row.name} rests: {row.problem}", remedy)


def check_watching(home: Home) -> Iterable[Checkup]:
    """Whether changes of files are told by the system, and flow files that cannot be loaded."""
    from flowctl.core.daemon.file_watch import can_watch

    limits = _inotify_limits()
    words = ", ".join(f"{name} {value:,}" for name, value in limits.items())
    problem = can_watch(str(Path(home.path).parent) if not Path(home.path).is_dir() else home.path)
    if problem is not None:
        yield Checkup("file watches", Verdict.WARN, f"{problem}; files would be polled. {words}".strip(), _RAISE)
    elif (
        0 < limits.get("max_user_watches", _FEW_WATCHES) < _FEW_WATCHES
        or 0 < limits.get("max_user_instances", _FEW_INSTANCES) < _FEW_INSTANCES
    ):
        yield Checkup("file watches", Verdict.WARN, f"few are allowed: {words}", _RAISE)
    else:
        yield Checkup("file watches", Verdict.OK, words or "the system tells of changes")
    try:
        warning = _ask(home, "watch_status").get("warning")
    except (FlowctlError, OSError):
        warning = None
    if warning:
        yield Checkup("file watches", Verdict.WARN, str(warning), "Then run `flowctl daemon restart`.")
    broken = [file for file in _flow_files(home) if file.problem is not None]
    for file in broken[:3]:
        assert file.problem is not None
        text = f"{file.path}: {file.problem.get('message')}"
        yield Checkup("flow files", Verdict.WARN, text, "`flowctl watch ls` shows the place and the difference.")


def _inotify_limits() -> dict[str, int]:
    found: dict[str, int] = {}
    for name in ("max_user_watches", "max_user_instances", "max_queued_events"):
        try:
            found[name] = int(Path(f"{_INOTIFY}/{name}").read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
    return found


def _ask(home: Home, verb: str) -> Fields:
    with Client.connect(home, start=False, within_s=_PATIENCE_S) as client:
        return client.ask_as(secrets.token_hex(8), verb, {}, within_s=_PATIENCE_S)


def _is_running(home: Home) -> bool:
    try:
        _ask(home, "status")
    except (FlowctlError, OSError):
        return False
    return True


def _deployments(home: Home) -> list[DeploymentRow]:
    try:
        with Reader.open(home) as reader:
            return reader.read_with(plan_queries.deployments)
    except (StoreError, OSError):
        return []  # the check of the database says why


def _lost(home: Home) -> str | None:
    try:
        with Reader.open(home) as reader:
            lost = plans_lost(home, reader)
    except (StoreError, OSError):
        return None  # as above
    return None if lost is None else str(lost)


def _flow_files(home: Home) -> list[FlowFileRow]:
    if not os.path.exists(home.database):  # noqa: PTH110 - a home gives its paths as texts
        return []
    try:
        with Reader.open(home) as reader:
            return reader.read_with(file_queries.flow_files)
    except (StoreError, OSError):
        return []  # as above
