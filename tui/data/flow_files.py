"""Reading flow files: how each stands, what serves, what became of the latest saves; and files nobody watches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from flowctl.store import file_queries, plan_queries
from flowctl.store.file_records import FlowFileRow, ReloadRow
from flowctl.store.overview import OverviewReader
from flowctl.store.plan_records import DeploymentRow
from flowctl.tui.data import safe_rows
from flowctl.tui.model.files import FileFlow, FilesPage, FileState, ListedFile, Reload, Serving, state_of
from flowctl.tui.model.snapshots import FlowSummary

_RELOADS: Final = 50


def files_page(reader: OverviewReader, flows: Sequence[FlowSummary], now: datetime) -> FilesPage:
    """Read all flow files; `flows` are those that ever ran."""
    rows = reader.read_with(file_queries.flow_files)
    deployed = reader.read_with(plan_queries.deployments)
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
    return FilesPage(
        files=(*(_file(row, deployed) for row in rows), *helpers, *_unwatched(flows, known)),
        reloads=tuple(map(_reload, entries)),
        places=tuple(safe_rows.line(row.path) for row in reader.read_with(file_queries.watched)),
        at=now,
    )


def _file(row: FlowFileRow, deployed: Iterable[DeploymentRow]) -> ListedFile:
    of_file = [each for each in deployed if each.reference.file == row.path]
    problem = cast("Mapping[str, object] | None", safe_rows.plain(row.problem))
    return ListedFile(
        path=safe_rows.line(row.path),
        key=row.path,
        state=state_of(problem, is_there=row.hash is not None, import_s=row.import_s),
        flows=tuple(_flow(flow, of_file) for flow in row.flows),
        version=row.version,
        loaded_at=row.loaded_at,
        changed_at=row.changed_at,
        checked_at=row.checked_at,
        import_s=row.import_s,
        problem=problem,
        is_old_serving=row.is_old_version_serving,
        tasks={safe_rows.line(str(task.get("name"))): _whole(task.get("retries")) for task in row.tasks},
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


def _reload(row: ReloadRow) -> Reload:
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
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
