"""How a run stood at an instant of the past, worked out from what is on record of it; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from flowctl.store.records import FlowRunRow, TaskRunRow
from flowctl.store.states import StateType
from flowctl.tui.model.snapshots import ListedRun, RunDetail


def moments_of(detail: RunDetail) -> list[datetime]:
    """Give every instant at which something of a run changed, in order."""
    runs, tasks = (detail.run, *detail.subflows), detail.tasks.values()
    tries = [each for task in tasks for each in task.attempts]
    # One kind after the other: each is nearly in order, which is sorted ten times as fast as what is mixed.
    found = [state.at for state in detail.history]
    found += [at for run in runs for at in (run.created_at, run.started_at, run.ended_at) if at is not None]
    found += [task.created_at for task in tasks]
    found += [each.started_at for each in tries if each.started_at is not None]
    found += [each.ended_at for each in tries if each.ended_at is not None]
    found += [task.ended_at for task in tasks if task.ended_at is not None]
    return list(dict.fromkeys(sorted(found)))


def moments_of_runs(rows: Iterable[ListedRun]) -> list[datetime]:
    """Give every instant at which one of some runs was made, began or ended, in order."""
    times = ((row.run.created_at, row.run.started_at, row.run.ended_at) for row in rows)
    return sorted({at for each in times for at in each if at is not None})


def detail_at(detail: RunDetail, at: datetime) -> RunDetail:
    """Show a run as it stood; what was not there yet is left out."""
    tasks = {number: past for number, task in detail.tasks.items() if (past := task_at(task, at)) is not None}
    history = tuple(state for state in detail.history if state.at <= at)
    applied = [state for state in history if state.applied]
    run = run_at(detail.run, at)
    if applied:
        last = applied[-1]
        run = replace(
            run,
            state_type=last.type,
            state_name=last.name,
            message=last.message,
            attempt=last.attempt,
            error=last.error,
        )
    return replace(
        detail,
        run=replace(run, task_counts=dict(Counter(task.state_name for task in tasks.values()))),
        subflows=tuple(run_at(row, at) for row in detail.subflows if row.created_at <= at),
        tasks=tasks,
        history=history,
        changed=frozenset(tasks),
        changed_flows=frozenset(row.id for row in detail.subflows),
        is_update=False,
        at=at,
    )


def run_at(run: FlowRunRow, at: datetime) -> FlowRunRow:
    """Show a flow run as it stood by its own times: made, begun, ended."""
    if run.ended_at is not None and run.ended_at <= at:
        return run
    has_begun = run.started_at is not None and run.started_at <= at
    state = (StateType.RUNNING, "Running") if has_begun else (StateType.PENDING, "Pending")
    if run.ended_at is None and has_begun:
        # Of what is at work now nothing tells when it was paused.
        state = (run.state_type, run.state_name)
    return replace(
        run,
        state_type=state[0],
        state_name=state[1],
        started_at=run.started_at if has_begun else None,
        ended_at=None,
        due_at=None,
        value=None,
        error=None,
        message=None,
    )


def rows_at(rows: Iterable[ListedRun], at: datetime) -> tuple[ListedRun, ...]:
    """Show the runs of a list as they stood; those that were made later are left out."""
    past: list[ListedRun] = []
    for row in rows:
        if row.run.created_at > at:
            continue
        run = run_at(row.run, at)
        # How many tasks were done by then, the list does not know.
        counts = run.task_counts if run is row.run else {}
        past.append(replace(row, run=replace(run, task_counts=counts), retry_at=None))
    return tuple(past)


def task_at(task: TaskRunRow, at: datetime) -> TaskRunRow | None:
    """Show a task run as it stood; None: it was not there yet."""
    if task.created_at > at:
        return None
    if task.ended_at is not None and task.ended_at <= at:
        return task
    begun = [each for each in task.attempts if each.started_at is not None and each.started_at <= at]
    open_ = replace(task, ended_at=None, value=None, error=None, message=None, due_at=None, run_count=len(begun))
    if not begun:
        return replace(open_, state_type=StateType.PENDING, state_name="Pending", started_at=None, attempts=[])
    last = begun[-1]
    if last.ended_at is not None and last.ended_at <= at:
        later = [each.started_at for each in task.attempts if each.number > last.number and each.started_at]
        due_at = later[0] if later else task.due_at
        if due_at is not None:
            return replace(
                open_,
                state_type=StateType.SCHEDULED,
                state_name="AwaitingRetry",
                due_at=due_at,
                attempts=begun,
                error=last.error,
            )
    running = replace(last, ended_at=None, state_type=StateType.RUNNING, state_name="Running", error=None, message=None)
    return replace(open_, state_type=StateType.RUNNING, state_name="Running", attempts=[*begun[:-1], running])
