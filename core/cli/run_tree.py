"""The tasks and subflows of a recorded run as a tree of lines; many runs of one task are folded into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from rich.text import Text

from flowctl.core.cli.display_words import duration
from flowctl.core.cli.palette import PROBLEM, QUIET, look
from flowctl.core.cli.run_json import took_s
from flowctl.core.cli.runs_list import counts
from flowctl.core.cli.safe_text import safe
from flowctl.core.cli.tracebacks import headline
from flowctl.core.cli.wording import ago
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow, TaskRunRow
from flowctl.store.states import StateType

Run = FlowRunRow | TaskRunRow

#: More runs of one task than this, beside each other, are one line.
_FOLD_ABOVE = 4
#: Problems listed under a folded line.
_MOST_PROBLEMS = 5
#: A shorter wait between creation and start is not worth a word.
_LONG_WAIT_S = 1.0


def tasks_below(reader: Reader, run: FlowRunRow, attempt: int) -> tuple[list[FlowRunRow], list[TaskRunRow]]:
    """Read the subflows and the tasks below a run, at any depth, in one attempt."""
    subflows: list[FlowRunRow] = []
    tasks = reader.task_runs(run.id, attempt=attempt)
    waiting = [run.id]
    while waiting:
        for subflow in reader.subflows(waiting.pop()):
            # Each attempt has subflow runs of its own.
            if subflow.attempt == attempt:
                subflows.append(subflow)
                tasks += reader.task_runs(subflow.id)
                waiting.append(subflow.id)
    return subflows, tasks


class Row(NamedTuple):
    """One line: how deep, what stands left, what stands at the right edge."""

    depth: int
    left: Text
    right: str


class RunTree:
    """All runs below a flow run, by their parents."""

    def __init__(self, root: FlowRunRow, subflows: Sequence[FlowRunRow], tasks: Sequence[TaskRunRow]) -> None:
        self.root = root
        self._below: dict[str, list[Run]] = {}
        for subflow in subflows:
            self._below.setdefault(subflow.parent_task_id or subflow.parent_id or root.id, []).append(subflow)
        for task in tasks:
            self._below.setdefault(task.parent_task_id or task.flow_run_id, []).append(task)
        #: How many task runs are in which state, subflows' included.
        self.counts: dict[str, int] = {}
        for task in tasks:
            self.counts[task.state_name] = self.counts.get(task.state_name, 0) + 1
        for runs in self._below.values():
            runs.sort(key=lambda run: run.created_at)

    def rows(self, now: datetime, *, everything: bool) -> Iterator[Row]:
        """Yield the lines from the top; nesting is followed as deep as it goes."""
        stack: list[Iterator[tuple[int, list[Run]]]] = [iter(self._groups(self.root.id, 0, everything))]
        while stack:
            group = next(stack[-1], None)
            if group is None:
                stack.pop()
                continue
            depth, runs = group
            if len(runs) == 1:
                yield from _single(runs[0], depth, now)
                if everything and isinstance(runs[0], TaskRunRow):
                    yield from _tries(runs[0], depth + 1, now)
                stack.append(iter(self._groups(runs[0].id, depth + 1, everything)))
            else:
                yield from _folded(runs, depth, now)

    def _groups(self, parent: str, depth: int, everything: bool) -> list[tuple[int, list[Run]]]:
        groups: dict[str, list[Run]] = {}
        for run in self._below.get(parent, ()):
            key = f"task {run.task_key} {run.task_name}" if isinstance(run, TaskRunRow) else f"flow {run.flow_name}"
            groups.setdefault(key, []).append(run)
        found: list[tuple[int, list[Run]]] = []
        for runs in groups.values():
            is_folded = len(runs) > _FOLD_ABOVE and not everything
            found += [(depth, runs)] if is_folded else [(depth, [run]) for run in runs]
        # Groups stand where their first run was made, single runs in the order in which they were made.
        return sorted(found, key=lambda group: group[1][0].created_at)


def _single(run: Run, depth: int, now: datetime) -> Iterator[Row]:
    seen = look(run.state_type, run.state_name)
    is_problem = run.state_type in (StateType.FAILED, StateType.CRASHED)
    left = Text.assemble((f"{seen.glyph} ", seen.style), safe(run.name, "bold" if is_problem else ""))
    if isinstance(run, FlowRunRow):
        left.append_text(Text.assemble((" flow ", QUIET), safe(run.flow_name, QUIET)))
    remarks = list(_remarks(run, now))
    if remarks:
        left.append_text(Text(f"  {', '.join(remarks)}", QUIET))
    if run.error is not None and is_problem:
        left.append_text(Text("  ")).append_text(safe(headline(run.error), PROBLEM))
    elif run.message and is_problem:
        left.append_text(Text("  ")).append_text(safe(run.message, PROBLEM))
    took = took_s(run.started_at, run.ended_at, now)
    yield Row(depth, left, "" if took is None else duration(took))


def _tries(task: TaskRunRow, depth: int, now: datetime) -> Iterator[Row]:
    """Tell of each try of a task that needed several, with the waits between them."""
    if len(task.attempts) < 2:
        return
    ended_at: datetime | None = None
    for each in task.attempts:
        seen = look(each.state_type, each.state_name)
        left = Text.assemble((f"try {each.number}  ", QUIET), (f"{seen.glyph} ", seen.style), safe(each.state_name))
        if each.error is not None:
            left.append_text(safe(f"  {headline(each.error)}", PROBLEM))
        if each.started_at is not None and ended_at is not None:
            left.append(f"  after a wait of {duration((each.started_at - ended_at).total_seconds())}", QUIET)
        took = took_s(each.started_at, each.ended_at, now)
        yield Row(depth, left, "" if took is None else duration(took))
        ended_at = each.ended_at


def _remarks(run: Run, now: datetime) -> Iterator[str]:
    if run.state_name not in ("Completed", "Failed"):
        yield run.state_name
    if run.run_count > 1:
        yield f"{run.run_count} tries"
    if run.due_at is not None and run.ended_at is None:
        yield f"next {ago(run.due_at, now)}"
    if run.started_at is not None and (waited_s := (run.started_at - run.created_at).total_seconds()) >= _LONG_WAIT_S:
        yield f"waited {duration(waited_s)}"


def _folded(runs: list[Run], depth: int, now: datetime) -> Iterator[Row]:
    first = runs[0]
    name = first.task_name if isinstance(first, TaskRunRow) else f"flow {first.flow_name}"
    by_state: dict[str, int] = {}
    for run in runs:
        by_state[run.state_name] = by_state.get(run.state_name, 0) + 1
    worst = min(runs, key=_urgency)
    seen = look(worst.state_type, worst.state_name)
    left = Text.assemble((f"{seen.glyph} ", seen.style), safe(name), (f" × {len(runs):,}  ", QUIET), counts(by_state))
    started = [run.started_at for run in runs if run.started_at is not None]
    is_open = any(run.ended_at is None and run.started_at is not None for run in runs)
    ended = [run.ended_at for run in runs if run.ended_at is not None]
    took = ((now if is_open else max(ended, default=now)) - min(started)).total_seconds() if started else None
    yield Row(depth, left, "" if took is None else duration(took))
    problems = [run for run in runs if run.state_type in (StateType.FAILED, StateType.CRASHED)]
    for run in problems[:_MOST_PROBLEMS]:
        yield from _single(run, depth + 1, now)
    if len(problems) > _MOST_PROBLEMS:
        yield Row(depth + 1, Text(f"and {len(problems) - _MOST_PROBLEMS:,} more, see them with --all", QUIET), "")


def _urgency(run: Run) -> int:
    order = (StateType.CRASHED, StateType.FAILED, StateType.CANCELLED, StateType.RUNNING, StateType.CANCELLING)
    return order.index(run.state_type) if run.state_type in order else 5 + (run.state_type is StateType.COMPLETED)
