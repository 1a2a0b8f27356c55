"""Cancels under way: an interrupt to the run process, then a word to all its processes, then the end of them.

A run is Cancelled when its process is gone; until then its state is Cancelling. Whoever is left of a run whose process
is gone is killed at once.
"""

from __future__ import annotations

import signal
from typing import Final

from flowctl.core.daemon import processes
from flowctl.core.daemon.processes import Process
from flowctl.store.home import Home

#: A flow that is interrupted gets so long for its hooks and `finally` blocks.
GRACE_S: Final = 10.0
#: Whoever was sent SIGTERM gets so long.
TERMINATE_S: Final = 5.0
#: While a cancel is under way it is looked at this often.
LOOK_EVERY_S: Final = 0.05


class Cancellation:
    """The cancel of one run, from its first signal to the last process."""

    def __init__(self, home: Home, run_id: str, attempt: int, *, grace_s: float = GRACE_S) -> None:
        self.run_id = run_id
        self.attempt = attempt
        self._folder = home.run_folder(run_id)
        self._grace_s = grace_s
        self._leader: Process | None = None
        self._is_leading = False
        #: Signals that are still to be sent, the next one first, and when.
        self._signals = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
        self._due_s = 0.0

    @property
    def has_leader(self) -> bool:
        """Whether it is known whom to signal."""
        return self._leader is not None

    def aim(self, leader: Process, *, is_leading: bool) -> None:
        """Say which process carries out the run, and whether it began a session of its own."""
        self._leader = leader
        self._is_leading = is_leading

    def take_up(self, now_s: float) -> None:
        """Go on with a cancel that an earlier daemon began: the process was interrupted already."""
        self._signals = [signal.SIGTERM, signal.SIGKILL]
        self._due_s = now_s + self._grace_s

    def insist(self) -> None:
        """Kill now, without further words."""
        self._signals = [signal.SIGKILL]
        self._due_s = 0.0

    def step(self, now_s: float) -> bool:
        """Go on; tell whether nobody is left."""
        leader = self._leader
        if leader is None:
            return False
        if not processes.is_alive(leader):
            return not processes.kill_tree(self._members, patience_s=LOOK_EVERY_S)
        if now_s < self._due_s:
            return False
        number = self._signals[0]
        if number == signal.SIGINT:
            processes.send(leader, signal.SIGINT)
            # One that is stopped does not hear it before it goes on.
            processes.send(leader, signal.SIGCONT)
        elif number == signal.SIGTERM:
            processes.send_all(self._members(), signal.SIGTERM)
        else:
            return not processes.kill_tree(self._members, patience_s=LOOK_EVERY_S)
        self._due_s = now_s + (self._grace_s if number == signal.SIGINT else min(TERMINATE_S, self._grace_s))
        del self._signals[0]
        return False

    def _members(self) -> list[Process]:
        assert self._leader is not None
        mine = processes.members(
            processes.look_at_all(),
            self._leader,
            run_id=self.run_id,
            folder=self._folder,
            is_leading=self._is_leading,
        )
        return [each.process for each in mine]
