"""The words, glyphs and numbers of all displays of a run; lines in neutral pieces, which each draws its own way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flowctl.store.journal import LogLine

#: Text and the name of its style (a key of `display_paint.STYLES`, or empty).
Span = tuple[str, str]
Line = list[Span]

#: Words under which runs are counted, in the order in which counts are shown.
WORDS: Final = (
    "completed",
    "cached",
    "running",
    "retrying",
    "queued",
    "paused",
    "failed",
    "crashed",
    "cancelled",
    "blocked",
)
#: Of these, the ones that a person has to look at.
PROBLEMS: Final = ("failed", "crashed", "blocked", "cancelled")
OPEN: Final = frozenset({"running", "retrying", "queued", "paused"})

_BY_NAME: Final = {
    ("COMPLETED", "Cached"): "cached",
    ("SCHEDULED", "AwaitingRetry"): "retrying",
    ("PENDING", "NotReady"): "blocked",
}
_BY_TYPE: Final = {
    "SCHEDULED": "queued",
    "PENDING": "queued",
    "RUNNING": "running",
    "COMPLETED": "completed",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "CRASHED": "crashed",
    "PAUSED": "paused",
    "CANCELLING": "running",
}
_GLYPHS: Final = {
    "queued": "○",
    "retrying": "↻",
    "paused": "‖",
    "completed": "✓",
    "cached": "≡",
    "failed": "✗",
    "crashed": "!",
    "cancelled": "⊘",
    "blocked": "◌",
}
_ASCII: Final = {
    "queued": ".",
    "retrying": "~",
    "paused": "=",
    "completed": "+",
    "cached": "c",
    "failed": "x",
    "crashed": "!",
    "cancelled": "-",
    "blocked": "o",
}
_SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_ASCII_SPINNER: Final = "|/-\\"
_PLAIN_FOR: Final = str.maketrans(
    {"▰": "#", "▱": ".", "─": "-", "…": "~", "·": "-", "▸": ">", "│": "|", "→": ">", "×": "x"}
)

_OWN_LOGGERS: Final = ("flowctl.task_runs", "flowctl.flow_runs")
_NARRATION: Final = (
    "Finished in state ",
    "Beginning flow run ",
    "Encountered exception during execution: ",
    "Task run failed with ",
    "Flow run failed: ",
)


def word_of(type_: str, name: str) -> str:
    """Give the word under which a state is counted and drawn."""
    return _BY_NAME.get((type_, name)) or _BY_TYPE.get(type_, "running")


class Glyphs:
    """One glyph for each word; plain ASCII where the terminal cannot show more."""

    def __init__(self, *, is_ascii: bool) -> None:
        self.is_ascii = is_ascii
        self._glyphs = _ASCII if is_ascii else _GLYPHS
        self._spinner = _ASCII_SPINNER if is_ascii else _SPINNER

    def of(self, word: str, now: float = 0.0) -> str:
        """Give the glyph of a word; that of running turns with the time."""
        if word == "running":
            return self._spinner[int(now * 8) % len(self._spinner)] if now else (">" if self.is_ascii else "▸")
        return self._glyphs[word]

    def plain(self, text: str) -> str:
        """Put our own signs (not those of the flow's data) into ASCII where that is all there is."""
        return text.translate(_PLAIN_FOR) if self.is_ascii else text


def duration(seconds: float) -> str:
    """Word a duration shortly: `<1ms`, `4ms`, `0.2s`, `41.3s`, `1m42`, `9h56`, `3d04h`."""
    if seconds < 0.0005:
        return "<1ms"
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"


def clock(at: int) -> str:
    """Give the local time of day of a moment in microseconds since the epoch."""
    return time.strftime("%H:%M:%S", time.localtime(at / 1_000_000))


def number(count: int) -> str:
    """Write a count with thin groups: `12 345`."""
    return f"{count:,}".replace(",", " ")


def plural(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def counts_line(counts: dict[str, int], glyphs: Glyphs, *, with_words: bool) -> Line:
    """Write counts by state: `901 ✓  2 ✗`, or in words `901 completed, 2 failed`."""
    line: Line = []
    for word in WORDS:
        if count := counts.get(word, 0):
            text = f"{number(count)} {word if with_words else glyphs.of(word)}"
            line += [(", " if with_words else "  ", "dim")] if line else []
            line.append((text, word))
    return line


def level_word(level: int) -> str:
    """Name a level of the standard library's logging."""
    for least, word in ((50, "CRITICAL"), (40, "ERROR"), (30, "WARNING"), (20, "INFO")):
        if level >= least:
            return word
    return "DEBUG"


def is_narration(record: LogLine) -> bool:
    """Tell whether a log line is the engine's own word on what a display shows anyway."""
    return record.message.startswith(_NARRATION) and record.logger in _OWN_LOGGERS
