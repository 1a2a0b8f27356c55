"""The fork servers of all interpreters, and what became of each run that they were asked to start."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from flowctl.core.daemon.fork_server import Closed, ForkServer
from flowctl.core.daemon.framing import Message
from flowctl.store.home import Home
from flowctl.store.journal import has_begun
from flowctl.store.liveness import is_alive

#: So many runs are asked of a fork server before it has said that the first of them is started: a daemon or a fork
#: server that dies then leaves few behind to be looked after.
_AHEAD: Final = 8
#: A fork server that ends before it is ready is started again this often.
_MOST_FAILURES: Final = 3


class Event(NamedTuple):
    """What became of a run that was asked for."""

    #: `started`, `exited`; `refused`: somebody has it already; `failed`: try again later; `hopeless`: do not;
    #: `lost`: it never began, try again; `orphaned`: it goes on without a fork server.
    kind: str
    run_id: str
    attempt: int
    pid: int = 0
    #: When that process started, as `processes.Process` has it.
    started: int = 0
    #: Exit status, or the number of the signal that killed it, negative.
    code: int = 0
    message: str = ""


class ForkServers:
    """One fork server for each interpreter, started when first needed."""

    def __init__(self, home: Home, *, watch: Callable[[int], None], unwatch: Callable[[int], None]) -> None:
        self._home = home
        #: Told of each descriptor that is worth waiting for.
        self._watch = watch
        self._unwatch = unwatch
        self._servers: dict[str, ForkServer] = {}
        self._leaving: list[ForkServer] = []
        #: Runs asked for and not started yet, and the server that was asked.
        self._asked: dict[str, tuple[ForkServer, int]] = {}
        #: Runs of a dead server whose process holds the lock and has not begun its journal.
        self._unsure: dict[str, int] = {}
        self._failures: dict[str, int] = {}
        self._told: list[Event] = []

    @property
    def pids(self) -> list[int]:
        """The fork servers' processes."""
        return [server.pid for server in self._servers.values()]

    def room(self, python: str) -> int:
        """Tell how many runs may be asked of an interpreter's fork server now."""
        server = self._servers.get(python)
        return _AHEAD - sum(asked[0] is server for asked in self._asked.values()) if server is not None else _AHEAD

    def __contains__(self, run_id: object) -> bool:
        """Tell whether word of a run is still to come."""
        told = any(event.run_id == run_id for event in self._told)
        return told or run_id in self._unsure or any(run_id in server.runs for server in self._servers.values())

    def start(self, plan: Message, *, now_s: float) -> None:
        """Ask for a run; what becomes of it is told by `events`."""
        python = plan["python"]
        try:
            server = self._servers.get(python) or self._new(python, now_s)
        except OSError as error:
            message = f"The interpreter {python} cannot be started: {error.strerror}. Deploy the flow with another one."
            self._told.append(Event("hopeless", plan["run_id"], plan["attempt"], message=message))
            return
        self._asked[plan["run_id"]] = (server, plan["attempt"])
        try:
            server.start(plan, now_s=now_s)
        except Closed:
            pass  # `events` finds it dead

    def events(self, now_s: float) -> list[Event]:
        """Tell what happened since; start nothing."""
        found, self._told = self._told, []
        for server in list(self._servers.values()):
            try:
                messages = server.messages()
            except Closed:
                found += self._buried(server)
                continue
            if messages:
                self._failures.pop(server.python, None)
            found += [event for message in messages if (event := self._event(message)) is not None]
            if not server.runs and server.idle_in_s(now_s) <= 0:
                self._dismiss(server)
        found += self._settle_unsure()
        self._leaving = [server for server in self._leaving if not server.has_ended]
        return found

    def close(self) -> None:
        """Let all go: each ends when its last run has."""
        for server in list(self._servers.values()):
            self._dismiss(server)
        for server in self._leaving:
            server.forget()

    def _new(self, python: str, now_s: float) -> ForkServer:
        with Path(self._log_of(python)).open("wb") as log:
            os.fchmod(log.fileno(), 0o600)
            server = ForkServer(python, self._home, log, now_s=now_s)
        self._servers[python] = server
        self._watch(server.fileno())
        return server

    def _dismiss(self, server: ForkServer) -> None:
        self._unwatch(server.fileno())
        del self._servers[server.python]
        server.let_go()
        self._leaving.append(server)

    def _event(self, message: Message) -> Event | None:
        kind = message["kind"]
        if kind == "ready":
            return None
        if kind != "exited":
            self._asked.pop(message["run_id"], None)
        fields = {name: message[name] for name in ("pid", "started", "code", "message") if name in message}
        return Event(kind, message["run_id"], message["attempt"], **fields)

    def _buried(self, server: ForkServer) -> list[Event]:
        """Find out what became of the runs of a server that is gone; another one is started when next needed."""
        self._unwatch(server.fileno())
        del self._servers[server.python]
        code = server.bury()
        reason = ""
        if not server.is_ready:
            self._failures[server.python] = failures = self._failures.get(server.python, 0) + 1
            if failures >= _MOST_FAILURES or code > 0:
                reason = self._why_not(server.python, code)
                self._failures.pop(server.python, None)
        found: list[Event] = []
        for run_id, attempt in server.runs.items():
            if self._asked.pop(run_id, None) is None:
                found.append(Event("orphaned", run_id, attempt))
            elif reason:
                found.append(Event("hopeless", run_id, attempt, message=reason))
            else:
                self._unsure[run_id] = attempt
        return found

    def _settle_unsure(self) -> list[Event]:
        """See of each run whose fork server died on the way whether it was started: the lock and the journal know."""
        found: list[Event] = []
        for run_id, attempt in list(self._unsure.items()):
            lives = is_alive(self._home, run_id)
            if has_begun(self._home.journal(run_id, attempt)):
                found.append(Event("orphaned", run_id, attempt))
            elif not lives:
                found.append(Event("lost", run_id, attempt))
            else:
                continue
            del self._unsure[run_id]
        return found

    def idle_in_s(self, now_s: float) -> float | None:
        """Tell when a fork server may be let go for want of work."""
        return min((server.idle_in_s(now_s) for server in self._servers.values() if not server.runs), default=None)

    @property
    def is_unsure(self) -> bool:
        """Whether it is to be asked again soon."""
        return bool(self._unsure or self._told) or any(server.has_more_to_send for server in self._servers.values())

    def _log_of(self, python: str) -> str:
        from hashlib import sha256

        return f"{self._home.path}/fork-server-{sha256(os.fsencode(python)).hexdigest()[:8]}.log"

    def _why_not(self, python: str, code: int) -> str:
        try:
            said = Path(self._log_of(python)).read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            said = []
        words = said[-1][:500] if said else f"it ended with exit status {code}"
        return (
            f"The interpreter {python} cannot run flows: {words}. "
            f"Install flowctl for it (`{python} -m pip install flowctl-local`), or deploy with another interpreter."
        )
