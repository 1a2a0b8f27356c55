"""By which names people call the task runs of a run, and how the sources of log lines are called."""

from __future__ import annotations

from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.run_tree import tasks_below
from flowctl.core.engine.settings import nearest
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow, LogRow, TaskRunRow

_MOST_NAMED = 5


def find_tasks(reader: Reader, run: FlowRunRow, spec: str) -> list[TaskRunRow]:
    """Find the task runs that a person means by an id, a task run's name, or the name of a task."""
    tasks = tasks_below(reader, run, run.attempt)[1]
    for found in (
        [task for task in tasks if task.id == spec],
        [task for task in tasks if task.name == spec],
        [task for task in tasks if task.task_name == spec],
        [task for task in tasks if spec.isdigit() and task.number == int(spec)],
    ):
        if found:
            return found
    if not tasks:
        raise CommandError(f"Run {run.name} has no tasks.", Exit.NOT_FOUND)
    names = {task.name for task in tasks} | {task.task_name for task in tasks}
    hint = nearest(spec, names) if len(names) <= 10 else nearest(spec, names).partition(" Known are")[0]
    raise CommandError(f"Run {run.name} has no task {spec!r}.{hint}", Exit.NOT_FOUND)


def find_task(reader: Reader, run: FlowRunRow, spec: str) -> TaskRunRow:
    """Find the one task run that a person means."""
    found = find_tasks(reader, run, spec)
    if len(found) > 1:
        some = ", ".join(task.name for task in found[:_MOST_NAMED]) + (", …" if len(found) > _MOST_NAMED else "")
        raise CommandError(f"{len(found)} task runs are called {spec!r}. Name one: {some}", Exit.NOT_FOUND)
    return found[0]


class SourceNames:
    """Names of the flow and task runs below a run; looked up anew when a run appears that was not there before."""

    def __init__(self, reader: Reader, run: FlowRunRow) -> None:
        self._reader = reader
        self._run = run
        self._names: dict[str, str] = {run.id: run.name}

    def of(self, line: LogRow) -> str:
        """Name the task run, or else the flow run, that wrote a line."""
        source = line.task_run_id or line.flow_run_id
        if source not in self._names:
            newest = self._reader.flow_run(self._run.id).attempt
            for attempt in range(1, newest + 1):
                subflows, tasks = tasks_below(self._reader, self._run, attempt)
                self._names.update((subflow.id, subflow.name) for subflow in subflows)
                self._names.update((task.id, task.name) for task in tasks)
            self._names.setdefault(source, source[:8])
        return self._names[source]
