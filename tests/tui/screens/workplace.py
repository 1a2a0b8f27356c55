"""A home with a daemon in a process of its own and real flows, for an interface that asks it for things."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from textual.pilot import Pilot

from flowctl.core.daemon import processes
from flowctl.core.daemon.client import Client, Refused, start_daemon, wait_until_gone
from flowctl.core.daemon.instance import find_holder
from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.model.asked import Asked
from flowctl.tui.model.themes import choose_look
from tests.core.daemon.stepped import PATIENCE_S, no_process_is_left, processes_of
from tests.tui.screens.driving import ENVIRONMENT, Driven, cursor_line, drive_app, listed_runs, press, until

WIDE: Final = (120, 30)
FLOWS: Final = """
import time
from pathlib import Path
from flowctl import flow, task

HERE = Path(__file__).parent

@flow
def greets(who: str = "world", times: int = 1):
    return f"hello {who}" * times

@task(retries=3, retry_delay_seconds=600)
def fetch(name):
    if not (HERE / name).exists():
        raise ValueError(f"no file {name}")
    return "rows"

@flow
def waits(name: str = "rows.csv"):
    return fetch(name)

@task
def nap():
    time.sleep(0.1)

@flow
def paces(steps: int = 5000):
    for _ in range(steps):
        nap()

@flow
def ends_on(name: str):
    while not (HERE / name).exists():
        time.sleep(0.01)

@task
def good():
    return 1

@flow
def falls(mended: bool = False):
    good()
    if not mended:
        raise RuntimeError("it fell over")
"""


class Workplace:
    """A daemon of a home, and what is on record there."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(str(folder / "home"))
        self.folder = folder
        self.file = folder / "jobs.py"
        self.file.write_text(FLOWS, encoding="utf-8")
        self._count = 0

    def start(self) -> None:
        """Have a daemon."""
        before = os.environ.get("FLOWCTL_HOME")
        os.environ["FLOWCTL_HOME"] = self.home.path
        try:
            start_daemon(self.home)
        finally:
            if before is None:
                del os.environ["FLOWCTL_HOME"]
            else:
                os.environ["FLOWCTL_HOME"] = before

    @property
    def pid(self) -> int:
        """The daemon's process, whoever started it."""
        holder = find_holder(self.home)
        assert holder is not None
        return holder.pid

    def kill_daemon(self) -> None:
        """Have none any more, as by the worst of accidents."""
        os.kill(self.pid, signal.SIGKILL)
        self.until(lambda: find_holder(self.home) is None, "the daemon is gone")

    def close(self) -> None:
        """End the daemon and all that it started; something that stays is a defect."""
        holder = find_holder(self.home)
        if holder is not None and holder.pid:
            os.kill(holder.pid, signal.SIGCONT)
            self.kill_all()
            os.kill(holder.pid, signal.SIGTERM)
            wait_until_gone(self.home, within_s=PATIENCE_S)
        is_clean = no_process_is_left(self.home)
        for each in processes_of(self.home):
            processes.send(each.process, signal.SIGKILL)
        assert is_clean, "a process is left"

    def kill_all(self) -> None:
        """Have all runs killed that have not ended."""
        for run_id in self.at_work():
            with suppress(Refused):  # it has ended by itself
                self.ask("kill", run_id=run_id)

    # What is asked and looked up past the interface.

    def ask(self, verb: str, **fields: object) -> dict[str, Any]:
        with Client.connect(self.home, start=False) as client:
            return client.ask(verb, **fields)

    def run(self, flow: str, *, file: Path | None = None, **parameters: object) -> str:
        """Have a flow run; return its id."""
        self._count += 1
        fields = {"file": str(file or self.file), "flow": flow, "flow_name": flow, "parameters": parameters}
        return str(self.ask("run", **fields, name=f"run-{self._count:02d}")["run_id"])

    def run_until(self, flow: str, *states: str, file: Path | None = None, **parameters: object) -> str:
        """Have a flow run, and wait until it is in one of some states; return its id."""
        run_id = self.run(flow, file=file, **parameters)
        self.until_state(run_id, *states)
        return run_id

    def command(self, *words: str) -> None:
        """Run `flowctl`, in the folder with the flows."""
        environment = {**os.environ, "FLOWCTL_HOME": self.home.path}
        command = [sys.executable, "-m", "flowctl", *words]
        subprocess.run(command, cwd=self.folder, env=environment, check=True, capture_output=True, timeout=PATIENCE_S)

    def states(self) -> dict[str, str]:
        return dict(self._rows("SELECT id, state_name FROM flow_run"))

    def at_work(self) -> list[str]:
        """Give the ids of all runs that have not ended."""
        query = "SELECT id FROM flow_run WHERE state_type NOT IN ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')"
        return [run_id for (run_id,) in self._rows(query)]

    def state(self, run_id: str) -> str:
        return self.states().get(run_id, "nowhere")

    def name(self, run_id: str) -> str:
        return str(self._rows("SELECT name FROM flow_run WHERE id = ?", run_id)[0][0])

    def one(self, query: str, *values: object) -> Any:
        """Give what a query finds first."""
        rows = self._rows(query, *values)
        return rows[0][0] if rows else None

    def task_states(self, run_id: str) -> list[str]:
        query = "SELECT t.state_name FROM task_run t JOIN flow_run f ON f.run = t.run WHERE f.id = ? ORDER BY t.number"
        return [row[0] for row in self._rows(query, run_id)]

    def until(self, is_so: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, f"waited in vain until {what}: {self.states()}"
            time.sleep(0.005)

    def until_state(self, run_id: str, *states: str) -> None:
        self.until(lambda: self.state(run_id) in states, f"{run_id} is {' or '.join(states)}")

    def until_waiting(self, name: str = "rows.csv") -> str:
        """Have a run whose task waits for its next try; return its id."""
        run_id = self.run("waits", name=name)
        self.until(lambda: self.task_states(run_id) == ["AwaitingRetry"], "the task awaits its retry")
        return run_id

    def _rows(self, query: str, *values: object) -> list[Any]:
        connection = sqlite3.connect(f"file:{self.home.database}?mode=ro", uri=True)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


class Desk:
    """An interface at a workplace, whose clocks can be put forward."""

    def __init__(self, place: Workplace, *, run: str | None = None) -> None:
        self.later_s = 0.0
        self.undo_later_s = 0.0
        look = choose_look(ENVIRONMENT)
        self.app = FlowctlApp(place.home, look, opens_run=run, starts_daemon=False, clock=self._now)
        self.app.asked = Asked(lambda: time.monotonic() + self.undo_later_s)

    def drive(self, scenario: Driven, *, size: tuple[int, int] = WIDE) -> FlowctlApp:
        return drive_app(self.app, scenario, size=size)

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.later_s)


async def go_to(app: FlowctlApp, pilot: Pilot[int], *names: str) -> None:
    """Put the cursor of the list on a run; with several, mark them."""
    await until(app, pilot, lambda: {row.run.name for row in listed_runs(app)} >= set(names))
    for name in names:
        place = next(n for n, row in enumerate(listed_runs(app)) if row.run.name == name)
        await press(app, pilot, "g", *["j"] * place)
        assert name in cursor_line(app)
        if len(names) > 1:
            await press(app, pilot, "space")
