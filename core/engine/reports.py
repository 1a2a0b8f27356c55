"""Exceptions as plain data for the record: bounded, whatever they are, and without flowctl's own frames.

Nothing in here raises: an error report that fails hides the error. See `store.errors` for what the fields mean.
"""

from __future__ import annotations

import os
import sys
from itertools import islice
from types import CodeType, FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    from flowctl.core.engine.settings import Settings

_LONGEST_TEXT: Final = 16 * 1024
_LONGEST_LINE: Final = 500
_LONGEST_NOTE: Final = 2 * 1024
_MOST_NOTES: Final = 20
_MOST_FRAMES: Final = 60
_MOST_MEMBERS: Final = 10
#: So many causes of causes are told: the newest, and the first of all.
_MOST_CAUSES: Final = 8
_FARTHEST_CAUSE: Final = 10_000
_DEEPEST_GROUP: Final = 3
#: So many equal frames in a row are shown before the rest is counted, as Python does it.
_SHOWN_REPEATS: Final = 3

_HERE: Final = f"{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}{os.sep}"
_PYTHON: Final = tuple(
    f"{os.path.realpath(folder)}{os.sep}"
    for folder in {os.path.dirname(os.__file__), os.path.dirname(os.path.realpath(os.__file__))}
)
_INSTALLED: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
#: File -> "own", "foreign" or "flowctl".
_whose: Final[dict[str, str]] = {}

Plain = dict[str, Any]
#: Own frames as they were written, and what they are, the newest error's last.
_Own = list[tuple[list[Any], FrameType]]


def report(error: BaseException, settings: Settings | None = None) -> Plain:
    """Describe an exception as dicts, lists and strings; by these settings, with what the user's own frames held."""
    own: _Own = []
    try:
        plain = _described(error, _chain(error), 0, own)
    except Exception:  # a class that lies about itself: its name is all there is to tell
        return _bare(error)
    if settings is not None and settings.traceback_locals and own:
        from flowctl.core.engine.local_values import add_locals

        add_locals(own, settings)
    return plain


def text_of(error: BaseException) -> str:
    """Give what an exception says, at most 16 KiB of it, even where its `__str__` raises."""
    try:
        text = str(error)
    except Exception as failure:  # the `__str__` is the user's code
        return f"<str of {_name(error)} raised {_name(failure)}>"
    return _cut(text if type(text) is str else str.__str__(text), _LONGEST_TEXT)


def as_text(plain: Plain) -> str:
    """Write a report as Python writes a traceback."""
    chain: list[Plain] = []
    one: Plain | None = plain
    while one:
        chain.append(one)
        one = one.get("cause")
    lines: list[str] = []
    for index in range(len(chain) - 1, -1, -1):
        _write_one(chain[index], lines)
        if index:
            kind = chain[index - 1].get("cause_kind")
            lines += ["", _BETWEEN["cause" if kind == "cause" else "context"], ""]
    return "\n".join(lines)


_BETWEEN: Final = {
    "cause": "The above exception was the direct cause of the following exception:",
    "context": "During handling of the above exception, another exception occurred:",
}


def _write_one(plain: Plain, lines: list[str]) -> None:
    frames: list[list[Any]] = plain.get("frames") or []
    module = plain.get("module") or ""
    name = str(plain.get("type"))
    if any(function or not file for file, _, function, *_ in frames):
        lines.append("Traceback (most recent call last):")
    for file, line, function, code, *_ in frames:
        if not file:
            lines.append(f"  [{code}]")
            continue
        lines.append(f'  File "{file}", line {line}' + (f", in {function}" if function else ""))
        lines += [f"    {part}" for part in code.splitlines()]
    full_name = name if module in ("builtins", "__main__", "") else f"{module}.{name}"
    text = plain.get("text")
    lines.append(f"{full_name}: {text}" if text else full_name)
    lines += plain.get("notes") or []
    for number, member in enumerate(plain.get("members") or (), 1):
        lines.append(f"  +---------------- {number} ----------------")
        lines += [f"  | {line}" for line in as_text(member).splitlines()]


