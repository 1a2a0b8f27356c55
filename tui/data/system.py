"""Reading what the System screen shows: the store is measured, the daemon is asked, limits are looked at."""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
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
from flowctl.store.limit_users import LimitUser, limit_users
from flowctl.store.overview import OverviewReader, file_size
from flowctl.store.retention import Policy
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
        limits=_limits(reader, home),
        retention=_retention(home),
        pruning=_pruning(reader, home, stats.oldest if stats else None, now),
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


def _limits(reader: OverviewReader, home: Home) -> tuple[LimitUse, ...]:
    known = reader.limits()
    users = reader.read_with(lambda connection: limit_users(connection, tuple(known)))
    return tuple(
        LimitUse(
            name=safe_rows.line(name),
            slots=slots,
            taken=slots - free_slots(home.path, name, slots),
            holders=_names(each for each in users if name in each.limits and not each.is_waiting),
            waiting=_names(each for each in users if name in each.limits and each.is_waiting),
        )
        for name, slots in known.items()
    )


def _names(users: Iterable[LimitUser]) -> tuple[str, ...]:
    """Name tasks by their runs; those of one map together: `brave-otter push[0, 3]`."""
    found: dict[str, list[str]] = {}
    for each in users:
        indexes = found.setdefault(safe_rows.line(f"{each.run_name} {each.task_name}"), [])
        indexes += [] if each.map_index is None else [str(each.map_index)]
    return tuple(f"{name}[{', '.join(indexes)}]" if indexes else name for name, indexes in found.items())


def _pruning(reader: OverviewReader, home: Home, oldest: datetime | None, now: datetime) -> str:
    """Say what is old enough to go, or when the first run is; what takes too much room shows in its size."""
    from flowctl.core.cli.wording import counted
    from flowctl.core.engine.settings import SettingsError, load_settings

    try:
        settings = load_settings(home.path)
    except SettingsError:
        return ""
    doomed = reader.expired(Policy(days=settings.retain_days, runs=settings.retain_runs, size=0), now=now)
    if doomed:
        return f"{counted(len(doomed), 'run')} at the next clearing; `flowctl db prune --dry-run` counts them"
    if oldest is None or not settings.retain_days:
        return ""
    return f"nothing yet; the oldest run on {oldest.astimezone() + timedelta(days=settings.retain_days):%-d %b %Y}"


def _retention(home: Home) -> str:
    from flowctl.core.cli.wording import size
    from flowctl.core.engine.settings import SettingsError, load_settings

    try:
        settings = load_settings(home.path)
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
