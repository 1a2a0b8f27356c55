"""Worker processes for `ProcessPoolTaskRunner`: the lifecycle stays in the run process, only the call goes out.

Each worker thread of the pool speaks with one child over a pipe. The child sends back what it would have
written into the journal, in order, then the outcome; so its log lines are on record before its completion. A child
can be killed, so here a timeout is a hard limit.
"""

from __future__ import annotations

import pickle
import signal
from contextvars import copy_context
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from flowctl.core.authoring.flows import Flow
from flowctl.core.authoring.runs import FlowRun, TaskRun
from flowctl.core.authoring.states import State
from flowctl.core.authoring.tasks import Task
from flowctl.core.engine.calling import invoke
from flowctl.core.engine.cutting import within_limits
from flowctl.core.engine.handed_on import HandedOn
from flowctl.core.engine.pipe_messages import dumped, pickled_error
from flowctl.core.engine.pool import WorkerPool
from flowctl.core.engine.resume import FIRST_OF_CHILDREN
from flowctl.core.engine.root import now_us
from flowctl.core.engine.waits import Call, CutShort, TimedOut
from flowctl.store.journal import LogLine
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from flowctl.core.engine.claims import Claims
    from flowctl.core.engine.root import RootRun
    from flowctl.store.journal import Record


class ProcessDied(RuntimeError):
    """The process of a task ended before the task did."""

    def __init__(self, name: str, exit_code: int | None) -> None:
        if exit_code is not None and exit_code < 0:
            how = f"was killed by {signal.Signals(-exit_code).name}"
        else:
            how = f"ended with exit status {exit_code}"
        super().__init__(f"The process of task run {name!r} {how} before the task returned.")


class ProcessPool(WorkerPool):
    """A pool whose workers hand each call to a child process."""

    def __init__(self, max_workers: int, root: RootRun) -> None:
        super().__init__(max_workers)
        self._root = root
        self._free: list[_Child] = []
        self._all: set[_Child] = set()

    def call(self, call: Call) -> Any:
        """Have the function called in a child; raise what it raises, `ProcessDied`, or `TimedOut` at the deadline."""
        run = call.run
        assert isinstance(run, TaskRun)
        payload = _payload(call, run)
        child = self._take()
        try:
            with within_limits(run, child.process.kill):
                value = child.call(payload, call.timeout_s, partial(self._write, run))
        except (_ChildGone, TimedOut, CutShort) as problem:
            child.kill()
            self._all.discard(child)
            if isinstance(problem, (TimedOut, CutShort)):
                raise
            if run.flow_run.is_over:
                raise CutShort from None
            raise ProcessDied(run.name, child.process.exitcode) from None
        except BaseException:
            self._free.append(child)
            raise
        self._free.append(child)
        return value

    def close(self) -> None:
        super().close()
        for child in tuple(self._all):
            child.close()
        self._all.clear()

    def _take(self) -> _Child:
        try:
            return self._free.pop()
        except IndexError:
            pass
        child = _Child(self._root.new_child_number())
        self._all.add(child)
        return child

    def _write(self, run: TaskRun, record: Record) -> None:
        self._root.journal.append(record)
        if self._root.console is not None and isinstance(record, LogLine):
            self._root.console(run, record.at, record.level, record.message)


class _ChildGone(Exception):
    """The pipe to a child is closed at the other end."""


class _Child:
    """A child process and the pipe to it; used by one thread at a time."""

    def __init__(self, index: int) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, index), name=f"flowctl-task-{index}")
        self.process.start()
        theirs.close()

    def call(self, payload: bytes, timeout_s: float | None, write: Any) -> Any:
        from time import monotonic

        deadline = None if timeout_s is None else monotonic() + timeout_s
        try:
            self._pipe.send_bytes(payload)
            while True:
                if deadline is not None and not self._pipe.poll(max(0.0, deadline - monotonic())):
                    raise TimedOut
                kind, body = pickle.loads(self._pipe.recv_bytes())
                if kind == "record":
                    write(body)
                elif kind == "value":
                    return body
                else:
                    error, report = body
                    error.flowctl_report = report
                    raise error
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise _ChildGone from None

    def close(self) -> None:
        """Let an idle child end by itself; it sees the closed pipe."""
        self._pipe.close()
        self.process.join(timeout=0.5)
        if self.process.is_alive():
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.join(timeout=2)
        self._pipe.close()


def _payload(call: Call, run: TaskRun) -> bytes:
    """Pickle the call, and what its code may ask of its run."""

    flow_run, task = run.flow_run, run.task
    flow = flow_run.flow
    recorded = flow_run.root.recorded
    facts: dict[str, Any] = {
        "root_id": flow_run.root.id,
        "home": flow_run.root.home.path,
        "settings": flow_run.root.settings,
        "flow_run": (flow_run.id, flow_run.name, flow_run.number, flow_run.tags, flow_run.run_count),
        "flow": None if flow is None else {"name": flow.name, "log_prints": flow.log_prints},
        "task_run": (run.number, run.given_name, run.tags, run.run_count, run.map_index),
        "task": {"name": task.name, "log_prints": task.log_prints},
        "key": task.task_key,
        "path": run.path,
        "recorded": None if recorded is None else recorded.part(run.path),
    }
    try:
        return dumped((call.fn, call.args, call.kwargs, facts, run.arguments))
    except Exception as error:
        error.add_note(
            f"The function and arguments of task {task.name!r} are pickled for its process, and one of them cannot be. "
            "Pass plain data, or let the task open what it needs, or use ThreadPoolTaskRunner."
        )
        raise


def _serve(pipe: Connection, index: int) -> None:
    """Answer calls until the run process closes the pipe."""

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the run process decides
    remote = _RemoteRoot(pipe, index)
    while True:
        try:
            payload = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            fn, args, kwargs, facts, arguments = pickle.loads(payload)
            run = remote.take_up(facts, fn, arguments)
            try:
                value = copy_context().run(invoke, Call(run, fn, args, kwargs, None))
                if run.task.isgenerator:
                    value = list(value)
            finally:
                remote.let_go(run.flow_run)
            answer = dumped(("value", value))
        except BaseException as error:
            answer = pickled_error(error, getattr(remote, "settings", None))
        remote.journal.send(answer)


class _RemoteJournal:
    """Sends records to the run process instead of writing them."""

    def __init__(self, pipe: Connection) -> None:
        from threading import Lock

        self._pipe = pipe
        #: Tasks in the threads of this child write at the same time.
        self._lock = Lock()

    def append(self, record: Record) -> None:
        self.send(pickle.dumps(("record", record)))

    def send(self, message: bytes) -> None:
        """Send a message whole, whichever thread it comes from."""
        with self._lock:
            self._pipe.send_bytes(message)

    def sync(self) -> None:
        """Nothing: the run process syncs."""


class _RemoteRoot:
    """Stands for the `RootRun` in a child process."""

    def __init__(self, pipe: Connection, index: int) -> None:
        from threading import Lock

        self.journal = _RemoteJournal(pipe)
        self.lock = Lock()
        self.clock = now_us
        self.cancelled = self.broken = self.console = self.wishes = None
        #: What is on record below the present call.
        self.recorded: Claims | None = None
        self.waiting: dict[int, TaskRun] = {}
        self.durable = self.is_closed = self._is_attached = False
        self._next = index * FIRST_OF_CHILDREN

    def take_up(self, facts: dict[str, Any], fn: Any, arguments: dict[str, Any]) -> TaskRun:
        """Rebuild the run of a call, as far as user code can see it."""
        from flowctl.core.engine import capture
        from flowctl.store.home import Home

        self.id = facts["root_id"]
        self.home = Home(facts["home"])
        self.settings = facts["settings"]
        self.log_level = self.settings.level_number
        self.results = self.home.run_folder(self.id) + "/results"
        self.recorded = facts["recorded"]
        # Anew for each call: what is called from it may be another object each time.
        self.terms: dict[Task[..., Any], str | None] = {}
        self.handed_on = HandedOn()
        run_id, name, number, run_tags, count = facts["flow_run"]
        flow = None if facts["flow"] is None else Flow(_nothing, **facts["flow"])
        flow_run = FlowRun(
            id=run_id,
            name=name,
            flow=flow,
            root=self,
            number=number,
            parent=None,
            parent_task=None,
            parameters={},
            tags=run_tags,
            state=State(StateType.RUNNING),
        )
        flow_run.run_count = count
        number, given_name, tags, count, map_index = facts["task_run"]
        task = Task(fn, **facts["task"])
        task.task_key = facts["key"]
        run = TaskRun(task, flow_run, None, number, arguments, tags, State(StateType.RUNNING), map_index)
        run.given_name, run.run_count, run.path = given_name, count, facts["path"]
        if not self._is_attached:
            self._is_attached = True
            capture.attach(flow_run)
        if capture.wants_prints(run):
            capture.capture_prints()
        return run

    def let_go(self, flow_run: FlowRun) -> None:
        """Wait for the tasks that the call submitted here, and let their workers go."""
        from flowctl.core.engine.blocking import wait_for_tasks
        from flowctl.core.engine.dispatch import close_pool
        from flowctl.core.engine.gathering import when_idle

        wait_for_tasks(flow_run, when_idle)
        close_pool(flow_run)

    def new_task_number(self) -> int:
        with self.lock:
            self._next += 1
            return self._next

    new_run_number = new_task_number


def _nothing() -> None:
    return
