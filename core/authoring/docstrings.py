"""What a docstring says of each parameter, in Google, numpy and reST style."""

from __future__ import annotations

import re

_GOOGLE_HEAD = re.compile(
    r"^(\s*)(?:args|arguments|params|parameters|keyword args|keyword arguments|other parameters):\s*$", re.I
)
_GOOGLE_ITEM = re.compile(r"^\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_NUMPY_ITEM = re.compile(r"^\*{0,2}(\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")
_REST_ITEM = re.compile(r"^\s*:(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:\s*(.*)$")
_REST_FIELD = re.compile(r"^\s*:\w+[^:]*:")


def parameter_descriptions(docstring: str | None) -> dict[str, str]:
    """Give parameter -> its description in one line; nothing for those that are not described."""
    if not docstring:
        return {}
    lines = docstring.expandtabs().splitlines()
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        if (head := _GOOGLE_HEAD.match(line)) is not None:
            _read_items(lines[number + 1 :], len(head[1]), _GOOGLE_ITEM, found)
        elif line.strip().lower() in ("parameters", "other parameters") and _is_ruler(lines, number + 1):
            _read_numpy(lines[number + 2 :], _indent(line), found)
        elif (item := _REST_ITEM.match(line)) is not None:
            _keep(found, item[1], [item[2], *_until_next_field(lines[number + 1 :])])
    return found


def _read_items(lines: list[str], outer: int, item: re.Pattern[str], found: dict[str, str]) -> None:
    level: int | None = None
    name, parts = "", list[str]()
    for line in lines:
        if not line.strip():
            continue
        indent = _indent(line)
        if indent <= outer:
            break
        level = indent if level is None else level
        match = item.match(line.strip()) if indent <= level else None
        if match is None:
            parts.append(line)
            continue
        _keep(found, name, parts)
        name, parts = match[1], [match[2]]
    _keep(found, name, parts)


def _read_numpy(lines: list[str], level: int, found: dict[str, str]) -> None:
    names, parts = list[str](), list[str]()
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        if _indent(line) > level:
            parts.append(line)
            continue
        for name in names:
            _keep(found, name, parts)
        match = _NUMPY_ITEM.match(line.strip())
        if match is None or _is_ruler(lines, number + 1):
            return
        names, parts = [one.strip(" *") for one in match[1].split(",")], []
    for name in names:
        _keep(found, name, parts)


def _until_next_field(lines: list[str]) -> list[str]:
    taken: list[str] = []
    for line in lines:
        if not line.strip() or _REST_FIELD.match(line):
            break
        taken.append(line)
    return taken


def _keep(found: dict[str, str], name: str, parts: list[str]) -> None:
    text = " ".join(" ".join(parts).split())
    if name and text:
        found.setdefault(name, text)


def _is_ruler(lines: list[str], number: int) -> bool:
    return number < len(lines) and len(lines[number].strip()) > 2 and set(lines[number].strip()) == {"-"}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
