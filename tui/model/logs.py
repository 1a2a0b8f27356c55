"""Log records as lines of a view without an end: windows are joined, a record may have many lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from flowctl.tui.model.glyphs import UNICODE, Glyphs
from flowctl.tui.model.snapshots import LogEntry, LogWindow
from flowctl.tui.model.texts import Line, Span, clock, fit, fit_line, short_duration

#: Records that are kept at once, in either direction of where one looks.
MOST_KEPT: Final = 4096
#: Lines of one record that are shown; `L` on it shows the rest.
MOST_LINES: Final = 500
#: Levels that one may ask for, in turn.
LEVELS: Final = ((0, "all"), (10, "debug+"), (20, "info+"), (30, "warning+"), (40, "error+"))

_LEVEL_WORDS: Final = ((50, "CRIT", "critical"), (40, "ERROR", "error"), (30, "WARN", "warning"), (20, "INFO", "info"))

Place = tuple[int, int]


class LogLine(NamedTuple):
    """One line on the screen: a part of a record."""

    entry: LogEntry
    #: 0 is the first line of its record.
    part: int
    text: str

    @property
    def place(self) -> Place:
        return self.entry.root, self.entry.seq


class LogView:
    """A part of a log, grown at both ends as one scrolls, and the line at the top by place, not by number."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.has_before = True
        self.has_after = False
        #: Whether the view stays at the end while lines come.
        self.follows = True
        self._entries: list[LogEntry] = []

    @property
    def first(self) -> Place | None:
        """The place to ask for what is before."""
        return (self._entries[0].root, self._entries[0].seq) if self._entries else None

    @property
    def last(self) -> Place | None:
        """The place to ask for what comes after."""
        return (self._entries[-1].root, self._entries[-1].seq) if self._entries else None

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def entries(self) -> Sequence[LogEntry]:
        """The records at hand."""
        return self._entries

    def show(self, window: LogWindow) -> None:
        """Show a window and nothing else."""
        self._entries = list(window.entries)
        self.has_before, self.has_after = window.has_before, window.has_after
        self._join()

    def append(self, window: LogWindow) -> int:
        """Take in what comes behind; return how many lines went away at the top."""
        last = self.last
        fresh = [entry for entry in window.entries if last is None or (entry.root, entry.seq) > last]
        self.has_after = window.has_after
        if not fresh:
            return 0
        gone = max(len(self._entries) + len(fresh) - MOST_KEPT, 0)
        lines_gone = sum(1 for line in self.lines if line.place < _place_at(self._entries, gone)) if gone else 0
        if gone:
            self.has_before = True
        if gone >= len(self._entries):
            self._entries = fresh[-MOST_KEPT:]
            self._join()
            return lines_gone
        del self._entries[:gone]
        del self.lines[:lines_gone]
        self._entries += fresh
        for entry in fresh:
            self.lines += lines_of(entry)
        return lines_gone

    def prepend(self, window: LogWindow) -> int:
        """Take in what comes before; return how many lines came in at the top."""
        first = self.first
        fresh = [entry for entry in window.entries if first is None or (entry.root, entry.seq) < first]
        self.has_before = window.has_before
        if not fresh:
            return 0
        lines = [line for entry in fresh for line in lines_of(entry)]
        self._entries[:0] = fresh
        self.lines[:0] = lines
        if len(self._entries) > MOST_KEPT:
            limit = (self._entries[MOST_KEPT].root, self._entries[MOST_KEPT].seq)
            del self._entries[MOST_KEPT:]
            self.lines = [line for line in self.lines if line.place < limit]
            self.has_after = True
        return len(lines)

    def index_of(self, place: Place) -> int:
        """Tell at which line a record begins, or the one that comes after its place."""
        low, high = 0, len(self.lines)
        while low < high:
            middle = (low + high) // 2
            if self.lines[middle].place < place:
                low = middle + 1
            else:
                high = middle
        return low

    def next_problem(self, index: int, step: int = 1, level: int = 40) -> int | None:
        """Find the next (-1: the previous) record of at least a level among those that are here."""
        place = index + step
        while 0 <= place < len(self.lines):
            line = self.lines[place]
            if line.part == 0 and line.entry.row.level >= level:
                return place
            place += step
        return None

    def next_match(self, index: int, text: str, step: int = 1) -> int | None:
        """Find the next (-1: the previous) line with a text among those that are here, in any case."""
        folded, place = text.lower(), index + step
        while folded and 0 <= place < len(self.lines):
            if folded in self.lines[place].text.lower():
                return place
            place += step
        return None

    def _join(self) -> None:
        self.lines = [line for entry in self._entries for line in lines_of(entry)]


