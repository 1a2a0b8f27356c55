"""The tree of a run as rows that fit a height: what runs or failed stays, what is finished folds first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from flowctl.core.cli.display_groups import Group, Run
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_words import PROBLEMS, Glyphs, Line, duration, number, plural
from flowctl.store.text import safe_text

_BAR_CELLS: Final = 12
_LONGEST_NAME: Final = 200
#: Rows beyond this are not even looked at; no screen shows them.
_MOST_ROWS: Final = 2000

#: How long a row is kept when there is little room; what is finished with problems stays longer than its details.
_ACTIVE, _PROBLEM, _DETAIL, _WAITING, _FINISHED_BELOW, _FINISHED = range(6)


class Row(NamedTuple):
    """One line: its depth, what stands left, what stands right, and how soon it may be folded."""

    depth: int
    left: Line
    right: str
    rank: int = _ACTIVE


def tree_rows(model: RunModel, glyphs: Glyphs, now: float, height: int) -> list[Row]:
    """Give at most `height` rows for all below the root run."""
    rows: list[Row] = []
    _below(model.root, 0, glyphs, now, rows)
    return fitted(rows, glyphs, height)


def fitted(rows: list[Row], glyphs: Glyphs, height: int) -> list[Row]:
    """Fold rows until they fit: finished ones first, oldest first, then waiting ones, then details."""
    if len(rows) <= height or height < 1:
        return rows[: max(height, 0)]
    # One row less: it says what is folded.
    spare = len(rows) - height + 1
    gone: set[int] = set()
    folded = {"finished": 0, "waiting": 0, "more": 0}
    for rank in (_FINISHED_BELOW, _FINISHED, _WAITING, _DETAIL, _PROBLEM, _ACTIVE):
        kind = "finished" if rank >= _FINISHED_BELOW else "waiting" if rank == _WAITING else "more"
        order = [index for index, row in enumerate(rows) if row.rank == rank]
        if rank in (_WAITING, _DETAIL):
            order.reverse()  # what waits longest comes next; the first detail says most
        for index in order[: spare - len(gone)]:
            gone.add(index)
            folded[kind] += rank != _DETAIL
    said = ", ".join(f"{number(count)} {kind}" for kind, count in folded.items() if count) or "details"
    note = Row(0, [(glyphs.plain("…"), "dim"), (f" {said}", "dim")], "")
    return [note, *(row for index, row in enumerate(rows) if index not in gone)]


def _below(group: Group, depth: int, glyphs: Glyphs, now: float, rows: list[Row]) -> int:
    """Add the rows of all that hangs under a group; give the least rank among them."""
    least = _FINISHED
    for child in list(group.children.values()):
        if len(rows) >= _MOST_ROWS:
            break
        place = len(rows)
        rows.append(_row(child, depth, glyphs, now))
        rows += _details(child, depth + 1, glyphs)
        below = _below(child, depth + 1, glyphs, now, rows) if child.children else _FINISHED
        rank = min(_rank(child, depth), below if below <= _PROBLEM else _FINISHED)
        rows[place] = rows[place]._replace(rank=rank)
        least = min(least, rank, below)
    return least


def _rank(group: Group, depth: int) -> int:
    word = group.word
    if word in ("running", "retrying", "paused"):
        return _ACTIVE
    if group.problem_count:
        return _PROBLEM
    if word == "queued":
        return _WAITING
    return _FINISHED_BELOW if depth else _FINISHED


def _row(group: Group, depth: int, glyphs: Glyphs, now: float) -> Row:
    word = group.word
    line: Line = [(glyphs.of(word, now), word), (" ", "")]
    line.append((safe_text(group.name[:_LONGEST_NAME], keep_newlines=False), "name" if group.open else ""))
    elapsed = group.elapsed_s(now)
    right = "" if elapsed is None else duration(elapsed)
    is_folded = group.total > 1 or group.is_mapped
    if is_folded:
        line += _folded(group, glyphs, now)
    else:
        line += _single(group, word, now)
    return Row(depth, line, right)


def _single(group: Group, word: str, now: float) -> Line:
    line: Line = []
    if group.is_flow or not group.run_name.startswith(group.name):
        line.append((f"  {safe_text(group.run_name[:_LONGEST_NAME], keep_newlines=False)}", "dim"))
    if word == "retrying":
        line += retry_line(next(iter(group.waiting.values()), None), now)
    elif word == "queued":
        line.append(("  waits", "dim"))
    elif word == "cached":
        line.append(("  cached", "dim"))
    elif group.problems:
        problem = group.problems[0]
        shown = problem.text or problem.word
        line.append((f"  {safe_text(shown, keep_newlines=False)}", "dim" if word == "blocked" else word))
    return line


def _folded(group: Group, glyphs: Glyphs, now: float) -> Line:
    line: Line = [("  ", "")]
    line += bar(group.done, group.total, group.problem_count, glyphs)
    line.append((f" {number(group.done)}/{number(group.total)}", ""))
    for word in ("running", "retrying", "paused", "cached", *PROBLEMS):
        if count := group.counts.get(word, 0):
            line.append((f"  {number(count)}{glyphs.of(word)}", word))
    if group.waiting:
        soonest = min((run.due for run in list(group.waiting.values())), default=0)
        line.append((f"  next retry in {countdown(soonest, now)}", "retrying"))
    return line


def _details(group: Group, depth: int, glyphs: Glyphs) -> Iterable[Row]:
    """Name the first problems of a folded group."""
    if group.total == 1 and not group.is_mapped:
        return
    for problem in group.problems:
        text = safe_text(problem.text, keep_newlines=False)
        left: Line = [(glyphs.of(problem.word), problem.word), (" ", "")]
        left += [(safe_text(problem.run_name, keep_newlines=False), ""), (f"  {text}", problem.word)]
        yield Row(depth, left, "", _DETAIL)
    # What was cancelled with its run has nothing to tell of itself.
    if group.problems and (more := group.problem_count - len(group.problems)) > 0:
        yield Row(depth, [(f"  and {plural(more, 'more problem')}", "dim")], "", _DETAIL)


def retry_line(run: Run | None, now: float) -> Line:
    """Say when the next attempt of a run starts, and why it is needed."""
    if run is None:
        return []
    line: Line = [(f"  {retry_words(run)} in {countdown(run.due, now)}", "retrying")]
    if run.message:
        line.append((f"  {safe_text(run.message, keep_newlines=False)}", "dim"))
    return line


def retry_words(run: Run) -> str:
    return f"retry {run.run_count}/{run.retries}" if run.retries else f"retry {run.run_count}"


def countdown(due: int, now: float) -> str:
    return duration(max(due / 1_000_000 - now, 0.0)) if due / 1_000_000 - now > 0.05 else "0.0s"


def bar(done: int, total: int, problems: int, glyphs: Glyphs) -> Line:
    """Draw how much is done; problems take their share, at least one cell."""
    full = _BAR_CELLS * done // total if total else 0
    bad = min(max(round(_BAR_CELLS * problems / total), 1), max(full, 1)) if problems else 0
    parts = ((full - bad, "▰", "completed"), (bad, "▰", "failed"), (_BAR_CELLS - max(full, bad), "▱", "dim"))
    return [(glyphs.plain(sign) * count, style) for count, sign, style in parts if count > 0]
