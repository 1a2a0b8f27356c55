"""Which local files a flow file is made of: the modules its process imported, and those its text would import.

Local is what lies under the flow file's own folder or its project, and is neither installed nor flowctl's own.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Final

#: A folder with one of these is a project.
_MARKS: Final = ("pyproject.toml", "flowctl.toml", "setup.py", "setup.cfg", ".git", ".hg")
#: Folders below which nothing is the user's own text.
SKIPPED: Final = frozenset(
    {"site-packages", "dist-packages", "__pycache__", "node_modules", "venv", "env", "build", "dist"}
)
#: A file that drags in more is not followed further.
_MOST_FILES: Final = 2_000
_OWN: Final = tuple(
    os.path.realpath(f"{os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))}{os.sep}{part}")
    + os.sep
    for part in ("core", "store", "tui")
)


def project_root(path: str) -> str:
    """Find the project that a file belongs to: the nearest folder upward that looks like one, else its own folder."""
    own = folder = _above_packages(os.path.dirname(os.path.realpath(path)))
    while folder not in (os.path.realpath(os.path.expanduser("~")), os.sep):
        if any(os.path.exists(f"{folder}{os.sep}{mark}") for mark in _MARKS):
            return folder
        folder = os.path.dirname(folder)
    return own


def roots_of(path: str) -> tuple[str, ...]:
    """Give the folders under which the modules of a flow file are local, the ones to search first in front."""
    own = _above_packages(os.path.dirname(os.path.realpath(path)))
    project = project_root(path)
    return tuple(dict.fromkeys((own, project, f"{project}{os.sep}src")))


def is_local(path: str, roots: Iterable[str]) -> bool:
    """Tell whether a file is the user's own text under one of the folders."""
    if path.startswith(_OWN) or path.startswith(_INSTALLED):
        return False
    for root in roots:
        if path.startswith(f"{root}{os.sep}"):
            folders = path[len(root) + 1 :].split(os.sep)[:-1]
            if not any(folder in SKIPPED or folder.startswith(".") for folder in folders):
                return True
    return False


def imported_files(roots: Iterable[str]) -> set[str]:
    """List the local files that this process has imported so far."""
    roots = tuple(roots)
    found: set[str] = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and is_local(path := os.path.realpath(file), roots):
            found.add(path)
    return found


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


def _above_packages(folder: str) -> str:
    while os.path.isfile(f"{folder}{os.sep}__init__.py") and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder


def _installed() -> tuple[str, ...]:
    """Give the folders of this Python and its environment, unless they are as wide as the file system itself."""
    import sysconfig

    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    wide = {sys.prefix} if sys.prefix != sys.base_prefix else set[str]()
    return tuple(f"{os.path.realpath(path)}{os.sep}" for path in paths | wide if path and len(path) > 1)


_INSTALLED: Final = _installed()
