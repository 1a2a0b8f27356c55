"""Log lines on stderr, for flows that are run by plain Python and have no other display."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Final

from flowctl.store.text import safe_text

if TYPE_CHECKING:
    from flowctl.core.authoring.runs import FlowRun, TaskRun

_LEVELS: Final = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
#: Select Graphic Rendition codes of the terminal.
_COLORS: Final = {10: "2", 30: "33", 40: "31", 50: "1;31"}


def show(run: FlowRun | TaskRun, at: int, level: int, message: str) -> None:
    """Write a line as people expect it: time, level, which run, what."""
    stream = sys.stderr
    if stream is None or stream.closed:
        return
    moment = time.strftime("%H:%M:%S", time.localtime(at // 1_000_000))
    word = _LEVELS.get(level, str(level))
    kind = "Task" if run.is_task else "Flow"
    text = f"{moment}.{at // 1000 % 1000:03d} | {word:<7} | {kind} run {run.name!r} - {message}"
    text = safe_text(text).replace("\n", "\n    ")
    color = _COLORS.get(level)
    if color and stream.isatty() and not os.environ.get("NO_COLOR"):
        text = f"\x1b[{color}m{text}\x1b[0m"
    try:
        stream.write(text + "\n")
        stream.flush()
    except (OSError, ValueError):
        return  # nobody reads; the line is in the journal
