"""Telling a person who looks elsewhere that a run has ended: the terminal's bell, and a notice on the desktop."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowctl.store.records import FlowRunRow
    from flowctl.tui.app import FlowctlApp


class Bells:
    """Ids of the runs whose end is to be told."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._ids

    def toggle(self, run_id: str) -> None:
        """Have a run's end told, or no more."""
        self._ids.symmetric_difference_update({run_id})

    @property
    def ids(self) -> tuple[str, ...]:
        """The runs, in some order that stays."""
        return tuple(sorted(self._ids))

    def ring(self, app: FlowctlApp, runs: Sequence[FlowRunRow]) -> None:
        """Ring for those of the runs that have ended and were to be told of."""
        for run in runs:
            if run.is_final and run.id in self:
                self.toggle(run.id)
                app.bell()
                notify(f"{run.flow_name}: {run.state_name}", run.name)
                if app.view is not None:
                    app.view.say(f"{run.flow_name} {run.name}: {run.state_name}", "accent")


def notify(title: str, text: str) -> bool:
    """Show a notice on the desktop, where there is one and it has a way to; never waits for it."""
    if sys.platform == "darwin" and shutil.which("osascript"):
        words = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
        command = ["osascript", "-e", words, title, text]
    elif (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and shutil.which("notify-send"):
        command = ["notify-send", "--app-name=flowctl", "--", title, text]
    else:
        return False
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except OSError:
        return False
    # Somebody has to take note of its end.
    threading.Thread(target=process.wait, daemon=True).start()
    return True
