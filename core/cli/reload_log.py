"""`flowctl watch log`: what became of saved flow files, the latest last."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from flowctl.core.cli.display_errors import short_path
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console, print_json
from flowctl.core.cli.palette import OK, PROBLEM, QUIET, WARNING, is_plain
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.core.cli.wording import ago, counted, iso, moment
from flowctl.store import file_queries
from flowctl.store.file_records import ReloadCause, ReloadOutcome, ReloadRow
from flowctl.store.home import Home

#: On a narrower terminal the words need the room that the date would take.
_WIDE = 120
_MARKS = {
    ReloadOutcome.LOADED: ("✓", "+", OK),
    ReloadOutcome.BROKEN: ("✗", "x", PROBLEM),
    ReloadOutcome.GONE: ("–", "-", WARNING),
    ReloadOutcome.FAILED: ("✗", "x", PROBLEM),
}


def print_reloads(path: str | None, *, count: int, as_json: bool) -> Exit:
    """Print the log of reloads, of one file or of all."""
    with open_reader(Home.default()) as reader:
        rows = reader.read_with(lambda connection: file_queries.reloads(connection, path=path, limit=count))
    rows.reverse()
    if as_json:
        print_json([_plain(row) for row in rows])
        return Exit.OK
    console = make_console()
    if not rows:
        console.print(Text("No flow file was looked into yet.", QUIET))
        return Exit.OK
    now = datetime.now(UTC)
    is_wide = console.width >= _WIDE
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(4):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        glyph, plain_glyph, style = _MARKS[row.outcome]
        table.add_row(
            Text(plain_glyph if is_plain() else glyph, style),
            Text.assemble(moment(row.at), (f"  {ago(row.at, now)}", QUIET)) if is_wide else Text(ago(row.at, now)),
            safe(short_path(row.path)),
            Text(versions(row), "" if row.version != row.version_before else QUIET),
            safe_block(words_of(row), QUIET if row.outcome is ReloadOutcome.LOADED else ""),
        )
    console.print(table)
    return Exit.OK


def versions(row: ReloadRow) -> str:
    """Write which version serves: `v1 → v2` where that is another one than before."""
    if row.version == row.version_before or not row.version_before:
        return f"v{row.version}" if row.version else ""
    return f"v{row.version_before} {'->' if is_plain() else '→'} v{row.version}"


def words_of(row: ReloadRow) -> str:
    """Say why a file was looked into, what is other, and what is wrong."""
    why = {
        ReloadCause.SAVED: "",
        ReloadCause.MODULE: f"{short_path(row.because or '')} was saved",
        ReloadCause.FOUND: "found",
        ReloadCause.ASKED: "asked for",
        ReloadCause.AGAIN: "looked at again",
    }[row.cause]
    is_quiet = row.outcome is ReloadOutcome.LOADED and (row.changes or row.version == row.version_before)
    said = [why, *row.changes, "" if is_quiet else row.message.replace(f"{row.path}, line", "line")]
    if row.outcome is ReloadOutcome.LOADED and row.version == row.version_before:
        said.append("as it was")
    if row.runs and row.version != row.version_before:
        keeps = "keeps" if row.runs == 1 else "keep"
        said.append(f"{counted(row.runs, 'run')} under way {keeps} v{row.version_before}")
    return "; ".join(filter(None, said))


def _plain(row: ReloadRow) -> dict[str, object]:
    return {
        "id": row.id,
        "path": row.path,
        "at": iso(row.at),
        "outcome": row.outcome.value,
        "cause": row.cause.value,
        "because": row.because,
        "version_before": row.version_before,
        "version": row.version,
        "import_s": row.import_s,
        "changes": row.changes,
        "message": row.message,
        "runs": row.runs,
    }
