"""`flowctl runs retry`: the next attempt of a run, from what its earlier ones completed."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rich.text import Text

from flowctl.core.cli.display import DisplayOptions, show_and_wait
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console
from flowctl.core.cli.palette import ACCENT, QUIET
from flowctl.core.cli.refusal import refuse
from flowctl.core.cli.run_tree import tasks_below
from flowctl.core.cli.runs_list import typed
from flowctl.core.cli.safe_text import safe
from flowctl.core.cli.wording import counted
from flowctl.core.engine.launch import look_back, relaunch
from flowctl.core.engine.loading_problems import TargetProblem
from flowctl.store.home import Home
from flowctl.store.liveness import is_alive
from flowctl.store.problems import NotARootRun
from flowctl.store.records import FlowRunRow
from flowctl.store.states import StateType

#: Tasks that run again and are named; of the rest only the number is told.
_MOST_NAMED = 4


def retry_run(spec: str, *, is_quiet: bool, check_order: bool = True) -> Exit:
    """Make the next attempt of a run in this process and show it; refuse where there is nothing to retry."""
    home = Home.default()
    with open_reader(home) as reader:
        run = reader.find_run(spec)
        if not run.is_root:
            raise NotARootRun(run.id, run.root_id)
        _refuse(home, run)
        again: dict[str, int] = {}
        completed = 0
        for task in tasks_below(reader, run, run.attempt)[1]:
            if task.state_type is StateType.COMPLETED:
                completed += 1
            else:
                again[task.task_name] = again.get(task.task_name, 0) + 1
    reused = look_back(run.id).completed
    if not is_quiet:
        _announce(run, reused, lost=max(completed - reused, 0), again=again)
    try:
        return show_and_wait(
            lambda observers: relaunch(run.id, observers=observers, check_order=check_order),
            options=DisplayOptions(is_quiet=is_quiet),
        )
    except TargetProblem as error:
        return refuse(error, None)


def _refuse(home: Home, run: FlowRunRow) -> None:
    if run.state_type is StateType.COMPLETED:
        raise CommandError(f"Run {run.name} is {run.state_name}, so there is nothing to retry. Run its flow anew.")
    if not run.is_final or is_alive(home, run.id):
        raise CommandError(
            f"Run {run.name} is still at work ({run.state_name}). Watch it with `flowctl runs watch {typed(run)}`; "
            "it can be retried once it has ended."
        )


def _announce(run: FlowRunRow, reused: int, *, lost: int, again: Mapping[str, int]) -> None:
    """Say before anything runs what is reused and what is not."""
    console = make_console(stderr=True)
    console.print(Text.assemble((f"Attempt {run.attempt + 1} of ", QUIET), safe(run.name, "bold")))
    verb = "is" if reused == 1 else "are"
    kept = f"{counted(reused, 'completed call')} {verb} reused" if reused else "nothing on record can be reused"
    console.print(Text.assemble("  ", (kept, ACCENT)))
    if lost:
        console.print(Text(f"  {counted(lost, 'completed task')} whose value was not kept: again", QUIET))
    if again:
        named = [f"{name} × {count}" if count > 1 else name for name, count in again.items()]
        rest = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        console.print(safe(f"  again: {', '.join(named[:_MOST_NAMED])}{rest}"))
    sys.stderr.flush()
