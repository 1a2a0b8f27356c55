"""Reading what the System screen shows: the store is measured, the daemon is asked, limits are looked at."""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, cast

import flowctl
from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.core.daemon.instance import Holder
from flowctl.core.daemon.paths import log_path
from flowctl.core.engine.slots import free_slots
from flowctl.store.catchup import active_runs
from flowctl.store.health import stats_of
from flowctl.store.home import Home
from flowctl.store.overview import OverviewReader, file_size
from flowctl.store.sqlite import SCHEMA_VERSION, sqlite3
from flowctl.tui.data import safe_rows
from flowctl.tui.model.system import DaemonFacts, LimitUse, SystemFacts, Trouble

#: A daemon that is busy is not waited for: the screen says what it knows.
_PATIENCE_S: Final = 0.5


def system(
    reader: OverviewReader,
    home: Home,
    holder: Holder | None,
    unreadable: Mapping[str, str],
    now: datetime,
    *,
    is_silent: bool,
) -> SystemFacts:
    """Measure and count; counting large tables takes its time."""
    stats = stats_of(home) if os.path.exists(home.database) else None  # noqa: PTH110 - the store speaks in text paths
    return SystemFacts(
        home=home.path,
        database=home.database,
        database_bytes=file_size(home.database),
        log_bytes=file_size(home.database + "-wal"),
        free_bytes=stats.free if stats else 0,
        schema=stats.schema if stats else SCHEMA_VERSION,
        rows=stats.rows if stats else {},
        oldest=stats.oldest if stats else None,
        newest=stats.newest if stats else None,
        active_runs=len(active_runs(home)),
        daemon=None if holder is None else _daemon(home, holder, is_silent=is_silent),
        limits=tuple(
            LimitUse(safe_rows.line(name), slots, slots - free_slots(home.path, name, slots))
            for name, slots in reader.limits().items()
        ),
        retention=_retention(),
        versions={
            "flowctl": flowctl.__version__,
            "Python": platform.python_version(),
            "SQLite": sqlite3.sqlite_version,
            "Textual": _version_of("textual"),
        },
        at=now,
        daemon_log=log_path(home),
        unreadable={run_id: safe_rows.line(problem) for run_id, problem in unreadable.items()},
    )


def _daemon(home: Home, holder: Holder, *, is_silent: bool) -> DaemonFacts:
    from flowctl.core.daemon.client import Client

    known = DaemonFacts(
        pid=holder.pid,
        version=safe_rows.line(holder.version),
        since=datetime.fromtimestamp(holder.started_at / 1e6, UTC) if holder.started_at else None,
    )
    if is_silent:
        return known
    try:
        with Client.connect(home, start=False, within_s=_PATIENCE_S) as client:
            told: Mapping[str, Any] = client.ask_as(secrets.token_hex(8), "status", {}, within_s=_PATIENCE_S)
    except (FlowctlError, OSError):
        return known
    troubles = cast("Mapping[str, Mapping[str, Any]]", told.get("troubles") or {})
    return DaemonFacts(
        pid=known.pid,
        version=known.version,
        since=known.since,
        state=str(told.get("state")),
        troubles=tuple(
            Trouble(
                safe_rows.line(name),
                safe_rows.line(str(each.get("message", ""))),
                datetime.fromisoformat(str(each["since"])),
            )
            for name, each in troubles.items()
        ),
        memory=told.get("memory"),
        cpu_s=told.get("cpu_s"),
        active=told.get("active"),
        settings_file=safe_rows.line_or_none(told.get("settings_file")),
    )


def _retention() -> str:
    from flowctl.core.cli.wording import size
    from flowctl.core.engine.settings import SettingsError, load_settings

    try:
        settings = load_settings()
    except SettingsError as error:
        return safe_rows.line(str(error))
    bounds = [
        f"{settings.retain_days} days" if settings.retain_days else "",
        f"{settings.retain_runs:,} runs" if settings.retain_runs else "",
        size(settings.retain_size) if settings.retain_size else "",
    ]
    said = [bound for bound in bounds if bound]
    return f"runs that are over, up to {', '.join(said)}" if said else "everything, for ever"


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
