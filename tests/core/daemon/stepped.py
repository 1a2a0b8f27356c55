"""A daemon whose passes the test steps by hand, with real fork servers and real run processes."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flowctl.core.daemon import dispatch_pass, ingest_pass, processes, rescue_pass
from flowctl.core.daemon.dispatcher import Dispatcher
from flowctl.core.daemon.ingest_pass import ActiveRuns
from flowctl.core.daemon.processes import Seen
from flowctl.core.engine.root import RUN_VARIABLE, new_id
from flowctl.store.home import Home
from flowctl.store.locks import writer_lock
from flowctl.store.plan_records import FlowReference, RunPlan
from flowctl.store.planned_runs import plan_run
from flowctl.store.writer import Store

#: Much longer than anything here takes, on a machine that others use too.
PATIENCE_S = 30.0


class Stepped:
    """Has what the passes need of a daemon; `until` gives them their turns."""

    def __init__(self, home: Home) -> None:
        home.ensure()
        self.home = home
        self.reopen()

    def reopen(self) -> None:
        """Be the daemon again, as a new process of it would."""
        home = self.home
        self._is_closed = False
        self._lock = writer_lock(home, as_daemon=True)
        self._lock.__enter__()
        self.store = Store.open_writer(home)
        self.active = ActiveRuns(home)
        self.descriptors: set[int] = set()
        self.dispatcher = Dispatcher(home, watch=self.descriptors.add, unwatch=self.descriptors.discard)
        self.afterwards: list[Callable[[], None]] = []

    def clock(self) -> int:
        return time.time_ns() // 1000

    def now(self) -> datetime:
        return datetime.now(UTC)

    def poke(self, *_names: str) -> None:
        """Nothing: every pass has its turn in every step."""

    def step(self) -> None:
        """Give each pass one turn."""
        ingest_pass.step(self.store, self.active)
        rescue_pass.step(self.store, self.active)
        dispatch_pass.step(self.store, self.dispatcher, datetime.now(UTC), now_s=time.monotonic())

    def until(self, is_so: Callable[[], Any], what: str = "it is so") -> None:
        """Go on until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        self.step()
        while not is_so():
            assert time.monotonic() < deadline, f"waited {PATIENCE_S:g} s in vain until {what}; {self.states()}"
            select.select(list(self.descriptors), [], [], 0.01)
            self.step()

    def ask(self, verb: Callable[[Any, dict[str, Any]], dict[str, Any]], **fields: Any) -> dict[str, Any]:
        """Carry out a request, as the daemon does it."""
        self.afterwards.clear()
        with self.store.transaction():
            answer = verb(self, fields)
        for action in self.afterwards:
            action()
        return answer

    def plan(self, file: Path, flow: str, arguments: Mapping[str, Any] | None = None, **fields: Any) -> str:
        """Plan a run that is due now; return its id."""
        run_id = fields.pop("run_id", None) or new_id()
        given = {name: fields.pop(name) for name in ("python", "cwd", "source_hash") if name in fields}
        now = datetime.now(UTC)
        plan = RunPlan(
            run_id=run_id,
            name=f"run-{run_id[:4]}",
            flow_name=flow,
            reference=self.reference(file, flow, **given),
            arguments=arguments or {},
            due_at=fields.pop("due_at", now),
            **fields,
        )
        with self.store.transaction() as connection:
            plan_run(connection, plan, now)
        return run_id

    def reference(self, file: Path, flow: str, **fields: Any) -> FlowReference:
        """Say where a flow is."""
        folder = str(file.parent)
        around = {"python": sys.executable, "cwd": folder, "path0": folder, **fields}
        return FlowReference(file=str(file), flow_attribute=flow, **around)

    def deploy(self, name: str, *, overlap: str = "queue", run_limit: int | None = None) -> int:
        """Make a deployment; return its number."""
        with self.store.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO deployment (name, flow_name, file, flow_attribute, parameters, tags, python, cwd, paused, "
                "run_limit, overlap, origin, created_at, updated_at, version) "
                "VALUES (?, 'f', '/f.py', 'f', '{}', '[]', ?, '/', 0, ?, ?, 'command', 0, 0, 1)",
                (name, sys.executable, run_limit, overlap),
            )
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def limit(self, name: str, slots: int) -> None:
        with self.store.transaction() as connection:
            connection.execute("INSERT INTO run_limit VALUES (?, ?)", (name, slots))

    def state(self, run_id: str) -> str:
        """Give the state of a run, as `TYPE/Name`."""
        query = "SELECT state_type || '/' || state_name FROM flow_run WHERE id = ?"
        return str(self.store.connection.execute(query, (run_id,)).fetchone()[0])

    def states(self) -> dict[str, str]:
        query = "SELECT id, state_type || '/' || state_name || ' ' || coalesce(message, '') FROM flow_run"
        return dict(self.store.connection.execute(query).fetchall())

    def one(self, query: str, *values: Any) -> Any:
        """Give the first column of a query's first row."""
        row = self.store.connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    def message(self, run_id: str) -> str:
        return str(self.one("SELECT message FROM flow_run WHERE id = ?", run_id))

    def logs(self, run_id: str) -> list[tuple[str, str, int | None]]:
        """List the log of a run: logger, message, task number."""
        query = (
            "SELECT log.logger, log.message, log.task FROM log JOIN flow_run ON log.root = flow_run.run "
            "WHERE flow_run.id = ? ORDER BY seq"
        )
        return self.store.connection.execute(query, (run_id,)).fetchall()

    def until_state(self, run_id: str, *states: str) -> None:
        self.until(lambda: self.state(run_id) in states, f"{run_id} is {' or '.join(states)}")

    def until_over(self, *run_ids: str) -> None:
        """Go on until runs are closed in the database and forgotten by the dispatcher."""
        finals = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")

        def are_over() -> bool:
            markers = {marker.name for marker in Path(self.home.active).iterdir()}
            looked_after = {*self.dispatcher.runs, *self.dispatcher.ended, *self.active.ids, *markers}
            is_final = all(self.state(run_id).split("/")[0] in finals for run_id in run_ids)
            return is_final and looked_after.isdisjoint(run_ids)

        self.until(
            are_over,
            "all are over",
        )

    def abandon(self) -> None:
        """Be gone as by SIGKILL: the fork servers see their channels close, nothing is tidied up."""
        self.dispatcher.servers.close()
        self.store.connection.close()
        self._lock.__exit__(None, None, None)
        self._is_closed = True

    def stop(self) -> None:
        """Come to an end, politely."""
        if self._is_closed:
            return
        self.dispatcher.servers.close()
        self.store.close()
        self._lock.__exit__(None, None, None)


def processes_of(home: Home) -> list[Seen]:
    """List the living processes that have to do with a home: fork servers, run processes and all below them."""
    found: list[Seen] = []
    for pid, seen in processes.look_at_all().items():
        if seen.is_zombie or pid == os.getpid():
            continue
        environment = _read(f"/proc/{pid}/environ")
        is_part = f"{RUN_VARIABLE}=".encode() in environment or b"flowctl" in _read(f"/proc/{pid}/cmdline")
        is_ours = is_part and f"FLOWCTL_HOME={home.path}\0".encode() in environment
        streams = [_link(f"/proc/{pid}/fd/{number}") for number in (1, 2)]
        if is_ours or any(each.startswith(home.path) for each in streams):
            found.append(seen)
    return found


def no_process_is_left(home: Home) -> bool:
    """Tell whether all processes of a home are gone, those given some time that are about to go."""
    deadline = time.monotonic() + PATIENCE_S
    while processes_of(home):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""
