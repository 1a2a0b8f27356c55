"""What is said when a run has ended: state, duration, counts, slowest tasks, result or error, what to type next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flowctl.core.cli.display_groups import problems_below
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_problems import is_consequence, is_interruption, problem_text
from flowctl.core.cli.display_words import Glyphs, Line, counts_line, duration, number, plural
from flowctl.store.text import safe_text

_MOST_PROBLEMS: Final = 5
_LONGEST_RESULT: Final = 300
#: Shorter tasks are not worth a word on how long they took.
_SLOW_S: Final = 0.05


def summary_lines(model: RunModel, glyphs: Glyphs, now: float, *, is_quiet: bool = False) -> list[Line]:
    """Write the summary; when quiet, the headline and the error."""
    word = model.root.word
    is_good = word in ("completed", "cached")
    lines: list[Line] = [] if is_quiet and is_good else [[]]
    lines.append(headline(model, glyphs, now))
    if not is_quiet:
        lines += _facts(model, glyphs)
    if not is_good:
        lines += _what_went_wrong(model, glyphs)
    if not is_quiet:
        lines += _next(model, word)
    return lines


def headline(model: RunModel, glyphs: Glyphs, now: float) -> Line:
    """Write `✓ etl  brave-otter  completed in 6.1s`."""
    root, state = model.root, model.state
    word = root.word
    name = (
        word
        if state is None or state.name.lower() == word
        else f"{word} ({safe_text(state.name, keep_newlines=False)})"
    )
    line: Line = [(glyphs.of(word), word), (f" {safe_text(root.name, keep_newlines=False)}", "title")]
    line += [(f"  {safe_text(root.run_name, keep_newlines=False)}", ""), (f"  {name}", word)]
    elapsed = root.elapsed_s(now)
    if elapsed is not None:
        line.append((f" in {duration(elapsed)}", ""))
    return line


def _facts(model: RunModel, glyphs: Glyphs) -> Iterator[Line]:
    if model.task_total:
        subflows = f"  {plural(model.subflow_total, 'subflow')}" if model.subflow_total else ""
        counts = counts_line(model.counts, glyphs, with_words=True)
        yield [*_label("tasks"), *counts, (subflows, "dim")]
    slowest = [one for one in sorted(model.slowest, reverse=True) if one[0] >= _SLOW_S][:3]
    if slowest and model.task_total > 1:
        line = _label("slowest")
        for seconds, _, name in slowest:
            line += [(safe_text(name, keep_newlines=False), ""), (f" {duration(seconds)}  ", "dim")]
        yield line
    if model.warning_count:
        remark = f"   flowctl runs logs {model.spec} --level warning"
        yield [*_label("log"), (_warnings(model.warning_count), "WARNING"), (remark, "dim")]
    state = model.state
    if state is not None and state.type == "COMPLETED" and state.value not in (None, "None"):
        yield [*_label("result"), (safe_text(str(state.value)[:_LONGEST_RESULT], keep_newlines=False), "")]


def _what_went_wrong(model: RunModel, glyphs: Glyphs) -> Iterator[Line]:
    """Tell why: the error with its traceback; before it, where it came from and what else did not complete."""
    from flowctl.core.cli.display_errors import error_lines, own_place, short_path
    from flowctl.store.errors import ErrorReport

    state = model.state
    error = None if state is None else state.error
    if error is not None and is_interruption(error):
        # Not an error of the flow's: where it was interrupted says enough.
        stopped = own_place(ErrorReport.from_plain(error))
        error = None
        if stopped is not None:
            yield [*_label("was at"), (f"{safe_text(short_path(stopped[0]), keep_newlines=False)}:{stopped[1]}", "")]
    if state is not None and error is None and state.message:
        yield [*_label("reason"), (safe_text(problem_text(None, state.message), keep_newlines=False), "")]
    problems = list(problems_below(model.root))
    # What only waited in vain is told by the counts; what it waited for is the reason.
    causes = [one for one in problems if one.word != "blocked" and not (one.error and is_interruption(one.error))]
    told = None if error is None else problem_text(error, None)
    source = next((problem for problem in causes if problem.error and problem.text == told), None)
    if source is None and (error is None or is_consequence(error)):
        source = next((problem for problem in causes if problem.error and not is_consequence(problem.error)), None)
        if source is not None:
            error = source.error
    others = [problem for problem in causes if problem is not source and problem.text != told]
    for place, problem in enumerate(others[:_MOST_PROBLEMS]):
        text = safe_text(problem.text, keep_newlines=False)
        name = safe_text(problem.run_name, keep_newlines=False)
        yield [
            *_label("" if place else "problems" if source is None else "also"),
            (f"{glyphs.of(problem.word)} ", problem.word),
            (f"{name}  {text}", ""),
        ]
    if error is not None:
        yield []
        if source is not None:
            yield [("  in ", "dim"), (safe_text(source.run_name, keep_newlines=False), "name")]
        yield from ([("  ", ""), *line] for line in error_lines(ErrorReport.from_plain(error), glyphs))


def _next(model: RunModel, word: str) -> Iterator[Line]:
    short = model.run_id[:8]
    yield []
    if word in ("failed", "crashed", "cancelled"):
        remark = "   what completed is not run again" if model.counts.get("completed") else ""
        yield [*_label("go on"), (f"flowctl runs retry {short}", "command"), (remark, "dim")]
    yield [*_label("look back"), (f"flowctl runs show {model.spec}", "command")]


def _warnings(count: int) -> str:
    return "1 warning or error" if count == 1 else f"{number(count)} warnings or errors"


def _label(text: str) -> Line:
    return [(f"  {text:<10}", "dim")]
