"""Reading flow files: how each stands, what serves, what became of the latest saves; and files nobody watches."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from flowctl.core.authoring.exceptions import FlowctlError
from flowctl.store import file_queries, plan_queries
from flowctl.store.file_records import FlowFileRow, ReloadOutcome, ReloadRow
from flowctl.store.home import Home
from flowctl.store.overview import OverviewReader
from flowctl.store.plan_records import DeploymentRow
from flowctl.tui.data import safe_rows
from flowctl.tui.model.files import (
    FileFlow,
    FilesPage,
    FileState,
    ListedFile,
    Reload,
    Serving,
    Watching,
    state_of,
)
from flowctl.tui.model.snapshots import FlowSummary

_RELOADS: Final = 50
_PATIENCE_S: Final = 0.5


def files_page(reader: OverviewReader, flows: Sequence[FlowSummary], now: datetime) -> FilesPage:
    """Read all flow files; `flows` are those that ever ran."""
    rows = reader.read_with(file_queries.flow_files)
    deployed = reader.read_with(plan_queries.deployments)
    limits = reader.limits()
    known = {row.path for row in rows}
    helpers = [
        ListedFile(
            path=safe_rows.line(path),
            key=path,
            state=FileState.HELPER,
            used_by=tuple(map(safe_rows.line, users)),
        )
        for path, users in file_queries.modules_of(rows).items()
    ]
    entries = reader.read_with(lambda connection: file_queries.reloads(connection, limit=_RELOADS))
    files = [_file(row, deployed, limits) for row in rows]
    advice = {file.key: file.advice for file in files if file.advice}
    return FilesPage(
        files=(*files, *helpers, *_unwatched(flows, known)),
        # What is in force now was said of the latest look alone.
        reloads=tuple(_reload(row, advice.pop(row.path, ())) for row in entries),
        places=tuple(safe_rows.line(row.path) for row in reader.read_with(file_queries.watched)),
        at=now,
    )


def watching(home: Home, *, has_daemon: bool) -> Watching:
    """Ask the daemon how its watch is doing; one that does not answer at once is doing something else."""
    from flowctl.core.daemon.client import Client

    if not has_daemon:
        return Watching()
    try:
        with Client.connect(home, start=False, within_s=_PATIENCE_S) as client:
            told = client.ask_as(secrets.token_hex(8), "watch_status", {}, within_s=_PATIENCE_S)
    except (FlowctlError, OSError):
        return Watching()
    left_out = cast("Mapping[str, object]", told.get("left_out") or {})
    return Watching(
        reloading=frozenset(map(str, cast("Sequence[object]", told.get("reloading") or ()))),
        warning=safe_rows.line_or_none(told.get("warning")),
        left_out={safe_rows.line(path): safe_rows.line(str(why)) for path, why in left_out.items()},
    )


def _file(row: FlowFileRow, deployed: Iterable[DeploymentRow], limits: Mapping[str, int]) -> ListedFile:
    of_file = [each for each in deployed if each.reference.file == row.path]
    problem = cast("Mapping[str, object] | None", safe_rows.plain(row.problem))
    advice = tuple(_advice(row.tasks))
    tags = sorted({str(tag) for task in row.tasks for tag in cast("Sequence[object]", task.get("tags") or ())})
    return ListedFile(
        path=safe_rows.line(row.path),
        key=row.path,
        state=state_of(problem, is_there=row.hash is not None, import_s=row.import_s, is_doubtful=bool(advice)),
        flows=tuple(_flow(flow, of_file) for flow in row.flows),
        version=row.version,
        loaded_at=row.loaded_at,
        changed_at=row.changed_at,
        checked_at=row.checked_at,
        import_s=row.import_s,
        problem=problem,
        is_old_serving=row.is_old_version_serving,
        tasks={safe_rows.line(str(task.get("name"))): _whole(task.get("retries")) for task in row.tasks},
        limits={safe_rows.line(tag): limits[f"tag:{tag}"] for tag in tags if f"tag:{tag}" in limits},
        advice=advice,
        serving=tuple(Serving(name=safe_rows.line(each.name), next_at=each.next_at) for each in of_file),
    )


def _flow(flow: Mapping[str, Any], of_file: Iterable[DeploymentRow]) -> FileFlow:
    schema: object = flow.get("schema")
    attribute = str(flow.get("attribute"))
    names = (attribute, str(flow.get("name")))
    return FileFlow(
        name=safe_rows.line(str(flow.get("name"))),
        attribute=attribute,
        line=_whole(flow.get("line")) or 1,
        description=safe_rows.line_or_none(flow.get("description")),
        schema=cast("Mapping[str, Any] | None", safe_rows.plain(schema)),
        deployments=tuple(safe_rows.line(each.name) for each in of_file if each.reference.flow_attribute in names),
    )


def _unwatched(flows: Iterable[FlowSummary], known: set[str]) -> list[ListedFile]:
    """Gather the flows that ran by their files, where nobody watches these."""
    found: dict[str, list[FlowSummary]] = {}
    for flow in flows:
        if flow.file is None or flow.file not in known:
            found.setdefault(flow.file or "", []).append(flow)
    return [
        ListedFile(
            path=path or "(no file on record)",
            key=path,
            state=FileState.UNWATCHED,
            flows=tuple(
                FileFlow(name=flow.name, attribute=flow.name, line=flow.line or 1, description=None, schema=None)
                for flow in of_file
            ),
        )
        for path, of_file in sorted(found.items())
    ]


def _advice(tasks: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Say what is probably not meant: whoever tries again at once meets what made the first try fail."""
    hasty = [task for task in tasks if _whole(task.get("retries")) and task.get("has_delay") is False]
    if hasty and not _has_usual_delay():
        for task in hasty:
            yield f"task {safe_rows.line(str(task.get('name')))!r} has retries but no retry_delay_seconds"


def _has_usual_delay() -> bool:
    from flowctl.core.engine.settings import SettingsError, load_settings

    try:
        return bool(load_settings().tasks_default_retry_delay_seconds)
    except SettingsError:
        return False


def _reload(row: ReloadRow, advice: tuple[str, ...]) -> Reload:
    words = ", ".join(row.changes) if row.changes and row.outcome.value == "loaded" else row.message
    return Reload(
        path=safe_rows.line(row.path),
        at=row.at,
        outcome=row.outcome,
        version_before=row.version_before,
        version=row.version,
        import_s=row.import_s,
        words=safe_rows.line(words),
        runs=row.runs,
        advice=advice if row.outcome is ReloadOutcome.LOADED else (),
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
