"""Reading one run with all below it, and then only what changed; and one task run with what stands around it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from statistics import median

from flowctl.store.problems import RunNotFound
from flowctl.store.records import FlowRunRow, TaskRunRow
from flowctl.store.tree_reading import TreeReader
from flowctl.tui.data import safe_rows
from flowctl.tui.model.snapshots import Related, RunDetail, TaskDetail


def run_detail(reader: TreeReader, run_id: str, known: RunDetail | None, now: datetime) -> RunDetail:
    """Read a run and its tree; what `known` has and cannot have changed is taken from there."""
    place = reader.place(run_id)
    if place is None:
        raise RunNotFound(run_id)
    runs = [safe_rows.flow_run(row) for row in reader.tree_runs(place)]
    if not runs:
        raise RunNotFound(run_id)
    root = runs[0]
    shown = root if place.run == place.root else next((row for row in runs if row.id == run_id), None)
    if shown is None:
        # A subflow of an earlier attempt: it stands there by itself.
        shown = safe_rows.flow_run(reader.flow_run(run_id))
        runs = [shown]
    if known is not None and (known.run.id != run_id or known.run.attempt != shown.attempt):
        known = None
    below = _below(shown, runs)
    tasks, changed = _tasks(reader, run_id, known)
    if shown is not root:
        inside = {shown.id, *(row.id for row in below)}
        tasks = {number: task for number, task in tasks.items() if task.flow_run_id in inside}
        changed &= tasks.keys()
    before = {} if known is None else {row.id: row for row in known.subflows}
    former = reader.former_durations(shown.flow_name) if known is None else []
    return RunDetail(
        run=shown,
        subflows=below,
        tasks=tasks,
        history=tuple(safe_rows.state(row) for row in reader.state_history(run_id)),
        typical_s=known.typical_s if known is not None else median(former) if former else None,
        typical_of=len(former) if known is None else known.typical_of,
        pid=None if shown.is_final else reader.process_of(place),
        typical_tasks=reader.typical_tasks(root.flow_name) if known is None else known.typical_tasks,
        changed=frozenset(changed),
        changed_flows=frozenset(row.id for row in below if before.get(row.id) != row),
        is_update=known is not None,
        at=now,
    )


def task_detail(reader: TreeReader, run_id: str, number: int, now: datetime) -> TaskDetail:
    """Read one task run, those whose values it takes and those that take its own."""
    place = reader.place(run_id)
    task = None if place is None else reader.task_run(run_id, number)
    if place is None or task is None:
        raise RunNotFound(run_id)
    run = reader.flow_run(task.flow_run_id)
    root = run if run.is_root else reader.flow_run(place.root_id)
    around = reader.linked_tasks(place, task)
    names = {each.id: each for each in around}
    upstreams = tuple(
        _related(names[id_], parameter) for parameter, ids in task.upstreams.items() for id_ in ids if id_ in names
    )
    downstreams = tuple(
        _related(each, parameter) for each in around for parameter, ids in each.upstreams.items() if task.id in ids
    )
    result = reader.result(run_id, number)
    return TaskDetail(
        task=safe_rows.task_run(task),
        run=safe_rows.flow_run(run),
        upstreams=upstreams,
        downstreams=downstreams,
        typical_s=reader.typical_tasks(root.flow_name).get(task.task_key),
        has_result=result is not None,
        result_size=None if result is None else result.size,
        at=now,
    )


def standing(reader: TreeReader, run_ids: Iterable[str]) -> tuple[FlowRunRow, ...]:
    """Read how some runs stand; those that are gone are left out."""
    found: list[FlowRunRow] = []
    for run_id in run_ids:
        with suppress(RunNotFound):
            found.append(safe_rows.flow_run(reader.flow_run(run_id)))
    return tuple(found)


def awaits_retry(task: TaskRunRow) -> bool:
    """Tell whether a task waits for its next try."""
    return task.due_at is not None and not task.is_final


def _tasks(reader: TreeReader, run_id: str, known: RunDetail | None) -> tuple[dict[int, TaskRunRow], set[int]]:
    place = reader.place(run_id)
    assert place is not None  # it was there a moment ago, in the same thread
    if known is None:
        rows = reader.tree_tasks(place)
        tasks = {row.number: safe_rows.task_run(row) for row in rows}
        return tasks, set(tasks)
    # What ended stays as it is, and so does what will never be ready.
    unsettled = [number for number, task in known.tasks.items() if not task.is_final and task.state_name != "NotReady"]
    rows = reader.tree_tasks(place, after=max(known.tasks, default=0), also=unsettled)
    tasks = dict(known.tasks)
    changed: set[int] = set()
    for row in sorted(map(safe_rows.task_run, rows), key=lambda row: row.number):
        if tasks.get(row.number) != row:
            tasks[row.number] = row
            changed.add(row.number)
    return tasks, changed


def _below(shown: FlowRunRow, runs: list[FlowRunRow]) -> tuple[FlowRunRow, ...]:
    """Keep what is below one run; parents come before what they call."""
    inside = {shown.id}
    below: list[FlowRunRow] = []
    for row in runs:
        if row.parent_id in inside:
            inside.add(row.id)
            below.append(row)
    return tuple(below)


def _related(task: TaskRunRow, parameter: str) -> Related:
    return Related(
        id=task.id,
        name=safe_rows.line(task.name),
        state_type=task.state_type.value,
        state_name=safe_rows.line(task.state_name),
        parameter=safe_rows.line(parameter),
    )
