"""How often a task is tried, what it waits for in between, and when it gives up, in the words of the screens."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from flowctl.store.records import FlowRunRow, TaskRunRow
from flowctl.store.terms import Terms
from flowctl.tui.model.glyphs import UNICODE, Glyphs
from flowctl.tui.model.texts import countdown, round_duration

#: More delays than these are not told one by one.
_MOST: Final = 6


def tries_text(task: TaskRunRow) -> str:
    """Write at which try of how many a task is: `3/5`; of one that is tried once, `1/1`."""
    if task.terms is not None or (task.run_count <= 1 and task.due_at is None):
        return f"{task.run_count}/{1 if task.terms is None else task.terms.tries}"
    return str(task.run_count)  # by an older flowctl, which did not say how often


def next_try(task: TaskRunRow) -> str:
    """Name the try that is due: `retry 3 of 5`."""
    of = "" if task.terms is None else f" of {task.terms.tries}"
    return f"retry {task.run_count + 1}{of}"


def next_flow_try(run: FlowRunRow) -> str:
    """Name the try of a flow's whole body that is due: `retry 2 of 4`."""
    return f"retry {run.run_count + 1}" + ("" if run.tries is None else f" of {run.tries}")


def flow_tries_text(run: FlowRunRow) -> str:
    """Write at which try of how many a flow is: `2/4`; nothing of one that is tried once."""
    return f"{run.run_count}/{run.tries}" if run.tries is not None else ""


def next_try_briefly(task: TaskRunRow, now: datetime) -> str:
    """Name the try that is due where there is little room: `3/5 in 0:07`."""
    left = 0.0 if task.due_at is None else (task.due_at - now).total_seconds()
    if task.terms is None:
        return f"retry {countdown(left)}"
    return f"{task.run_count + 1}/{task.terms.tries} in {countdown(left)}"


def policy_words(terms: Terms, glyphs: Glyphs = UNICODE) -> str:
    """Say when a task is tried again: `exponential 2→4→8 s, jitter 0.5 · if is_temporary says so`."""
    if not terms.retries:
        return ""
    parts = [_delays_words(terms, glyphs)]
    if terms.jitter:
        parts.append(f"jitter {terms.jitter:g}")
    words = ", ".join(parts)
    return words if terms.condition is None else f"{words} {glyphs.dot} if {terms.condition} says so"


def gives_up_at(task: TaskRunRow) -> datetime | None:
    """Tell when the last try ends if all fail as the latest did; None where nothing more is to be tried."""
    terms, due = task.terms, task.due_at
    if terms is None or due is None or task.is_final:
        return None
    took_s = next(
        (
            (each.ended_at - each.started_at).total_seconds()
            for each in reversed(task.attempts)
            if each.started_at is not None and each.ended_at is not None
        ),
        0.0,
    )
    left = range(task.run_count + 1, terms.tries)
    seconds = sum(terms.delay_s(tries) + took_s for tries in left) + took_s
    try:
        return due + timedelta(seconds=seconds)
    except OverflowError:
        return None


def _delays_words(terms: Terms, glyphs: Glyphs) -> str:
    delays = terms.delays
    if not any(delays):
        return "at once"
    each = [terms.delay_s(tries) for tries in range(1, min(terms.retries, _MOST) + 1)]
    if len(set(each)) == 1:
        return f"after {round_duration(each[0])}"
    kind = "exponential " if all(later == 2 * one for one, later in pairwise(each)) and len(each) > 2 else ""
    if all(one < 60 for one in each):
        chain = glyphs.arrow.join(f"{one:g}" for one in each)
        unit = " s"
    else:
        chain, unit = glyphs.arrow.join(map(round_duration, each)), ""
    more = glyphs.arrow + glyphs.cut if terms.retries > _MOST else ""
    return f"{kind}{chain}{more}{unit}"
