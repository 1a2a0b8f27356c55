"""The daemon's side of looking into files: which inspector is asked, and what came of it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from flowctl.core.daemon.bootstrap import bootstrap
from flowctl.core.daemon.framing import Channel, Closed, Message
from flowctl.core.daemon.tables import Tables
from flowctl.core.engine.local_code import roots_of

#: An inspector that was not asked for so long ends.
IDLE_S: Final = 60.0
#: One that dies before it answers is started again, so often for one file.
_MOST_TRIES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """In what a file is loaded."""

    python: str
    cwd: str
    path0: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What a look into a file showed."""

    path: str
    flows: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    #: Local file that was loaded -> hash of the text that ran; empty where that is not known.
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Local files that it would import as far as its text tells.
    named: frozenset[str] = frozenset()
    problem: Mapping[str, Any] | None = None
    tasks: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    #: It was there when it was asked about, and is not any more.
    is_gone: bool = False
    #: How long its import took, and when it was last written.
    import_us: int | None = None
    changed_us: int | None = None
    #: Of a settings file, in place of all that.
    tables: Tables | None = None


class Inspectors:
    """One inspector for each interpreter, started when first needed."""

    def __init__(
        self,
        *,
        watch: Callable[[int], None] = lambda _descriptor: None,
        unwatch: Callable[[int], None] = lambda _descriptor: None,
        seconds: float = 10.0,
        memory: int = 0,
    ) -> None:
        self.seconds = seconds
        self.memory = memory
        self._watch = watch
        self._unwatch = unwatch
        self._servers: dict[str, _Server] = {}
        self._count = 0

    def warm_up(self, python: str, now_s: float) -> None:
        """Have an inspector ready, since it may be needed in a moment; where that fails, asking for it will tell."""
        try:
            self._server(python, now_s)
        except OSError:
            pass

    def ask(self, path: str, surroundings: Surroundings, *, is_known: bool, now_s: float) -> Inspected | None:
        """Have a file looked into; what comes of it is told by `answers`, unless it is known at once."""
        self._count += 1
        request: Message = {
            "id": self._count,
            "path": path,
            "roots": list(roots_of(path)),
            "cwd": surroundings.cwd,
            "path0": surroundings.path0,
            "is_known": is_known,
            "seconds": self.seconds,
            "memory": self.memory,
        }
        try:
            server = self._server(surroundings.python, now_s)
        except OSError as error:
            return _without_interpreter(path, surroundings.python, error.strerror or str(error))
        server.ask(request, now_s)
        return None

    def answers(self, now_s: float) -> list[Inspected]:
        """Give what was found out since."""
        found: list[Inspected] = []
        for server in list(self._servers.values()):
            found += server.answers()
            if server.is_gone:
                self._drop(server)
                found += self._ask_again(server, now_s)
            elif server.is_idle(now_s):
                self._drop(server)
        return found

    def forget(self, path: str) -> None:
        """Take no interest in the answer about a file any more."""
        for server in self._servers.values():
            server.forget(path)

    @property
    def is_busy(self) -> bool:
        return any(server.is_busy for server in self._servers.values())

    @property
    def pids(self) -> list[int]:
        return [server.pid for server in self._servers.values()]

    def idle_s(self, now_s: float) -> float | None:
        """Tell when to come again to end those that nobody needs."""
        return min((max(server.used_s + IDLE_S - now_s, 0.0) + 0.1 for server in self._servers.values()), default=None)

    def close(self) -> None:
        """End them all."""
        for server in list(self._servers.values()):
            self._drop(server)

    def _server(self, python: str, now_s: float) -> _Server:
        server = self._servers.get(python)
        if server is None:
            server = self._servers[python] = _Server(python, now_s)
            self._watch(server.fileno())
        return server

    def _drop(self, server: _Server) -> None:
        self._unwatch(server.fileno())
        self._servers.pop(server.python, None)
        server.close()

    def _ask_again(self, server: _Server, now_s: float) -> list[Inspected]:
        """Give what a dead inspector was asked to another one, unless it never was of any use."""
        found: list[Inspected] = []
        for request in server.asked.values():
            tries = request.get("tries", 1)
            if tries >= _MOST_TRIES:
                how = f"its inspector {server.how_it_ended}"
                found.append(_without_interpreter(request["path"], server.python, how))
                continue
            try:
                self._server(server.python, now_s).ask({**request, "tries": tries + 1}, now_s)
            except OSError as error:
                found.append(_without_interpreter(request["path"], server.python, str(error)))
        return found


