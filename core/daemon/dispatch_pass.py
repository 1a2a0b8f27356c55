"""The pass that has due runs started: limits and overlap policies decide which, the fork servers do it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from flowctl.core.daemon.cancellations import GRACE_S, LOOK_EVERY_S, Cancellation
from flowctl.core.daemon.dispatcher import Dispatcher
from flowctl.core.engine.slots import free_slots
from flowctl.store import underway
from flowctl.store.claims import Waiting, claim, due_runs, end_plan, next_due
from flowctl.store.limits import list_limits
from flowctl.store.plan_queries import planned_run
from flowctl.store.states import StateType
from flowctl.store.writer import Store

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon

#: Runs at once, of all deployments, where no limit of this name is set: each is a process.
GLOBAL: Final = "global"
DEFAULT_GLOBAL: Final = 100
#: So long a due run waits for the reload of its file; a slow import must not hold up a schedule.
_RELOAD_PATIENCE: Final = timedelta(seconds=3)
#: Due runs that one step looks at.
_MOST_LOOKED_AT: Final = 500
#: Who ended without a fork server to tell is looked for this often.
_LOOK_AFTER_S: Final = 0.5


class Verdict(NamedTuple):
    """What is to become of a due run now."""

    act: Literal["start", "wait", "skip", "replace"]
    reason: str = ""
    #: Limits of which it takes a slot, with the number of their slots.
    slots: tuple[tuple[str, int], ...] = ()


def plug(daemon: Daemon) -> Callable[[datetime], float | None]:
    """Make the pass for a daemon."""
    loop = asyncio.get_running_loop()

    def come() -> None:
        daemon.poke("dispatch")

    def forget(descriptor: int) -> None:
        loop.remove_reader(descriptor)

    dispatcher = Dispatcher(
        daemon.home,
        watch=lambda descriptor: loop.add_reader(descriptor, come),
        unwatch=forget,
        descriptors=daemon.descriptors_before,
    )
    dispatcher.is_reloading = lambda path: daemon.watcher is not None and daemon.watcher.is_behind(path)
    daemon.dispatcher = dispatcher
    daemon.on_stop.append(dispatcher.servers.close)

    def turn(now: datetime) -> float | None:
        had = len(dispatcher.ended)
        wait_s = step(daemon.store, dispatcher, now, now_s=time.monotonic())
        if len(dispatcher.ended) > had:
            daemon.poke("rescue")
        return wait_s

    return turn


def step(store: Store, dispatcher: Dispatcher, now: datetime, *, now_s: float) -> float | None:
    """Take note of what happened to runs, go on with cancels, start what is due; say when to come again."""
    if not dispatcher.is_complete:
        with store.transaction(durable=False):
            dispatcher.adopt(store.connection, now, now_s)
    dispatcher.is_complete = False
    dispatcher.hear(store, now, now_s)
    _cancel(store, dispatcher, now_s)
    has_reloading = _start_due(store, dispatcher, now, now_s)
    dispatcher.look_after(store, now, now_s)
    dispatcher.is_complete = True
    waits: list[float] = []
    if dispatcher.cancellations or dispatcher.servers.is_unsure or has_reloading:
        waits.append(LOOK_EVERY_S)
    if dispatcher.runs or dispatcher.ended:
        waits.append(_LOOK_AFTER_S)
    idle_in_s = dispatcher.servers.idle_in_s(now_s)
    if idle_in_s is not None:
        waits.append(max(idle_in_s, LOOK_EVERY_S))
    due_at = next_due(store.connection, now)
    if due_at is not None:
        waits.append((due_at - now).total_seconds())
    return min(waits, default=None)


def begin_cancel(
    store: Store, dispatcher: Dispatcher, run_id: str, now: datetime, reason: str, *, grace_s: float = GRACE_S
) -> None:
    """Say that a run is being cancelled, and have it stopped; in a transaction."""
    found = underway.standing(store.connection, run_id)
    if found is None or not underway.tell(store.connection, run_id, StateType.CANCELLING, "Cancelling", reason, now):
        return
    if run_id not in dispatcher.cancellations:
        dispatcher.cancellations[run_id] = Cancellation(dispatcher.home, run_id, found.attempt, grace_s=grace_s)


def _cancel(store: Store, dispatcher: Dispatcher, now_s: float) -> None:
    for run_id, cancellation in list(dispatcher.cancellations.items()):
        if not cancellation.has_leader:
            found = dispatcher.locate(store.connection, run_id)
            if found is not None:
                cancellation.aim(found[0], is_leading=found[1])
        if cancellation.step(now_s) or underway.is_over(store.connection, run_id, cancellation.attempt):
            del dispatcher.cancellations[run_id]


def _start_due(store: Store, dispatcher: Dispatcher, now: datetime, now_s: float) -> bool:
    """Start what is due; tell whether some of it waits for the reload of its file."""
    due = due_runs(store.connection, now, limit=_MOST_LOOKED_AT)
    waiting = [run for run in due if not _is_reloading(dispatcher, run, now)]
    has_reloading = len(waiting) < len(due)
    if not waiting:
        return has_reloading
    judge = _Judge(store, dispatcher, waiting)
    chosen: list[tuple[Waiting, Verdict]] = []
    others: list[tuple[Waiting, Verdict]] = []
    for run in waiting:
        if judge.room(run.python) <= 0:
            continue
        verdict = judge.judge(run)
        if verdict.act == "start":
            judge.take(run, verdict)
            chosen.append((run, verdict))
        elif verdict.act != "wait" or dispatcher.reasons.get(run.run_id) != verdict.reason:
            others.append((run, verdict))
    if not chosen and not others:
        return has_reloading
    # Not to the disk: whether a claimed run was begun, its lock and its journal tell.
    with store.transaction(durable=False):
        chosen = [(run, verdict) for run, verdict in chosen if claim(store.connection, run.run_id, now)]
        for run, verdict in others:
            _tell(store, dispatcher, run, verdict, now)
    for run, verdict in chosen:
        plan = planned_run(store.connection, run.run_id)
        if plan is not None:
            dispatcher.start(store.connection, plan, now_s=now_s, slots=verdict.slots)
    return has_reloading


def _is_reloading(dispatcher: Dispatcher, run: Waiting, now: datetime) -> bool:
    """Tell whether the code of a run is just being looked into: who saves and starts it wants what was saved."""
    return run.file is not None and now - run.due_at < _RELOAD_PATIENCE and dispatcher.is_reloading(run.file)


class _Judge:
    """Decides on due runs, one after the other, each knowing of those before."""

    def __init__(self, store: Store, dispatcher: Dispatcher, waiting: list[Waiting]) -> None:
        self._connection = store.connection
        self._dispatcher = dispatcher
        self._limits = list_limits(store.connection)
        self._free: dict[str, int] = {}
        self._room: dict[str, int] = {}
        #: Deployment -> how many of its runs are under way.
        self._running: dict[int, int] = {}
        #: Deployment -> the newest occurrence of it that waits.
        self._newest = {run.deployment_id: run.run_id for run in sorted(waiting, key=_occurrence)}

    def judge(self, run: Waiting) -> Verdict:
        """Say what is to become of a run."""
        running, capacity = self.running(run), _capacity(run)
        if capacity is not None and running >= capacity:
            others = "a run" if running == 1 else f"{running} runs"
            goes_on = f"{others} of deployment {run.deployment} still under way"
            is_occurrence = run.scheduled_for is not None
            if is_occurrence and run.overlap == "skip":
                return Verdict("skip", f"Skipped: {goes_on}.")
            if is_occurrence and run.overlap == "cancel-old":
                if self._newest[run.deployment_id] != run.run_id:
                    return Verdict("skip", f"Skipped: a newer run of deployment {run.deployment} took its place.")
                return Verdict("replace", f"Waits for the end of an older run of deployment {run.deployment}.")
            return Verdict("wait", f"Waits: {goes_on}.")
        slots = self._slots_of(run)
        for name, count in slots:
            if self._is_full(name, count):
                return Verdict("wait", f"Waits for a slot of the limit {name!r}: {count} of {count} are taken.")
        return Verdict("start", slots=slots)

    def room(self, python: str) -> int:
        """Tell how many more runs an interpreter's fork server takes now."""
        if python not in self._room:
            self._room[python] = self._dispatcher.servers.room(python)
        return self._room[python]

    def running(self, run: Waiting) -> int:
        """Count the runs of its deployment that are under way."""
        if run.deployment_id is None:
            return 0
        if run.deployment_id not in self._running:
            self._running[run.deployment_id] = len(underway.running_of(self._connection, run.deployment_id))
        return self._running[run.deployment_id]

    def take(self, run: Waiting, verdict: Verdict) -> None:
        """Count in a run that is to be started."""
        self._room[run.python] -= 1
        if run.deployment_id is not None:
            self._running[run.deployment_id] = self.running(run) + 1
        for name, _ in verdict.slots:
            self._free[name] -= 1

    def _is_full(self, name: str, slots: int) -> bool:
        if name not in self._free:
            free = free_slots(self._dispatcher.home.path, name, slots)
            self._free[name] = free - self._dispatcher.reserved(name)
        return self._free[name] <= 0

    def _slots_of(self, run: Waiting) -> tuple[tuple[str, int], ...]:
        names = (f"flow:{run.flow_name}", *(f"tag:{tag}" for tag in run.tags))
        limited = ((name, self._limits[name]) for name in names if name in self._limits)
        return ((GLOBAL, self._limits.get(GLOBAL, DEFAULT_GLOBAL)), *limited)


