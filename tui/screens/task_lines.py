"""The tries of a task run as rows, and how it stands and what stands around it as lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from flowctl.store.errors import ErrorReport
from flowctl.store.records import TaskRunRow
from flowctl.tui.model.glyphs import PROBLEMS, SLOT, Glyphs, task_word_of
from flowctl.tui.model.retry_words import gives_up_at, next_try, policy_words
from flowctl.tui.model.snapshots import Related, TaskDetail
from flowctl.tui.model.texts import (
    Line,
    Span,
    clock,
    countdown,
    fit,
    fit_line,
    round_duration,
    short_duration,
    width_of,
)
from flowctl.tui.model.time_scale import TimeScale, fit_window

_BAR_FROM: Final = 60
_FACTS: Final = 46
_NAME: Final = 10


class Try(NamedTuple):
    """One try of a task, or the one that is due."""

    number: int
    word: str
    started_at: datetime | None
    ended_at: datetime | None
    due_at: datetime | None
    #: From its end to the beginning of the next one.
    wait_s: float | None
    error: ErrorReport | None
    message: str | None

    @property
    def is_live(self) -> bool:
        """Whether the clock alone changes how it looks."""
        return self.ended_at is None


def tries_of(task: TaskRunRow) -> list[Try]:
    """List the tries that were and the one to come."""
    rows: list[Try] = []
    starts = [each.started_at for each in task.attempts] + [task.due_at if not task.is_final else None]
    for each, next_start in zip(task.attempts, starts[1:], strict=True):
        wait = (next_start - each.ended_at).total_seconds() if next_start and each.ended_at else None
        word = task_word_of(each.state_type, each.state_name)
        rows.append(Try(each.number, word, each.started_at, each.ended_at, None, wait, each.error, each.message))
    if task.due_at is not None and not task.is_final:
        rows.append(Try(task.run_count + 1, "retrying", None, None, task.due_at, None, None, None))
    return rows


def scale_of(task: TaskRunRow, tries: Sequence[Try], cells: int, now: datetime) -> TimeScale:
    """Lay the whole life of a task over some cells."""
    return TimeScale(
        fit_window(task.started_at or task.created_at, task.ended_at, tries[-1].due_at if tries else None, now), cells
    )


def bar_cells(width: int) -> int:
    """Tell how wide the bar of a row is."""
    return max(0, width - _FACTS) if width >= _BAR_FROM else 0


def head_line(scale: TimeScale, width: int, now: datetime | None) -> Line:
    """Write the names of the columns."""
    text = f"   #  {fit('STATE', 13)}{fit('START', 9)}{fit('TIME', 7, align='right')}{fit('WAIT', 7, align='right')}   "
    return fit_line(((text, "quiet"), (scale.labels(now=now) if scale.cells else "", "quiet")), width)


def try_line(row: Try, scale: TimeScale, now: datetime, glyphs: Glyphs, *, is_cursor: bool, step: int) -> Line:
    """Write one try."""
    sign = glyphs.spinner[step % len(glyphs.spinner)] if row.word == "running" else glyphs.states[row.word]
    word = "due" if row.due_at is not None else row.word
    took = None if row.started_at is None else ((row.ended_at or now) - row.started_at).total_seconds()
    start = row.started_at or row.due_at
    spans: list[Span] = [
        (glyphs.cursor if is_cursor else " ", "accent"),
        (fit(str(row.number), 3, align="right"), "title" if is_cursor else ""),
        (f"  {sign} {fit(word, 11)}", "problem" if row.word in PROBLEMS else row.word),
        (fit(clock(start) if start else glyphs.dash, 9), ""),
        (fit(short_duration(took, dash=glyphs.dash), 7, align="right"), ""),
        (fit(short_duration(row.wait_s, dash=glyphs.dash), 7, align="right"), "quiet"),
        ("   ", ""),
    ]
    if scale.cells:
        spans += _bar(row, scale, now, glyphs)
    return tuple(spans)


def standing_lines(detail: TaskDetail, now: datetime, width: int, glyphs: Glyphs, *, step: int) -> list[Line]:
    """Say how the task stands, as large as text can be: a countdown is what is about to happen."""
    task = detail.task
    word = task_word_of(task.state_type, task.state_name)
    sign = glyphs.spinner[step % len(glyphs.spinner)] if word == "running" else glyphs.states[word]
    if task.due_at is not None and not task.is_final:
        return [(), _countdown(task, now, width, glyphs), _policy(task, width, glyphs)]
    spans: list[Span] = [(f"   {sign} ", word), (f"{word}", "problem" if word in PROBLEMS else f"bold {word}")]
    took = None if task.started_at is None else ((task.ended_at or now) - task.started_at).total_seconds()
    if took is not None:
        spans.append((f" {'for' if task.ended_at is None else 'in'} {short_duration(took)}", ""))
    if task.state_name == SLOT and task.message:
        spans.append((f"   {task.message[0].lower()}{task.message[1:].rstrip('.')}", ""))
    if detail.typical_s is not None:
        spans.append((f"   usually {short_duration(detail.typical_s)}", "quiet"))
    if task.run_count > 1:
        spans.append((f"   {task.run_count} tries", "quiet"))
    if task.ended_at is not None:
        spans.append((f"   ended {clock(task.ended_at)}", "quiet"))
    return [(), tuple(spans), _policy(task, width, glyphs)]


def input_lines(detail: TaskDetail, glyphs: Glyphs) -> list[Line]:
    """Write what went in, what came out, and which tasks those are."""
    task = detail.task
    rows: list[tuple[str, Line]] = []
    if task.inputs:
        rows.append(("inputs", ((task.inputs, ""),)))
    if task.value is not None:
        size = "" if detail.result_size is None else f"   {_size(detail.result_size)}"
        rows.append(("result", ((task.value, ""), (size, "quiet"))))
    elif detail.has_result:
        rows.append(("result", (("on record", ""), (f"   {_size(detail.result_size or 0)}", "quiet"))))
    if detail.upstreams:
        rows.append(("waits for", _related(detail.upstreams, glyphs)))
    if detail.downstreams:
        rows.append(("feeds", _related(detail.downstreams, glyphs)))
    if task.terms is not None and task.terms.cache is not None:
        # That nothing was found, or nobody looked, is not on record.
        was = "hit   " if task.state_name == "Cached" and task.message is None else ""
        rows.append(("cache", ((was, ""), (f"by {task.terms.cache}", "quiet"))))
    if task.terms is not None and task.terms.timeout_s is not None:
        rows.append(("timeout", ((round_duration(task.terms.timeout_s), ""),)))
    if task.tags:
        rows.append(("tags", ((", ".join(task.tags), ""),)))
    rows.append(("id", ((task.id, "quiet"),)))
    return [((f" {fit(name, _NAME)}", "quiet"), *line) for name, line in rows]


def _policy(task: TaskRunRow, width: int, glyphs: Glyphs) -> Line:
    """Say when it is tried again and when it gives up; of what goes on or waits, and of what was tried in vain."""
    if task.terms is None or not task.terms.retries or task.state_type == "COMPLETED":
        return ()
    spans: list[Span] = [("   policy ", "quiet"), (policy_words(task.terms, glyphs), "")]
    if (at := gives_up_at(task)) is not None:
        about = "about " if task.terms.jitter else ""
        spans.append((f"   gives up {about or 'at '}{clock(at)} if all fail", "quiet"))
    if width_of(spans) > width and len(spans) > 2:
        spans.pop()
    return tuple(spans)


def _countdown(task: TaskRunRow, now: datetime, width: int, glyphs: Glyphs) -> Line:
    assert task.due_at is not None  # who calls this has looked
    left = (task.due_at - now).total_seconds()
    ended = next((each.ended_at for each in reversed(task.attempts) if each.ended_at), None)
    whole = (task.due_at - ended).total_seconds() if ended is not None else max(left, 1.0)
    cells = max(0, min(24 if width < 110 else 48, width - 58))
    full = round(cells * min(max(left / whole, 0.0), 1.0)) if whole > 0 else 0
    return (
        (f"   {glyphs.states['retrying']} ", "retrying"),
        (f"{next_try(task)} in {countdown(left)}", "bold retrying"),
        ("   ", ""),
        (glyphs.done * full, "retrying"),
        (glyphs.to_do * (cells - full), "rest"),
        (f"   at {clock(task.due_at)}", "quiet"),
        ("   r now", "accent"),
    )


def _bar(row: Try, scale: TimeScale, now: datetime, glyphs: Glyphs) -> Line:
    signs = [" "] * scale.cells
    if row.started_at is not None:
        end = row.ended_at or now
        first, last = scale.cell(row.started_at), scale.cell(end)
        for cell in range(max(first, 0), min(last, scale.cells - 1) + 1):
            signs[cell] = glyphs.work
        place = min(max(last, 0), scale.cells - 1)
        if row.word in PROBLEMS:
            signs[place] = glyphs.failed_try
        elif row.ended_at is None:
            signs[place] = glyphs.work_open
        if row.wait_s is not None and row.ended_at is not None:
            until = scale.cell(row.ended_at) + max(1, round(row.wait_s * scale.cells / scale.window.span_s))
            for cell in range(place + 1, min(until, scale.cells)):
                signs[cell] = glyphs.wait
    elif row.due_at is not None:
        signs[min(max(scale.cell(row.due_at), 0), scale.cells - 1)] = glyphs.due
    return (("".join(signs), row.word),)


def _related(runs: Sequence[Related], glyphs: Glyphs) -> Line:
    spans: list[Span] = []
    for run in runs[:12]:
        word = task_word_of(run.state_type, run.state_name)
        spans += [(f"{glyphs.states[word]} ", word), (f"{run.name}  ", "")]
    if len(runs) > 12:
        spans.append((f"{glyphs.cut} {len(runs) - 12} more", "quiet"))
    return tuple(spans)


def _size(count: int) -> str:
    from flowctl.core.cli.wording import size

    return size(count)
