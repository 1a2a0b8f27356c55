"""The inspector: a warm process that looks into files of the user's, each in a child of its own with limits.

Started by exec for one interpreter, single-threaded, with nothing of the user's imported. What a file does when it is
imported (ends the process, hangs, prints without end, takes all memory) happens to the child alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import resource
import select
import signal
import socket
import subprocess
import sys
from functools import cache, partial
from time import monotonic
from traceback import print_exc
from typing import Final, NoReturn

import msgpack

from flowctl.core.daemon import processes
from flowctl.core.daemon.bootstrap import bootstrap
from flowctl.core.daemon.fork_server_main import is_fork_safe
from flowctl.core.daemon.framing import Channel, Closed, Message
from flowctl.core.daemon.inspection_report import inspect
from flowctl.core.engine import local_code
from flowctl.core.engine.root import RUN_VARIABLE

#: Of what a file prints when it is imported, so much of the end is kept, for those whose process dies of it.
_KEPT_BYTES: Final = 4096
_PR_SET_PDEATHSIG: Final = 1
#: So many files one child looks into, when a thousand are saved at once.
_MOST_IN_ONE: Final = 16
#: So many children at once.
_AT_ONCE: Final = max(os.cpu_count() or 1, 2)


class _Child:
    """A child that looks into files, one after the other."""

    def __init__(self, requests: list[Message], pid: int, channel: Channel, said: int) -> None:
        #: By their ids, those that it has not told the end of.
        self.requests: dict[int, Message] = {request["id"]: request for request in requests}
        self.is_alone = len(requests) == 1
        self.token = _token(requests)
        self.pid = pid
        self.process = processes.find(pid) or processes.Process(pid, 0)
        self.channel: Channel | None = channel
        self.said = said
        self.words = bytearray()
        self.deadline = monotonic() + requests[0]["seconds"]

    @property
    def is_done(self) -> bool:
        return not self.requests


class Inspector:
    """Takes requests, starts children for them, and sends on what they tell."""

    def __init__(self, control: socket.socket) -> None:
        self._control = Channel(control)
        self._waiting: list[Message] = []
        self._children: list[_Child] = []

    def serve(self) -> None:
        """Serve until whoever asks is gone; then end all children."""
        try:
            while True:
                self._control.flush()
                while self._waiting and len(self._children) < _AT_ONCE:
                    self._start(self._taken())
                self._wait()
                for child in list(self._children):
                    self._hear(child)
                with contextlib.suppress(BlockingIOError):
                    self._waiting += self._control.receive()
        except Closed:
            for child in self._children:
                self._end(child)

    def _taken(self) -> list[Message]:
        """Take one request, and of many several: a thousand processes for as many files would take their time."""
        if self._waiting[0].get("is_alone"):
            return [self._waiting.pop(0)]
        count = min(max(len(self._waiting) // (2 * _AT_ONCE), 1), _MOST_IN_ONE)
        taken = [request for request in self._waiting[:count] if not request.get("is_alone")]
        self._waiting = [request for request in self._waiting if request not in taken]
        return taken

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._control, select.POLLIN | (select.POLLOUT if self._control.has_more_to_send else 0))
        for child in self._children:
            if child.channel is not None:
                poll.register(child.channel, select.POLLIN)
            if child.said >= 0:
                poll.register(child.said, select.POLLIN)
        now = monotonic()
        next_end = min((child.deadline - now for child in self._children), default=None)
        poll.poll(None if next_end is None else max(next_end, 0) * 1000 + 1)

    def _start(self, requests: list[Message]) -> None:
        ours, theirs = socket.socketpair()
        said, saying = os.pipe()
        try:
            pid = self._spawn(requests, theirs, saying) if not is_fork_safe() else os.fork()
        except OSError as error:
            for request in requests:
                self._tell(request, {"kind": "died", "how": f"could not be started: {error.strerror}", "said": ""})
            for descriptor in (said, saying, ours.detach(), theirs.detach()):
                os.close(descriptor)
            return
        if pid == 0:
            _be_child(requests, theirs, saying)
        theirs.close()
        os.close(saying)
        os.set_blocking(said, False)
        self._children.append(_Child(requests, pid, Channel(ours), said))

    def _spawn(self, requests: list[Message], theirs: socket.socket, saying: int) -> int:
        """Where forking is not safe, have a new interpreter do it."""
        command = [sys.executable, "-P", "-c", bootstrap("inspection_main"), str(theirs.fileno()), str(saying)]
        process = subprocess.Popen(command, pass_fds=(theirs.fileno(), saying), stdin=subprocess.PIPE)
        assert process.stdin is not None
        with process.stdin as stdin:
            stdin.write(msgpack.packb(requests, unicode_errors="surrogatepass"))
        process.returncode = 0  # waited for by its number, as those that are forked
        return process.pid

    def _hear(self, child: _Child) -> None:
        self._drain(child)
        if child.channel is not None:
            try:
                for message in child.channel.receive():
                    request = child.requests[message["id"]]
                    self._tell(request, message)
                    if message["kind"] == "done":
                        del child.requests[message["id"]]
                        child.deadline = monotonic() + request["seconds"]
            except Closed:
                child.channel.close()
                child.channel = None
        is_late = monotonic() >= child.deadline
        if child.channel is not None and not child.is_done and not is_late:
            return
        # Its own channel closes with its death; a child of its own may hold a copy, so the deadline counts too.
        status = self._end(child)
        self._children.remove(child)
        said = child.words.decode("utf-8", "replace")
        for request in child.requests.values():
            if not child.is_alone:
                # Whose fault it was is seen when each is alone.
                self._waiting.append({**request, "is_alone": True})
            elif is_late and status != 0:
                self._tell(request, {"kind": "late", "said": said})
            else:
                self._tell(request, {"kind": "died", "how": _how(status), "said": said})

    def _drain(self, child: _Child) -> None:
        if child.said < 0:
            return
        try:
            for _ in range(64):
                part = os.read(child.said, 1 << 16)
                if not part:
                    os.close(child.said)
                    child.said = -1
                    return
                child.words += part
                del child.words[:-_KEPT_BYTES]
        except BlockingIOError:
            pass

    def _end(self, child: _Child) -> int:
        """Make sure that a child and what it started are gone; return its wait status."""
        status = 0
        has_ended = False
        with contextlib.suppress(ChildProcessError):
            has_ended = bool((found := os.waitpid(child.pid, os.WNOHANG))[0])
            status = found[1]
        if not child.is_done:

            def members() -> list[processes.Process]:
                seen = processes.members(
                    processes.look_at_all(),
                    child.process,
                    run_id=child.token,
                    folder=f"/{child.token}",
                    is_leading=True,
                )
                return [each.process for each in seen]

            self._drain(child)
            processes.kill_tree(members)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        if not has_ended:
            with contextlib.suppress(ChildProcessError):
                status = os.waitpid(child.pid, 0)[1]
        if child.channel is not None:
            child.channel.close()
        if child.said >= 0:
            os.close(child.said)
        return status

    def _tell(self, request: Message, message: Message) -> None:
        self._control.send({**message, "id": request["id"]})


def main() -> NoReturn:
    """Be the inspector; with a second argument, be the child for the one request on stdin."""
    control = socket.socket(fileno=int(sys.argv[1]))
    if len(sys.argv) > 2:
        requests = msgpack.unpackb(sys.stdin.buffer.read(), unicode_errors="surrogatepass")
        _be_child(requests, control, int(sys.argv[2]))
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for name in _PRELOADED:
        importlib.import_module(name)
    if sys.platform == "linux":
        _library()
    gc.collect()
    gc.freeze()
    Inspector(control).serve()
    sys.exit(0)


_PRELOADED: Final = (
    "asyncio",
    "hashlib",
    "importlib.util",
    "inspect",
    "json",
    "logging",
    "flowctl.core.authoring.flows",
    "flowctl.core.authoring.futures",
    "flowctl.core.authoring.loggers",
    "flowctl.core.authoring.runtime",
    "flowctl.core.authoring.schemas",
    "flowctl.core.authoring.states",
    "flowctl.core.authoring.tasks",
)


def _be_child(requests: list[Message], theirs: socket.socket, saying: int) -> NoReturn:
    """Look into the files of requests; end without any of the ends that a file may have arranged for."""
    try:
        os.setsid()
        _limit(requests[0]["memory"])
        _take_streams(saying)
        channel = Channel(theirs)
        os.environ[RUN_VARIABLE] = _token(requests)
        for request in requests:
            number: int = request["id"]
            inspect(request, partial(_send, channel, theirs, number))
            local_code.forget()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a defect here is told as what the file did, with its last words
        print_exc()
    finally:
        os._exit(70)


def _send(channel: Channel, end: socket.socket, number: int, message: Message) -> None:
    channel.send({**message, "id": number})
    while channel.has_more_to_send:
        select.select([], [end], [])
        channel.flush()


def _limit(memory: int) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory:
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        memory = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    if sys.platform == "linux":
        # Nobody else would end it when the inspector is killed.
        _library().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _take_streams(saying: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(saying, 1)
    os.dup2(saying, 2)
    os.close(saying)
    # Those that the inspector has were made for something else than a pipe.
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115 - kept open
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115


def _token(requests: list[Message]) -> str:
    return f"inspection-{requests[0]['id']}"


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit status {code}"
