"""Wishes about runs, carried to the daemon: which runs are meant, whether the person is sure, what came of each."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import typer
from rich.console import Console
from rich.text import Text

from flowctl.core.cli.asking import asking
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError, exit_for
from flowctl.core.cli.looking_back import latest_runs, open_reader, read_states, read_when
from flowctl.core.cli.output import make_console
from flowctl.core.cli.palette import ACCENT, OK, PROBLEM, QUIET
from flowctl.core.cli.queried_runs import narrowed, queried_runs, read_query
from flowctl.core.cli.runs_list import runs_table, typed
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.core.cli.wording import counted
from flowctl.core.daemon.client import Client, Refused
from flowctl.core.daemon.protocol import Fields
from flowctl.store.home import Home
from flowctl.store.problems import NotARootRun
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow
from flowctl.store.states import FINAL, StateType

_MOST: Final = 10_000
_MOST_SHOWN: Final = 12
#: A cancel takes at most some fifteen seconds for each run; they go on side by side.
_WAIT_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.05

_OPEN: Final = frozenset(StateType) - FINAL
#: Which runs a filter of a command is about, where it names no state.
_ABOUT: Final[Mapping[str, frozenset[StateType]]] = {
    "cancel": _OPEN,
    "kill": _OPEN,
    "pause": frozenset({StateType.RUNNING}),
    "resume": frozenset({StateType.PAUSED}),
    "retry": frozenset({StateType.FAILED, StateType.CRASHED, StateType.CANCELLED}),
    "rerun": FINAL,
    "skip a task of": _OPEN,
    "retry a task of": _OPEN,
}
_DONE: Final[Mapping[str, str]] = {
    "cancel": "is being cancelled",
    "kill": "is being killed",
    "pause": "pauses",
    "resume": "goes on",
    "retry": "is tried again",
    "rerun": "runs again",
}


class Filters(NamedTuple):
    """Which runs are meant, where none is named."""

    states: list[str]
    flow: str | None = None
    since: str | None = None
    query: str | None = None

    def __bool__(self) -> bool:
        return bool(self.states or self.flow or self.since or self.query is not None)


_NO_FILTERS: Final = Filters([])


def wish(
    verb: str,
    specs: list[str],
    filters: Filters = _NO_FILTERS,
    *,
    is_sure: bool = False,
    no_daemon: bool = False,
    wait: bool = False,
    fields: Fields | None = None,
) -> Exit:
    """Ask the daemon for something about runs, each as it was seen here; say what came of it."""
    home = Home.default()
    runs = chosen_runs(home, verb, specs, filters, is_sure=is_sure)
    if not runs:
        sys.stdout.write(f"No run fits; nothing was changed.{read_states(filters.states).doubts}\n")
        return Exit.OK
    console = make_console()
    with asking(home, no_daemon=no_daemon) as client:
        codes = [_carry(client, console, verb, run, fields or {}) for run in runs]
    if wait:
        _wait(home, [run.id for run, code in zip(runs, codes, strict=True) if code is Exit.OK])
    return max(codes)


def read_changes(words: Iterable[str]) -> dict[str, object]:
    """Read `name=value`: the value as JSON, or else as the text it is; the flow's annotations do the rest."""
    found: dict[str, object] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name.isidentifier():
            raise CommandError(f"{word!r} changes no parameter. Write -p name=value.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def chosen_runs(home: Home, verb: str, specs: list[str], filters: Filters, *, is_sure: bool) -> list[FlowRunRow]:
    """Find the runs that are meant; ask the person where they are many and nobody named them."""
    if not specs and not filters:
        raise CommandError(f"Name the runs to {verb}, or say which: --state running, --flow NAME, --since 1h.")
    now = datetime.now(UTC)
    with open_reader(home) as reader:
        runs = _chosen(reader, home, verb, specs, filters, now)
    if runs and not specs and not is_sure:
        _ask(verb, runs, now)
    return runs


def _chosen(
    reader: Reader, home: Home, verb: str, specs: list[str], filters: Filters, now: datetime
) -> list[FlowRunRow]:
    wanted = read_states(filters.states)
    since = read_when("--since", filters.since, now) if filters.since else None
    fitting: set[str] | None = None
    if filters.query is not None:
        asked = narrowed(read_query(filters.query), states=filters.states, flow=filters.flow, since=since)
        found = queried_runs(home, asked, now=now, limit=_MOST)
        if not specs:
            return [run for run in found if filters.states or run.state_type in _ABOUT[verb]]
        fitting = {run.id for run in found}
    if specs:
        named = {run.id: run for run in map(reader.find_run, specs)}
        for run in named.values():
            if not run.is_root:
                raise NotARootRun(run.id, run.root_id)
        fits = [run for run in named.values() if wanted.fits(run) and filters.flow in (None, run.flow_name)]
        return [run for run in fits if fitting is None or run.id in fitting]
    if not filters.states:
        return reader.runs(states=_ABOUT[verb], flow=filters.flow, since=since, limit=_MOST)
    return latest_runs(reader, wanted, flow=filters.flow, since=since, limit=_MOST)


def _carry(client: Client, console: Console, verb: str, run: FlowRunRow, fields: Fields) -> Exit:
    try:
        answer = client.ask(verb, run_id=run.id, state_version=run.state_version, **fields)
    except Refused as refused:
        return tell_refusal(console, run.name, refused)
    name = str(answer.get("name") or run.name)
    done = "is cancelled" if answer.get("state_type") == "CANCELLED" else _DONE[verb]
    line = Text.assemble(("✓ ", OK), safe(run.name, "bold"), f" {done}")
    if answer.get("run_id") not in (None, run.id):
        line.append(" as ").append_text(safe(name, "bold")).append(f"  {str(answer['run_id'])[:8]}", QUIET)
    console.print(line)
    if console.is_terminal and verb in ("retry", "rerun"):
        spec = name if verb == "rerun" else typed(run)
        console.print(Text.assemble("  watch it: ", ("flowctl runs watch ", ACCENT), safe(spec, ACCENT)))
    return Exit.OK


def tell_refusal(console: Console, name: str, refused: Refused) -> Exit:
    """Say what was refused, and why."""
    console.print(Text.assemble(("✗ ", PROBLEM), safe(name, "bold")))
    console.print(safe_block(f"  {refused}"))
    return exit_for(refused) or Exit.USAGE


def _ask(verb: str, runs: list[FlowRunRow], now: datetime) -> None:
    question = f"{verb.capitalize()} {counted(len(runs), 'run')}?"
    if not sys.stdin.isatty():
        raise CommandError(f"{question} Say --yes where nobody can be asked.")
    console = make_console()
    console.print(runs_table(runs[:_MOST_SHOWN], now, is_wide=console.width >= 100))
    if len(runs) > _MOST_SHOWN:
        console.print(safe(f"and {len(runs) - _MOST_SHOWN:,} more"))
    typer.confirm(f"\n{question}", abort=True)


def _wait(home: Home, ids: list[str]) -> None:
    """Wait until runs have ended."""
    deadline = time.monotonic() + _WAIT_S
    with Reader.open(home) as reader:
        for run_id in ids:
            while not reader.flow_run(run_id).is_final:
                if time.monotonic() > deadline:
                    raise CommandError(f"Not all have ended after {_WAIT_S:g} s. `flowctl runs kill` makes them.")
                time.sleep(_LOOK_EVERY_S)
