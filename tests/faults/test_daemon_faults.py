"""SIGKILL of the daemon, of its fork server, of runs, and of all of them at once: nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from flowctl.core.daemon import processes
from flowctl.core.daemon.client import Client, start_daemon
from flowctl.core.daemon.instance import find_holder
from flowctl.store.home import Home
from tests.conftest import Project
from tests.core.daemon.stepped import PATIENCE_S, no_process_is_left, processes_of

_JOBS = """
import os, time
from pathlib import Path
from flowctl import flow, task

def note(word):
    with open("notes", "a") as file:
        file.write(f"{word}\\n")

@task
def step(n, s):
    time.sleep(s)
    return n

@flow
def job(n: int, steps: int = 5, s: float = 0.02):
    note(f"begin {n}")
    total = sum(step(i, s) for i in range(steps))
    note(f"end {n}")
    return total
"""
#: For a long night: FAULT_SEEDS=200.
_SEEDS = range(1, 1 + int(os.environ.get("FAULT_SEEDS", "2")))
_FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Machine:
    """A daemon of the home, and what the database says."""

    def __init__(self, home: Home, project: Project) -> None:
        self.home = home
        self.project = project
        self.file = project.write("jobs.py", _JOBS)
        self.pid = start_daemon(home)

    def run(self, n: int, **parameters: object) -> str:
        with Client.connect(self.home, start=False) as client:
            fields = {"file": str(self.file), "flow": "job", "parameters": {"n": n, **parameters}}
            return str(client.ask("run", **fields)["run_id"])

    def kill_daemon(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.until(lambda: find_holder(self.home) is None, "the daemon is gone")

    def start(self) -> None:
        self.pid = start_daemon(self.home)

    def fork_servers(self) -> list[int]:
        return [each.process.pid for each in processes_of(self.home) if _name(each.process.pid) == "flowctl-fork"]

    def run_processes(self) -> list[int]:
        return [each.process.pid for each in processes_of(self.home) if _name(each.process.pid) == "flowctl-run"]

    def states(self) -> dict[str, str]:
        connection = sqlite3.connect(f"file:{self.home.database}?mode=ro", uri=True)
        try:
            return dict(connection.execute("SELECT id, state_type FROM flow_run").fetchall())
        finally:
            connection.close()

    def message(self, run_id: str) -> str:
        connection = sqlite3.connect(f"file:{self.home.database}?mode=ro", uri=True)
        try:
            return str(connection.execute("SELECT message FROM flow_run WHERE id = ?", (run_id,)).fetchone()[0])
        finally:
            connection.close()

    def until(self, is_so: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, f"waited in vain until {what}: {self.states()}"
            time.sleep(0.005)

    def until_over(self) -> dict[str, str]:
        self.until(lambda: all(state in _FINAL for state in self.states().values()), "all runs are over")
        return self.states()

    def notes(self) -> Counter[str]:
        file = self.project.path / "notes"
        return Counter(file.read_text().splitlines() if file.exists() else [])


@pytest.fixture
def machine(home: Home, project: Project) -> Generator[Machine, None, None]:
    """A daemon in a process of its own; afterwards nothing of it is left."""
    machine = Machine(home, project)
    yield machine
    holder = find_holder(home)
    if holder is not None:
        os.kill(holder.pid, signal.SIGTERM)
    is_clean = no_process_is_left(home)
    for each in processes_of(home):
        processes.send(each.process, signal.SIGKILL)
    assert is_clean, "a process is left"


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def test_a_killed_run_is_crashed_within_a_second(machine: Machine) -> None:
    run_id = machine.run(1, steps=1000)
    machine.until(lambda: machine.notes()["begin 1"], "it has begun")
    (pid,) = machine.run_processes()

    killed_at = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    machine.until(lambda: machine.states()[run_id] == "CRASHED", "it is crashed")

    assert time.monotonic() - killed_at < 1.0
    assert "SIGKILL" in machine.message(run_id)


def test_runs_outlive_a_killed_daemon_and_the_next_one_adopts_them(machine: Machine) -> None:
    runs = [machine.run(n, steps=60) for n in range(20)]
    machine.until(lambda: len(machine.notes()) == 20, "all have begun")

    machine.kill_daemon()
    machine.start()
    states = machine.until_over()

    assert [states[run_id] for run_id in runs] == ["COMPLETED"] * 20
    assert set(machine.notes().values()) == {1}


@pytest.mark.parametrize("seed", _SEEDS)
def test_killing_the_daemon_at_any_moment_loses_and_doubles_no_run(machine: Machine, seed: int) -> None:
    chance = random.Random(seed)
    accepted: list[str] = []

    for _ in range(4):
        for _ in range(5):
            accepted.append(machine.run(len(accepted)))
            time.sleep(chance.uniform(0, 0.02))
        time.sleep(chance.uniform(0, 0.05))
        machine.kill_daemon()
        machine.start()
    states = machine.until_over()

    assert [states[run_id] for run_id in accepted] == ["COMPLETED"] * len(accepted), f"seed {seed}"
    assert set(machine.notes().values()) == {1}, f"seed {seed}"
    assert len(machine.notes()) == 2 * len(accepted), f"seed {seed}"


@pytest.mark.parametrize("seed", _SEEDS)
def test_killing_everything_at_once_loses_no_run_and_starts_none_twice(machine: Machine, seed: int) -> None:
    chance = random.Random(seed)
    accepted: list[str] = []

    for _ in range(3):
        accepted += [machine.run(len(accepted) + n, steps=20) for n in range(4)]
        time.sleep(chance.uniform(0, 0.3))
        victims = [machine.pid, *machine.fork_servers(), *machine.run_processes()]
        chance.shuffle(victims)
        for pid in victims:
            if processes.find(pid) is not None:
                os.kill(pid, signal.SIGKILL)
        machine.until(lambda: find_holder(machine.home) is None, "the daemon is gone")
        machine.start()
    states = machine.until_over()

    assert set(states) == set(accepted)
    assert set(states.values()) <= {"COMPLETED", "CRASHED"}, f"seed {seed}"
    notes = machine.notes()
    for number, run_id in enumerate(accepted):
        # A run that its process began is never begun again; one whose end is on record came to it.
        assert notes[f"begin {number}"] <= 1, f"seed {seed}"
        assert states[run_id] == "CRASHED" or notes[f"end {number}"] == 1, f"seed {seed}"


def test_a_killed_fork_server_is_replaced_within_a_second(machine: Machine) -> None:
    first = machine.run(1, steps=60)
    machine.until(lambda: machine.notes()["begin 1"], "it has begun")
    (server,) = machine.fork_servers()

    os.kill(server, signal.SIGKILL)
    killed_at = time.monotonic()
    machine.run(2, steps=1)
    machine.until(lambda: machine.notes()["begin 2"], "the next one has begun")

    assert time.monotonic() - killed_at < 2.0
    assert machine.until_over()[first] == "COMPLETED"
