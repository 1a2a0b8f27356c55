"""Requests to runs under way: cancel, kill, pause, resume, retry a task now, skip a task.

Each may carry the `state_version` that its sender saw; one that has been overtaken is refused. What reaches a process,
a signal or a line in its control file, goes out when the request is on the disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from flowctl.core.daemon.cancellations import GRACE_S
from flowctl.core.daemon.dispatch_pass import begin_cancel
from flowctl.core.daemon.protocol import Fields, Refused
from flowctl.core.engine.control import control_path
from flowctl.store import underway
from flowctl.store.claims import end_plan
from flowctl.store.journal import default_run_name, task_run_id
from flowctl.store.states import StateType
from flowctl.store.underway import OpenTask, Standing

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon

_CANCELLED: Final = "A person cancelled it."
#: Longer than any patience, shorter than what would be a mistake.
_MOST_GRACE_S: Final = 3600.0
#: Whoever asks about a run that ended so recently may have been about to see it.
_RECENT_S: Final = 120.0


def cancel(daemon: Daemon, fields: Fields) -> Fields:
    """Stop a run, politely first; asked again while it is being cancelled, at once."""
    run, grace_s = _run_of(daemon, fields), _grace(fields)
    if run.state_type == "CANCELLING":
        return _kill(daemon, run)
    if _drop_plan(daemon, run):
        return _answer(daemon, run)
    begin_cancel(daemon.store, daemon.dispatcher, run.id, daemon.now(), _CANCELLED, grace_s=grace_s)
    _afterwards(daemon, lambda: daemon.poke("dispatch"))
    return _answer(daemon, run)


def kill(daemon: Daemon, fields: Fields) -> Fields:
    """Kill all processes of a run."""
    run = _run_of(daemon, fields)
    if run.state_type != "CANCELLING" and _drop_plan(daemon, run):
        return _answer(daemon, run)
    return _kill(daemon, run)


def pause(daemon: Daemon, fields: Fields) -> Fields:
    """Have no further task of a run started."""
    run = _run_of(daemon, fields)
    if run.state_type == "PAUSED":
        raise Refused("refused", f"Run {run.name!r} is paused already. Resume it, or let it be.")
    if run.state_type != "RUNNING":
        raise Refused("refused", f"Run {run.name!r} is {run.state_name}; only a running one can be paused.")
    return _wish(daemon, run, {"do": "pause"})


def resume(daemon: Daemon, fields: Fields) -> Fields:
    """Let a paused run go on."""
    run = _run_of(daemon, fields)
    if run.state_type != "PAUSED":
        raise Refused("refused", f"Run {run.name!r} is {run.state_name}, not paused, so there is nothing to resume.")
    return _wish(daemon, run, {"do": "resume"})


def retry_now(daemon: Daemon, fields: Fields) -> Fields:
    """End the retry delay of a task."""
    run = _run_of(daemon, fields)
    task = _task_of(daemon, run, fields)
    if task.state_type != "SCHEDULED":
        said = f"Task {_name_of(task)!r} is {task.state_name}; only one that awaits a retry can be woken."
        raise Refused("refused", said)
    return _wish(daemon, run, {"do": "retry_now", "task": task.number})


def skip_task(daemon: Daemon, fields: Fields) -> Fields:
    """Complete a task that waits, without its function being called."""
    run = _run_of(daemon, fields)
    task = _task_of(daemon, run, fields)
    if task.state_type not in ("PENDING", "SCHEDULED"):
        raise Refused("refused", f"Task {_name_of(task)!r} is {task.state_name}; only one that waits can be skipped.")
    return _wish(daemon, run, {"do": "skip_task", "task": task.number})


def _run_of(daemon: Daemon, fields: Fields) -> Standing:
    run_id: Any = fields.get("run_id")  # whatever somebody sent
    if not isinstance(run_id, str):
        raise Refused("bad_request", "A `run_id` is needed: the whole id of a run.")
    run = underway.standing(daemon.store.connection, run_id)
    if run is None:
        raise Refused("not_found", f"There is no run {run_id!r:.80}. `flowctl runs` lists those there are.")
    if not run.is_root:
        raise Refused("refused", f"Run {run.name!r} is a subflow run, which lives in another run's process. Name that.")
    seen = fields.get("state_version")
    if run.is_final:
        kind = "stale" if seen is not None and seen != run.state_version else "refused"
        raise Refused(kind, f"Run {run.name!r} has ended already{_ago(daemon, run)}: it is {run.state_name}.")
    if seen is not None and seen != run.state_version:
        raise Refused(
            "stale", f"Run {run.name!r} has changed since you looked: it is {run.state_name} now. Look again."
        )
    return run


def _ago(daemon: Daemon, run: Standing) -> str:
    """Say how long ago a run ended, where that is so short that it may have been overlooked."""
    ago_s = (daemon.clock() - (run.ended_at or 0)) / 1e6
    return f", {ago_s:.0f} s ago" if 0 <= ago_s < _RECENT_S else ""


def _task_of(daemon: Daemon, run: Standing, fields: Fields) -> OpenTask:
    """Find an open task by its number, its id or its name; give number, state type and state name."""
    wanted: Any = fields.get("task")  # whatever somebody sent
    found: list[OpenTask] = []
    for task in underway.open_tasks(daemon.store.connection, run.run):
        name = _name_of(task)
        if wanted in (task.number, task_run_id(run.id, task.number), name):
            return task
        if wanted == task.task_name:
            found.append(task)
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(
            "bad_request", f"Run {run.name!r} has {len(found)} open tasks {wanted!r:.80}. Name one by its id."
        )
    raise Refused("not_found", f"Run {run.name!r} has no open task {wanted!r:.80}. It may have ended meanwhile.")


def _name_of(task: OpenTask) -> str:
    return task.name or default_run_name(task.task_name, task.number)


def _grace(fields: Fields) -> float:
    given = fields.get("grace_s", GRACE_S)
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 <= given <= _MOST_GRACE_S:
        raise Refused(
            "bad_request", f"`grace_s` is a number of seconds from 0 to {_MOST_GRACE_S:g}, not {given!r:.40}."
        )
    return float(given)


def _drop_plan(daemon: Daemon, run: Standing) -> bool:
    """Cancel a run that has no process; tell whether it is one."""
    connection = daemon.store.connection
    if not underway.is_waiting(connection, run.id):
        return False
    underway.tell(connection, run.id, StateType.CANCELLED, "Cancelled", _CANCELLED, daemon.now())
    end_plan(connection, run.id, run.attempt)
    return True


def _kill(daemon: Daemon, run: Standing) -> Fields:
    dispatcher = daemon.dispatcher
    if run.state_type != "CANCELLING":
        begin_cancel(daemon.store, dispatcher, run.id, daemon.now(), "A person killed it.")
    cancellation = dispatcher.cancellations.get(run.id)
    if cancellation is not None:
        _afterwards(daemon, cancellation.insist)
    _afterwards(daemon, lambda: daemon.poke("dispatch"))
    return _answer(daemon, run)


def _wish(daemon: Daemon, run: Standing, wish: dict[str, object]) -> Fields:
    """Put a wish into the control file of a run's process."""
    path = control_path(daemon.home.run_folder(run.id))
    line = json.dumps({**wish, "attempt": run.attempt}).encode() + b"\n"

    def write() -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    _afterwards(daemon, write)
    return _answer(daemon, run)


def _afterwards(daemon: Daemon, action: Callable[[], None]) -> None:
    daemon.afterwards.append(action)


def _answer(daemon: Daemon, run: Standing) -> Fields:
    """Tell how the run stands now, so that the next request can say what was seen."""
    now = underway.standing(daemon.store.connection, run.id)
    if now is None:
        return {"run_id": run.id}
    fields = {"state_type": now.state_type, "state_name": now.state_name, "state_version": now.state_version}
    return {"run_id": now.id, "name": now.name, **fields}


VERBS: Final[dict[str, Callable[[Any, Fields], Fields]]] = {
    "cancel": cancel,
    "kill": kill,
    "pause": pause,
    "resume": resume,
    "retry_now": retry_now,
    "skip_task": skip_task,
}
