"""The fork server: a warm process with flowctl imported, from which run processes are forked.

Started by exec for one interpreter, single-threaded, without a database. It holds the lock of each run that it
started together with the run process, and lets go of it when the process is gone, what the run left of processes is
killed, and the end is written down: so whoever finds the lock free finds the reason too. Where forking is unsafe the
run process is a new one. When the daemon goes away it stays until its last run has ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from typing import Final, NoReturn

from flowctl.core.daemon import processes
from flowctl.core.daemon.bootstrap import bootstrap
from flowctl.core.daemon.endings import Endings, StartedRun, oom_kills
from flowctl.core.daemon.framing import Channel, Closed, Message
from flowctl.core.daemon.processes import Process
from flowctl.core.engine.slots import take_slot
from flowctl.store.aftermath import Exit
from flowctl.store.home import Home
from flowctl.store.journal import has_begun
from flowctl.store.locks import take_at_once

#: What nearly every run needs and what is slow to import.
_PRELOADED: Final = (
    "asyncio",
    "inspect",
    "json",
    "logging",
    "traceback",
    "flowctl.core.authoring.flows",
    "flowctl.core.authoring.tasks",
    "flowctl.core.authoring.runtime",
    "flowctl.core.authoring.states",
    "flowctl.core.authoring.futures",
    "flowctl.core.daemon.run_process",
    "flowctl.core.engine.launch",
    "flowctl.core.engine.loading",
    "flowctl.core.engine.pool",
    "flowctl.core.engine.processes",
    "flowctl.core.engine.reports",
    "flowctl.core.engine.run_output",
    "flowctl.core.engine.timers",
    "pydantic.type_adapter",
)
_PR_SET_CHILD_SUBREAPER: Final = 36
#: How often what a run left behind is looked at, until it is gone.
_ENDING_POLL_MS: Final = 50


class _Busy(Exception):
    """The run is under way already, or was."""


class _Full(Exception):
    """Somebody was faster to take the last slot of a limit."""


class Server:
    """Starts run processes and looks after them."""

    def __init__(self, control: socket.socket, home: Home) -> None:
        self._channel: Channel | None = Channel(control)
        self._home = home
        self._runs: dict[int, StartedRun] = {}
        self._endings = Endings(home, self._tell)
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)

    def serve(self) -> Message | None:
        """Serve until the daemon is gone and the last run has ended; in each run process, return what to run."""
        self._tell({"kind": "ready", "pid": os.getpid(), "python": sys.version.split()[0]})
        while self._channel is not None or self._runs or self._endings.runs:
            poll = select.poll()
            poll.register(self._wake_reader, select.POLLIN)
            if self._channel is not None:
                wanted = select.POLLIN | (select.POLLOUT if self._channel.has_more_to_send else 0)
                poll.register(self._channel, wanted)
            poll.poll(_ENDING_POLL_MS if self._endings.runs else None)
            with contextlib.suppress(BlockingIOError):
                self._wake_reader.recv(4096)
            self._reap()
            self._endings.look_after(set(self._runs))
            for message in self._receive():
                plan = self._started(message)
                if plan is not None:
                    return plan
        return None

    def _receive(self) -> list[Message]:
        if self._channel is None:
            return []
        try:
            self._channel.flush()
            return self._channel.receive()
        except Closed:
            self._channel.close()
            self._channel = None
            return []

    def _tell(self, message: Message) -> None:
        if self._channel is not None:
            with contextlib.suppress(Closed):
                self._channel.send(message)

    def _started(self, request: Message) -> Message | None:
        """Start the run of a request; in the run process itself, give what it is to do."""
        run_id, attempt = request["run_id"], request["attempt"]
        subject = {"run_id": run_id, "attempt": attempt}
        held: list[int] = []
        before = oom_kills()
        try:
            held.append(self._claim(run_id, attempt))
            for name, slots in request.get("slots") or ():
                held.append(self._slot(name, slots))
            plan = {**request, "lock": held[0], "held": held[1:]}
            if request.get("spawn") or not is_fork_safe():
                pid = self._spawn(plan)
            else:
                pid = os.fork()
                if pid == 0:
                    self._leave()
                    return plan
        except (_Busy, _Full, OSError) as error:
            for descriptor in held:
                os.close(descriptor)
            kind = "refused" if isinstance(error, _Busy) else "full" if isinstance(error, _Full) else "failed"
            self._tell({"kind": kind, **subject, "message": str(error)})
            return None
        # It is not waited for yet, so that it is there even if it has ended.
        seen = processes.look(pid)
        process = Process(pid, 0) if seen is None else seen.process
        self._runs[pid] = StartedRun(run_id, attempt, process, held[0], tuple(held[1:]), before)
        self._tell({"kind": "started", **subject, "pid": pid, "started": process.started})
        return None

    def _slot(self, name: str, slots: int) -> int:
        found = take_slot(self._home.path, name, slots)
        if found is None:
            raise _Full(f"all slots of the limit {name!r} are taken")
        return found

    def _claim(self, run_id: str, attempt: int) -> int:
        """Take the lock of a run that no process ever worked on in this attempt."""
        os.makedirs(self._home.run_folder(run_id), mode=0o700, exist_ok=True)
        lock = os.open(self._home.run_lock(run_id), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not take_at_once(lock):
                raise _Busy("another process holds its lock")
            journal = self._home.journal(run_id, attempt)
            if has_begun(journal):
                raise _Busy("this attempt has been started before")
            with contextlib.suppress(FileNotFoundError):
                os.unlink(journal)
            # Behind the lock: whoever removes markers looks whether that is free.
            os.close(os.open(self._home.active_marker(run_id), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except BaseException:
            os.close(lock)
            raise
        return lock

    def _leave(self) -> None:
        """In the child: drop all that is the server's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._wake_reader.close()
        self._wake_writer.close()
        if self._channel is not None:
            self._channel.close()
        for run in (*self._runs.values(), *self._endings.runs):
            for descriptor in (run.lock, *run.slots):
                os.close(descriptor)
        self._runs.clear()

    def _spawn(self, plan: Message) -> int:
        """Start a run process by exec, which needs no memory of this one to be in order."""
        import msgpack

        with subprocess.Popen(
            [sys.executable, "-P", "-c", bootstrap("run_process")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(plan["lock"], *plan["held"]),
        ) as process:
            assert process.stdin is not None
            process.stdin.write(msgpack.packb(plan, unicode_errors="surrogatepass"))
            process.stdin.close()
            # It is waited for with all the others.
            process.returncode = 0
        return process.pid

    def _reap(self) -> None:
        """See who ended."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            run = self._runs.pop(pid, None)
            if run is None:
                continue  # somebody's child whose parent died, and which came to this process
            code = os.waitstatus_to_exitcode(status)
            is_oom = code == -signal.SIGKILL and oom_kills() > run.oom_kills
            unit = 1 if sys.platform == "darwin" else 1024
            cpu_us = int((usage.ru_utime + usage.ru_stime) * 1_000_000)
            self._endings.conclude(run, Exit(code, is_oom, usage.ru_maxrss * unit, cpu_us), set(self._runs))


def is_fork_safe() -> bool:
    """Tell whether a fork of this process would be in order: no other thread, no system whose libraries forbid it."""
    if sys.platform == "darwin" or threading.active_count() != 1:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return True


def main() -> NoReturn:
    """Be the fork server; in its children, be a run process."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _prepare()
    plan = Server(control, Home.default()).serve()
    if plan is None:
        sys.exit(0)
    from flowctl.core.daemon.run_process import be_run

    sys.exit(be_run(plan))


def _prepare() -> None:
    # Blocked, and not ignored: a run process that is cancelled before it is ready for that hears of it when it is.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    processes.name_this("flowctl-fork")
    if sys.platform == "linux":
        # Orphans of a run come to this process, so that they are found and waited for.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for name in _PRELOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
