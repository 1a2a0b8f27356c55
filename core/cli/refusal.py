"""Says why nothing was run: to people on stderr, and to machines as the one object of `--json`."""

from __future__ import annotations

import json
import sys
from typing import IO

from flowctl.core.cli.display_streams import is_ascii, wants_colour
from flowctl.core.cli.display_words import Glyphs, Line
from flowctl.core.cli.exits import Exit
from flowctl.core.engine.loading_problems import ImportRaises
from flowctl.store.text import safe_text


def refuse(error: Exception, machine: IO[str] | None) -> Exit:
    """Tell the problem, with the traceback where the user's own file raised."""
    for line in refusal_lines(error):
        sys.stderr.write(_painted(line) + "\n")
    if machine is not None:
        told = {"type": type(error).__name__, "text": str(error)}
        machine.write(json.dumps({"run_id": None, "state": None, "error": told}) + "\n")
        machine.flush()
    return Exit.USAGE


def refusal_lines(error: Exception) -> list[Line]:
    """Write the problem, with the traceback where the user's own file raised."""
    first, *others = safe_text(str(error)).split("\n")
    lines: list[Line] = [[("Error: ", "failed"), (first, "")], *([(other, "")] for other in others)]
    if isinstance(error, ImportRaises):
        from flowctl.core.cli.display_errors import error_lines
        from flowctl.core.engine.reports import report
        from flowctl.store.errors import ErrorReport

        lines += [[], *error_lines(ErrorReport.from_plain(report(error.error)), Glyphs(is_ascii=is_ascii(sys.stderr)))]
    return lines


def _painted(line: Line) -> str:
    if not wants_colour(sys.stderr):
        return "".join(text for text, _ in line)
    from flowctl.core.cli.display_paint import painter

    return painter(sys.stderr)(line)
