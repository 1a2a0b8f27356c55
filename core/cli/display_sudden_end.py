"""What is said when a flow ends its own process with `os._exit`: nobody could say it afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import NoReturn

from flowctl.core.cli.exits import Exit


@contextmanager
def told_before(close: Callable[[], None]) -> Generator[None]:
    """Have `os._exit` close the display, say that the run crashed, and end with the code that says so.

    Else a script that asks for the exit code would take `os._exit(0)` in a task for a completed run.
    """
    process_id, end = os.getpid(), os._exit

    def leave(status: int) -> NoReturn:
        if os.getpid() != process_id:  # a forked child, which ends as children do
            end(status)
        with suppress(Exception):
            close()
            sys.stderr.write(
                f"The flow ended its process with os._exit({status}), so the run crashed. "
                "`flowctl runs show -` has what was recorded.\n"
            )
            sys.stderr.flush()
        end(Exit.CRASHED)

    os._exit = leave
    try:
        yield
    finally:
        os._exit = end
