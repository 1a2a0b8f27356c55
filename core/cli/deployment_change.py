"""`flowctl deployment pause`, `resume`, `delete` and `set-schedule`: changes that the daemon is asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.text import Text

from flowctl.core.cli.asking import ask, asking
from flowctl.core.cli.deployment_words import print_schedules
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console
from flowctl.core.cli.safe_text import safe
from flowctl.core.cli.wording import counted
from flowctl.store import plan_queries
from flowctl.store.home import Home
from flowctl.store.plan_records import DeploymentRow


def pause_deployment(name: str, *, paused: bool, no_daemon: bool) -> Exit:
    """Pause a deployment or have it go on."""
    row = _deployment(name)
    verb = "deployment_pause" if paused else "deployment_resume"
    answer = ask(verb, no_daemon=no_daemon, deployment=row.name, version=row.version)
    already = "" if answer["changed"] else " already"
    _print(name, f"is paused{already}" if paused else f"goes on{already}")
    return Exit.OK


def delete_deployment(name: str, *, is_sure: bool, no_daemon: bool) -> Exit:
    """Delete a deployment."""
    row = _deployment(name)
    if not is_sure:
        question = f"Delete the deployment {name!r} with {counted(len(row.schedules), 'schedule')}?"
        if not sys.stdin.isatty():
            raise CommandError(f"{question} Say --yes where nobody can be asked.")
        typer.confirm(question, abort=True)
    answer = ask("deployment_delete", no_daemon=no_daemon, deployment=row.name, version=row.version)
    cancelled = answer["cancelled"]
    _print(name, "is deleted" + (f"; {counted(cancelled, 'waiting run')} cancelled" if cancelled else ""))
    return Exit.OK


def change_schedules(
    name: str,
    plain: Sequence[dict[str, Any]],
    *,
    slug: str | None,
    is_added: bool,
    remove: bool,
    active: bool | None,
    no_daemon: bool,
) -> Exit:
    """Give a deployment other schedules, switch one on or off, or take it away."""
    wishes = bool(plain) + remove + (active is not None)
    if wishes == 0:
        raise CommandError("Say what is to change: --cron, --interval or --rrule; --on, --off or --remove.")
    if wishes > 1 and not (plain and active is not None):
        raise CommandError("One thing at a time: a new schedule, --on or --off, or --remove.")
    row = _deployment(name)
    with asking(Home.default(), no_daemon=no_daemon) as client:
        if remove:
            client.ask("schedule_delete", deployment=name, version=row.version, slug=_only(row, slug))
        elif not plain:
            client.ask("schedule_toggle", deployment=name, version=row.version, slug=_only(row, slug), active=active)
        else:
            for number, each in enumerate(plain):
                schedule = each if active is None else {**each, "active": active}
                client.ask("set_schedule", deployment=name, schedule=schedule, only=number == 0 and not is_added)
    console = make_console()
    console.print(Text.assemble("Schedules of ", safe(name, "bold"), ":"))
    print_schedules(console, _deployment(name), indent="  ")
    return Exit.OK


def zone_of(name: str, slug: str | None) -> str:
    """Give the zone of the schedule that is changed, else of all that there are; UTC where these have several."""
    schedules = _deployment(name).schedules
    changed = [each for each in schedules if each.slug == slug]
    zones = {schedule.timezone for schedule in changed or schedules}
    return zones.pop() if len(zones) == 1 else "UTC"


def _deployment(name: str) -> DeploymentRow:
    with open_reader(Home.default()) as reader:
        return reader.read_with(lambda connection: plan_queries.deployment(connection, name))


def _only(row: DeploymentRow, slug: str | None) -> str:
    """Take the schedule that is named, or the only one."""
    if slug is not None:
        return slug
    if len(row.schedules) == 1:
        return row.schedules[0].slug
    names = ", ".join(repr(each.slug) for each in row.schedules) or "none"
    raise CommandError(f"The deployment {row.name!r} has {names}. Say which: --schedule SLUG.")


def _print(name: str, words: str) -> None:
    make_console().print(Text.assemble(safe(name, "bold"), f" {words}."))
