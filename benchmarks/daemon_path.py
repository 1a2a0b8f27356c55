"""flowctl's sides of what the daemon does: starting, firing, reloading, taking in; each by a daemon of its own."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import quantiles
from time import monotonic, sleep, time, time_ns

from benchmarks.measuring import Figures, Subject, answer
from flowctl.core.daemon.client import Client, start_daemon, wait_until_gone
from flowctl.store.home import Home
from flowctl.store.problems import StoreError
from flowctl.store.queries import Reader

HOME = Home.default()
_NOTES = Path(HOME.path, "notes")
#: Longer than anything takes here on a busy machine.
_PATIENCE_S = 120.0
_LOOK_EVERY_S = 0.001
_FLOWS = """
import time
from flowctl import flow, runtime, task

@flow
def first_line():
    at = time.time_ns()
    due = runtime.flow_run.scheduled_start_time
    with open({notes!r}, "a") as file:
        file.write(f"{{at}} {{due.timestamp() if due else 0}}\\n")

@task
def step(number):
    return number

@flow
def steps(count: int, pause: float = 0):
    for number in range(count):
        step(number)
        time.sleep(pause)
"""


def starts(size: int) -> Figures:
    """From the moment a run is asked for to the first line of its flow, one after the other, fork server warm."""
    took: list[float] = []
    with _daemon() as client:
        file = _flows()
        for number in range(size + 3):
            began = time_ns()
            client.ask("run", file=file, flow="first_line")
            _until(lambda number=number: len(_notes()) > number, "the first line")  # type: ignore[misc]
            took.append((_notes()[number][0] - began) / 1e6)
    return _percentiles("start", took[3:])


def due(size: int) -> Figures:
    """From the moment a schedule says to the first line, where so many others wait for theirs."""
    with _daemon() as client:
        file, often = _flows(), 5
        for number in range(size - often):
            _deploy(client, file, f"later-{number}", {"kind": "cron", "expression": f"{number % 60} 3 1 1 *"})
        for number in range(often):
            # Each second, a fifth of a second after one another.
            anchor = f"2026-01-01T00:00:00.{number * 200_000:06d}+00:00"
            _deploy(client, file, f"often-{number}", {"kind": "interval", "expression": "1", "anchor_at": anchor})
        _until(lambda: len(_notes()) >= often, "the first runs")
        wanted = len(_notes()) + max(20, size // 8)
        _until(lambda: len(_notes()) >= wanted, "runs by schedule")
        found = _notes()[often:]
    return _percentiles("due", [at / 1e6 - due_s * 1e3 for at, due_s in found])


def saves(size: int) -> Figures:
    """From a save of a flow file to its new version in the database."""
    folder = Path(HOME.path, "flows")
    folder.mkdir()
    file = folder / "saved.py"
    query = "SELECT coalesce((SELECT version FROM flow_file WHERE path = ?), 0)"
    took: list[float] = []
    with _daemon() as client, _looking() as look:

        def version() -> int:
            return int(look(query, str(file))[0][0])

        file.write_text(_flow_text(0))
        client.ask("watch_add", path=str(folder), python=sys.executable)
        _until(lambda: version() > 0, "the first look at the file")
        for number in range(1, size + 3):
            before = version()
            sleep(0.05 + number % 7 / 100)
            began = monotonic()
            file.write_text(_flow_text(number))
            _until(lambda before=before: version() > before, "the reload")  # type: ignore[misc]
            took.append((monotonic() - began) * 1e3)
    return _percentiles("save", took[2:])


def seen(size: int) -> Figures:
    """From the moment at which a task changed its state to the moment at which a reader of the database sees it."""
    query = "SELECT number, ended_at FROM task_run WHERE ended_at IS NOT NULL AND number > ? ORDER BY number"
    took: list[float] = []
    with _daemon() as client, _looking() as look:
        client.ask("run", file=_flows(), flow="steps", parameters={"count": size, "pause": 0.053})
        last = 0

        def new() -> bool:
            nonlocal last
            rows, now_us = look(query, last), time() * 1e6
            for number, ended_at in rows:
                last = number
                took.append((now_us - ended_at) / 1e3)
            return last >= size

        _until(new, "all tasks")
    return _percentiles("seen", took)


def idle(seconds: int) -> Figures:
    """What a daemon with a warm fork server takes while nothing happens."""
    bare = _bare(seconds=3)
    with _daemon() as client:
        client.ask("run", file=_flows(), flow="first_line")
        _until(lambda: bool(_notes()), "the first line")
        _until(lambda: not any(Path(HOME.active).iterdir()), "its end")
        sleep(3)
        pids = [pid for name in ("flowctl-daemon", "flowctl-fork") for pid in _pids(name)]
        before, began = sum(map(_cpu_s, pids)), monotonic()
        sleep(seconds)
        used = (sum(map(_cpu_s, pids)) - before) / (monotonic() - began)
        memory = sum(map(_pss_mb, pids))
        assert len(pids) == 2, f"a daemon and a fork server were expected, there are {len(pids)}"
    return {"idle_mb": memory, "idle_percent": used * 100, "bare_mb": bare}


def ingest(size: int) -> Figures:
    """Take in the journal of one run that stands complete in front of the daemon."""
    with _daemon() as client, _looking() as look:
        # Stopped while the run goes on, so that all of it waits.
        (daemon,) = _pids("flowctl-daemon")
        run_id = str(client.ask("run", file=_flows(), flow="steps", parameters={"count": size})["run_id"])
        _until(lambda: Path(HOME.journal(run_id, 1)).exists(), "the run")
        os.kill(daemon, signal.SIGSTOP)
        _until(lambda: not _pids("flowctl-run"), "its end")
        os.kill(daemon, signal.SIGCONT)
        began = monotonic()
        known = look("SELECT count(*) FROM task_run")[0][0]
        _until(lambda: bool(look("SELECT 1 FROM flow_run WHERE state_type = 'COMPLETED'")), "all of it in the database")
        seconds = monotonic() - began
        assert look("SELECT count(*) FROM task_run")[0][0] == size
    return {"ingest_per_s": (size - known) / seconds}


def twenty(size: int) -> Figures:
    """Twenty runs at once, read by four others meanwhile: who was told that something is locked."""
    errors: list[str] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            try:
                with Reader.open(HOME) as reader:
                    reader.runs(limit=50)
            except (StoreError, sqlite3.Error) as error:
                errors.append(str(error))

    with _daemon() as client, _looking() as look:
        file, began = _flows(), monotonic()
        for _ in range(20):
            client.ask("run", file=file, flow="steps", parameters={"count": size, "pause": 0.001})
        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        _until(lambda: look("SELECT count(*) FROM flow_run WHERE ended_at IS NOT NULL")[0][0] == 20, "all ends")
        seconds = monotonic() - began
        is_over.set()
        for reader in readers:
            reader.join()
        log = Path(HOME.path, "daemon.log").read_text(encoding="utf-8")
        (completed,) = look("SELECT count(*) FROM flow_run WHERE state_type = 'COMPLETED'")[0]
        (tasks,) = look("SELECT count(*) FROM task_run WHERE state_type = 'COMPLETED'")[0]
        assert (completed, tasks) == (20, 20 * size), f"{completed} runs, {tasks} tasks were recorded"
    return {"lock_errors": len(errors) + log.count("locked") + log.count("busy"), "twenty_per_s": 20 * size / seconds}


@contextmanager
def _daemon() -> Generator[Client, None, None]:
    """A daemon in a process of its own, ended afterwards."""
    pid = start_daemon(HOME)
    try:
        with Client.connect(HOME, start=False) as client:
            yield client
    finally:
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGTERM)
        wait_until_gone(HOME, within_s=_PATIENCE_S)


@contextmanager
def _looking() -> Generator[Callable[..., list[tuple[int, ...]]], None, None]:
    """Ask the database, read-only and by one connection, as a screen does."""
    with closing(sqlite3.connect(f"file:{HOME.database}?mode=ro", uri=True)) as connection:

        def look(query: str, *values: object) -> list[tuple[int, ...]]:
            return connection.execute(query, values).fetchall()

        yield look


def _flows() -> str:
    file = Path(HOME.path, "flows_of_benchmark.py")
    file.write_text(_FLOWS.format(notes=str(_NOTES)), encoding="utf-8")
    return str(file)


def _flow_text(number: int) -> str:
    return f"from flowctl import flow\n@flow\ndef saved(n: int = {number}):\n    return n\n"


def _deploy(client: Client, file: str, name: str, schedule: dict[str, str]) -> None:
    # What `flowctl deploy` sends, but for the inspection of the file, which is the same for all.
    client.ask(
        "deploy",
        name=name,
        file=file,
        flow="first_line",
        flow_name="first-line",
        python=sys.executable,
        cwd=HOME.path,
        overlap="allow",
        schedules=[schedule],
    )


def _notes() -> list[tuple[int, float]]:
    """Read when each flow came to its first line, and when it was due."""
    if not _NOTES.exists():
        return []
    lines = [line.split() for line in _NOTES.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [(int(at), float(due_s)) for at, due_s in lines]


def _percentiles(name: str, took: list[float]) -> Figures:
    found = quantiles(took, n=20, method="inclusive") if len(took) > 1 else took * 19
    return {f"{name}_p50_ms": found[9], f"{name}_p95_ms": found[18]}


def _until(is_so: Callable[[], bool], what: str) -> None:
    deadline = monotonic() + _PATIENCE_S
    while not is_so():
        if monotonic() > deadline:
            raise TimeoutError(f"waited in vain for {what}")
        sleep(_LOOK_EVERY_S)


def _pids(name: str) -> list[int]:
    """Find the processes of this home by their name."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        try:
            is_it = folder.name.isdecimal() and (folder / "comm").read_text().strip() == name
            if is_it and f"FLOWCTL_HOME={HOME.path}\0".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def _cpu_s(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _pss_mb(pid: int) -> float:
    """Tell the memory of a process, what it shares with others divided among them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def _bare(*, seconds: int) -> float:
    """Tell the memory of two bare interpreters that do nothing."""
    import subprocess

    processes = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) for _ in range(2)]
    sleep(seconds)
    memory = sum(_pss_mb(process.pid) for process in processes)
    for process in processes:
        process.kill()
        process.wait()
    return memory


SUBJECTS: dict[str, Subject] = {
    "starts": starts,
    "due": due,
    "saves": saves,
    "seen": seen,
    "idle": idle,
    "ingest": ingest,
    "twenty": twenty,
}

if __name__ == "__main__":
    answer(SUBJECTS)
