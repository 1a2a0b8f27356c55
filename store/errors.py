"""An error as it stands on record: what it was, what it said, and by which way it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, cast

CauseKind = Literal["cause", "context"]
_DEEPEST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One line of a traceback."""

    #: Empty: no place in a file but a remark, in `code`, on frames that were folded or left out.
    file: str
    line: int
    function: str
    #: The source line; of a syntax error two, the second with its caret.
    code: str
    #: Whether it is the user's own code: not Python's, not an installed package's, not flowctl's.
    own: bool
    #: From where to where in its line the part stands that raised; None: not on record, or all of it.
    caret: tuple[int, int] | None = None
    #: Of own frames, what their variables held: name and short repr. Errors are alike whatever stands in them.
    locals: tuple[tuple[str, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReport:
    """An exception with its way, its notes and its causes."""

    type_name: str
    module: str
    text: str
    #: Oldest first, as Python prints them.
    frames: tuple[Frame, ...] = ()
    notes: tuple[str, ...] = ()
    cause: ErrorReport | None = None
    #: "cause": raised `from` it. "context": raised while it was handled.
    cause_kind: CauseKind | None = None
    #: The first exceptions of an exception group.
    members: tuple[ErrorReport, ...] = ()

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any] | None, _depth: int = 0) -> ErrorReport:
        """Read what `core.engine.reports.report` wrote; what is damaged or missing becomes empty."""
        plain = _mapping(plain)
        cause, members = plain.get("cause"), plain.get("members")
        deeper = _depth < _DEEPEST
        cause_kind = plain.get("cause_kind")
        return cls(
            type_name=_text(plain.get("type")) or "Exception",
            module=_text(plain.get("module")),
            text=_text(plain.get("text")),
            frames=tuple(frame for each in _list(plain.get("frames")) if (frame := _frame(each)) is not None),
            notes=tuple(note for note in _list(plain.get("notes")) if isinstance(note, str)),
            cause=cls.from_plain(_mapping(cause), _depth + 1) if deeper and isinstance(cause, Mapping) else None,
            cause_kind=cause_kind if cause_kind in ("cause", "context") else None,
            members=tuple(
                cls.from_plain(_mapping(each), _depth + 1) for each in _list(members) if isinstance(each, Mapping)
            )
            if deeper
            else (),
        )

    @property
    def own_frame(self) -> Frame | None:
        """The last frame in the user's own code: where to look first."""
        return next((frame for frame in reversed(self.frames) if frame.own and frame.file), None)

    @property
    def full_name(self) -> str:
        """The type as Python names it in a traceback."""
        return self.type_name if self.module in ("", "builtins", "__main__") else f"{self.module}.{self.type_name}"


def _frame(plain: Any) -> Frame | None:
    match plain:
        case [str(file), int(line), str(function), str(code), own, *more]:
            frame = Frame(file=file, line=line, function=function, code=code, own=own is True)
            match more:
                case [[int(start), int(end)], *_] if 0 <= start < end <= len(code):
                    frame = replace(frame, caret=(start, end))
                case _:
                    pass
            return replace(frame, locals=_pairs(more[1])) if len(more) > 1 else frame
        case _:
            return None


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for each in _list(value):
        match each:
            case [str(name), str(text)]:
                pairs.append((name, text))
            case _:
                continue
    return tuple(pairs)


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return list(cast("list[Any]", value)) if isinstance(value, (list, tuple)) else []
