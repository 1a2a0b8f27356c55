"""`flowctl runs show`: one run on one page, from its state down to the next command to type."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from flowctl.core.cli.display_errors import short_path
from flowctl.core.cli.display_words import duration
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console, print_json
from flowctl.core.cli.palette import ACCENT, QUIET, look
from flowctl.core.cli.run_json import flow_run_json, state_json, task_run_json, took_s
from flowctl.core.cli.run_sections import print_errors, print_history, print_parameters, print_tasks
from flowctl.core.cli.run_tree import RunTree, tasks_below
from flowctl.core.cli.runs_list import typed
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.core.cli.wording import ago, moment, size
from flowctl.store.aftermath import signal_name
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow, StateRow, TaskRunRow
from flowctl.store.states import StateType


class Page(NamedTuple):
    """All that is shown of a run."""

    run: FlowRunRow
    #: Below it at any depth, in the attempt that is shown.
    subflows: list[FlowRunRow]
    tasks: list[TaskRunRow]
    history: list[StateRow]


def print_run(spec: str, *, attempt: int | None, everything: bool, full: bool, as_json: bool) -> Exit:
    """Print one run."""
    now = datetime.now(UTC)
    with open_reader(Home.default()) as reader:
        page = read_page(reader, spec, attempt)
    run = page.run
    if as_json:
        print_json(
            {
                **flow_run_json(run, now),
                "history": [state_json(state) for state in page.history],
                "subflow_runs": [flow_run_json(subflow, now) for subflow in page.subflows],
                "task_runs": [task_run_json(task, now) for task in page.tasks],
            }
        )
        return Exit.OK
    console = make_console()
    console.print(_title(run))
    for label, value in _facts(run, now):
        console.print(Text(f"  {label:<9}  ", QUIET).append_text(value))
    print_parameters(console, run)
    heading = "Tasks" if attempt is None else f"Tasks of attempt {attempt}"
    tree = RunTree(run, page.subflows, page.tasks)
    print_tasks(console, heading, tree, now, everything=everything)
    print_errors(console, run, [*page.tasks, *page.subflows], everything=everything, full=full)
    print_history(console, page.history)
    _print_next(console, run)
    return Exit.OK


def read_page(reader: Reader, spec: str, attempt: int | None) -> Page:
    """Read a run with everything below it, in its newest attempt if none is named."""
    run = reader.find_run(spec)
    if attempt is not None and attempt > run.attempt:
        raise CommandError(f"Run {run.name} has no attempt {attempt}; its latest is {run.attempt}.", Exit.NOT_FOUND)
    subflows, tasks = tasks_below(reader, run, attempt or run.attempt)
    return Page(run, subflows, tasks, reader.state_history(run.id))


def _title(run: FlowRunRow) -> Text:
    seen = look(run.state_type, run.state_name)
    style = f"bold {seen.style}"
    return Text.assemble(
        (f"{seen.glyph} ", style),
        safe(run.state_name, style),
        "  ",
        safe(run.name, "bold"),
        (f"  {'flow' if run.is_root else 'subflow'} ", QUIET),
        safe(run.flow_name),
    )


def _facts(run: FlowRunRow, now: datetime) -> Iterator[tuple[str, Text]]:
    yield "id", Text(run.id)
    if run.attempt > 1 and run.is_root:
        yield "attempt", Text(str(run.attempt))
    if run.run_count > run.attempt:
        yield "tries", Text(f"{run.run_count}, of the flow's body")
    yield "started" if run.started_at else "made", _times(run, now)
    if run.due_at is not None and not run.is_final:
        label = "next try" if run.run_count else "due"
        yield label, Text(f"{moment(run.due_at)}, {ago(run.due_at, now)}")
    if run.deployment:
        occurrence = f"  for {moment(run.scheduled_for)}" if run.scheduled_for else ""
        yield "deployed", safe(run.deployment).append(occurrence, QUIET)
    file, line = run.source.get("file"), run.source.get("line")
    if file:
        yield "from", safe(short_path(str(file)) + (f":{line}" if line else ""))
    if run.tags:
        yield "tags", safe(", ".join(run.tags))
    if run.parent_id:
        yield "called by", Text(run.parent_id)
    if run.value not in (None, "None") and run.state_type is StateType.COMPLETED:
        yield "value", safe_block(run.value)
    if (process := _process(run)) is not None:
        yield "process", process
    # An error says it again below, with its traceback.
    if run.message and run.error is None:
        yield "message", safe_block(run.message)
    if run.problem:
        yield "journal", safe_block(run.problem)


def _process(run: FlowRunRow) -> Text | None:
    """Tell what the process of a run took, and how it ended where that was no good end."""
    parts: list[str] = []
    if run.max_memory:
        parts.append(f"{size(run.max_memory)} of memory{' at most' if run.is_final else ''}")
    if run.cpu_s is not None:
        parts.append(f"{duration(run.cpu_s)} of processor time")
    if run.exit_code:
        parts.append(f"exit status {run.exit_code}" if run.exit_code > 0 else signal_name(-run.exit_code))
    return Text(", ".join(parts)) if parts else None


def _times(run: FlowRunRow, now: datetime) -> Text:
    began_at = run.started_at or run.created_at
    text = Text.assemble(moment(began_at), (f"  {ago(began_at, now)}", QUIET))
    took = took_s(run.started_at, run.ended_at, now)
    if took is not None:
        text.append(f"  {'took' if run.ended_at else 'running for'} ", QUIET).append(duration(took))
    return text


def _print_next(console: Console, run: FlowRunRow) -> None:
    if not run.is_root or run.state_type is StateType.COMPLETED:
        return
    if run.is_final:
        words, command = "Go on from what completed", f"flowctl runs retry {typed(run)}"
    else:
        words, command = "Watch it", f"flowctl runs watch {typed(run)}"
    console.print()
    console.print(Text.assemble((f"{words}: ", QUIET), safe(command, f"bold {ACCENT}")))
