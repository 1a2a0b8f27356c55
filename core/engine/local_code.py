"""Loads the user's own modules from their text alone, and where told so in the version that a run is to keep to.

Python trusts a compiled file whose source has the same size and was saved in the same second: after a quick save it
would run the text before. Local is what lies under the flow file's folder or its project and is not installed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Final

#: A folder with one of these is a project.
_MARKS: Final = ("pyproject.toml", "flowctl.toml", "setup.py", "setup.cfg", ".git", ".hg")
#: Folders below which nothing is the user's own text; those with a dot in front neither.
SKIPPED: Final = frozenset({"site-packages", "dist-packages", "__pycache__", "node_modules", "venv", "env"})

_HERE: Final = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_FOREIGN: Final = tuple(
    f"{os.path.realpath(folder)}{os.sep}"
    for folder in (
        *(f"{_HERE}{os.sep}{part}" for part in ("core", "store", "tui")),
        os.path.dirname(os.__file__),
        *([sys.prefix] if sys.prefix != sys.base_prefix else []),
    )
)


class SourceLost(ImportError):
    """A module is not there any more in the version that the run keeps to."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} was changed since this run was planned, and its text of that time is not on record. Run it anew."
        )


class _Versions:
    """What is in force in this process."""

    def __init__(self) -> None:
        self.roots: tuple[str, ...] = ()
        #: Real path -> hash of the text that is to be run.
        self.wanted: Mapping[str, str] = {}
        self.fetch: Callable[[str], bytes | None] = lambda _digest: None
        self.is_installed = False
        #: What was imported before; none of it is the user's.
        self.before: frozenset[str] = frozenset()


_versions: Final = _Versions()
#: Real path -> hash of the text that was run here.
loaded: Final[dict[str, str]] = {}


def install(
    roots: Iterable[str],
    wanted: Mapping[str, str] | None = None,
    fetch: Callable[[str], bytes | None] | None = None,
) -> None:
    """Load local modules by their text from now on; `fetch` gives the text of a wanted hash that a file has no more."""
    _versions.roots = tuple(roots)
    _versions.wanted = wanted or {}
    _versions.fetch = fetch or (lambda _digest: None)
    if not _versions.is_installed:
        _versions.is_installed = True
        _versions.before = frozenset(sys.modules)
        place = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else len(sys.meta_path)
        sys.meta_path.insert(place, _Finder)


def keep_to(roots: Iterable[str], texts: Mapping[str, bytes]) -> None:
    """Have these texts run, whatever stands in their files by now."""
    from hashlib import sha256

    by_hash = {sha256(text).hexdigest(): text for text in texts.values()}
    install(roots, {os.path.realpath(path): sha256(text).hexdigest() for path, text in texts.items()}, by_hash.get)


def loader_for(name: str, path: str) -> SourceFileLoader | None:
    """Give the loader of a local file; None where Python's own is to be used."""
    return LocalLoader(name, path) if _versions.is_installed else None


def is_on_record(path: str) -> bool:
    """Tell whether the text of a file is known, even if the file is not there."""
    return os.path.realpath(path) in _versions.wanted


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
    """Tell whether a real path is the user's own text under one of the folders."""
    if path.startswith(_FOREIGN):
        return False
    for root in roots:
        if path.startswith(root if root.endswith(os.sep) else f"{root}{os.sep}"):
            folders = path[len(root) + 1 :].split(os.sep)[:-1]
            if not any(folder in SKIPPED or folder.startswith(".") for folder in folders):
                return True
    return False


def forget() -> None:
    """Have every local module loaded anew when it is imported the next time."""
    for name, module in list(sys.modules.items()):
        if name not in _versions.before and isinstance(getattr(module, "__loader__", None), LocalLoader):
            del sys.modules[name]
    loaded.clear()


class LocalLoader(SourceFileLoader):
    """Reads the text and compiles it, unless a compiled file is surely of this very text."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        text, is_of_file = _text_of(path)
        if is_of_file and _may_trust_compiled(path):
            return super().get_code(fullname)
        return self.source_to_code(text, path)


class _Finder:
    """Stands before Python's own finder of files, and has it find."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        if spec is None:
            return _lost(name, sys.path if path is None else path)
        if type(spec.loader) is SourceFileLoader and spec.origin is not None and _is_ours(spec.origin):
            spec.loader = LocalLoader(name, spec.origin)
        return spec


def _is_ours(path: str) -> bool:
    real = os.path.realpath(path)
    return real in _versions.wanted or is_local(real, _versions.roots)


def _lost(name: str, places: Iterable[str]) -> ModuleSpec | None:
    """Find a module whose file is gone, but whose text is on record."""
    if not _versions.wanted:
        return None
    from importlib.util import spec_from_file_location

    part = name.rpartition(".")[2]
    for place in places:
        for path in (f"{place}{os.sep}{part}{os.sep}__init__.py", f"{place}{os.sep}{part}.py"):
            if is_on_record(path):
                return spec_from_file_location(name, path, loader=LocalLoader(name, path))
    return None


def _may_trust_compiled(path: str) -> bool:
    """Tell whether a compiled file is younger than its source by more than the second that Python cannot tell apart."""
    from importlib.util import cache_from_source

    saved_at = os.stat(path).st_mtime
    try:
        return os.stat(cache_from_source(path)).st_mtime > saved_at + 1
    except (OSError, NotImplementedError):
        # There is none: it may be written, if nobody can save the source in the same second any more.
        return time.time() > saved_at + 2


def _text_of(path: str) -> tuple[bytes, bool]:
    """Give the text that is to run, and whether it is that of the file as it is now."""
    from hashlib import sha256

    real = os.path.realpath(path)
    wanted = _versions.wanted.get(real)
    try:
        with open(path, "rb") as file:
            text = file.read()
        digest = sha256(text).hexdigest()
    except OSError:
        if wanted is None:
            raise
        text, digest = b"", ""
    is_of_file = wanted in (None, digest)
    if wanted is not None and not is_of_file:
        kept = _versions.fetch(wanted)
        if kept is None:
            raise SourceLost(path)
        text, digest = kept, wanted
        _tell_tracebacks(path, text)
    loaded[real] = digest
    return text, is_of_file


def _tell_tracebacks(path: str, text: bytes) -> None:
    """Have tracebacks show the lines that run here instead of those that stand in the file now."""
    import linecache
    from importlib.util import decode_source

    try:
        lines = decode_source(text).splitlines(keepends=True)
    except (SyntaxError, UnicodeDecodeError):
        return
    # Without a time of change, linecache never looks at the file again.
    linecache.cache[path] = (len(text), None, lines, path)


def _above_packages(folder: str) -> str:
    while os.path.isfile(f"{folder}{os.sep}__init__.py") and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    return folder
