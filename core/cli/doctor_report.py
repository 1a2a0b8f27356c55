"""How the findings of `flowctl doctor` look: a line each, and the remedy under what is not in order."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from flowctl.core.cli.checkups import Checkup, Verdict
from flowctl.core.cli.output import make_console
from flowctl.core.cli.palette import ACCENT, OK, PROBLEM, QUIET, WARNING, is_plain
from flowctl.core.cli.safe_text import safe_block
from flowctl.core.cli.wording import counted

_MARKS = {Verdict.OK: ("✓", "+", OK), Verdict.WARN: ("!", "!", WARNING), Verdict.FAIL: ("✗", "x", PROBLEM)}


def print_report(found: Sequence[Checkup]) -> None:
    """Print all findings, and how many need attention."""
    console = make_console()
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in found:
        mark, plain, style = _MARKS[each.verdict]
        text = safe_block(each.text)
        if each.remedy:
            text = Text.assemble(text, "\n", ("-> " if is_plain() else "→ ", ACCENT), safe_block(each.remedy, ACCENT))
        table.add_row(Text(plain if is_plain() else mark, style), Text(each.name, "bold"), text)
    console.print(table)
    console.print()
    failed = sum(each.verdict is Verdict.FAIL for each in found)
    warned = sum(each.verdict is Verdict.WARN for each in found)
    if failed:
        console.print(Text(f"{counted(failed, 'check')} failed: flowctl cannot work well here.", PROBLEM))
    elif warned:
        console.print(Text(f"flowctl can work here; {counted(warned, 'warning')}.", WARNING))
    else:
        console.print(Text("All is well.", OK))
    console.print(Text("`flowctl db check` looks through the whole database.", QUIET))
