"""What the user's own frames held when a try failed: a few values of each, as short texts for the error report.

Nothing here runs unless something failed. The repr of a value is the user's code: all but plain values are written in a
thread that is waited for a moment only, and names that speak of secrets are masked wherever their values show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.authoring.secret_names import MASK, secret_names
from flowctl.core.engine.previews import preview

if TYPE_CHECKING:
    from flowctl.core.engine.settings import Settings

#: A list of a report's frame, and the frame itself.
OwnFrame = tuple[list[Any], FrameType]

#: The last own frames tell most; in each the first names, which are its parameters.
_MOST_FRAMES: Final = 6
_MOST_NAMES: Final = 12
_LONGEST_NAME: Final = 60
_LONGEST_VALUE: Final = 160
#: All of a report together.
_MOST_TEXT: Final = 4_000
_PATIENCE_S: Final = 0.2
#: After so many reprs that never came back no further one is asked for in this process.
_MOST_HANGS: Final = 3
#: Whole words of a name that speak of a secret where the value is a text, besides the setting's parts of names.
_SECRET_WORDS: Final = frozenset({"key", "pwd", "pass", "auth", "cookie", "bearer", "jwt"})
#: What is masked is masked inside other values too, if it is long enough to be no chance.
_LEAST_SECRET: Final = 5
#: `type`, without the narrowing by which type checkers turn Any into unknown (so not Final, either).
_type: Callable[[Any], Any] = type
#: A preview looks no further into a container.
_LOOKED_AT: Final = 200
_PLAIN: Final = frozenset({int, float, bool, str, bytes, type(None)})
_CODE: Final = (ModuleType, type, FunctionType, BuiltinFunctionType, MethodType)
_WORD: Final = re.compile(r"[A-Za-z][a-z]*|[0-9]+")

_hangs = 0


def add_locals(own: Iterable[OwnFrame], settings: Settings) -> None:
    """Write into the lists of own frames, the newest last, what those frames hold; whatever goes wrong, less of it."""
    try:
        _add(list(own)[-_MOST_FRAMES:], settings)
    except Exception:  # `f_locals` may be any mapping, its values anything
        return


class _Writing:
    """The values of one report, some of them not written yet."""

    def __init__(self, settings: Settings) -> None:
        self.patterns = settings.secret_names
        self.limit = min(_LONGEST_VALUE, settings.preview_length)
        self.texts: list[str | None] = []
        #: Places and values that are more than plain.
        self.left: list[tuple[int, Any]] = []
        self.secrets: set[str] = set()
        #: The place that is being written; nobody waits for it any more.
        self.at = -1
        self.is_given_up = False

    def take(self, name: str, value: Any) -> int:
        """Write a plain value or mask a secret one; leave the rest for later. Give its place."""
        place = len(self.texts)
        kind: Any = _type(value)
        if kind is not bool and value is not None and _speaks_of_a_secret(name, kind, self.patterns):
            self.texts.append(repr(MASK))
            self._remember(value, kind)
        elif _is_plain(value):
            self.texts.append(preview(value, self.limit, self.patterns))
        else:
            self.texts.append(None)
            self.left.append((place, value))
        return place

    def write_left(self) -> None:
        """Ask for the reprs that are left, one after the other."""
        for place, value in self.left:
            if self.is_given_up:
                return
            self.at = place
            try:
                self.texts[place] = preview(value, self.limit, self.patterns)
            except BaseException as error:
                self.texts[place] = f"<repr raised {type(error).__name__}>"
        self.at = -1

    def text(self, place: int, *, hung_at: int) -> str:
        """Give what was written of a value, without the secrets that stand elsewhere in it."""
        text = self.texts[place]
        if text is None:
            return "<its repr takes too long>" if place == hung_at else "…"
        if text != repr(MASK):
            for secret in self.secrets:
                if secret in text:
                    text = text.replace(secret, MASK)
        return text

    def _remember(self, value: Any, kind: Any) -> None:
        if kind is bytes:
            value = value[:1000].decode(errors="ignore")
        if (kind is str or kind is bytes) and _LEAST_SECRET <= len(value) <= 1000:
            # As it is, and as a repr writes it.
            self.secrets |= {value, repr(value)[1:-1]}


def _add(own: list[OwnFrame], settings: Settings) -> None:
    writing = _Writing(settings)
    rows: list[tuple[list[Any], list[tuple[str, int]]]] = []
    # The innermost first: what hangs further out leaves it alone.
    for plain, frame in reversed(own):
        # A module's variables are all that it has; who fails there sees them in the file.
        held = {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)
        told = [(name, value) for name, value in held.items() if _is_told(name, value)][:_MOST_NAMES]
        rows.append((plain, [(name[:_LONGEST_NAME], writing.take(name, value)) for name, value in told]))
    hung_at = _wait_for(writing) if writing.left else -1
    room = _MOST_TEXT
    for plain, names in rows:
        pairs: list[list[str]] = []
        for name, place in names:
            text = writing.text(place, hung_at=hung_at)
            room -= len(name) + len(text)
            if room < 0:
                break
            pairs.append([name, text])
        if pairs:
            # A frame without a caret has none.
            plain += [None] * (6 - len(plain))
            plain.append(pairs)


def _is_told(name: Any, value: Any) -> bool:
    """Tell whether a name says something: not a module, function or class, and nothing that Python made."""
    return type(name) is str and not name.startswith(("__", ".", "@")) and not isinstance(value, _CODE)


def _speaks_of_a_secret(name: str, kind: Any, patterns: tuple[str, ...]) -> bool:
    if secret_names(patterns)[name]:
        return True
    return (
        bool(patterns)
        and kind not in (int, float)
        and not _SECRET_WORDS.isdisjoint(word.lower() for word in _WORD.findall(name))
    )


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Tell whether a value is plain or holds plain values alone, so that nobody's repr is called to write it."""
    kind: Any = _type(value)
    if kind in _PLAIN:
        return True
    if depth > 1:
        return False
    if kind is dict:
        items = islice(value.items(), _LOOKED_AT)
        return all(_is_plain(key, depth + 1) and _is_plain(item, depth + 1) for key, item in items)
    return kind in (list, tuple, set) and all(_is_plain(item, depth + 1) for item in islice(value, _LOOKED_AT))


def _wait_for(writing: _Writing) -> int:
    """Let a thread write what is left, for a moment; return the place of the value whose repr did not come back."""
    global _hangs
    if _hangs >= _MOST_HANGS:
        return -1
    from threading import Thread

    writing.at = writing.left[0][0]
    thread = Thread(target=writing.write_left, name="flowctl-locals", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no room for one, or Python is ending
        return -1
    thread.join(_PATIENCE_S)
    if not thread.is_alive():
        return -1
    writing.is_given_up = True
    _hangs += 1
    return writing.at
