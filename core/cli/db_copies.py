"""`flowctl db backup | restore | rebuild`: copies of the database, and what can be made of them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.text import Text

from flowctl.core.cli.daemon_life import end_daemon
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console
from flowctl.core.cli.palette import QUIET
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.core.cli.wording import counted, moment, size
from flowctl.core.daemon.client import start_daemon
from flowctl.core.daemon.instance import Instance, find_holder
from flowctl.core.daemon.snapshots import list_snapshots, take_snapshot
from flowctl.store.copies import copy_database, verify
from flowctl.store.home import Home
from flowctl.store.restoring import Restored, rebuild, restore


def back_up(file: Path | None) -> Exit:
    """Copy the database to a file, or into the home's own folder of snapshots."""
    home = Home.default()
    with open_reader(home):
        pass
    if not Path(home.database).exists():
        raise CommandError("There is no database yet, so there is nothing to back up.")
    if file is None:
        path = Path(take_snapshot(home, datetime.now(UTC)).path)
    else:
        path = file.absolute()
        if path.is_dir():
            path = path / f"flowctl-{_stamp()}.db"
        if path.exists():
            raise CommandError(f"There is a file {path} already. Name another one, or move that away.")
        if not path.parent.is_dir():
            raise CommandError(f"There is no folder {path.parent}. Make it first.")
        copy_database(home, str(path))
    console = make_console()
    console.print(Text.assemble(("Copied and verified", "bold"), f" ({size(path.stat().st_size)}):"))
    console.print(safe_block(path))
    console.print(safe_block(f"Journals and large results are not in it; they lie in {home.runs}.", QUIET))
    return Exit.OK


def restore_copy(file: Path | None, *, is_sure: bool) -> Exit:
    """Put a copy in the place of the database."""
    home = Home.default()
    path = str(file.absolute()) if file is not None else _latest(home)
    if not Path(path).is_file():
        raise CommandError(f"There is no file {path}.")
    verify(path)
    at = datetime.fromtimestamp(Path(path).stat().st_mtime, UTC)
    if not is_sure:
        _ask(home, f"Put the copy of {moment(at)} in the place of the database?")
    with _all_to_oneself(home):
        restored = restore(home, path, stamp=_stamp())
    _tell("Restored", restored, safe(path))
    return Exit.OK


def rebuild_database(*, from_journals: bool, is_sure: bool) -> Exit:
    """Make the database anew."""
    home = Home.default()
    if not is_sure:
        _ask(
            home, "Make the database anew, of " + ("the journals?" if from_journals else "a snapshot and the journals?")
        )
    bases = [] if from_journals else [copy.path for copy in list_snapshots(home)]
    with _all_to_oneself(home):
        restored, base = rebuild(home, bases, stamp=_stamp())
    _tell("Rebuilt", restored, safe(base or "the journals alone"))
    if restored.salvaged:
        make_console().print(safe_block(f"Taken over from the former database: {', '.join(restored.salvaged)}.", QUIET))
    return Exit.OK


@contextmanager
def _all_to_oneself(home: Home) -> Generator[None, None, None]:
    """Keep daemons and writers away; a daemon that ran before runs again afterwards."""
    home.ensure()
    had_daemon = find_holder(home) is not None
    if had_daemon:
        end_daemon(home)
    try:
        instance = Instance.take(home, started_at=int(datetime.now(UTC).timestamp() * 1e6))
        try:
            yield
        finally:
            instance.release()
    finally:
        if had_daemon:
            start_daemon(home)


def _latest(home: Home) -> str:
    copies = list_snapshots(home)
    if not copies:
        raise CommandError("There is no snapshot yet. Name the copy to restore: `flowctl db restore FILE`.")
    return copies[0].path


def _ask(home: Home, question: str) -> None:
    if not typer.get_text_stream("stdin").isatty():
        raise CommandError("The database would be replaced. Say --yes where nobody can be asked.")
    holder = find_holder(home)
    if holder is not None:
        make_console().print(Text("The daemon is stopped for it and started again; runs go on.", QUIET))
    typer.confirm(question, abort=True)


def _tell(what: str, restored: Restored, source: Text) -> None:
    console = make_console()
    console.print(Text.assemble((f"{what}: ", "bold"), counted(restored.runs, "run"), (" from ", QUIET), source))
    if restored.aside is not None:
        console.print(safe_block(f"The former database lies in {restored.aside} now.", QUIET))


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