def _capacity(run: Waiting) -> int | None:
    """Tell how many runs of its deployment may be under way with it; None: any number."""
    if run.run_limit is not None or run.scheduled_for is None or run.overlap in (None, "allow"):
        return run.run_limit
    return 1


def _occurrence(run: Waiting) -> datetime:
    return run.scheduled_for or run.due_at


def _tell(store: Store, dispatcher: Dispatcher, run: Waiting, verdict: Verdict, now: datetime) -> None:
    connection = store.connection
    if verdict.act == "skip":
        underway.tell(connection, run.run_id, StateType.CANCELLED, "Skipped", verdict.reason, now)
        underway.skip_occurrence(connection, run.run_id, verdict.reason)
        end_plan(connection, run.run_id, run.attempt)
        dispatcher.reasons.pop(run.run_id, None)
        return
    if verdict.act == "replace" and run.deployment_id is not None:
        running = underway.running_of(connection, run.deployment_id)
        if running and not any(run_id in dispatcher.cancellations for run_id in running):
            begin_cancel(store, dispatcher, running[0], now, f"A newer run of deployment {run.deployment} is due.")
    if dispatcher.reasons.get(run.run_id) != verdict.reason:
        dispatcher.reasons[run.run_id] = verdict.reason
        underway.tell(connection, run.run_id, StateType.SCHEDULED, "AwaitingConcurrencySlot", verdict.reason, now)
