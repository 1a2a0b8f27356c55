"""What a terminal sends, in whole pieces: what is pasted is one text, and half a sequence waits for its other half.

A line may cut anything in two, and a pause in it says nothing of what was meant: were the halves taken for keys, the
rest of a click or of a paste would act as commands. Only an escape is a key of its own, if nothing follows it soon.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Final, NamedTuple

#: After how long without a letter a paste is over although its end has not come: lines hang, and some are cut off.
PASTE_S: Final = 1.0
#: After how long half a sequence is given up.
_SEQUENCE_S: Final = 0.3
_PASTE_BEGINS: Final = "\x1b[200~"
_PASTE_ENDS: Final = "\x1b[201~"
#: A sequence whose other half is missing, at the end or because another one begins.
_BEGUN: Final = r"\[(?:\[|M[^\x1b]{0,2}|[0-?]*[ -/]*)|O|[\]P_][^\x1b\x07]{0,256}"
_HALF: Final = re.compile(rf"\x1b(?:{_BEGUN}|[\]P_][^\x1b\x07]*\x1b)?(?=\Z)|\x1b(?:{_BEGUN})(?=\x1b)")
#: One that is whole; the console of Linux has its own, and old mice say three letters more.
_WHOLE: Final = re.compile(
    r"(\x1b\[(?:\[[A-E]|M[^\x1b]{3}|[0-?]*[ -/]*[@-Z\\-~])|\x1b[\]P_][^\x1b\x07]{0,256}(?:\x07|\x1b\\))"
)
#: No key is longer than so many letters, and none is a string: that is an answer to what another program has asked.
_LONGEST_KEY: Final = 32
#: Sent alone they are pressed, and not pasted: ctrl+q and ctrl+c, in both ways to write them.
_WAYS_OUT: Final = frozenset({"\x11", "\x03", "\x1b[113;5u", "\x1b[99;5u"})


class Kind(Enum):
    """What a piece is."""

    TYPED = auto()
    #: The key escape, and no beginning of something.
    ESCAPE = auto()
    SEQUENCE = auto()
    PASTED = auto()


class Piece(NamedTuple):
    """Text that has come, and what it is."""

    kind: Kind
    text: str


class Incoming:
    """What has come of which not all is there yet."""

    def __init__(self, escape_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._escape_s = escape_s
        self._now = now
        self._is_pasting = False
        self._held = ""
        self._noted_s = now()

    @property
    def quiet_s(self) -> float:
        """For how long nothing has come."""
        return self._now() - self._noted_s

    def take(self, text: str) -> Iterator[Piece]:
        """Take what has come, which may be nothing, and give what is whole."""
        now_s = self._now()
        if now_s - self._noted_s > self._patience_s or (self._is_pasting and text in _WAYS_OUT):
            yield from self._let_go()
        if text:
            self._noted_s = now_s
            self._held += text
            yield from self._whole()

    @property
    def _patience_s(self) -> float:
        if self._is_pasting:
            return PASTE_S
        return self._escape_s if self._held == "\x1b" else _SEQUENCE_S

    def _whole(self) -> Iterator[Piece]:
        while True:
            before, mark, after = self._held.partition(_PASTE_ENDS if self._is_pasting else _PASTE_BEGINS)
            if not mark:
                break
            yield from self._pieces(before)
            self._held, self._is_pasting = after, not self._is_pasting
        if not self._is_pasting:
            half = next((each for each in _HALF.finditer(self._held) if each.end() == len(self._held)), None)
            whole = self._held[: half.start()] if half else self._held
            self._held = self._held[len(whole) :]
            yield from self._pieces(whole)

    def _pieces(self, text: str) -> Iterator[Piece]:
        if self._is_pasting:
            if text:
                yield Piece(Kind.PASTED, text)
            return
        for number, part in enumerate(_WHOLE.split(text)):
            if number % 2:
                if part[1] == "[" and len(part) <= _LONGEST_KEY:
                    yield Piece(Kind.SEQUENCE, part)
            elif part == "\x1b":
                yield Piece(Kind.ESCAPE, part)
            elif left := _HALF.sub("", part):
                yield Piece(Kind.TYPED, left)

    def _let_go(self) -> Iterator[Piece]:
        """Wait no longer: of a paste take what there is, and half a sequence is nothing."""
        held, self._held = self._held, ""
        yield from self._pieces(_HALF.sub("", held) if self._is_pasting else held)
        self._is_pasting = False
