"""What needs a person, in the order in which it is walked: failed runs, broken files, runs that are kept waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Final, NamedTuple

from flowctl.tui.model.glyphs import Glyphs
from flowctl.tui.model.plans import Ahead, BrokenFile
from flowctl.tui.model.runs_lines import why, word_of_run
from flowctl.tui.model.snapshots import Counts, ListedRun
from flowctl.tui.model.texts import Line, fit, short_duration, width_of

_NAME: Final = 14


class Need(NamedTuple):
    """One thing to look at: a run that failed or is kept waiting, or else a file."""

    #: Id of the run, path of the file.
    key: str
    run: ListedRun | None = None
    file: BrokenFile | None = None
    is_waiting: bool = False


def needs_of(counts: Counts | None, ahead: Ahead | None, looked_at: Mapping[str, int]) -> tuple[Need, ...]:
    """List what needs somebody; `looked_at`: id of a run -> version of the state in which somebody opened it."""
    failed = () if counts is None else counts.problems
    needs = [Need(row.id, row) for row in failed if looked_at.get(row.id, -1) < row.run.state_version]
    if ahead is not None:
        needs += [Need(file.path, file=file) for file in ahead.broken]
        needs += [Need(row.id, row, is_waiting=True) for row in ahead.kept_waiting]
    return tuple(needs)


def next_need(needs: Sequence[Need], here: str | None, step: int) -> Need | None:
    """Give the need behind one (-1: before it), around the ends; from elsewhere the first, or the last."""
    others = [place for place, need in enumerate(needs) if need.key != here]
    if not others:
        return None
    place = next((place for place, need in enumerate(needs) if need.key == here), None)
    if place is None:
        return needs[0 if step > 0 else -1]
    return needs[(place + step) % len(needs)]


def need_lines(needs: Sequence[Need], width: int, height: int, glyphs: Glyphs, now: datetime) -> list[Line]:
    """Write the needs, the runs of one flow that failed as one line; those there is no room for are counted."""
    times: dict[str, int] = {}
    for need in needs:
        if need.run is not None and not need.is_waiting:
            times[need.run.run.flow_name] = times.get(need.run.run.flow_name, 0) + 1
    lines: list[Line] = []
    for need in needs:
        if need.run is None or need.is_waiting:
            lines.append(_of_file(need.file, width, glyphs) if need.file else _waiting(need, width, glyphs, now))
        elif (count := times.pop(need.run.run.flow_name, 0)) > 0:
            lines.append(_failed(need.run, count, width, glyphs, now))
    if len(lines) > height > 0:
        lines[height - 1 :] = [((f"{glyphs.cut} {len(lines) - height + 1} more", "quiet"),)]
    return lines or [(("nothing", "completed"), (": no failure that nobody looked at", "quiet"))]


def _failed(row: ListedRun, count: int, width: int, glyphs: Glyphs, now: datetime) -> Line:
    sign = glyphs.states[word_of_run(row.run)]
    name = f"{sign} {fit(row.run.flow_name, _NAME, cut=glyphs.cut)} "
    aside = f" {glyphs.dot} {count} times" if count > 1 else ""
    room = max(0, width - len(name) - len(aside))
    return ((name, "problem"), (fit(why(row, now, None), room, cut=glyphs.cut), ""), (aside, "quiet"))


def _of_file(file: BrokenFile, width: int, glyphs: Glyphs) -> Line:
    name = (f"! {PurePath(file.path).name} ", "problem")
    text = f"broken, {'an older version' if file.has_good else 'nothing'} serves"
    return (name, (fit(text, max(0, width - width_of([name])), cut=glyphs.cut), ""))


def _waiting(need: Need, width: int, glyphs: Glyphs, now: datetime) -> Line:
    assert need.run is not None  # what is neither a file nor a run needs nobody
    run = need.run.run
    waited = short_duration((now - (run.due_at or run.created_at)).total_seconds())
    name = f"{glyphs.states['queued']} {fit(run.flow_name, _NAME, cut=glyphs.cut)} "
    text = f"queued {waited}: {why(need.run, now, None)}"
    return ((name, "queued"), (fit(text, max(0, width - len(name)), cut=glyphs.cut), ""))
