"""`flowctl doctor`: looks at everything that flowctl stands on, and says how to mend what is wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from flowctl.core.cli.help import Command


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(cls=Command, epilog="Exit codes: 0 nothing keeps flowctl from working, 1 something does.")(doctor)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False) -> int:
    """Check whether flowctl can work well here; nothing is changed."""
    from flowctl.core.cli.checkups import Verdict, checkups
    from flowctl.core.cli.exits import Exit

    found = checkups()
    has_failed = any(each.verdict is Verdict.FAIL for each in found)
    if as_json:
        from flowctl.core.cli.output import print_json

        print_json({"ok": not has_failed, "checks": [each.plain() for each in found]})
    else:
        from flowctl.core.cli.doctor_report import print_report

        print_report(found)
    return Exit.FAILED if has_failed else Exit.OK
