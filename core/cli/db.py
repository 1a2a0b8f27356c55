"""`flowctl db …` as it is typed; what each command does stands in files of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flowctl.core.cli.help import Command, Group

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Sure = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the group `db` to the program."""
    group = typer.Typer(
        cls=Group,
        rich_markup_mode=None,
        no_args_is_help=True,
        help="Look after the database: sizes, soundness, copies, room.",
    )
    for command in (stats, check, backup, restore, prune, rebuild):
        group.command(cls=Command)(command)
    app.add_typer(group, name="db")


def stats(as_json: AsJson = False) -> int:
    """Show how much is kept, for how long, and how much room it takes."""
    from flowctl.core.cli.db_stats import print_stats

    return print_stats(as_json=as_json)


def check(
    repair: Annotated[
        bool, typer.Option("--repair", help="Take in again what journals hold and the database does not.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Look whether the database is sound and fits the journals.

    Exit code 6 when not.
    """
    from flowctl.core.cli.db_check import check_database

    return check_database(repair=repair, as_json=as_json)


def backup(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Where to; a snapshot inside the home without."),
    ] = None,
) -> int:
    """Copy the database while everything goes on.

    The copy is looked through before it gets its name.
    """
    from flowctl.core.cli.db_copies import back_up

    return back_up(file)


def restore(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A copy that `backup` made; the latest snapshot without.")
    ] = None,
    yes: Sure = False,
) -> int:
    """Put a copy in the place of the database.

    What is there now is set aside, and runs that are newer than the copy are taken in again from their journals.
    """
    from flowctl.core.cli.db_copies import restore_copy

    return restore_copy(file, is_sure=yes)


def prune(
    days: Annotated[
        int | None, typer.Option("--days", min=0, metavar="N", help="Keep runs of the last N days.")
    ] = None,
    runs: Annotated[int | None, typer.Option("--runs", min=0, metavar="N", help="Keep the latest N runs.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Sure = False,
) -> int:
    """Delete runs that have been kept long enough.

    How long that is, the settings say (`flowctl db stats` shows it), or the options here.
    """
    from flowctl.core.cli.db_prune import prune_runs

    return prune_runs(days=days, runs=runs, dry_run=dry_run, is_sure=yes)


def rebuild(
    from_journals: Annotated[
        bool, typer.Option("--from-journals", help="Use no snapshot, only the journals of the runs.")
    ] = False,
    yes: Sure = False,
) -> int:
    """Make a damaged or lost database anew.

    It is made of the latest sound snapshot and the journals of the runs; what is there now is set aside.
    """
    from flowctl.core.cli.db_copies import rebuild_database

    return rebuild_database(from_journals=from_journals, is_sure=yes)
