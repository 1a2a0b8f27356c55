"""What the System screen shows, and how: the daemon, the database, limits, keys; all times are UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from textwrap import wrap
from typing import Final, NamedTuple

from flowctl.core.cli.wording import ago, size
from flowctl.tui.model.glyphs import UNICODE, Glyphs
from flowctl.tui.model.texts import Line, Span, counted, fit, grouped, short_duration, width_of

_NAME: Final = 12
#: In the place of a space at which no line is folded.
_HELD: Final = "\0"
#: Before what a fact says.
_INDENT: Final = 3 + _NAME + 1
_MOST_UNREADABLE: Final = 5
_MOST_LIMIT_CELLS: Final = 12
_MOST_USERS: Final = 6


class Trouble(NamedTuple):
    """Something that the daemon cannot do at the moment."""

    name: str
    message: str
    since: datetime


class LimitUse(NamedTuple):
    """A named limit, and how much of it is taken."""

    name: str
    slots: int
    taken: int
    #: Who works under it, and who waits for it, where that is on record: of tags.
    holders: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonFacts:
    """What the daemon says of itself."""

    pid: int
    version: str | None
    since: datetime | None
    #: `ok`, `degraded`, `stopping`; None: it does not answer.
    state: str | None = None
    troubles: tuple[Trouble, ...] = ()
    memory: int | None = None
    #: Processor time since it began, in seconds.
    cpu_s: float | None = None
    active: int | None = None
    settings_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFacts:
    """Sizes, places and versions."""

    home: str
    database: str
    database_bytes: int
    log_bytes: int
    free_bytes: int
    schema: int
    #: Rows of each large table.
    rows: Mapping[str, int]
    oldest: datetime | None
    newest: datetime | None
    active_runs: int
    #: None: there is none.
    daemon: DaemonFacts | None
    limits: tuple[LimitUse, ...]
    #: What is deleted when, in words; what is wrong with the settings in their place.
    retention: str
    #: What the next clearing would delete, in words.
    pruning: str = ""
    #: Program -> version.
    versions: Mapping[str, str]
    at: datetime
    #: What the daemon writes down.
    daemon_log: str = ""
    #: Run id -> why its journal cannot be read to its end.
    unreadable: Mapping[str, str] = field(default_factory=dict[str, str])


class Pace(NamedTuple):
    """How this interface does, measured just now."""

    #: Of the latest keys, how long it took until what they changed was painted, in seconds; None: none was pressed yet.
    key_s: float | None
    #: How long the last round of reading took, and the longest that the loop was held up lately, in seconds.
    reading_s: float
    lag_s: float
    #: Share of one core since the screen was opened.
    cpu: float | None
    memory: int | None
    widgets: int
    every_s: float
    #: How often it was painted in a second, and how many letters that took; None: nobody knows.
    frames_s: float | None = None
    letters_s: float = 0.0


def fact(name: str, value: str, style: str = "") -> Line:
    """Write one fact behind its name."""
    return ((f"   {fit(name, _NAME)} ", "quiet"), (value, style))


def daemon_lines(facts: SystemFacts, glyphs: Glyphs = UNICODE) -> list[Line]:
    """Say how the daemon is."""
    daemon = facts.daemon
    if daemon is None:
        return [
            fact("state", "not running: runs are read from their journals", "warning"),
            ((f"   {fit('', _NAME)} ", ""), ("ctrl+r", "accent"), (" starts it; cancel, pause, schedules need it", "")),
        ]
    words, style = {
        "ok": ("running", "completed"),
        "degraded": ("degraded", "failed"),
        "stopping": ("stopping", "warning"),
    }.get(daemon.state or "", ("does not answer", "warning"))
    lines = [fact("state", f"{glyphs.alive} {words}, process {daemon.pid}", style)]
    for trouble in daemon.troubles:
        first, *others = trouble.message.strip().splitlines() or [""]
        lines.append(fact(trouble.name, f"{first}  ({ago(trouble.since, facts.at)})", "failed"))
        lines += [fact("", each, "failed") for each in others[:2]]
    if daemon.since is not None:
        up = (facts.at - daemon.since).total_seconds()
        lines.append(fact("since", f"{daemon.since.astimezone():%Y-%m-%d %H:%M:%S}, up {short_duration(up)}"))
        if daemon.cpu_s is not None:
            share = f", {daemon.cpu_s / up:.1%} of a core since then" if up > 1 else ""
            memory = "" if daemon.memory is None else f"{size(daemon.memory)}{share}"
            lines.append(fact("memory, cpu", memory))
    if daemon.version is not None:
        ours = facts.versions.get("flowctl")
        other = f"   this is {ours}: `flowctl daemon restart` makes them one" if ours and ours != daemon.version else ""
        lines.append((*fact("version", daemon.version), (other, "warning")))
    if daemon.active is not None:
        lines.append(fact("runs", f"{counted(daemon.active, 'run')} under way"))
    lines.append(fact("settings", daemon.settings_file or "no settings file"))
    lines.append(fact("log", facts.daemon_log))
    return lines


def database_lines(facts: SystemFacts) -> list[Line]:
    """Say what is in the database, and how long it is kept."""
    free = f", {size(facts.free_bytes)} unused" if facts.free_bytes else ""
    lines: list[Line] = [
        fact("file", facts.database),
        fact("size", f"{size(facts.database_bytes)}, write-ahead log {size(facts.log_bytes)}{free}"),
        fact("rows", f" {UNICODE.dot} ".join(_rows(name, count) for name, count in facts.rows.items()) or "none"),
    ]
    if facts.oldest is not None and facts.newest is not None:
        lines.append(fact("runs", f"from {facts.oldest.astimezone():%-d %b %Y %H:%M} on"))
    lines += [fact("schema", str(facts.schema)), fact("kept", facts.retention)]
    lines += [fact("next to go", facts.pruning)] if facts.pruning else []
    lines.append(fact("journals", f"{counted(facts.active_runs, 'journal')} of runs not over"))
    for run_id, problem in list(facts.unreadable.items())[:_MOST_UNREADABLE]:
        lines.append(fact("unreadable", f"{run_id[:8]}: {problem}", "warning"))
    return lines


def limit_lines(limits: Sequence[LimitUse], glyphs: Glyphs = UNICODE) -> list[Line]:
    """Draw how much of each limit is taken."""
    lines: list[Line] = []
    for limit in limits:
        is_full = limit.taken >= limit.slots
        cells = min(limit.slots, _MOST_LIMIT_CELLS)
        full = min(-(-limit.taken * cells // max(limit.slots, 1)), cells)
        spans: list[Span] = [
            (f"   {fit(limit.name, 20, cut=glyphs.cut)} ", ""),
            (glyphs.done * full, "retrying" if is_full else "running"),
            (glyphs.to_do * (cells - full), "rest"),
            (f"  {grouped(limit.taken)}/{grouped(limit.slots)} taken", "warning" if is_full else "quiet"),
        ]
        lines.append(tuple(spans))
        lines += [
            fact(name, _named(users)) for name, users in (("held by", limit.holders), ("wait", limit.waiting)) if users
        ]
    if not limits:
        return [(("   none: ", "quiet"), ("flowctl limit set NAME N", "accent"), (" makes one", "quiet"))]
    return lines


def _named(users: Sequence[str]) -> str:
    more = len(users) - _MOST_USERS
    return ", ".join(users[:_MOST_USERS]) + (f" and {more} more" if more > 0 else "")


def pace_lines(pace: Pace) -> list[Line]:
    """Say how this interface does, beside what it may take."""
    lines: list[Line] = []
    if pace.key_s is not None:
        lines.append(
            _budget("key to paint", pace.key_s * 1000, 60.0, f"{pace.key_s * 1000:.0f} ms of late, may 30 to 60")
        )
    lines += [
        _budget(
            "reading", pace.reading_s * 1000, 100.0, f"{pace.reading_s * 1000:.1f} ms, at most {1 / pace.every_s:.0f}/s"
        ),
        _budget("held up", pace.lag_s * 1000, 50.0, f"{pace.lag_s * 1000:.0f} ms at most lately, may 50"),
    ]
    if pace.cpu is not None:
        lines.append(_budget("cpu", pace.cpu * 100, 15.0, f"{pace.cpu:.1%} of a core, may 15 % when busy"))
    if pace.frames_s is not None:
        most = 1 / pace.every_s
        said = f"{pace.frames_s:.1f} a second of late, {size(round(pace.letters_s))} of it, may {most:.0f}"
        # Keys are painted at once, and may come faster.
        lines.append(_budget("frames", pace.frames_s, 3 * most, said))
    if pace.memory is not None:
        lines.append(
            _budget("memory", pace.memory / 2**20, 100.0, f"{size(pace.memory)}, {counted(pace.widgets, 'widget')}")
        )
    return lines


def folded(line: Line, width: int) -> list[Line]:
    """Fold a fact that is wider than the pane; what does not fit stands below what it says, not below its name."""
    if width_of(line) <= width or len(line) < 2 or width <= _INDENT + 8:
        return [line]
    name, (text, style), *others = line
    room = width - _INDENT
    # What belongs together stays together: numbers are grouped with spaces, too.
    held = text.replace(" ", _HELD).replace(f"{_HELD}{UNICODE.dot}{_HELD}", f"{_HELD}{UNICODE.dot} ")
    whole = held if f"{UNICODE.dot} " in held else text
    pieces = [piece.replace(_HELD, " ") for piece in wrap(whole, room, break_on_hyphens=False)] or [""]
    below: Span = (" " * _INDENT, "")
    lines: list[Line] = [(name, (pieces[0], style)), *((below, (piece, style)) for piece in pieces[1:])]
    if others and width_of(lines[-1]) + width_of(others) <= width:
        lines[-1] = (*lines[-1], *others)
    elif others:
        lines += [(below, (piece, others[0][1])) for piece in wrap("".join(text for text, _ in others).strip(), room)]
    return lines


def titled(title: str, lines: Sequence[Line]) -> list[Line]:
    """Put a title above lines, and a blank one before it."""
    return [(), ((f"   {title}", "title"),), *lines]


def _budget(name: str, value: float, most: float, words: str) -> Line:
    return fact(name, words, "warning" if value > most else "")


def _rows(name: str, count: int) -> str:
    return f"{grouped(count)} {name.replace('_', ' ')}{'' if count == 1 else 's'}"
