"""The sections of a run's page: parameters, tasks, errors, history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from rich.console import Console
from rich.text import Text

from flowctl.core.cli.display_words import duration
from flowctl.core.cli.palette import PROBLEM, QUIET, look
from flowctl.core.cli.run_tree import Row, RunTree
from flowctl.core.cli.runs_list import counts
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.core.cli.tracebacks import traceback_lines
from flowctl.core.cli.wording import clock, moment
from flowctl.store.errors import ErrorReport
from flowctl.store.records import FlowRunRow, StateRow, TaskRunRow
from flowctl.store.states import StateType

#: Errors shown without `--all`; a thousand mapped tasks often fail for one reason.
_MOST_ERRORS: Final = 3
#: Times stand at the right edge, but not so far that the eye loses the line.
_WIDEST: Final = 120
_LONGEST_NAME: Final = 24
_CONSEQUENCE: Final = "UpstreamTaskError"
_PROBLEMS: Final = (StateType.FAILED, StateType.CRASHED)


def print_parameters(console: Console, run: FlowRunRow) -> None:
    """Print the parameters, if there are any."""
    if not run.parameters:
        return
    _heading(console, Text("Parameters", "bold"))
    width = min(max(len(name) for name in run.parameters), _LONGEST_NAME)
    for name, value in run.parameters.items():
        line = Text("  ").append_text(safe(f"{name:<{width}}", QUIET))
        console.print(line.append("  ").append_text(safe_block(repr(value))))


def print_tasks(console: Console, title: str, tree: RunTree, now: datetime, *, everything: bool) -> None:
    """Print tasks and subflows as a tree, with their times at the right edge."""
    rows = list(tree.rows(now, everything=everything))
    if not rows:
        return
    _heading(console, Text.assemble((title, "bold"), "  ", counts(tree.counts)))
    natural = max(4 + 2 * row.depth + row.left.cell_len + len(row.right) for row in rows)
    width = min(console.width, max(natural, 40), _WIDEST if console.is_terminal else natural)
    for row in rows:
        console.print(_laid_out(row, width), no_wrap=True)


def print_errors(
    console: Console, run: FlowRunRow, below: Sequence[FlowRunRow | TaskRunRow], *, everything: bool, full: bool
) -> None:
    """Print each error once, under the run that is nearest to where it was raised."""
    errors = list(_distinct_errors([*below, run]))
    shown = errors if everything else errors[:_MOST_ERRORS]
    for name, count, error in shown:
        more = f" and {count - 1:,} more" if count > 1 else ""
        _heading(console, Text.assemble(("Error", f"bold {PROBLEM}"), (" in ", QUIET), safe(name), (more, QUIET)))
        for line in traceback_lines(error, full=full):
            console.print(Text("  ").append_text(line))
    if len(errors) > len(shown):
        console.print()
        console.print(Text(f"{len(errors) - len(shown)} other errors, see them with --all", QUIET))


def print_history(console: Console, history: Sequence[StateRow]) -> None:
    """Print every state the run was in, with the time since its attempt began."""
    if not history:
        return
    _heading(console, Text("History", "bold"))
    has_attempts = history[-1].attempt > 1
    attempt = 0
    began_at = history[0].at
    before: StateRow | None = None
    for state in history:
        # The daemon says that a run is Pending when it asks for a process, and the process says so once more.
        is_said, before = _says_again(before, state), state
        if is_said:
            continue
        if state.attempt != attempt:
            attempt, began_at = state.attempt, state.at
            if has_attempts:
                console.print(Text(f"  attempt {attempt}, {moment(state.at)}", QUIET))
        since_s = (state.at - began_at) / timedelta(seconds=1)
        seen = look(state.type, state.name)
        line = Text.assemble(
            (f"  {clock(state.at)}  {f'+{duration(since_s)}':>7}  ", QUIET),
            (f"{seen.glyph} ", seen.style),
            safe(state.name, "" if state.applied else f"strike {QUIET}"),
        )
        if not state.applied:
            line.append("  changed nothing", QUIET)
        if state.message:
            line.append("  ").append_text(safe(state.message, QUIET))
        console.print(line, overflow="ellipsis", no_wrap=True)


def _says_again(before: StateRow | None, state: StateRow) -> bool:
    if before is None or state.message or state.type is not StateType.PENDING:
        return False
    return (before.attempt, before.type, before.name) == (state.attempt, state.type, state.name)


def _heading(console: Console, words: Text) -> None:
    console.print()
    console.print(words)


def _laid_out(row: Row, width: int) -> Text:
    """Put the time at the right edge, and cut what is left of it where there is no room."""
    text = Text("  " + "  " * min(row.depth, width // 8), no_wrap=True).append_text(row.left)
    room = width - len(row.right) - 2
    if text.cell_len > room:
        text.truncate(room, overflow="ellipsis")
    if not row.right:
        return text
    return text.append(" " * (width - len(row.right) - text.cell_len)).append(row.right, QUIET)


def _distinct_errors(runs: Sequence[FlowRunRow | TaskRunRow]) -> Iterator[tuple[str, int, ErrorReport]]:
    """Give each error with the first run it ended and how many it ended; an error passes on from task to flow.

    That an upstream did not complete is no error to look at where the upstream's own is there.
    """
    found: dict[object, list[FlowRunRow | TaskRunRow]] = {}
    failed = [run for run in runs if run.error is not None and run.state_type in _PROBLEMS]
    causes = [run for run in failed if run.error is not None and run.error.type_name != _CONSEQUENCE]
    for run in causes or failed:
        if run.error is not None:
            where = run.error.own_frame
            key = (run.error.full_name, where and (where.file, where.line), None if where else run.error.text)
            found.setdefault(key, []).append(run)
    for same in found.values():
        tasks = [run for run in same if isinstance(run, TaskRunRow)] or same
        if tasks[0].error is not None:
            yield tasks[0].name, len(tasks), tasks[0].error
