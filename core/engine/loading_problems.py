"""What can be wrong with the target of a run, as one tree of errors; each names the thing, its place, the remedy.

TargetProblem
├── TargetMalformed                   not `file.py:flow` nor `package.module:flow`
├── FileMissing, ModuleMissing        nothing there; the nearest names are told
├── NotPython, FileUnreadable         a folder, another kind of file, no permission
├── NoFlows, FlowMissing              no flow at all, or none of that name
├── FlowsUnchosen                     several, and no choice made
└── FileBroken, FileExits, ImportRaises   importing the file fails; `error` is what it raised
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flowctl.core.authoring.exceptions import FlowctlError

#: Attribute, the flow's own name, line (0: defined in another file).
Choice = tuple[str, str, int]

#: Longer lists are cut.
_MOST_LISTED: Final = 20
_MOST_NEAR: Final = 3


class TargetProblem(FlowctlError):
    """The flow that a target names cannot be had; nothing was run."""


class TargetMalformed(TargetProblem):
    """The text is no target."""

    def __init__(self, target: str) -> None:
        super().__init__(f"{target!r} names no flow. Write `file.py:flow`, `file.py` or `package.module:flow`.")


class FileMissing(TargetProblem):
    """There is no such file."""

    def __init__(self, path: str, near: Sequence[str]) -> None:
        super().__init__(f"There is no file {path!r}. {_near_or(near, 'Look at the path and the working folder.')}")
        self.near = tuple(near)


class ModuleMissing(TargetProblem):
    """There is no such module."""

    def __init__(self, name: str, missing: str, near: Sequence[str]) -> None:
        what = f"There is no module {name!r}" if missing == name else f"There is no {missing!r} to find {name!r} in"
        super().__init__(
            f"{what}. {_near_or(near, 'For a file write its path; a module must be installed or in this folder.')}"
        )


class NotPython(TargetProblem):
    """The path leads to something else than a Python file."""

    def __init__(self, path: str, what: str, inside: Sequence[str]) -> None:
        remedy = f"Name a file in it: {_listed(inside)}." if inside else "Name a file that ends in .py."
        super().__init__(f"{path!r} {what}. {remedy}")


class FileUnreadable(TargetProblem):
    """The file is there, but must not be read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"The file {path!r} cannot be read: {reason}. Look at its permissions.")


class FlowMissing(TargetProblem):
    """The file has flows, but none of that name."""

    def __init__(self, place: str, wanted: str, choices: Sequence[Choice], near: Sequence[str]) -> None:
        guess = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        ordered = sorted(choices, key=lambda one: min((near.index(n) for n in one[:2] if n in near), default=len(near)))
        super().__init__(f"{place} has no flow {wanted!r}.{guess} Its flows:\n{_table(place, ordered)}")
        self.near = tuple(near)


class FlowsUnchosen(TargetProblem):
    """The file has several flows, and the target says not which."""

    def __init__(self, place: str, choices: Sequence[Choice], wanted: str = "") -> None:
        named = f" that go by {wanted!r}" if wanted else ""
        super().__init__(f"{place} has {len(choices)} flows{named}. Say which:\n{_table(place, choices)}")


class NoFlows(TargetProblem):
    """The file defines no flow."""

    def __init__(self, place: str, tasks: Sequence[str], has_prefect: bool, wanted: str = "") -> None:
        named = f" {wanted!r}" if wanted else ""
        if has_prefect:
            remedy = "It has flows of Prefect: import `flow` and `task` from flowctl instead of prefect."
        elif tasks:
            remedy = f"It has tasks only ({_listed(tasks)}): call them in a function with `@flow` above it."
        else:
            remedy = "Put `@flow` (from flowctl import flow) above the function that is to be run."
        super().__init__(f"{place} has no flow{named}. {remedy}")


class FileBroken(TargetProblem):
    """The file, or one that it imports, is not valid Python."""

    def __init__(self, error: SyntaxError) -> None:
        self.error = error
        line = (error.text or "").rstrip("\n")
        shown = line.lstrip()
        start = max((error.offset or 1) - 1 - (len(line) - len(shown)), 0)
        same_line = error.end_lineno in (None, error.lineno)
        width = max((error.end_offset or 0) - (error.offset or 0), 1) if same_line else max(len(shown) - start, 1)
        picture = f"\n    {shown}\n    {' ' * start}{'^' * width}" if shown else ""
        super().__init__(
            f"{error.filename}, line {error.lineno}: {type(error).__name__}: {error.msg}.{picture}\n"
            "Nothing was run. Mend the line and run it again."
        )


class FileExits(TargetProblem):
    """The file ends the process while it is imported."""

    def __init__(self, place: str, error: SystemExit) -> None:
        self.error = error
        super().__init__(
            f"{place} ends the process while it is imported ({_exit_text(error)}), before any flow could run. "
            'Put what only a script should do under `if __name__ == "__main__":`.'
        )


class ImportRaises(TargetProblem):
    """The file raises while it is imported; the traceback of `error` begins at the user's own frame."""

    def __init__(self, place: str, error: Exception) -> None:
        self.error = error
        remedy = ""
        if isinstance(error, ModuleNotFoundError) and error.name:
            import sys

            remedy = f" Install what it needs into the environment of {sys.executable}."
        super().__init__(f"{place} raises while it is imported: {_text(error)}.{remedy}")


def nearest(wanted: str, names: Sequence[str]) -> list[str]:
    """Give the names most like the wanted one, best first; of a few names that are all unlike it, none."""
    from difflib import get_close_matches

    by_plain = {name.lower().replace("-", "_"): name for name in reversed(names)}
    plain = wanted.lower().replace("-", "_")
    close = get_close_matches(plain, list(by_plain), n=_MOST_NEAR, cutoff=0.6)
    return [by_plain[name] for name in close]


def _near_or(near: Sequence[str], otherwise: str) -> str:
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else otherwise


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more


def _table(place: str, choices: Sequence[Choice]) -> str:
    rows = [
        (f"{place}:{attribute}", f"line {line}" if line else "imported", name if name != attribute else "")
        for attribute, name, line in choices[:_MOST_LISTED]
    ]
    width = max(len(row[0]) for row in rows)
    lines = [f"  {target:<{width}}  {line:<9}  {name}".rstrip() for target, line, name in rows]
    if len(choices) > _MOST_LISTED:
        lines.append(f"  and {len(choices) - _MOST_LISTED} more")
    return "\n".join(lines)


def _exit_text(error: SystemExit) -> str:
    return "SystemExit" if error.code is None else f"SystemExit: {error.code!r}"


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as failure:
        text = f"<its text cannot be had: {type(failure).__name__}>"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
