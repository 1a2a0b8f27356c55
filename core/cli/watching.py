"""What `flowctl watch` does: asks the daemon, and shows what the database knows of flow files."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from flowctl.core.cli.asking import asking
from flowctl.core.cli.display_errors import short_path
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import warn
from flowctl.core.cli.flow_file_words import file_json, file_line, problem_lines
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console, print_json
from flowctl.core.cli.palette import ACCENT, QUIET, WARNING
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.core.cli.wording import counted, iso
from flowctl.core.daemon.client import Client, DaemonSilent, NoDaemon
from flowctl.core.daemon.protocol import Fields
from flowctl.store import file_queries
from flowctl.store.file_records import FlowFileRow
from flowctl.store.home import Home

#: The first look into a folder is waited for so long, to be told here what was found.
_FIRST_LOOK_S: Final = 15.0
_LOOK_EVERY_S: Final = 0.05
_MOST_LEFT_OUT: Final = 5


def add_place(path: str, *, no_daemon: bool) -> Exit:
    """Have a place watched, wait for the first look at it, and show what is there."""
    home = Home.default()
    with asking(home, no_daemon=no_daemon) as client:
        answer = client.ask("watch_add", path=path, python=sys.executable)
        _await_look(client)
        status = client.ask("watch_status")
    console = make_console()
    console.print(
        Text.assemble("Watching " if answer["is_new"] else "Watching already: ", safe(answer["path"], "bold"))
    )
    _print_files(console, [file for file in _files(home) if _is_in(file.path, answer["path"])])
    _print_remarks(status)
    return Exit.OK


def remove_place(path: str, *, no_daemon: bool) -> Exit:
    """Have a place not watched any more."""
    with asking(Home.default(), no_daemon=no_daemon) as client:
        client.ask("watch_rm", path=path)
    make_console().print(Text.assemble("Not watched any more: ", safe(path, "bold")))
    return Exit.OK


def list_places(*, as_json: bool) -> Exit:
    """Show what is watched, with the flows in it."""
    home = Home.default()
    with open_reader(home) as reader:
        places = reader.read_with(file_queries.watched)
    files = _files(home)
    status = _status(home)
    if as_json:
        watched = [{"path": row.path, "added_at": iso(row.added_at), "python": row.python} for row in places]
        print_json({"watched": watched, "files": [file_json(file) for file in files], "daemon": status})
        return Exit.OK
    console = make_console()
    if not places:
        console.print(Text.assemble("Nothing is watched. Begin with: ", ("flowctl watch add FOLDER", ACCENT)))
    shown: set[str] = set()
    for row in places:
        console.print(Text.assemble(safe(short_path(row.path), "bold"), safe(f"  with {row.python}", QUIET)))
        inside = [file for file in files if _is_in(file.path, row.path) and file.path not in shown]
        shown.update(file.path for file in inside)
        _print_files(console, inside)
    if others := [file for file in files if file.path not in shown]:
        console.print(Text("deployed from elsewhere", "bold"))
        _print_files(console, others)
    _print_remarks(status)
    return Exit.OK


def reload_files(path: str | None, *, no_daemon: bool) -> Exit:
    """Have a flow file, or all, looked into again, and show what came of it."""
    home = Home.default()
    with asking(home, no_daemon=no_daemon) as client:
        paths: list[str] = client.ask("watch_reload", **({} if path is None else {"path": path}))["paths"]
        _await_look(client)
    console = make_console()
    if not paths:
        console.print(Text.assemble("No flow file is known. Begin with: ", ("flowctl watch add FOLDER", ACCENT)))
        return Exit.OK
    found = [file for file in _files(home) if file.path in paths]
    _print_files(console, found)
    return Exit.FAILED if any(file.problem is not None for file in found) else Exit.OK


def _await_look(client: Client) -> None:
    deadline = time.monotonic() + _FIRST_LOOK_S
    while client.ask("watch_status").get("is_busy") and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)


def _status(home: Home) -> Fields:
    try:
        with Client.connect(home, start=False) as client:
            found = client.ask("watch_status")
    except (NoDaemon, DaemonSilent):
        return {}
    return {key: value for key, value in found.items() if key not in ("v", "id", "ok")}


def _files(home: Home) -> Sequence[FlowFileRow]:
    with open_reader(home) as reader:
        return reader.read_with(file_queries.flow_files)


def _is_in(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place.rstrip('/')}/")


def _print_files(console: Console, files: Sequence[FlowFileRow]) -> None:
    if not files:
        console.print(Text("  no flows", QUIET))
    now = datetime.now(UTC)
    for file in files:
        console.print(file_line(file, now))
        for line in problem_lines(file):
            console.print(Text("      ").append_text(line))


def _print_remarks(status: Fields) -> None:
    if status.get("warning"):
        warn(str(status["warning"]))
    left_out: dict[str, Any] = status.get("left_out") or {}
    console = make_console(stderr=True)
    for path, why in list(left_out.items())[:_MOST_LEFT_OUT]:
        console.print(Text.assemble(("! ", WARNING), safe(short_path(path)), safe_block(f" is left out: {why}")))
    if len(left_out) > _MOST_LEFT_OUT:
        console.print(Text(f"  and {counted(len(left_out) - _MOST_LEFT_OUT, 'more place')} left out", QUIET))
