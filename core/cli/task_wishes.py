"""Wishes about tasks of runs under way, carried to the daemon: try one again now, or skip it."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from flowctl.core.cli.asking import asking
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console
from flowctl.core.cli.palette import OK
from flowctl.core.cli.run_tree import tasks_below
from flowctl.core.cli.runs_wishes import Filters, chosen_runs, tell_refusal
from flowctl.core.cli.safe_text import safe
from flowctl.core.daemon.client import Refused
from flowctl.store.home import Home
from flowctl.store.records import FlowRunRow

_DONE: Final = {"retry_now": "is tried again now", "skip_task": "is skipped"}
_WORDS: Final = {"retry_now": "retry a task of", "skip_task": "skip a task of"}


def wish_of_tasks(
    verb: str, specs: list[str], tasks: list[str], filters: Filters, *, is_sure: bool = False, no_daemon: bool = False
) -> Exit:
    """Ask for something about tasks of runs; of those that wait for a retry, all where none is named."""
    home = Home.default()
    runs = chosen_runs(home, _WORDS[verb], specs, filters, is_sure=is_sure)
    wanted = [(run, tasks or _waiting(home, run)) for run in runs]
    wanted = [(run, found) for run, found in wanted if found]
    if not wanted:
        raise CommandError("No task waits for its retry there. `flowctl runs show` tells how the tasks of a run stand.")
    console = make_console()
    codes: list[Exit] = []
    with asking(home, no_daemon=no_daemon) as client:
        for run, found in wanted:
            for task in found:
                try:
                    client.ask(verb, run_id=run.id, task=task, state_version=run.state_version)
                except Refused as refused:
                    codes.append(tell_refusal(console, f"{task} of {run.name}", refused))
                    continue
                codes.append(Exit.OK)
                line = Text.assemble(("✓ ", OK), safe(task, "bold"), " of ", safe(run.name, "bold"), f" {_DONE[verb]}")
                console.print(line)
    return max(codes)


def _waiting(home: Home, run: FlowRunRow) -> list[str]:
    """Name the tasks of a run that wait for their retry."""
    with open_reader(home) as reader:
        return [task.name for task in tasks_below(reader, run, run.attempt)[1] if task.state_name == "AwaitingRetry"]
