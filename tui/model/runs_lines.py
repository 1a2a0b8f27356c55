"""How a row of the list of runs is drawn, and what the dashboard says, as lines of exact width."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from signal import Signals
from typing import Final, NamedTuple

from flowctl.store.records import FlowRunRow
from flowctl.store.states import StateType
from flowctl.tui.model.asked import sign_of
from flowctl.tui.model.glyphs import OPEN, PROBLEMS, SLOT, UNICODE, WORDS, Glyphs, task_word_of, word_of
from flowctl.tui.model.snapshots import Counts, ListedRun, PastRun
from flowctl.tui.model.texts import (
    Line,
    Span,
    countdown,
    elapsed_bar,
    fit,
    fit_line,
    grouped,
    left_of,
    progress,
    round_duration,
    sparkline,
    when,
)

#: State names that flowctl gives: tasks are counted by name alone.
_TYPE_OF_NAME: Final = {
    "Completed": StateType.COMPLETED,
    "Cached": StateType.COMPLETED,
    "Skipped": StateType.COMPLETED,
    "RolledBack": StateType.COMPLETED,
    "Failed": StateType.FAILED,
    "TimedOut": StateType.FAILED,
    "Crashed": StateType.CRASHED,
    "Cancelled": StateType.CANCELLED,
    "Cancelling": StateType.CANCELLING,
    "Running": StateType.RUNNING,
    "Retrying": StateType.RUNNING,
    "Pending": StateType.PENDING,
    "NotReady": StateType.PENDING,
    "Scheduled": StateType.SCHEDULED,
    "AwaitingRetry": StateType.SCHEDULED,
    SLOT: StateType.PENDING,
    "Late": StateType.SCHEDULED,
    "Paused": StateType.PAUSED,
    "Suspended": StateType.PAUSED,
}


#: A run takes longer than usual from so much of it on, and by so many seconds: less is what any two runs differ by.
_OVER: Final = 1.1
_OVER_S: Final = 1.0
#: How the messages of runs begin, where the list says the same shorter.
_SLOT: Final = "Waits for a slot of the limit "
#: How the message of a task that failed begins.
_FAILED: Final = "Task run encountered an exception "


class ListColumns(NamedTuple):
    """How wide each column of the list is; 0: it is not shown."""

    state: int
    flow: int
    name: int
    bar: int
    tally: int
    time: int
    usual: int
    usual_s: int
    why: int
    when: int


def list_columns(width: int) -> ListColumns:
    """Share out a width. Columns leave in this order: why, when, usual, tasks, time; state and flow never do."""
    room = width - 4
    if width >= 96:
        has_when = width >= 116
        bars = (9, 10) if width >= 110 else (7, 8)
        fixed = ListColumns(12, 0, 0, bars[0], 8, 6, bars[1], 7, 0, 8 if has_when else 0)
        rest = room - sum(fixed)
        flow, name = (min(max(rest * 3 // 10, 8), widest) for widest in (26, 20))
        return fixed._replace(flow=flow, name=name, why=rest - flow - name)
    if width >= 72:
        fixed = ListColumns(12, 0, 0, 7, 8, 6, 9, 0, 0, 8)
    elif width >= 56:
        fixed = ListColumns(12, 0, 0, 0, 8, 6, 9, 0, 0, 0)
    elif width >= 40:
        fixed = ListColumns(12, 0, 0, 0, 0, 6, 0, 0, 0, 0)
    else:
        return ListColumns(0, max(room, 1), 0, 0, 0, 0, 0, 0, 0, 0)
    rest = room - sum(fixed)
    flow = max((rest + 1) // 2, 1)
    return fixed._replace(flow=flow, name=max(rest - flow, 0))


def header(columns: ListColumns) -> Line:
    """Draw the names of the columns."""
    text = "    " + fit("STATE", columns.state) + fit("FLOW", columns.flow) + fit("RUN", columns.name)
    tasks = columns.bar + columns.tally
    text += fit("TASKS", tasks) if columns.bar else fit("TASKS", tasks, align="right")
    text += fit("TIME", columns.time, align="right")
    text += fit("  TYPICAL" if not columns.usual_s else "  OF TYPICAL", columns.usual + columns.usual_s)
    text += fit("  WHEN", columns.when) + fit("  NEXT / WHY", columns.why)
    return ((text, "quiet"),)


def run_line(
    row: ListedRun,
    columns: ListColumns,
    now: datetime,
    *,
    typical: Mapping[str, float],
    glyphs: Glyphs = UNICODE,
    step: int = 2,
    is_cursor: bool = False,
    is_marked: bool = False,
    pending: str | None = None,
) -> Line:
    """Draw one run; `pending` is what was asked of it and is not settled: `cancelling…`."""
    run = row.run
    word = sign_of(pending, shown_word(row))
    spans: list[Span] = [
        (glyphs.mark if is_marked else glyphs.cursor if is_cursor else " ", "mark" if is_marked else "accent"),
        (glyphs.spinner[step % len(glyphs.spinner)] if word == "running" else glyphs.states[word], word),
        (" ", ""),
    ]
    state = pending if pending is not None else state_text(row, now)
    spans.append((fit(state, columns.state, cut=glyphs.cut) + " " if columns.state else " ", word))
    name_style = "problem" if word in PROBLEMS else ""
    spans.append((fit(run.flow_name, columns.flow - 1, cut=glyphs.cut) + " ", name_style))
    if columns.name:
        spans.append((fit(run.name, columns.name - 1, cut=glyphs.cut) + " ", name_style))
    spans += _tasks(run, columns, glyphs)
    took = run_took_s(run, now)
    usual = typical.get(run.flow_name)
    if columns.time:
        spans.append((fit(round_duration(took, dash=glyphs.dash), columns.time, align="right"), ""))
    if columns.usual:
        spans += _usual(took, usual, columns, glyphs)
    if columns.when:
        at = run.due_at if word == "scheduled" and run.due_at else run.started_at or run.created_at
        spans.append((fit("  " + when(at, now), columns.when), "quiet"))
    if columns.why:
        text = why(row, now, usual)
        if not text and not columns.when:
            text = when(run.started_at or run.created_at, now)
        spans.append((fit("  " + text, columns.why, cut=glyphs.cut), name_style or "quiet"))
    return tuple(spans)


def unread_line(columns: ListColumns, glyphs: Glyphs, *, is_cursor: bool) -> Line:
    """Draw a run that is still being read."""
    sign = glyphs.cursor if is_cursor else " "
    return ((f"{sign}{glyphs.dot} ", "accent" if is_cursor else "quiet"), (fit(glyphs.cut, columns.state), "quiet"))


def shown_word(row: ListedRun) -> str:
    """Give the word of a run: of one at work whose tasks all wait, what they wait for, whatever it says of itself."""
    run = row.run
    word = word_of(run.state_type, run.state_name)
    if word != "running" or any(run.task_counts.get(name) for name in ("Running", "Retrying")):
        return word
    return "retrying" if row.retry_at is not None else "queued" if row.waits_for_slot is not None else word


def word_at_work(run: FlowRunRow) -> str:
    """Give the word of a run by itself: of one at work whose tasks all wait, what its counts say they wait for."""
    word, counts = word_of_run(run), run.task_counts
    if word != "running" or any(counts.get(name) for name in ("Running", "Retrying")):
        return word
    return "retrying" if counts.get("AwaitingRetry") else "queued" if counts.get(SLOT) else word


def state_text(row: ListedRun, now: datetime) -> str:
    """Say in which state a run is, with the time until its next try."""
    word = shown_word(row)
    due = row.run.due_at if row.run.due_at is not None and word_of_run(row.run) == "retrying" else row.retry_at
    if word == "retrying" and due is not None:
        return f"retry {countdown((due - now).total_seconds())}"
    if word == "scheduled" and row.run.due_at is not None and row.run.due_at > now:
        return f"in {countdown((row.run.due_at - now).total_seconds())}"
    return word


def word_of_run(run: FlowRunRow) -> str:
    return word_of(run.state_type, run.state_name)


def why(row: ListedRun, now: datetime, usual: float | None) -> str:
    """Say in a few words what is going on, or why it ended as it did."""
    run, word = row.run, shown_word(row)
    if run.exit_code is not None and run.exit_code < 0 and word == "crashed":
        return _killed_by(-run.exit_code)
    if word == "retrying" and run.due_at is not None and run.error is not None:
        # The flow itself is tried again, with all that it calls.
        first = run.error.text.split("\n", 1)[0]
        tries = "" if run.tries is None else f"{run.run_count}/{run.tries} "
        return f"{tries}{run.error.type_name}: {first}"
    if row.cause is not None:
        return row.cause.split("\n", 1)[0].removeprefix(_FAILED)
    if run.error is not None:
        first = run.error.text.split("\n", 1)[0]
        return f"{run.error.type_name}: {first}" if first else run.error.type_name
    text = (run.message or "").split("\n", 1)[0]
    if word == "retrying" and row.retry_tries is not None:
        tried, most = row.retry_tries
        said = (row.retry_message or "").split("\n", 1)[0].removeprefix(_FAILED)
        return f"{tried}/{most} {said}" if most is not None else said
    if word == "scheduled":
        due = run.due_at or run.scheduled_for
        return text if due is None else f"at {when(due, now)}"
    if row.waits_for_slot is not None and word == "queued":
        return f"waits for {row.waits_for_slot.removeprefix(_SLOT).rstrip('.')}"
    if row.paused_at is not None and text.startswith("A person "):
        return f"by you {when(row.paused_at, now)}"
    if word in OPEN:
        took = run_took_s(run, now)
        if text:
            return text.removeprefix("Waits: ").rstrip(".")
        if took is None or not usual:
            return ""
        if is_over(took, usual):
            return f"{took / usual:.1f}x the usual"
        return left_of(usual - took) if took < usual else "any moment now"
    if text.startswith("A person ") and run.ended_at is not None:
        return f"by you {when(run.ended_at, now)}"
    return text


def _killed_by(number: int) -> str:
    try:
        name = Signals(number).name
    except ValueError:
        name = f"signal {number}"
    # Whatever watches over memory kills so.
    return f"{name} (memory?)" if name == "SIGKILL" else name


def run_took_s(run: FlowRunRow, now: datetime) -> float | None:
    """Tell how long a run took, or has taken so far."""
    return None if run.started_at is None else ((run.ended_at or now) - run.started_at).total_seconds()


def is_over(took: float, usual: float) -> bool:
    """Tell whether a run takes longer than usual by so much that it means something."""
    return took > usual * _OVER and took - usual >= _OVER_S


def folded_counts(run: FlowRunRow) -> dict[str, int]:
    """Count a run's tasks by word, in the order in which counts are written."""
    words: dict[str, int] = {}
    for name, count in run.task_counts.items():
        type_ = _TYPE_OF_NAME.get(name)
        # A name of the user's own: what kind it is the counts do not say, that it ended is likely.
        word = task_word_of(type_, name) if type_ is not None else "completed"
        words[word] = words.get(word, 0) + count
    return {word: words[word] for word in WORDS if words.get(word)}


