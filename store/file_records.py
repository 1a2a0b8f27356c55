"""What is known of watched files, as frozen rows: places, flow files, and what became of each save."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

#: Kinds of problems that keep one schedule or one table out of force, and not the file.
PARTIAL: Final = ("Schedule", "Table")


class ReloadOutcome(StrEnum):
    """What became of a flow file that was looked into."""

    #: It is in force as it is.
    LOADED = "loaded"
    #: It cannot be loaded; the version before it serves on, if there is one.
    BROKEN = "broken"
    #: It is not there any more.
    GONE = "gone"
    #: flowctl could not put it on record.
    FAILED = "failed"


class ReloadCause(StrEnum):
    """Why a flow file was looked into."""

    SAVED = "saved"
    #: A local module that it is made of was saved.
    MODULE = "module"
    #: It was seen for the first time.
    FOUND = "found"
    #: Somebody asked for it.
    ASKED = "asked"
    #: It was broken when the daemon last saw it, and what was wrong may lie elsewhere.
    AGAIN = "again"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRow:
    """A file or folder in which the daemon looks for flows."""

    path: str
    added_at: datetime
    #: The interpreter that their flows are loaded with.
    python: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFileRow:
    """A flow file that is watched or deployed from, as it was last found."""

    path: str
    #: Of its content when it was last looked at; None: it is gone.
    hash: str | None
    #: Of its content, with its modules, when it last could be loaded: what serves.
    good_hash: str | None
    checked_at: datetime
    #: Why it cannot be loaded, or what of it not: `kind`, `message`, `file` and `line` (0: unknown) of the place,
    #: `code` (that line, and the caret under it), `lines` ([number, text] around it), `caret` (first and last column
    #: in that line, from 0; None: unknown), `diff` (unified, since it was right), `error` (an error report or None);
    #: of a settings file `more` (a list of further ones, `message` and `line`).
    problem: dict[str, object] | None
    #: Of each flow `attribute`, `name`, `line`, `description`, `required` (parameters), `schema` (JSON schema, None
    #: where it is very long), `retries`, `timeout_s`.
    flows: list[dict[str, object]]
    #: Goes up whenever other good content comes into force; 0: none ever did.
    version: int = 0
    loaded_at: datetime | None = None
    #: How long the import took then, in seconds.
    import_s: float | None = None
    #: When the file was last written, by its own word.
    changed_at: datetime | None = None
    #: Local files that it is made of, itself left out.
    modules: list[str] = field(default_factory=list[str])
    #: Of each task `attribute`, `name`, `line`, `retries`, `tags`, `has_delay` (between its tries).
    tasks: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    @property
    def is_old_version_serving(self) -> bool:
        """Whether what serves is not what stands in the file."""
        is_part = self.problem is not None and self.problem.get("kind") in PARTIAL
        return self.problem is not None and not is_part and self.good_hash is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadRow:
    """What became of one look into a flow file."""

    id: int
    path: str
    at: datetime
    outcome: ReloadOutcome
    cause: ReloadCause
    #: The module that was saved.
    because: str | None
    #: Versions of the file that served before, and from then on.
    version_before: int
    version: int
    import_s: float | None
    #: What is other than before, in phrases: "`push` changed", "flow `sync` is new".
    changes: list[str]
    #: One sentence or more.
    message: str
    #: How many runs of the file were under way; they keep the version they began with.
    runs: int
