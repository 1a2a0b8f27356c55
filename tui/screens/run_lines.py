"""What stands beside the tree of a run where there is room: how it stands, its parameters, its history, its error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from flowctl.store.records import FlowRunRow
from flowctl.tui.model.glyphs import OPEN, Glyphs, word_of
from flowctl.tui.model.runs_lines import done_of, run_took_s
from flowctl.tui.model.snapshots import PastRun, RunDetail
from flowctl.tui.model.texts import (
    Line,
    Span,
    clock,
    countdown,
    fit,
    left_of,
    progress,
    round_duration,
    short_duration,
    when,
)
from flowctl.tui.screens.error_lines import error_lines
from flowctl.tui.screens.preview import past_lines

_NAME: Final = 10
_MOST_PARAMETERS: Final = 12


def facts_lines(
    detail: RunDetail,
    latest: Sequence[PastRun],
    former: tuple[str, Sequence[str]],
    now: datetime,
    glyphs: Glyphs,
) -> list[Line]:
    """Write what is known of a run besides its tasks; `former` is what the task of that name gave before."""
    run = detail.run
    word = word_of(run.state_type, run.state_name)
    usual = ""
    if detail.typical_s is not None:
        usual = f" of ~{round_duration(detail.typical_s)} (p50 of {detail.typical_of})"
    lines: list[Line] = [
        _fact("state", f"{glyphs.states[word]} {run.state_name}", word),
        _fact("took" if run.is_final else "elapsed", short_duration(run_took_s(run, now), dash=glyphs.dash) + usual),
        _fact("started", glyphs.dash if run.started_at is None else clock(run.started_at)),
    ]
    if run.due_at is not None and not run.is_final:
        lines.append(_fact("due", f"{clock(run.due_at)}, {_until(run.due_at, now)}"))
    if run.is_root:
        lines.append(_fact("trigger", _trigger(run)))
    pid = "" if detail.pid is None else f"pid {detail.pid}"
    memory = f"{run.max_memory / 1e6:.0f} MB" if run.max_memory else ""
    cpu = "" if run.cpu_s is None else f"{short_duration(run.cpu_s)} of CPU"
    if pid or memory or cpu:
        told = f" {glyphs.dot} ".join(part for part in (pid, memory, cpu) if part)
        lines.append(_fact("worker" if pid else "used", told))
    if run.exit_code:
        lines.append(_fact("exit", str(run.exit_code)))
    if run.attempt > 1:
        lines.append(_fact("attempt", str(run.attempt)))
    if run.tags:
        lines.append(_fact("tags", ", ".join(run.tags)))
    if run.value is not None:
        lines.append(_fact("result", run.value))
    if run.message:
        lines.append(_fact("message", run.message.split("\n", 1)[0]))
    lines.append((("id  ", "quiet"), (run.id, "quiet")))
    if run.parameters:
        lines += [(), (("parameters", "title"),)]
        lines += [((f"  {fit(name, _NAME)} ", "quiet"), (repr(value), "")) for name, value in run.parameters.items()]
    if run.error is not None:
        lines += [(), *error_lines(run.error, glyphs, shows_all=False)]
    if len(latest) > 1:
        lines += [(), *past_lines(latest, detail.typical_s, glyphs)]
    name, values = former
    if values:
        what = "result" if len(values) == 1 else f"{len(values)} results"
        lines += [(), ((f"last {what} of ", "title"), (name, "title"))]
        lines += [((f"  {value}", ""),) for value in values]
    lines += [(), (("history", "title"),)]
    history = detail.history
    fresh = [each for place, each in enumerate(history) if not place or each.name != history[place - 1].name]
    for state in fresh[-12:]:
        state_word = word_of(state.type, state.name)
        lines.append(((f"  {clock(state.at)} ", "quiet"), (f"{glyphs.states[state_word]} {state.name}", state_word)))
    return lines


def _until(due: datetime, now: datetime) -> str:
    left = (due - now).total_seconds()
    return f"in {countdown(left)}" if left > 0 else f"{short_duration(-left)} ago"


def standing_words(run: FlowRunRow, usual_s: float | None, now: datetime) -> str:
    """Say for how long a run goes on, of what is usual; of one that has not begun, how long it yet waits, or has."""
    took = run_took_s(run, now)
    word = word_of(run.state_type, run.state_name)
    if took is None and run.due_at is not None and word in OPEN:
        left = (run.due_at - now).total_seconds()
        return f"starts in {countdown(left)}" if left > 0 else f"for {short_duration(-left)}"
    of = f" of ~{round_duration(usual_s)}" if usual_s and word in OPEN and took is not None else ""
    return f"{short_duration(took)}{of}"


def _trigger(run: FlowRunRow) -> str:
    """Say what made a run begin: a schedule, a person who asked for it, a person who ran its file."""
    if run.scheduled_for is not None:
        return f"schedule of {run.deployment or 'its own'}, for {clock(run.scheduled_for)}"
    return "by hand" if run.deployment is None else f"{run.deployment}, by hand"


def facts_bar(detail: RunDetail, now: datetime, glyphs: Glyphs) -> tuple[Line, Line]:
    """Write the line under the name of a run: how many tasks are done, its parameters, how long it will yet take."""
    run = detail.run
    done, failed, total = done_of(run)
    word = word_of(run.state_type, run.state_name)
    spans: list[Span] = [(" ", "")]
    if total:
        spans += [
            (progress(done, total, 12, glyphs, failed), "failed" if failed else word),
            (f" {done}/{total}  ", ""),
        ]
    for name, value in list(run.parameters.items())[:_MOST_PARAMETERS]:
        spans += [(f" {name}=", "quiet"), (repr(value)[:200], "")]
    if run.started_at is None and run.message:
        spans.append((f" {run.message.splitlines()[0]}", word))
    spans.append((f"  {_said(detail, now)}", "quiet" if word not in ("retrying", "paused") else word))
    took, usual = run_took_s(run, now), detail.typical_s
    right: Line = ()
    if word == "running" and took is not None and usual and took < usual:
        right = ((f"{left_of(usual - took)} ", "quiet"),)
    return tuple(spans), right


def _said(detail: RunDetail, now: datetime) -> str:
    """Say who had the run begin, and when; of one that is paused or was cancelled, who did that."""
    run = detail.run
    word = word_of(run.state_type, run.state_name)
    if run.started_at is None:
        return ""
    if word == "retrying" and run.error is not None:
        return f"{run.error.type_name}: {run.error.text.splitlines()[0] if run.error.text else ''}"
    last = next((each for each in reversed(detail.history) if each.applied), None)
    if word in ("paused", "cancelled") and (run.message or "").startswith("A person "):
        return f"{word} by you {when(last.at if last is not None else run.started_at, now)}"
    at = when(run.started_at, now)
    return f"by schedule {at}" if run.scheduled_for is not None else f"by you {at}" if run.deployment else f"begun {at}"


def _fact(name: str, value: str, style: str = "") -> Line:
    return ((fit(name, _NAME), "quiet"), (value, style))
