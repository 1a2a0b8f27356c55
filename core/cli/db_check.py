"""`flowctl db check`: whether the database is sound and agrees with the journals."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from flowctl.core.cli.exits import Exit
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.output import make_console, print_json
from flowctl.core.cli.palette import ACCENT, OK, PROBLEM, QUIET
from flowctl.core.cli.safe_text import safe, safe_block
from flowctl.core.cli.wording import counted
from flowctl.store.catchup import catch_up
from flowctl.store.health import Finding, examine, mark_unread
from flowctl.store.home import Home
from flowctl.store.problems import DatabaseDamaged

#: Of many problems of one kind the first few are named.
_NAMED = 5


def check_database(*, repair: bool, as_json: bool) -> Exit:
    """Look through the database of the home; exit code 6 when something is wrong with it."""
    home = Home.default()
    if not Path(home.database).exists():
        make_console().print("There is no database yet, so there is nothing to check.")
        return Exit.OK
    try:
        with open_reader(home):
            pass
        repaired = mark_unread(home) if repair else []
        if repaired:
            catch_up(home)
        findings = examine(home)
    except DatabaseDamaged as error:
        repaired, findings = [], [Finding(what="The database can be opened", problems=[str(error)])]
    is_sound = not any(finding.problems for finding in findings)
    if as_json:
        print_json(
            {
                "sound": is_sound,
                "repaired": repaired,
                "findings": [{"what": finding.what, "problems": finding.problems} for finding in findings],
            }
        )
    else:
        _print(findings, len(repaired))
    return Exit.OK if is_sound else Exit.STORE


def _print(findings: list[Finding], repaired: int) -> None:
    console = make_console()
    if repaired:
        console.print(f"Took in the journals of {counted(repaired, 'run')} again.")
    for finding in findings:
        glyph, style = ("✗", PROBLEM) if finding.problems else ("✓", OK)
        console.print(Text.assemble((f"{glyph} ", style), (finding.what, "bold" if finding.problems else "")))
        for problem in finding.problems[:_NAMED]:
            console.print(safe_block(f"  {problem}"))
        if len(finding.problems) > _NAMED:
            console.print(safe(f"  and {len(finding.problems) - _NAMED:,} more", QUIET))
    remedies = {
        0: ("flowctl db rebuild", "makes the database anew, of a snapshot and the journals"),
        1: ("flowctl db rebuild", "makes the database anew, of a snapshot and the journals"),
        3: ("flowctl db check --repair", "takes in what is missing"),
    }
    for place, (command, what) in remedies.items():
        if place < len(findings) and findings[place].problems:
            console.print(Text.assemble("\n", (command, ACCENT), (f"  {what}", QUIET)))
            break