def _chain(error: BaseException) -> list[tuple[BaseException, str]]:
    """The exception and its causes, newest first, each with how it led to the one before it."""
    chain: list[tuple[BaseException, str]] = [(error, "")]
    seen = {id(error)}
    left_out: list[tuple[BaseException, str]] = []
    current = error
    for _ in range(_FARTHEST_CAUSE):
        cause = current.__cause__
        kind = "cause"
        if cause is None and not current.__suppress_context__:
            cause, kind = current.__context__, "context"
        if cause is None or id(cause) in seen:
            break
        seen.add(id(cause))
        if len(chain) < _MOST_CAUSES:
            chain.append((cause, kind))
        else:
            left_out.append((cause, kind))
        current = cause
    return [*chain, *left_out[-1:]]


def _described(error: BaseException, chain: list[tuple[BaseException, str]], depth: int, own: _Own) -> Plain:
    cause: Plain | None = None
    kind = ""
    for link, link_kind in reversed(chain):
        try:
            plain = _one(link, depth, own)
        except Exception:  # as in `report`
            plain = _bare(link)
        plain["cause"] = cause
        plain["cause_kind"] = kind or None
        cause, kind = plain, link_kind
    return cause or _bare(error)


def _one(error: BaseException, depth: int, own: _Own) -> Plain:
    text = text_of(error)
    frames = _frames(error.__traceback__, own)
    notes = _notes(error)
    if isinstance(error, SyntaxError):
        text = _syntax_error(error, frames) or text
    plain: Plain = {
        "type": _name(error),
        "module": str(type(error).__module__)[:_LONGEST_LINE],
        "text": text,
        "frames": frames,
        "notes": notes,
    }
    if isinstance(error, BaseExceptionGroup):
        members: tuple[BaseException, ...] = cast("Any", error).exceptions  # narrowing loses what it is a group of
        shown = members[:_MOST_MEMBERS] if depth < _DEEPEST_GROUP else ()
        plain["members"] = [_described(member, _chain(member)[:2], depth + 1, own) for member in shown]
        if len(members) > len(shown):
            notes.append(f"({len(members) - len(shown)} more exceptions in this group)")
    return plain


class _Step(NamedTuple):
    """One frame of a traceback."""

    code: CodeType
    line: int
    frame: FrameType
    #: Of the instruction that was carried out.
    instruction: int


def _frames(traceback: TracebackType | None, own: _Own) -> list[list[Any]]:
    found: list[_Step] = []
    while traceback is not None:
        frame = traceback.tb_frame
        found.append(_Step(frame.f_code, traceback.tb_lineno or 0, frame, traceback.tb_lasti))
        traceback = traceback.tb_next
    kept = [one for one in found if _whose_file(one.code.co_filename) != "flowctl"]
    folded: list[Any] = _folded(kept or found)
    if len(folded) > _MOST_FRAMES:
        half = _MOST_FRAMES // 2
        left_out = len(folded) - 2 * half + 1
        folded = [*folded[: half - 1], _remark(f"{left_out} frames left out"), *folded[-half:]]
    return [_plain_frame(one, own) if isinstance(one, _Step) else one for one in folded]


def _folded(frames: list[_Step]) -> list[Any]:
    folded: list[Any] = []
    last: _Step | None = None
    repeats = 0
    for frame in frames:
        if last is not None and frame.code is last.code and frame.line == last.line:
            repeats += 1
        else:
            _close(folded, repeats)
            last, repeats = frame, 1
        if repeats <= _SHOWN_REPEATS:
            folded.append(frame)
    _close(folded, repeats)
    return folded


def _close(folded: list[Any], repeats: int) -> None:
    if repeats > _SHOWN_REPEATS:
        more = repeats - _SHOWN_REPEATS
        folded.append(_remark(f"Previous line repeated {more} more time{'s' if more > 1 else ''}"))


def _remark(text: str) -> list[Any]:
    return ["", 0, "", text, False]


