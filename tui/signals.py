"""What ends the interface from outside: it is left in order, so that the terminal is as it was."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flowctl.tui.app import FlowctlApp

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


def listen(app: FlowctlApp) -> None:
    """Leave when asked to terminate, or when the terminal goes away."""
    loop = asyncio.get_running_loop()
    for each in _ENDING:
        try:
            loop.add_signal_handler(each, app.exit, 128 + each)
        except (NotImplementedError, RuntimeError, ValueError):
            return  # not in the main thread: a test
