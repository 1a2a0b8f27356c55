"""Makes the flow runs and task runs of calls, and records that they exist."""

from __future__ import annotations

from _thread import get_ident
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.context import CURRENT, TAGS
from flowctl.core.authoring.runs import FlowRun, TaskRun
from flowctl.core.authoring.states import State
from flowctl.core.engine.arguments import find
from flowctl.core.engine.control import attend
from flowctl.core.engine.loose import loose_run
from flowctl.core.engine.previews import parameters_json
from flowctl.core.engine.root import RootRun, source_of
from flowctl.core.engine.task_terms import terms_of
from flowctl.store.journal import FlowRunCreated, TaskRunCreated
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.authoring.flows import Flow
    from flowctl.core.authoring.tasks import Task
    from flowctl.core.engine.resume import Recorded

#: Arguments of a root run are kept up to this many bytes, pickled, so that it can be retried in another process.
LARGEST_ARGUMENTS = 64 * 1024 * 1024
#: As many tasks as a flow has in code, and more.
_MOST_TERMS = 1000


def new_task_run(
    task: Task[..., Any],
    arguments: dict[str, Any],
    wait_for: Any = None,
    map_index: int | None = None,
    mapped: dict[str, Any] | None = None,
) -> TaskRun:
    """Make a task run where the present code stands: in a flow run, in another task run, or outside any.

    `mapped` has, by parameter, what the items of a `map` were taken from.
    """
    around = CURRENT.get()
    if around is None or around.flow_run.root.is_closed:
        around = loose_run()
    flow_run = around.flow_run
    root = flow_run.root
    position = None
    if around.thread == get_ident():
        position = around.calls
        around.calls = position + 1
    if root.recorded is not None:
        root.recorded.check_order(around, task.task_key, position, root)
    tags = TAGS.get()
    if task.tags:
        tags = tags | task.tags
    upstreams = find(arguments, wait_for)
    at = root.clock()
    run = TaskRun(
        task,
        flow_run,
        around if isinstance(around, TaskRun) else None,
        root.new_task_number(),
        arguments,
        tags,
        State(StateType.PENDING, "Pending", at=at),
        map_index,
    )
    run.deferred = upstreams
    run.position = position
    root.journal.append(
        TaskRunCreated(
            at,
            run.number,
            flow_run.number,
            None if run.parent is None else run.parent.number,
            task.task_key,
            task.name,
            None,
            sorted(tags) if tags else [],
            root.handed_on.add_to(None if upstreams is None else upstreams.numbers(root, arguments), arguments, mapped),
            map_index,
            position,
            _terms_of(task, root),
        )
    )
    return run


def _terms_of(task: Task[..., Any], root: RootRun) -> str | None:
    known = root.terms
    if task not in known:
        if len(known) >= _MOST_TERMS:
            known.clear()  # tasks that are made for one call each must not be kept by what is known of them
        known[task] = terms_of(task, root.settings)
    return known[task]


def new_flow_run(
    flow: Flow[..., Any],
    arguments: dict[str, Any],
    wait_for: Any = None,
    *,
    name: str | None = None,
    recorded: Recorded | None = None,
    opened: RootRun | None = None,
) -> FlowRun:
    """Make a flow run: a subflow run where there is a run around, else a root run with a journal of its own.

    `opened` is that journal, where it was opened before the flow was known.
    """
    around = CURRENT.get()
    if around is not None and around.flow_run.root.is_closed:
        around = None
    parent = None if around is None else around.flow_run
    if parent is not None and not parent.is_loose:
        root: RootRun = parent.root
        number = root.new_run_number()
        run_id = _subflow_id()
    else:
        root = opened or RootRun(start=flow.file, recorded=recorded)
        number = 0
        if recorded is None:
            root.new_run_number()
        run_id = root.id
        parent = around = None
    at = root.clock()
    run = FlowRun(
        id=run_id,
        name=name or (recorded.run_name if recorded else _random_name()),
        flow=flow,
        root=root,
        number=number,
        parent=parent,
        parent_task=around if isinstance(around, TaskRun) else None,
        parameters=arguments,
        tags=TAGS.get(),
        state=State(StateType.PENDING, "Pending", at=at),
    )
    if recorded is not None:
        run.run_count = recorded.run_count
        run.path = ()
    run.deferred = find(arguments, wait_for)
    root.journal.append(
        FlowRunCreated(
            at=at,
            run=number,
            id=run.id,
            name=run.name,
            flow_name=flow.name,
            parent_run=None if parent is None else parent.number,
            parent_task=None if run.parent_task is None else run.parent_task.number,
            parameters=parameters_json(arguments, root.settings.secret_names),
            tags=sorted(run.tags),
            source=source_of(flow, root.settings),
            arguments=_pickled(arguments) if number == 0 else None,
        )
    )
    if number == 0:
        attend(run)
        if root.output is not None:
            root.output.begin(run)
    return run


def _subflow_id() -> str:
    from flowctl.core.engine.root import new_id

    return new_id()


def _random_name() -> str:
    from flowctl.core.authoring.templates import random_run_name

    return random_run_name()


def _pickled(arguments: dict[str, Any]) -> bytes | None:
    """Pickle the arguments of a root run; None when that fails, and then it cannot be retried elsewhere."""
    from flowctl.core.engine.results import keep

    kept = keep(arguments, folder="", name="", limit=LARGEST_ARGUMENTS, persist=False)
    data: bytes | None = None if kept is None else kept[1]
    return data