def _plain_frame(step: _Step, own: _Own) -> list[Any]:
    file = step.code.co_filename
    source = _source_line(file, step.line, step.frame.f_globals)
    code = _cut(source.strip(), _LONGEST_LINE)
    plain: list[Any] = [file, step.line, step.code.co_name, code, _whose_file(file) == "own"]
    if plain[-1]:
        own.append((plain, step.frame))
        if code and (caret := _caret(step, source, len(code))) is not None:
            plain.append(caret)
    return plain


def _source_line(file: str, line: int, names: Any) -> str:
    import linecache

    try:
        linecache.checkcache(file)
        return linecache.getline(file, line, names)
    except Exception:  # a loader of the user's, a file of another encoding
        return ""


def _caret(step: _Step, source: str, length: int) -> list[int] | None:
    """Tell from where to where in its line the code stands that raised; None where that is all of the line."""
    try:
        position = next(islice(step.code.co_positions(), step.instruction // 2, None), None)
        line, last_line, first, last = position or (None, None, None, None)
        if line != step.line or first is None or last is None:
            return None
        # Python counts bytes.
        encoded = source.encode()
        indent = len(source) - len(source.lstrip())
        start = len(encoded[:first].decode(errors="ignore")) - indent
        end = length if last_line != line else min(len(encoded[:last].decode(errors="ignore")) - indent, length)
        return [start, end] if 0 <= start < end and end - start < length else None
    except Exception:  # positions are made by whoever made the code
        return None


def _whose_file(file: str) -> str:
    whose = _whose.get(file)
    if whose is None:
        whose = _find_whose(file)
        if len(_whose) < 10_000:
            _whose[file] = whose
    return whose


def _find_whose(file: str) -> str:
    if file.startswith(("<frozen ", "<flowctl ")):
        return "foreign" if file.startswith("<frozen") else "flowctl"
    door = getattr(sys.modules.get("flowctl"), "__file__", None)
    store = getattr(sys.modules.get("flowctl.store"), "__file__", None)
    ours = [_HERE, *(f"{os.path.dirname(os.path.abspath(one))}{os.sep}" for one in (door, store) if one)]
    path = file if file.startswith("<") else os.path.abspath(file)
    if path.startswith(tuple(ours)):
        return "flowctl"
    if any(part in path for part in _INSTALLED) or os.path.realpath(path).startswith(_PYTHON):
        return "foreign"
    return "own"


def _syntax_error(error: Any, frames: list[list[Any]]) -> str:
    """Add the place in the file as the last frame; give the message without it. Its attributes may be anything."""
    file, line, code, offset = error.filename, error.lineno, error.text, error.offset
    if not isinstance(file, str) or not isinstance(line, int) or not isinstance(error.msg, str):
        return ""
    shown = ""
    if isinstance(code, str) and code.strip():
        bare = code.rstrip().lstrip()
        shown = _cut(bare, _LONGEST_LINE)
        place = (offset if isinstance(offset, int) else 0) - 1 - (len(code.rstrip()) - len(bare))
        if 0 <= place <= len(shown):
            end = error.end_offset if error.end_lineno == line and isinstance(error.end_offset, int) else 0
            width = max(1, min(end - (offset or 0), len(shown) - place))
            shown += f"\n{' ' * place}{'^' * width}"
    frames.append([_cut(file, _LONGEST_LINE), line, "", shown, _whose_file(file) == "own"])
    return _cut(error.msg, _LONGEST_TEXT)


def _notes(error: BaseException) -> list[str]:
    notes: Any = getattr(error, "__notes__", None)
    if type(notes) not in (list, tuple):
        return []
    told = [_cut(str.__str__(note), _LONGEST_NOTE) for note in notes[:_MOST_NOTES] if isinstance(note, str)]
    if len(notes) > _MOST_NOTES:
        told.append(f"({len(notes) - _MOST_NOTES} more notes)")
    return told


def _bare(error: BaseException) -> Plain:
    return {
        "type": _name(error),
        "module": "",
        "text": text_of(error),
        "frames": [],
        "notes": [],
        "cause": None,
        "cause_kind": None,
    }


def _name(error: BaseException) -> str:
    try:
        return str(type(error).__qualname__)[:_LONGEST_LINE]
    except Exception:  # a metaclass that hides it
        return "Exception"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"
