"""The runs that the daemon starts and looks after, between one turn of the dispatch pass and the next."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from flowctl.core.daemon import processes
from flowctl.core.daemon.cancellations import Cancellation
from flowctl.core.daemon.endings import NOT_YET
from flowctl.core.daemon.fork_servers import Event, ForkServers
from flowctl.core.daemon.framing import Message
from flowctl.core.daemon.processes import Process
from flowctl.core.daemon.sampling import SAMPLE_EVERY_S, Usage, usages
from flowctl.store import underway
from flowctl.store.aftermath import signal_name
from flowctl.store.claims import claimed_runs, end_plan, note_process, release
from flowctl.store.flow_files import source_to_run
from flowctl.store.home import Home
from flowctl.store.journal import has_begun
from flowctl.store.liveness import is_alive
from flowctl.store.output import output_path
from flowctl.store.plan_records import PlannedRunRow
from flowctl.store.sqlite import sqlite3
from flowctl.store.states import StateType
from flowctl.store.writer import Store

#: A process that ends before it began its journal is started again this often: no code of the user's was run.
_MOST_TRIES: Final = 3
#: After a failure that may pass (no memory, no process ids) a run waits so long, doubled each time.
_FIRST_PAUSE_S: Final = 0.5
_MOST_PAUSE_S: Final = 4.0


class Underway(NamedTuple):
    """A run whose process was asked for, and is not known to have ended."""

    attempt: int
    process: Process | None
    #: Limits of which it was promised a slot, which its process does not hold yet.
    reserved: tuple[str, ...] = ()


class Dispatcher:
    """Holds the fork servers, the runs under way and the cancels under way."""

    def __init__(
        self,
        home: Home,
        *,
        watch: Callable[[int], None] = lambda _descriptor: None,
        unwatch: Callable[[int], None] = lambda _descriptor: None,
        descriptors: int = 0,
    ) -> None:
        self.home = home
        self.servers = ForkServers(home, watch=watch, unwatch=unwatch)
        #: Tells of a flow file that it was saved, and is being looked into: its runs wait for what comes of that.
        self.is_reloading: Callable[[str], bool] = lambda _path: False
        self.runs: dict[str, Underway] = {}
        self.cancellations: dict[str, Cancellation] = {}
        #: Ended, and not yet closed in the database: run -> attempt.
        self.ended: dict[str, int] = {}
        #: Waiting run -> why it waits, as far as that was told.
        self.reasons: dict[str, str] = {}
        #: Ended runs without a fork server -> the process that carried them out.
        self._unattended: dict[str, Process] = {}
        self._tries: dict[str, int] = {}
        self._usage: dict[str, Usage] = {}
        self._heard: list[Event] = []
        self._sampled_s = 0.0
        self._boot_id = _boot_id()
        self._descriptors = descriptors
        #: All claimed runs of the database are among those above: not so at the start, and after a turn broke off.
        self.is_complete = False

    def adopt(self, connection: sqlite3.Connection, now: datetime, now_s: float) -> None:
        """Take up what was left by an earlier daemon: living runs, claims that came to nothing, cancels half way."""
        for plan in claimed_runs(connection):
            run_id, attempt = plan.run_id, plan.attempt
            if self.ended.get(run_id) == attempt or (run_id in self.runs and run_id in self.servers):
                continue
            if is_alive(self.home, run_id):
                process = None
                if plan.pid and plan.boot_id == self._boot_id:
                    process = Process(plan.pid, plan.process_started or 0)
                self.runs[run_id] = Underway(attempt, process)
            elif has_begun(self.home.journal(run_id, attempt)):
                self.ended[run_id] = attempt
            else:
                self._give_back(connection, run_id, attempt, now, "The daemon ended before it was started.")
        for run_id, attempt in underway.being_cancelled(connection):
            if run_id not in self.cancellations and is_alive(self.home, run_id):
                cancellation = Cancellation(self.home, run_id, attempt)
                cancellation.take_up(now_s)
                self.cancellations[run_id] = cancellation

    def start(
        self, connection: sqlite3.Connection, run: PlannedRunRow, *, now_s: float, slots: tuple[tuple[str, int], ...]
    ) -> None:
        """Have a claimed run started."""
        self.runs[run.run_id] = Underway(run.attempt, None, tuple(name for name, _ in slots))
        self.reasons.pop(run.run_id, None)
        flow = run.reference
        plan: Message = {
            "run_id": run.run_id,
            "attempt": run.attempt,
            "name": run.name,
            "flow_name": run.flow_name,
            "flow": flow.flow_attribute,
            "file": flow.file,
            "module": flow.module,
            "python": flow.python,
            "cwd": flow.cwd,
            "path0": flow.path0,
            # The text that the run keeps to, should the file have another by now.
            "source": source_to_run(connection, run),
            "arguments": run.arguments,
            "tags": run.tags,
            "scheduled_for": None if run.scheduled_for is None else run.scheduled_for.isoformat(),
            "deployment": None if run.deployment is None else {"id": run.deployment_id, "name": run.deployment},
            "slots": [list(slot) for slot in slots],
            "spawn": sys.platform == "darwin",
            "descriptors": self._descriptors,
        }
        self.servers.start(plan, now_s=now_s)

    def reserved(self, name: str) -> int:
        """Count the slots of a limit that are promised and not held yet."""
        return sum(run.reserved.count(name) for run in self.runs.values())

    def hear(self, store: Store, now: datetime, now_s: float) -> None:
        """Take note of what the fork servers tell; what cannot be written down now, the next time."""
        self._heard += self.servers.events(now_s)
        if self._heard:
            with store.transaction(durable=False):
                for event in self._heard:
                    self._note(store.connection, event, now)
            self._heard.clear()

    def _note(self, connection: sqlite3.Connection, event: Event, now: datetime) -> None:
        """Take note of what became of a run that was asked for."""
        run_id, attempt = event.run_id, event.attempt
        began = has_begun(self.home.journal(run_id, attempt))
        if event.kind == "started":
            process = Process(event.pid, event.started)
            self.runs[run_id] = Underway(attempt, process)
            note_process(connection, run_id, pid=event.pid, process_started=event.started, boot_id=self._boot_id)
            if run_id in self.cancellations:
                self.cancellations[run_id].aim(process, is_leading=True)
        elif event.kind == "orphaned":
            # Whoever finds its lock free closes it.
            self.runs[run_id] = self.runs.get(run_id, Underway(attempt, None))._replace(reserved=())
        elif event.kind in ("exited", "refused") and is_alive(self.home, run_id):
            self.runs[run_id] = Underway(attempt, None)
        elif event.kind in ("exited", "refused") and began:
            self._end(run_id, attempt)
        elif run_id in self.cancellations:
            del self.cancellations[run_id]
            self._never_began(connection, run_id, attempt, StateType.CANCELLED, "A person cancelled it.", now)
        elif event.kind == "hopeless":
            self._never_began(connection, run_id, attempt, StateType.FAILED, event.message, now)
        elif event.kind == "exited":
            self._try_again(connection, event, now)
        elif event.kind == "failed":
            self._give_back(connection, run_id, attempt, now, f"It could not be started: {event.message}.", pause=True)
        else:
            # Somebody was faster to take a slot, or the fork server was killed.
            self._give_back(connection, run_id, attempt, now, event.message or "It is started anew.")

    def look_after(self, store: Store, now: datetime, now_s: float) -> None:
        """See who ended without a word to this daemon, and forget the plans of runs that are closed."""
        connection = store.connection
        gone = [run_id for run_id in self.runs if run_id not in self.servers and not is_alive(self.home, run_id)]
        if gone:
            with store.transaction(durable=False):
                for run_id in gone:
                    self._note_gone(connection, run_id, self.runs[run_id], now)
        over = [run_id for run_id, attempt in self.ended.items() if underway.is_over(connection, run_id, attempt)]
        if over:
            with store.transaction(durable=False):
                for run_id in over:
                    end_plan(connection, run_id, self.ended[run_id])
            for run_id in over:
                del self.ended[run_id]
                if (leader := self._unattended.pop(run_id, None)) is not None:
                    self._sweep(connection, run_id, leader)
        self._sample(store, now_s)

    def locate(self, connection: sqlite3.Connection, run_id: str) -> tuple[Process, bool] | None:
        """Find the process of a living run, and whether it began a session of its own."""
        run = self.runs.get(run_id)
        if run is not None and run.process is not None and processes.is_alive(run.process):
            return run.process, True
        writer = underway.writer_of(connection, run_id)
        if writer is None or writer.boot_id != self._boot_id or not is_alive(self.home, run_id):
            return None
        # The lock says that the run lives; the boot and the start, that its process is the one with this number.
        seen = processes.look(writer.pid)
        if seen is None or not processes.started_before(seen.process, writer.opened_at):
            return None
        return seen.process, seen.session == writer.pid

    def _note_gone(self, connection: sqlite3.Connection, run_id: str, run: Underway, now: datetime) -> None:
        """Take note of a process that is gone, and of which no fork server tells."""
        if not has_begun(self.home.journal(run_id, run.attempt)):
            # It was killed on its way there, by whatever killed its fork server: none of the flow's code was run.
            self._give_back(connection, run_id, run.attempt, now, "Its process was gone before it could begin.")
            return
        if run.process is not None:
            # Nobody looked after what the run left behind.
            self._unattended[run_id] = run.process
        self._end(run_id, run.attempt)

    def _end(self, run_id: str, attempt: int) -> None:
        self.runs.pop(run_id, None)
        self._usage.pop(run_id, None)
        self._tries.pop(run_id, None)
        self.ended[run_id] = attempt

    def _sweep(self, connection: sqlite3.Connection, run_id: str, leader: Process) -> None:
        """Kill what an ended run left behind; after a good end not those that went their own way by setsid."""
        found = underway.standing(connection, run_id)
        is_own_end = found is not None and found.state_type in ("COMPLETED", "FAILED")
        folder = self.home.run_folder(run_id)

        def left() -> list[Process]:
            seen = processes.look_at_all()
            mine = processes.members(seen, leader, run_id=run_id, folder=folder, is_leading=True)
            return [each.process for each in mine if not is_own_end or each.session == leader.pid]

        processes.kill_tree(left)

    def _try_again(self, connection: sqlite3.Connection, event: Event, now: datetime) -> None:
        """Start a run anew whose process ended before it began its journal, or give it up."""
        run_id, attempt = event.run_id, event.attempt
        words = _last_words(self.home, run_id, attempt)
        if event.code == NOT_YET:
            reason = f"It could not begin yet: {words or 'the disk is full.'}"
            self._give_back(connection, run_id, attempt, now, reason, pause=True)
            return
        how = f"was killed by {signal_name(-event.code)}" if event.code < 0 else f"ended with status {event.code}"
        reason = f"Its process {how} before it could begin{': ' if words else '.'}{words}"
        if event.code < 0 and self._tries.get(run_id, 0) + 1 < _MOST_TRIES:
            self._give_back(connection, run_id, attempt, now, reason, pause=True)
        else:
            self._never_began(connection, run_id, attempt, StateType.CRASHED, reason, now)

    def _never_began(
        self, connection: sqlite3.Connection, run_id: str, attempt: int, type_: StateType, reason: str, now: datetime
    ) -> None:
        underway.tell(connection, run_id, type_, type_.value.capitalize(), reason, now)
        self._end(run_id, attempt)

    def _give_back(
        self,
        connection: sqlite3.Connection,
        run_id: str,
        attempt: int,
        now: datetime,
        reason: str,
        *,
        pause: bool = False,
    ) -> None:
        """Let a run wait again, whose process never came to be; one that is being cancelled is over by that."""
        found = underway.standing(connection, run_id)
        if found is not None and found.state_type == "CANCELLING":
            self._never_began(connection, run_id, attempt, StateType.CANCELLED, "A person cancelled it.", now)
            return
        due_at = now
        if pause:
            tries = self._tries[run_id] = self._tries.get(run_id, 0) + 1
            due_at = now + timedelta(seconds=min(_FIRST_PAUSE_S * 2 ** (tries - 1), _MOST_PAUSE_S))
        self.runs.pop(run_id, None)
        release(connection, run_id, reason, now, due_at=due_at)

    def _sample(self, store: Store, now_s: float) -> None:
        leaders = {run.process.pid: run_id for run_id, run in self.runs.items() if run.process is not None}
        if not leaders or now_s - self._sampled_s < SAMPLE_EVERY_S:
            return
        self._sampled_s = now_s
        news: list[tuple[str, Usage]] = []
        for pid, usage in usages(processes.look_at_all(), leaders).items():
            if usage.is_news_after(self._usage.get(leaders[pid])):
                self._usage[leaders[pid]] = usage
                news.append((leaders[pid], usage))
        if news:
            with store.transaction(durable=False):
                for run_id, usage in news:
                    underway.record_usage(store.connection, run_id, memory=usage.memory, cpu_us=usage.cpu_us)


def _last_words(home: Home, run_id: str, attempt: int) -> str:
    """Give the last line that a process wrote to stderr before it ended."""
    try:
        with open(output_path(home.run_folder(run_id), "stderr", attempt), "rb") as file:
            lines = file.read(65536).decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1][:500] if lines else ""


def _boot_id() -> str:
    from flowctl.core.daemon.instance import boot_id

    return boot_id()
