"""`flowctl db prune`: runs that have been kept long enough go."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import typer

from flowctl.core.cli.db_stats import kept_sentence, policy_of
from flowctl.core.cli.deleting import delete_everywhere
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.wording import counted
from flowctl.core.engine.settings import load_settings
from flowctl.store.home import Home
from flowctl.store.retention import Policy


def prune_runs(*, days: int | None, runs: int | None, dry_run: bool, is_sure: bool) -> Exit:
    """Delete what is beyond the bounds."""
    home = Home.default()
    kept = policy_of(load_settings(home.path))
    policy = Policy(days=kept.days if days is None else days, runs=kept.runs if runs is None else runs, size=kept.size)
    now = datetime.now(UTC)
    with open_reader(home) as reader:
        doomed = reader.expired(policy, now=now)
    sys.stdout.write(f"{kept_sentence(policy).removesuffix(' The daemon deletes the rest.')}\n")
    if not doomed:
        sys.stdout.write("No run is beyond that; nothing was deleted.\n")
        return Exit.OK
    if dry_run:
        sys.stdout.write(f"{counted(len(doomed), 'run')} would be deleted.\n")
        return Exit.OK
    if not is_sure:
        if not sys.stdin.isatty():
            raise CommandError(f"{counted(len(doomed), 'run')} would go for good. Say --yes where nobody can be asked.")
        typer.confirm(f"Delete {counted(len(doomed), 'run')} for good, with tasks, logs and results?", abort=True)
    delete_everywhere(home, doomed)
    sys.stdout.write(f"Deleted {counted(len(doomed), 'run')}.\n")
    return Exit.OK
