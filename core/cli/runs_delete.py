"""`flowctl runs delete`: whole runs go, after a look at what goes."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import typer

from flowctl.core.cli.deleting import delete_everywhere
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.looking_back import latest_runs, open_reader, read_states, read_when
from flowctl.core.cli.output import make_console
from flowctl.core.cli.runs_list import runs_table
from flowctl.core.cli.safe_text import safe
from flowctl.core.cli.wording import counted
from flowctl.store.home import Home
from flowctl.store.problems import NotARootRun, RunAlive
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow

#: So many are shown before the question.
_MOST_SHOWN = 12
#: More at once is most likely a mistake, and can be repeated where it is none.
_MOST = 100_000


def delete_named(specs: list[str], *, states: list[str], older_than: str | None, is_sure: bool) -> Exit:
    """Delete the runs that are named, or all that the filters fit."""
    now = datetime.now(UTC)
    home = Home.default()
    if not specs and not states and older_than is None:
        raise CommandError("Name the runs to delete, or say which: --state failed, --older-than 30d.")
    before = read_when("--older-than", older_than, now) if older_than else None
    with open_reader(home) as reader:
        runs, active = _chosen(reader, specs, states, before)
    if not runs:
        sys.stdout.write(f"No run fits; nothing was deleted.{read_states(states).doubts}\n")
        return Exit.OK
    if not is_sure:
        _ask(runs, now)
    delete_everywhere(home, [run.id for run in runs])
    left = f" {counted(active, 'run')} still at work {'was' if active == 1 else 'were'} left." if active else ""
    sys.stdout.write(f"Deleted {counted(len(runs), 'run')}.{left}\n")
    return Exit.OK


def _chosen(
    reader: Reader, specs: list[str], states: list[str], before: datetime | None
) -> tuple[list[FlowRunRow], int]:
    """Return the runs to delete, and how many the filters fit that are still at work."""
    wanted = read_states(states)
    if not specs:
        fitting = latest_runs(reader, wanted, before=before, limit=_MOST)
    else:
        named = {run.id: run for run in map(reader.find_run, specs)}
        fitting = [run for run in named.values() if wanted.fits(run) and (before is None or run.created_at < before)]
        for run in fitting:
            if not run.is_root:
                raise NotARootRun(run.id, run.root_id)
            if not run.is_final:
                raise RunAlive(run.id, run.name)
    final = [run for run in fitting if run.is_final]
    return final, len(fitting) - len(final)


def _ask(runs: list[FlowRunRow], now: datetime) -> None:
    if not sys.stdin.isatty():
        raise CommandError(f"{counted(len(runs), 'run')} would go for good. Say --yes where nobody can be asked.")
    console = make_console()
    console.print(runs_table(runs[:_MOST_SHOWN], now, is_wide=console.width >= 100))
    if len(runs) > _MOST_SHOWN:
        console.print(safe(f"and {len(runs) - _MOST_SHOWN:,} more"))
    question = f"Delete {counted(len(runs), 'run')} for good, with tasks, logs and results?"
    typer.confirm(f"\n{question}", abort=True)
