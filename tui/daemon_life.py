"""The daemon as the interface sees it: started where there is none, missed when it goes, welcomed when it is back."""

from __future__ import annotations

import math
import time
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
#: After a start that failed, the next one is tried after so many seconds, then after twice as many, up to the last.
_AGAIN_AFTER_S: Final = 2.0
_AGAIN_AT_LAST_S: Final = 32.0


class DaemonLife:
    """Whether there is a daemon, since when not, and how often it was tried to start it."""

    def __init__(self, app: FlowctlApp, *, may_start: bool, starts: bool) -> None:
        self._app = app
        #: Whether one may be started at all, and whether that is done unasked.
        self.may_start = may_start
        self._starts = may_start and starts
        self._was_there = False
        self._gone_at: datetime | None = None
        #: Why it could not be started, how often that was tried, and when it is tried again.
        self._failure: str | None = None
        self._tries = 0
        self._again_s = float("inf")

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
            self._failure, self._tries, self._again_s = None, 0, float("inf")
        elif self._was_there and self._gone_at is None:
            self._gone_at = pulse.at

    def banner(self) -> tuple[Line, Line] | None:
        """Say that the daemon is away, as long as it is, and what is done about it."""
        since = "" if self._gone_at is None else f" daemon not running since {clock(self._gone_at)}."
        if self._failure is not None:
            left_s = self._again_s - time.monotonic()
            # None while one is under way.
            when = f"next in {math.ceil(max(left_s, 0))} s" if math.isfinite(left_s) else "now"
            right = f"reconnecting, try {self._tries + 1}, {when} "
            return ((f"{since} {self._failure}", "warning"),), ((right, "warning"),)
        if self._gone_at is None:
            return None
        remedy: Line = (("ctrl+r", "accent"), (" starts it ", "warning")) if self.may_start else ()
        return ((f"{since} Showing the stored state.", "warning"),), remedy

    @property
    def counts_down(self) -> bool:
        """Whether the banner changes with the clock."""
        return self._failure is not None

    def tick(self) -> None:
        """Try again what has failed, when its time has come."""
        if time.monotonic() > self._again_s:
            self._start_if_missing()

    def start(self, then: Callable[[], None] | None = None) -> None:
        """Start it where there is none, and go on; what came of it is said above the keys."""
        app = self._app
        if app.view is None:
            return
        if not self.may_start:
            app.view.say("--no-daemon says only to look", "warning")
            return
        pulse = app.bridge.pulse
        is_there = pulse is not None and pulse.daemon_pid is not None
        app.view.say("looking for the daemon…" if is_there else "starting the daemon…", "quiet")
        self._run(then, is_quiet=False)

    def _start_if_missing(self) -> None:
        pulse = self._app.bridge.pulse
        if pulse is None and not self._app.is_over:
            # The first look may take long: a database is brought up to date, or many runs are taken in.
            self._app.set_timer(_START_AFTER_S, self._start_if_missing)
        elif pulse is not None and pulse.daemon_pid is None and not self._app.is_over:
            self._run(None, is_quiet=True)

    def _run(self, then: Callable[[], None] | None, *, is_quiet: bool) -> None:
        app = self._app
        # Not again before this one has come to something.
        self._again_s = float("inf")

        def done(outcome: Outcome) -> None:
            if outcome.is_done:
                self._failure = None
            else:
                self._failure = outcome.message
                self._again_s = time.monotonic() + min(_AGAIN_AFTER_S * 2**self._tries, _AGAIN_AT_LAST_S)
                self._tries += 1
            if app.view is not None:
                if is_quiet:
                    app.view.refresh_lines()
                elif outcome.is_done:
                    app.view.say(outcome.message)
                else:
                    app.view.hush()
            if then is not None and outcome.is_done:
                then()

        def start() -> None:
            app.call_later(done, app.actions.start_daemon())

        app.run_worker(start, thread=True, group="daemon", exit_on_error=False)