def lines_of(entry: LogEntry) -> list[LogLine]:
    """Part a record into its lines."""
    message = entry.row.message
    if "\n" not in message:
        return [LogLine(entry, 0, message)]
    texts = message.rstrip("\n").split("\n")
    lines = [LogLine(entry, part, text) for part, text in enumerate(texts[:MOST_LINES])]
    if len(texts) > MOST_LINES:
        lines.append(LogLine(entry, MOST_LINES, f"… {len(texts) - MOST_LINES} more lines"))
    return lines


class LogStyle(NamedTuple):
    """How lines are drawn."""

    width: int
    #: Cells for who said it; 0: it is clear from where one looks.
    speaker: int = 0
    #: Times count from here; None: they are of the clock.
    since: datetime | None = None
    has_millis: bool = True
    search: str = ""
    glyphs: Glyphs = UNICODE
    #: Cells that are scrolled away at the left of the text.
    shift: int = 0


def log_line(line: LogLine, style: LogStyle) -> Line:
    """Draw a line; the further lines of a record hang under its text."""
    row = line.entry.row
    word, level_style = level_of(row.level)
    if style.since is not None:
        time = fit(f"+{short_duration((row.at - style.since).total_seconds())}", 8, align="right")
    else:
        time = clock(row.at, has_millis=style.has_millis)
    lead: list[Span] = [(" ", "")]
    if line.part == 0:
        lead += [(f"{time} ", "quiet"), (f"{word:<5} ", level_style)]
        if style.speaker:
            lead.append((fit(line.entry.speaker, style.speaker, cut=style.glyphs.cut) + " ", "quiet"))
    else:
        room = len(time) + 7 + (style.speaker + 1 if style.speaker else 0)
        lead.append((f"  {style.glyphs.joins} ".ljust(min(room, 4)), "quiet"))
    text = line.text.replace("\t", "    ")[style.shift :]
    body_style = level_style if row.level >= 40 and line.part == 0 else "quiet" if row.level < 20 else ""
    return fit_line((*lead, *highlighted(text, style.search, body_style)), style.width, cut=style.glyphs.cut)


def wrapped(line: LogLine, style: LogStyle) -> list[Line]:
    """Draw a line over as many rows as its text needs."""
    lead = 1 + (13 if style.has_millis else 9) + 6 + (style.speaker + 1 if style.speaker else 0)
    room = max(style.width - lead, 10)
    text = line.text.replace("\t", "    ")
    pieces = _pieces(text, room) or [""]
    first = log_line(line._replace(text=pieces[0]), style._replace(shift=0))
    indent = " " * lead if line.part == 0 else f"   {style.glyphs.joins} "
    rest = [
        fit_line(((indent, "quiet"), *highlighted(piece, style.search, "")), style.width)
        for piece in pieces[1:MOST_LINES]
    ]
    return [first, *rest]


def level_of(level: int) -> tuple[str, str]:
    """Name a level of the standard library's logging in at most five cells, and its style."""
    for least, word, style in _LEVEL_WORDS:
        if level >= least:
            return word, style
    return "DEBUG", "debug"


def highlighted(text: str, search: str, style: str) -> Line:
    """Part a text where what is searched for stands."""
    if not search:
        return ((text, style),)
    folded, wanted = text.lower(), search.lower()
    if len(folded) != len(text):
        # Some letters fold to several: then places in one are not places in the other.
        folded, wanted = text, search
    spans: list[Span] = []
    place = 0
    while (found := folded.find(wanted, place)) >= 0:
        spans += [(text[place:found], style), (text[found : found + len(wanted)], "match")]
        place = found + len(wanted)
    spans.append((text[place:], style))
    return tuple(span for span in spans if span[0])


def _pieces(text: str, cells: int) -> list[str]:
    from rich.cells import chop_cells

    return chop_cells(text, cells) if not text.isascii() else [text[i : i + cells] for i in range(0, len(text), cells)]


def _place_at(entries: Sequence[LogEntry], index: int) -> Place:
    if index >= len(entries):
        return (1 << 62, 0)
    return entries[index].root, entries[index].seq
