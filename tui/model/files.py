"""What screens ask about flow files; all text in it is safe for a terminal, all times are UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, cast

from flowctl.store.file_records import PARTIAL, ReloadOutcome

#: An import that takes longer is worth a word: every start of a run pays for it.
SLOW_S = 0.2


class FileState(Enum):
    """How a file stands."""

    LOADED = "loaded"
    SLOW = "loaded, slow"
    #: It is in force, but for a schedule or a table.
    WARNING = "1 warning"
    #: All of it is in force, and something in it is probably not meant.
    DOUBTFUL = "doubtful"
    BROKEN = "broken"
    GONE = "gone"
    #: No flows stand in it, but flow files are made of it.
    HELPER = "helper"
    #: Flows of it ran, and nobody looks at it.
    UNWATCHED = "not watched"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFlow:
    """A flow that a file defines."""

    name: str
    #: As the daemon knows it.
    attribute: str
    line: int
    description: str | None
    schema: Mapping[str, Any] | None
    #: Names of its deployments.
    deployments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A deployment of a file, and when it fires next."""

    name: str
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """A flow file, or a module that flow files are made of, or a file that is not watched and flows of which ran."""

    path: str
    #: As the daemon knows it, to ask by.
    key: str
    state: FileState
    flows: tuple[FileFlow, ...] = ()
    #: Goes up with every version that could be loaded; 0: none could.
    version: int = 0
    loaded_at: datetime | None = None
    changed_at: datetime | None = None
    checked_at: datetime | None = None
    import_s: float | None = None
    #: See `store.file_records.FlowFileRow.problem`.
    problem: Mapping[str, object] | None = None
    #: What serves is not what stands in the file.
    is_old_serving: bool = False
    #: Task -> retries.
    tasks: Mapping[str, int] | None = None
    serving: tuple[Serving, ...] = ()
    #: Limits on the tags of its tasks: tag -> how many at once.
    limits: Mapping[str, int] | None = None
    #: What is probably not meant in it, a sentence each.
    advice: tuple[str, ...] = ()
    #: Of a helper: how many flow files are made of it.
    used_by: tuple[str, ...] = ()

    @property
    def is_problem(self) -> bool:
        return self.state in (FileState.BROKEN, FileState.GONE, FileState.WARNING)

    @property
    def problem_line(self) -> int:
        """The line of the file in which it went wrong; 0: nobody knows."""
        line = (self.problem or {}).get("line")
        return line if isinstance(line, int) else 0

    @property
    def problem_file(self) -> str:
        """The file in which it went wrong: a module of it, maybe."""
        return str((self.problem or {}).get("file") or self.path)

    @property
    def problem_lines(self) -> list[tuple[int, str]]:
        """The lines around it, with their numbers."""
        pairs = [each for each in _list((self.problem or {}).get("lines")) if len(_list(each)) == 2]
        return [(number, str(_list(pair)[1])) for pair in pairs if isinstance(number := _list(pair)[0], int)]

    @property
    def caret(self) -> tuple[int, int] | None:
        """First and last column of what is wrong in its line."""
        caret = _list((self.problem or {}).get("caret"))
        if len(caret) != 2:
            return None
        first, last = caret
        return (first, max(last, first + 1)) if isinstance(first, int) and isinstance(last, int) else None

    @property
    def diff(self) -> list[str]:
        """What was changed since it was right, as a unified diff without its two head lines."""
        return str((self.problem or {}).get("diff") or "").splitlines()[2:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """What became of one look into a flow file."""

    path: str
    at: datetime
    outcome: ReloadOutcome
    version_before: int
    version: int
    import_s: float | None
    #: What is other than before, or what is wrong, in a line.
    words: str
    #: Runs that were under way and keep their version.
    runs: int
    #: What is probably not meant in the file, as it is since then.
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What the daemon says of its watch."""

    #: Files that are being looked into at this moment.
    reloading: frozenset[str] = frozenset()
    #: Why files are polled rather than watched; None: they are not.
    warning: str | None = None
    #: Files in watched folders that are not looked into -> why.
    left_out: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesPage:
    """All that the Flows screen shows."""

    files: tuple[ListedFile, ...]
    #: The latest first.
    reloads: tuple[Reload, ...]
    #: What is watched.
    places: tuple[str, ...]
    at: datetime


def state_of(
    problem: Mapping[str, object] | None, *, is_there: bool, import_s: float | None, is_doubtful: bool = False
) -> FileState:
    """Tell how a flow file stands."""
    if not is_there:
        return FileState.GONE
    if problem is not None:
        return FileState.WARNING if problem.get("kind") in PARTIAL else FileState.BROKEN
    if is_doubtful:
        return FileState.DOUBTFUL
    return FileState.SLOW if import_s is not None and import_s >= SLOW_S else FileState.LOADED


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []
