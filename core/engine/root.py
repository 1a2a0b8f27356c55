"""`RootRun`: what a root flow run and everything below it share in this process: folder, lock, journal, counters."""

from __future__ import annotations

import os
import sys
import time
from _thread import allocate_lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flowctl.core.engine.handed_on import HandedOn
from flowctl.core.engine.journal_writer import JournalWriter
from flowctl.core.engine.locks import take
from flowctl.core.engine.settings import Settings, load_settings
from flowctl.store.home import Home, HomeUnusable
from flowctl.store.journal import FORMAT, JournalOpened
from flowctl.store.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowctl.core.authoring.flows import Flow
    from flowctl.core.authoring.runs import FlowRun, TaskRun
    from flowctl.core.authoring.tasks import Task
    from flowctl.core.engine.control import Wishes
    from flowctl.core.engine.resume import Recorded
    from flowctl.core.engine.run_output import RunOutput
    from flowctl.store.journal import Record

#: In the environment of all that the process of a run starts: the run's id, so that a cancel finds whoever went astray.
#: Not of the `FLOWCTL_…` kind, which are settings.
RUN_VARIABLE: Final = "_FLOWCTL_RUN"

#: Observers that every root run of this process gets (the live display, the console of a script).
process_observers: Final[list[Callable[[Record], None]]] = []


def now_us() -> int:
    """The time, in microseconds since the epoch."""
    return time.time_ns() // 1000


class Announced(NamedTuple):
    """A run that has an id already, and whose lock this process was given."""

    run_id: str
    #: Descriptor of the open lock file.
    lock: int


class RootRun:
    """Holds the lock and the journal of one root run for as long as this process works on it."""

    __slots__ = (
        "_lock_fd",
        "attempt",
        "broken",
        "cancelled",
        "clock",
        "console",
        "default_retries",
        "durable",
        "handed_on",
        "home",
        "id",
        "is_closed",
        "journal",
        "lock",
        "log_level",
        "next_child",
        "next_run",
        "next_task",
        "output",
        "recorded",
        "results",
        "settings",
        "slots",
        "terms",
        "waiting",
        "wishes",
    )

    def __init__(
        self,
        *,
        start: str | None,
        recorded: Recorded | None = None,
        announced: Announced | None = None,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self.clock = clock
        self.is_closed = False
        self.settings = settings_for(start)
        self.home = _ready_home()
        self.recorded = recorded
        self.id = announced.run_id if announced else new_id() if recorded is None else recorded.run_id
        self.attempt = 1 if recorded is None else recorded.attempt + 1
        #: Guards what several threads change: waiters, counters of open tasks, resume bookkeeping.
        self.lock = allocate_lock()
        self.next_task = 1 if recorded is None else recorded.next_task
        self.next_run = 0 if recorded is None else recorded.next_run
        self.next_child = 0 if recorded is None else recorded.next_child
        self.durable = self.settings.durability == "power"
        self.log_level = self.settings.level_number
        #: Why the run was asked to stop, once it was: the exception thrown into it.
        self.cancelled: BaseException | None = None
        #: Set when the calls of a retried run did not fit its record.
        self.broken: BaseException | None = None
        #: What a person asked of the run by its control file, while that keeps tasks from starting.
        self.wishes: Wishes | None = None
        #: Of each task that was called, what its runs are granted, as JSON.
        self.terms: dict[Task[..., Any], str | None] = {}
        #: What its runs gave lately, to know it again where it goes in.
        self.handed_on = HandedOn()
        #: Limits of which the process holds a slot for the whole run.
        self.slots: frozenset[str] = frozenset()
        #: Task runs by number, in their retry delay or waiting for a slot.
        self.waiting: dict[int, TaskRun] = {}
        #: What the processes of the run wrote to their stdout and stderr, where these are files of the run.
        self.output: RunOutput | None = None
        folder = self.home.run_folder(self.id)
        #: Folder for results too large for the journal.
        self.results = folder + "/results"
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            self._lock_fd = announced.lock if announced else _take_lock(self.home.run_lock(self.id), self.id)
            # Behind the lock: whoever removes markers looks whether it is free, and a marker made before would go.
            _touch(self.home.active_marker(self.id))
        except OSError as error:
            raise HomeUnusable(self.home.path, error.strerror or str(error)) from error
        self.journal = JournalWriter(
            self.home.journal(self.id, self.attempt), 0 if recorded is None else recorded.next_sequence
        )
        self.journal.observers.extend(process_observers)
        #: Shows log lines, where nothing else shows the run.
        self.console: Callable[[FlowRun | TaskRun, int, int, str], None] | None = None
        if not process_observers and self.settings.show_log:
            from flowctl.core.engine.console import show

            self.console = show
        self.journal.append(
            JournalOpened(
                at=self.clock(),
                format=FORMAT,
                run_id=self.id,
                attempt=self.attempt,
                pid=os.getpid(),
                boot_id=_boot_id(),
                host=os.uname().nodename,
                python=f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}",
                flowctl=VERSION,
            )
        )
        _holders[self.id] = self
        os.environ[RUN_VARIABLE] = self.id

    def new_task_number(self) -> int:
        take(self.lock)
        number = self.next_task
        self.next_task = number + 1
        self.lock.release()
        return number

    def new_child_number(self) -> int:
        """Number a process of a process pool; the first is 1."""
        with self.lock:
            self.next_child += 1
            return self.next_child

    def new_run_number(self) -> int:
        with self.lock:
            number = self.next_run
            self.next_run = number + 1
        return number

    def close(self) -> None:
        """Let go of the run: its journal is complete, its lock is free."""
        if self.output is not None:
            self.output.finish()
        self.is_closed = True
        self.journal.close()
        _holders.pop(self.id, None)
        if os.environ.get(RUN_VARIABLE) == self.id:
            del os.environ[RUN_VARIABLE]
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def leave_to_parent(self) -> None:
        """Drop the lock in a forked child, so that it does not seem to hold the run when the parent is dead."""
        self.lock = allocate_lock()
        os.close(self._lock_fd)
        self._lock_fd = -1


def new_id() -> str:
    """Make a random UUID (version 4) as text."""
    text = os.urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"


def settings_for(start: str | None) -> Settings:
    """Load the settings for a flow's file, once for each folder and environment."""
    folder = os.path.dirname(start) if start else os.getcwd()
    key = (folder, tuple(sorted(item for item in os.environ.items() if item[0].startswith("FLOWCTL_"))))
    found = _settings.get(key)
    if found is None:
        found = _settings[key] = load_settings(start)
    return found


class RunActive(Exception):
    """A run that is to be taken up is still held by a living process."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"Run {run_id} is still running in another process. Wait for its end or cancel it first.")


_holders: Final[dict[str, RootRun]] = {}
_settings: Final[dict[Any, Settings]] = {}
_ready: Final[set[str]] = set()
_boot: str | None = None
#: Who only looks whether a run lives holds its lock for an instant.
_LOCK_WAIT_S: Final = 0.1


def _ready_home() -> Home:
    home = Home.default()
    if home.path not in _ready or not os.path.isdir(home.active):
        home.ensure()
        _ready.add(home.path)
    return home


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _take_lock(path: str, run_id: str) -> int:
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise RunActive(run_id) from None
            time.sleep(0.001)
        else:
            return descriptor


def _boot_id() -> str:
    global _boot
    if _boot is None:
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                _boot = file.read().strip()
        except OSError:
            _boot = ""
    return _boot


def _leave_to_parent() -> None:
    for holder in tuple(_holders.values()):
        holder.leave_to_parent()
    _holders.clear()


os.register_at_fork(after_in_child=_leave_to_parent)


def source_of(flow: Flow[..., Any], settings: Settings) -> dict[str, Any]:
    """Say where a flow stands and how this process got to it, so that it can be started again."""
    fn = flow.fn
    code = getattr(fn, "__code__", None)
    module = getattr(fn, "__module__", None) or ""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    is_script = module == "__main__"
    file = os.path.abspath(code.co_filename) if code is not None else None
    retries = flow.retries_with(settings.flows_default_retries)
    return ({"retries": retries} if retries else {}) | {
        "file": file,
        "line": code.co_firstlineno if code is not None else None,
        "flow": getattr(fn, "__qualname__", flow.name),
        "module": module,
        "script": is_script,
        "main": os.path.abspath(main) if main else None,
        "cwd": os.getcwd(),
        "python": sys.executable,
        "argv": [str(each)[:1000] for each in sys.argv[:100]],
        "path0": sys.path[0] if sys.path else "",
    }
