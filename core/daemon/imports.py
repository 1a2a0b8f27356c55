"""Which local files a flow file would import, as far as its text tells, and which files define flows at all."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from typing import Final

from flowctl.core.engine.local_code import is_local

#: A file that drags in more is not followed further.
_MOST_FILES: Final = 2_000


def files_behind(paths: Iterable[str], roots: Iterable[str]) -> set[str]:
    """List the local files that these would import, and those in turn, as far as their text tells."""
    roots = tuple(roots)
    found: set[str] = set()
    waiting = list(paths)
    while waiting and len(found) < _MOST_FILES:
        path = waiting.pop()
        for file in _imports_of(path, roots):
            if file not in found:
                found.add(file)
                waiting.append(file)
    return found


def tree_of(path: str) -> ast.Module | None:
    """Read a file as Python does; None where it is not there or not valid."""
    try:
        with open(path, "rb") as file:
            return ast.parse(file.read(), path)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _imports_of(path: str, roots: tuple[str, ...]) -> Iterator[str]:
    tree = tree_of(path)
    if tree is None:
        return
    folder = os.path.dirname(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files_of(alias.name, (), (folder, *roots), roots)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            if not node.level:
                yield from _files_of(node.module or "", names, (folder, *roots), roots)
                continue
            base = folder
            for _ in range(node.level - 1):
                base = os.path.dirname(base)
            yield from _files_of(node.module or "", names, (base,), roots)


def _files_of(module: str, names: tuple[str, ...], places: tuple[str, ...], roots: tuple[str, ...]) -> Iterator[str]:
    """Find the files of `import a.b` and `from a import b`: packages on the way, the module, submodules named."""
    parts = module.split(".") if module else []
    for place in places:
        at = place
        steps: list[str] = []
        for part in parts:
            at = f"{at}{os.sep}{part}"
            steps += [f"{at}.py", f"{at}{os.sep}__init__.py"]
        steps += [f"{at}{os.sep}{name}.py" for name in names]
        steps += [f"{at}{os.sep}{name}{os.sep}__init__.py" for name in names]
        hits = [real for step in steps if os.path.isfile(step) and is_local(real := os.path.realpath(step), roots)]
        if hits or (parts and os.path.isdir(at)):
            yield from hits
            return
