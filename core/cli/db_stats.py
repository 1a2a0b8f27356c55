"""`flowctl db stats`: how much is kept, for how long, and how much room it takes."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from flowctl.core.cli.exits import Exit
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console, print_json
from flowctl.core.cli.palette import ACCENT, QUIET, look
from flowctl.core.cli.safe_text import safe
from flowctl.core.cli.wording import ago, counted, iso, moment, size
from flowctl.core.daemon.snapshots import Snapshot, list_snapshots
from flowctl.core.engine.settings import Settings, load_settings
from flowctl.store.health import Stats, stats_of
from flowctl.store.home import Home
from flowctl.store.retention import Policy, Room, room_of


def policy_of(settings: Settings) -> Policy:
    """Read from the settings what is kept."""
    return Policy(days=settings.retain_days, runs=settings.retain_runs, size=settings.retain_size)


def print_stats(*, as_json: bool) -> Exit:
    """Print sizes, counts and what is kept."""
    home = Home.default()
    now = datetime.now(UTC)
    with open_reader(home) as reader:
        reader.counts()
    room, copies, settings = room_of(home), list_snapshots(home), load_settings(home.path)
    stats = stats_of(home)
    if as_json:
        print_json(_as_json(home, stats, room, copies, policy_of(settings)))
        return Exit.OK
    console = make_console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True, style=QUIET)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    free = f", {size(stats.free)} of it free" if stats.free else ""
    table.add_row("database", size(room.database), f"schema {stats.schema}{free}")
    table.add_row("runs", size(room.runs), "journals and results")
    table.add_row("cache", size(room.cache), "results by cache key")
    latest = f", the latest {ago(copies[0].at, now)}" if copies else ""
    table.add_row(
        "snapshots", size(room.snapshots), f"{counted(len(copies), 'verified copy').replace('copys', 'copies')}{latest}"
    )
    table.add_row("in all", size(room.total), safe(home.path))
    console.print(table)
    console.print()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True, style=QUIET)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("runs", f"{sum(stats.runs.values()):,}", _states(stats))
    table.add_row("task runs", f"{stats.rows['task_run']:,}", "")
    table.add_row("log lines", f"{stats.rows['log']:,}", "")
    table.add_row("results", f"{stats.rows['result']:,}", "")
    if stats.oldest is not None:
        table.add_row("since", "", moment(stats.oldest))
    console.print(table)
    console.print()
    console.print(Text(kept_sentence(policy_of(settings))))
    console.print(
        Text.assemble(
            "Change it in ", (settings_place(home, settings), ACCENT), ": retain_days, retain_runs, retain_size."
        )
    )
    return Exit.OK


def kept_sentence(policy: Policy) -> str:
    """Say what is kept."""
    bounds = [
        f"runs of the last {counted(policy.days, 'day')}" if policy.days else "runs of any age",
        f"at most {policy.runs:,} of them" if policy.runs else "any number of them",
        f"as long as all takes less than {policy.size / 1e9:g} GB" if policy.size else "whatever room they take",
    ]
    if not (policy.days or policy.runs or policy.size):
        return "Kept: everything, for ever."
    return f"Kept: {', '.join(bounds)}. The daemon deletes the rest."


def settings_place(home: Home, settings: Settings) -> str:
    """Name the file in which the daemon's settings stand, or would stand."""
    return settings.file or f"{home.path}/flowctl.toml"


def _states(stats: Stats) -> Text:
    text = Text()
    for state, count in sorted(stats.runs.items(), key=lambda item: -item[1]):
        seen = look(state, state.value.capitalize())
        text.append(f"{'  ' if text else ''}{count:,} {state.value.lower()}", seen.style)
    return text


def _as_json(home: Home, stats: Stats, room: Room, copies: list[Snapshot], policy: Policy) -> object:
    return {
        "home": home.path,
        "schema": stats.schema,
        "bytes": {
            "database": room.database,
            "free": stats.free,
            "runs": room.runs,
            "cache": room.cache,
            "snapshots": room.snapshots,
            "total": room.total,
        },
        "runs": {state.value: count for state, count in stats.runs.items()},
        "rows": stats.rows,
        "oldest": iso(stats.oldest),
        "newest": iso(stats.newest),
        "snapshots": [{"at": iso(copy.at), "path": copy.path, "bytes": copy.size} for copy in copies],
        "retain": {"days": policy.days, "runs": policy.runs, "size": policy.size},
    }
