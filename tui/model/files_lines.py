"""How flow files are drawn: the list, an error in its source with a caret, what was changed, the log of reloads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Final, NamedTuple

from flowctl.tui.model.files import SLOW_S, FileState, ListedFile
from flowctl.tui.model.glyphs import UNICODE, Glyphs
from flowctl.tui.model.texts import Line, Span, clock, counted, fit, short_duration, when

_LOOKS: Final = {
    FileState.LOADED: ("completed", "completed"),
    FileState.SLOW: ("completed", "completed"),
    FileState.WARNING: ("crashed", "warning"),
    FileState.DOUBTFUL: ("crashed", "warning"),
    FileState.BROKEN: ("failed", "failed"),
    FileState.GONE: ("failed", "failed"),
    FileState.HELPER: ("", "quiet"),
    FileState.UNWATCHED: ("", "quiet"),
}
_KINDS: Final = {
    "SyntaxError": "syntax error",
    "IndentationError": "syntax error",
    "TabError": "syntax error",
    "ModuleNotFoundError": "import error",
    "ImportError": "import error",
    "TimedOut": "too slow",
    "Died": "process died",
    "NoInterpreter": "no python",
    "CalledOnImport": "runs on import",
}

#: What somebody should look at comes first.
_URGENCY: Final = (
    FileState.BROKEN,
    FileState.GONE,
    FileState.WARNING,
    FileState.DOUBTFUL,
    FileState.SLOW,
    FileState.LOADED,
    FileState.HELPER,
    FileState.UNWATCHED,
)


class FileColumns(NamedTuple):
    """How wide each column is; 0: it is not shown."""

    file: int
    flows: int
    state: int
    took: int
    loaded: int
    changed: int
    serving: int


def file_columns(width: int) -> FileColumns:
    """Share out a width. Columns leave in this order: import time, loaded, changed, flows; file and state stay."""
    if width >= 84:
        fixed = FileColumns(0, 7, 16, 9, 11, 11, 15)
    elif width >= 70:
        fixed = FileColumns(0, 7, 16, 0, 10, 10, 13)
    elif width >= 54:
        fixed = FileColumns(0, 7, 15, 0, 0, 0, 13)
    else:
        return FileColumns(max(width - 2 - 14, 1), 0, min(14, max(width - 3, 0)), 0, 0, 0, 0)
    return fixed._replace(file=max(width - 2 - sum(fixed), 1))


def file_head(columns: FileColumns) -> Line:
    """Draw the names of the columns."""
    text = "   " + fit("FILE", columns.file - 1) + fit("FLOWS  " if columns.flows else "", columns.flows, align="right")
    text += fit("STATE", columns.state) + fit("IMPORT  ", columns.took, align="right")
    text += fit("LOADED", columns.loaded) + fit("CHANGED", columns.changed) + fit("SERVING", columns.serving)
    return ((text, "quiet"),)


def file_line(
    file: ListedFile,
    columns: FileColumns,
    now: datetime,
    *,
    root: str = "",
    glyphs: Glyphs = UNICODE,
    is_cursor: bool = False,
    is_reloading: bool = False,
) -> Line:
    """Draw one file."""
    word, style = _LOOKS[file.state]
    sign = glyphs.states[word] if word else "–" if glyphs is UNICODE else "-"
    if is_reloading:
        sign, style = glyphs.states["retrying"], "retrying"
    name_style = "problem" if file.state in (FileState.BROKEN, FileState.GONE) else "title" if is_cursor else ""
    spans: list[Span] = [
        (glyphs.cursor if is_cursor else " ", "accent"),
        (f"{sign} ", style),
        (
            fit(short_path(file.path, root), columns.file - 1, cut=glyphs.cut),
            name_style or ("quiet" if not word else ""),
        ),
    ]
    if columns.flows:
        spans.append((fit(f"{len(file.flows) or ''}  ", columns.flows, align="right"), ""))
    text = "reloading…" if is_reloading else state_text(file)
    spans.append((fit(text, columns.state - 1, cut=glyphs.cut) + " ", style))
    if columns.took:
        took = "" if file.import_s is None else short_duration(file.import_s)
        is_slow = file.import_s is not None and file.import_s >= SLOW_S
        spans.append((fit(f"{took}  ", columns.took, align="right"), "warning" if is_slow else "quiet"))
    for cells, at in ((columns.loaded, file.loaded_at), (columns.changed, file.changed_at)):
        spans.append((fit("" if at is None else day_or_clock(at, now), cells), "quiet"))
    spans.append(
        (fit(serving_text(file, now), columns.serving, cut=glyphs.cut), "warning" if file.is_old_serving else "")
    )
    return tuple(spans)


def state_text(file: ListedFile) -> str:
    """Say in a few words how a file stands."""
    kind = str((file.problem or {}).get("kind", ""))
    if file.state is FileState.BROKEN:
        return _KINDS.get(kind, kind or "broken")
    if file.state is FileState.WARNING:
        return f"{kind.lower()} left out"
    if file.state is FileState.DOUBTFUL:
        return counted(len(file.advice), "warning")
    said: str = file.state.value
    return said


def serving_text(file: ListedFile, now: datetime) -> str:
    """Say which version serves."""
    if file.state is FileState.HELPER:
        return f"used by {len(file.used_by)}"
    if file.version == 0:
        return "" if file.state is FileState.UNWATCHED else "none"
    if file.is_old_serving and file.loaded_at is not None:
        return f"v{file.version} ({when(file.loaded_at, now)})"
    return f"v{file.version}"


def root_of(places: Sequence[str]) -> str:
    """Give the folder that all watched places lie in, if it is one of their folders; else nothing."""
    folders = {str(PurePath(each).parent) if each.endswith(".py") else each for each in places}
    found = min(folders, key=len, default="")
    return found if all(each == found or each.startswith(f"{found.rstrip('/')}/") for each in folders) else ""


def short_path(path: str, root: str) -> str:
    """Write a path below the watched folder by what is below it, others by their last parts."""
    if root and path.startswith(f"{root.rstrip('/')}/"):
        return path[len(root.rstrip("/")) + 1 :]
    return "/".join(PurePath(path).parts[-2:]) if path.startswith("/") else path


def day_or_clock(at: datetime, now: datetime) -> str:
    """Write the time of day today, else the day."""
    local, today = at.astimezone(), now.astimezone()
    days = (today.date() - local.date()).days
    return clock(at) if days == 0 else "yesterday" if days == 1 else f"{local.day} {local:%b}"


def _changed_key(file: ListedFile) -> float:
    return -file.changed_at.timestamp() if file.changed_at is not None else 0.0


#: What the list can be sorted by: as it is read, files by name, then helpers, then those that nobody watches.
SORTS: Final[dict[str, Callable[[ListedFile], float]]] = {
    "name": lambda _file: 0.0,
    "state": lambda file: _URGENCY.index(file.state),
    "changed": _changed_key,
    "import": lambda file: -(file.import_s or 0.0),
}
#: The heading of a column -> the order that goes by it.
HEADINGS: Final = {"FILE": "name", "STATE": "state", "CHANGED": "changed", "IMPORT": "import"}
