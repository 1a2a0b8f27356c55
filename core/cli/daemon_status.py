"""`flowctl daemon status`: whether the daemon runs, and how it is."""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import token_hex
from typing import Final

from rich.table import Table
from rich.text import Text

from flowctl.core.cli.display_words import duration
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.output import make_console, print_json
from flowctl.core.cli.palette import ACCENT, OK, PROBLEM, QUIET, WARNING
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.core.cli.wording import ago, counted, moment, size
from flowctl.core.daemon.client import Client, NoDaemon
from flowctl.core.daemon.instance import find_holder
from flowctl.core.daemon.protocol import Fields
from flowctl.store.home import Home

#: That it does not answer is an answer, too.
_PATIENCE_S: Final = 5.0


def print_status(*, as_json: bool) -> Exit:
    """Print how the daemon is; exit code 1 where there is none."""
    home = Home.default()
    try:
        with Client.connect(home, start=False, within_s=_PATIENCE_S) as client:
            found = client.ask_as(token_hex(8), "status", {}, within_s=_PATIENCE_S)
    except NoDaemon:
        holder = find_holder(home)
        if as_json:
            print_json({"running": False, "home": home.path, "pid": holder.pid if holder else None})
        else:
            _print_none(home, holder.pid if holder else None)
        return Exit.FAILED
    if as_json:
        print_json({"running": True, **{key: value for key, value in found.items() if key not in ("v", "id", "ok")}})
    else:
        _print_found(found)
    return Exit.OK


def _print_none(home: Home, pid: int | None) -> None:
    console = make_console()
    if pid is not None:
        console.print(Text.assemble("A daemon is just starting or ending ", (f"(process {pid}).", QUIET)))
        return
    console.print(Text.assemble(("No daemon is running", "bold"), (f" for {home.path}", QUIET)))
    console.print(Text.assemble("Runs and their records do not need it. Start it: ", ("flowctl daemon start", ACCENT)))


def _print_found(found: Fields) -> None:
    console = make_console()
    now = datetime.fromtimestamp(found["now"] / 1e6, UTC)
    started = datetime.fromtimestamp(found["started_at"] / 1e6, UTC)
    word, style = {"ok": ("running", OK), "degraded": ("degraded", PROBLEM)}.get(found["state"], ("stopping", WARNING))
    up = duration((now - started).total_seconds())
    console.print(Text.assemble(("● ", style), (f"The daemon is {word}", "bold"), (f"  for {up}", QUIET)))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style=QUIET)
    table.add_column(overflow="fold")
    memory = f", {size(found['memory'])} of memory" if found.get("memory") else ""
    table.add_row("process", f"{found['pid']}, flowctl {found['version']}{memory}")
    table.add_row("since", moment(started))
    table.add_row("home", safe(found["home"]))
    table.add_row("settings", safe(found["settings_file"] or "no settings file"))
    table.add_row("runs", f"{counted(found['active'], 'active run')}")
    console.print(table)
    for name, trouble in found["troubles"].items():
        since = datetime.fromisoformat(trouble["since"])
        console.print()
        console.print(Text.assemble(("✗ ", PROBLEM), safe(name, "bold"), (f"  {ago(since, now)}", QUIET)))
        console.print(safe_block(trouble["message"]))
    for run_id, problem in list(found["unreadable"].items())[:3]:
        console.print()
        console.print(Text.assemble(("! ", WARNING), safe(f"The journal of run {run_id} cannot be read to its end: ")))
        console.print(safe_block(problem))