class _Server:
    """An inspector of one interpreter."""

    def __init__(self, python: str, now_s: float) -> None:
        self.python = python
        self.asked: dict[int, Message] = {}
        self.used_s = now_s
        self.is_gone = False
        self.how_it_ended = ""
        self._texts: dict[int, Message] = {}
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [python, "-P", "-c", bootstrap("inspection_main"), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._channel = Channel(ours)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_busy(self) -> bool:
        return bool(self.asked)

    def fileno(self) -> int:
        return self._channel.fileno()

    def ask(self, request: Message, now_s: float) -> None:
        self.asked[request["id"]] = request
        self.used_s = now_s
        try:
            self._channel.send(request)
        except Closed:
            pass  # `answers` finds it gone

    def forget(self, path: str) -> None:
        for number, request in list(self.asked.items()):
            if request["path"] == path:
                self.asked[number] = {**request, "is_forgotten": True}

    def answers(self) -> list[Inspected]:
        try:
            self._channel.flush()
            messages = self._channel.receive()
        except Closed:
            self.is_gone = True
            code = self._end()
            self.how_it_ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit status {code}"
            return []
        found: list[Inspected] = []
        for message in messages:
            number: int = message["id"]
            if message["kind"] == "text":
                self._texts[number] = message
                continue
            request = self.asked.pop(number)
            text = self._texts.pop(number, {})
            if not request.get("is_forgotten"):
                found.append(_read(request, message, text))
        return found

    def is_idle(self, now_s: float) -> bool:
        return not self.asked and now_s - self.used_s > IDLE_S

    def close(self) -> None:
        """Let it go; it ends its children and itself."""
        self._channel.close()
        try:
            self._process.wait(2.0)
        except subprocess.TimeoutExpired:
            self._end()

    def _end(self) -> int:
        self._process.kill()
        return self._process.wait()


def _read(request: Message, message: Message, text: Message) -> Inspected:
    path: str = request["path"]
    of_text = Inspected(path=path, named=frozenset(text.get("files", ())), changed_us=text.get("changed_us"))
    if message["kind"] == "done":
        told = {name: message[name] for name in ("flows", "tasks", "files", "import_us", "problem", "is_gone")}
        return replace(of_text, **told)
    if message["kind"] == "late":
        words = f"Importing it took longer than {request['seconds']:g} s (setting inspect_seconds)"
        return replace(of_text, problem=_problem(path, "TimedOut", words, message["said"]))
    words = f"Importing it ended the process: it {message['how']}"
    return replace(of_text, problem=_problem(path, "Died", words, message["said"]))


def _problem(path: str, kind: str, text: str, said: str = "") -> Message:
    last = said.strip().splitlines()[-1][:500] if said.strip() else ""
    remedy = 'Put what only a script should do under `if __name__ == "__main__":`.'
    words = f'{text}, after it printed "{last}". {remedy}' if last else f"{text}. {remedy}"
    return {"kind": kind, "message": words, "file": path, "line": 0, "code": "", "error": None}


def _without_interpreter(path: str, python: str, why: str) -> Inspected:
    text = f"The interpreter {python} cannot look into it: {why}. Is flowctl installed for it?"
    problem = {"kind": "NoInterpreter", "message": text, "file": path, "line": 0, "code": "", "error": None}
    return Inspected(path=path, problem=problem)
