"""Reading windows of logs: one record more than is shown on the side that is read to, to know whether there is more."""

from __future__ import annotations

from collections.abc import Sequence

from flowctl.store.tree_reading import FoundLine, Place, TreeReader
from flowctl.tui.data import safe_rows
from flowctl.tui.model.snapshots import LogEntry, LogWindow


def read_window(
    reader: TreeReader,
    place: Place | None,
    version: int,
    *,
    after: tuple[int, int] | None,
    before: tuple[int, int] | None,
    level: int,
    tasks: Sequence[int],
    text: str,
    limit: int,
) -> LogWindow:
    """Read records behind one, before one, or the last ones."""
    lines = reader.log_lines(place, after=after, before=before, level=level, tasks=tasks, text=text, limit=limit + 1)
    more = len(lines) > limit
    if after is not None:
        lines, has_before, has_after = lines[:limit], True, more
    else:
        lines, has_before, has_after = lines[-limit:], more, before is not None
    return LogWindow(entries=tuple(map(_entry, lines)), has_before=has_before, has_after=has_after, version=version)


def _entry(found: FoundLine) -> LogEntry:
    speaker = found.flow_name
    if found.task_name is not None:
        speaker = found.task_name if found.map_index is None else f"{found.task_name}[{found.map_index}]"
    return LogEntry(
        root=found.root,
        seq=found.row.seq,
        row=safe_rows.log_row(found.row),
        task=found.task,
        speaker=safe_rows.line(speaker),
        flow_name=safe_rows.line(found.flow_name),
    )