def done_of(run: FlowRunRow) -> tuple[int, int, int]:
    """Count tasks that are done, failed, and all."""
    words = folded_counts(run)
    done = sum(words.get(word, 0) for word in ("completed", "cached", "skipped"))
    failed = sum(words.get(word, 0) for word in PROBLEMS)
    return done, failed, sum(words.values())


def counts_line(words: Mapping[str, int], glyphs: Glyphs = UNICODE, *, step: int = 2, has_words: bool = False) -> Line:
    """Draw counts by word: `⠹ 3 running  ↻ 2 retrying  ✗ 1 failed`, or `⠹ 3  ↻ 2  ✗ 1`."""
    spans: list[Span] = []
    for word in (*[word for word in WORDS if word in OPEN], *[word for word in WORDS if word in PROBLEMS]):
        if count := words.get(word, 0):
            sign = glyphs.spinner[step % len(glyphs.spinner)] if word == "running" else glyphs.states[word]
            text = f"{sign} {grouped(count)}" + (f" {word}" if has_words else "")
            spans += [("  ", "")] if spans else []
            spans.append((text, word))
    return tuple(spans)


def day_line(counts: Counts, glyphs: Glyphs = UNICODE) -> Line:
    """Draw the runs of the last day by the hour; hours in which one failed are in the colour of that."""
    heights = sparkline([hour.total or None for hour in counts.hours], glyphs)
    return tuple(
        (sign if hour.total else glyphs.heights[0], "failed" if hour.failed else "completed" if hour.total else "quiet")
        for sign, hour in zip(heights, counts.hours, strict=True)
    )


