"""The daemon as the interface sees it: started where there is none, missed when it goes, welcomed when it is back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from flowctl.tui.model.texts import Line, clock

if TYPE_CHECKING:
    from flowctl.tui.actions import Outcome
    from flowctl.tui.app import FlowctlApp
    from flowctl.tui.model.snapshots import Pulse

#: What is on record stands on the screen first; a second process on a small machine would only delay it.
_START_AFTER_S: Final = 0.6


class DaemonLife:
    """Whether there is a daemon, and since when not."""

    def __init__(self, app: FlowctlApp, *, starts: bool) -> None:
        self._app = app
        self._starts = starts
        self._was_there = False
        self._gone_at: datetime | None = None

    def begin(self) -> None:
        """Start the daemon soon, if that is wanted."""
        if self._starts:
            self._app.set_timer(_START_AFTER_S, self._start_if_missing)

    def note(self, pulse: Pulse | None) -> None:
        """Take note of whether it is there."""
        if pulse is None:
            return
        if pulse.daemon_pid is not None:
            self._was_there, self._gone_at = True, None
        elif self._was_there and self._gone_at is None:
            self._gone_at = pulse.at

    def banner(self) -> tuple[Line, Line] | None:
        """Say that the daemon went away, as long as it is gone."""
        if self._gone_at is None:
            return None
        left = f" daemon not running since {clock(self._gone_at)}. Showing the stored state."
        return ((left, "warning"),), (("ctrl+r", "accent"), (" starts it ", "warning"))

    def start(self, then: Callable[[], None] | None = None) -> None:
        """Start it where there is none, and go on; what came of it is said above the keys."""
        app = self._app
        if app.view is None:
            return
        if not app.actions.is_allowed:
            app.view.say("--no-daemon says only to look", "warning")
            return
        app.view.say("looking for the daemon…" if app.has_daemon else "starting the daemon…", "quiet")
        self._run(then, is_quiet=False)

    def _start_if_missing(self) -> None:
        pulse = self._app.bridge.pulse
        if pulse is not None and pulse.daemon_pid is None and not self._app.is_over:
            self._run(None, is_quiet=True)

    def _run(self, then: Callable[[], None] | None, *, is_quiet: bool) -> None:
        app = self._app

        def done(outcome: Outcome) -> None:
            if app.view is not None and not (is_quiet and outcome.is_done):
                app.view.say(outcome.message, "" if outcome.is_done else "error")
            if then is not None and outcome.is_done:
                then()

        def start() -> None:
            app.call_later(done, app.actions.start_daemon())

        app.run_worker(start, thread=True, group="daemon", exit_on_error=False)
