"""How runs end in a fork server: what they left of processes is ended, the end is written down, the lock let go."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from time import monotonic
from typing import Final, NamedTuple

from flowctl.core.daemon import processes
from flowctl.core.daemon.framing import Message
from flowctl.core.daemon.processes import Process
from flowctl.store.aftermath import Exit
from flowctl.store.home import Home

#: Exit statuses of run processes whose flow came to its own end; whoever ends otherwise leaves no process behind.
_OWN_ENDS: Final = (0, 1)
#: Exit status of a run process that could not begin for want of room, memory or descriptors, which may pass.
NOT_YET: Final = 75
#: Children that a run leaves in its session when it ends well get so long to end.
_GRACE_S: Final = 2.0


class StartedRun(NamedTuple):
    """A run process."""

    run_id: str
    attempt: int
    process: Process
    #: Descriptors: the lock of the run, and what holds its slots of limits.
    lock: int
    slots: tuple[int, ...]
    #: How often the kernel had killed for want of memory when it started.
    oom_kills: int


class _Ending(NamedTuple):
    """A run process that ended, and that left something behind."""

    run: StartedRun
    end: Exit
    #: When what is left is killed, by the monotonic clock.
    deadline: float


class Endings:
    """The runs whose process has ended and which are not let go yet."""

    def __init__(self, home: Home, tell: Callable[[Message], None]) -> None:
        self._home = home
        self._tell = tell
        self._waiting: list[_Ending] = []
        #: Children of others that were found to be nobody's business.
        self._known_strangers: set[int] = set()

    @property
    def runs(self) -> list[StartedRun]:
        """Those that wait for the end of what they left behind."""
        return [ending.run for ending in self._waiting]

    def conclude(self, run: StartedRun, end: Exit, alive: set[int]) -> None:
        """Have the processes that a run left behind ended, then let go of it; `alive` are the other run processes."""
        ending = _Ending(run, end, monotonic() + _GRACE_S)
        if end.code not in _OWN_ENDS:
            processes.kill_tree(lambda: self._left_of(ending))
        elif self._strangers(alive) - self._known_strangers and (left := self._left_of(ending)):
            processes.send_all(left, signal.SIGTERM)
            self._waiting.append(ending)
            return
        self._let_go(ending, alive)

    def look_after(self, alive: set[int]) -> None:
        """Kill what did not heed the polite signal."""
        for ending in tuple(self._waiting):
            left = self._left_of(ending)
            is_late = monotonic() > ending.deadline
            if left and is_late:
                processes.kill_tree(lambda ending=ending: self._left_of(ending))  # type: ignore[misc]
            if not left or is_late:
                self._waiting.remove(ending)
                self._let_go(ending, alive)

    def _left_of(self, ending: _Ending) -> list[Process]:
        """Find the processes of an ended run; after a good end not those that went their own way by setsid."""
        run = ending.run
        folder = self._home.run_folder(run.run_id)
        found = processes.members(
            processes.look_at_all(), run.process, run_id=run.run_id, folder=folder, is_leading=True
        )
        is_own_end = ending.end.code in _OWN_ENDS
        return [each.process for each in found if not is_own_end or each.session == run.process.pid]

    def _let_go(self, ending: _Ending, alive: set[int]) -> None:
        run, end = ending.run, ending.end
        with contextlib.suppress(OSError):  # a full disk: the run has ended all the same
            end.write(self._home, run.run_id, run.attempt)
        for descriptor in (*run.slots, run.lock):
            os.close(descriptor)
        self._known_strangers = self._strangers(alive)
        self._tell(
            {"kind": "exited", "run_id": run.run_id, "attempt": run.attempt, "pid": run.process.pid, "code": end.code}
        )

    def _strangers(self, alive: set[int]) -> set[int]:
        """List the children that are no run processes: orphans of a run, which came to this process."""
        try:
            with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
                return {int(pid) for pid in file.read().split()} - alive
        except OSError:
            # Nobody tells here: look among all processes, each time.
            self._known_strangers = set()
            return {0}


def oom_kills() -> int:
    """Count how often the kernel killed a process of this machine, or of this group of it, for want of memory."""
    total = 0
    for path in ("/proc/vmstat", "/sys/fs/cgroup/memory.events"):
        with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("oom_kill "))
    return total