def strip(runs: Sequence[PastRun], cells: int, glyphs: Glyphs = UNICODE) -> Line:
    """Draw the latest runs as signs of their states, the newest at the right."""
    signs = [(glyphs.states[word], word) for run in runs[-cells:] if (word := word_of(run.state_type, run.state_name))]
    return fit_line(signs, cells)


def durations(runs: Sequence[PastRun], cells: int, glyphs: Glyphs = UNICODE) -> str:
    """Draw how long the latest runs took as heights, the newest at the right."""
    return fit(sparkline([run.took_s for run in runs[-cells:]], glyphs), cells)


def _tasks(run: FlowRunRow, columns: ListColumns, glyphs: Glyphs) -> Iterable[Span]:
    if not columns.tally:
        return
    done, failed, total = done_of(run)
    word = word_of_run(run)
    if columns.bar:
        # It has ended without a task: there is nothing to do, done or not.
        is_bare = not total and run.is_final
        drawn = " " * (columns.bar - 1) if is_bare else progress(done, total, columns.bar - 1, glyphs, failed)
        yield drawn, "failed" if failed else word
        yield " ", ""
    text = f"{grouped(done)}/{grouped(total)}" if total else ""
    if len(text) > columns.tally - 1:
        text = f"{_brief(done)}/{_brief(total)}"
    yield fit(text, columns.tally, align="left" if columns.bar else "right", cut=glyphs.cut), ""


def _brief(count: int) -> str:
    return str(count) if count < 1000 else f"{count / 1000:.0f}k"


def _usual(took: float | None, usual: float | None, columns: ListColumns, glyphs: Glyphs) -> Iterable[Span]:
    cells = columns.usual - 2
    yield "  ", ""
    if took is None or not usual:
        yield " " * cells, ""
    else:
        drawn = elapsed_bar(took / usual, cells, glyphs, is_over=is_over(took, usual))
        full = len(drawn) - drawn.count(glyphs.rest)
        yield drawn[:full], "over" if is_over(took, usual) else "quiet"
        yield drawn[full:], "rest"
    if columns.usual_s:
        text = "" if usual is None else round_duration(usual)
        if took is not None and usual and is_over(took, usual):
            text = f"+{round_duration(took - usual)}"
        yield fit(text, columns.usual_s, align="right"), "quiet"
