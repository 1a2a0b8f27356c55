"""The terminal interface in a real terminal, step by step: each function measures one thing in this process."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.measuring import ROOT, Figures, answer
from benchmarks.seats import Seat
from benchmarks.store_path import prepare_many_runs
from flowctl.core.daemon.client import start_daemon, wait_until_gone
from flowctl.core.daemon.instance import find_holder
from flowctl.store.home import Home

HOME: Final = Home.default()
INTERFACE: Final = [sys.executable, "-m", "flowctl", "tui", "--no-daemon"]
MINIMAL: Final = [sys.executable, str(ROOT / "benchmarks" / "tui_floor.py")]
#: Long enough for whatever is done once at the start.
SETTLE_S: Final = 2.0
WATCH_S: Final = 5
#: Behind all that a run has logged by itself.
_FAR: Final = 1_000
FLOW: Final = """
import time
from flowctl import flow, get_run_logger, task

@task
def step(number):
    get_run_logger().info("tick %.4f", time.time())

@flow
def many(seconds: float = 30, a_second: int = 1000):
    log, began, count = get_run_logger(), time.time(), 0
    while (passed := time.time() - began) < seconds:
        while count < passed * a_second:
            log.info("line %d of many", count)
            count += 1
        time.sleep(0.01)

@flow
def ticks(count: int = 60):
    for number in range(count):
        step(number)
        time.sleep(0.15)
"""


def starts(size: int) -> Figures:
    """From the start of the process to its first frame, and to the first run on the screen."""
    prepare_many_runs(50)
    frames: list[float] = []
    data: list[float] = []
    for _ in range(size):
        Path(f"{HOME.path}/tui.frame").unlink(missing_ok=True)
        with Seat(INTERFACE) as seat:
            frames.append((seat.until(lambda output: b"flowctl" in output) - seat.began_s) * 1e3)
            data.append((seat.until(lambda output: b"completed" in output) - seat.began_s) * 1e3)
    return _percentiles("frame", frames) | _percentiles("data", data)


def minimal_starts(size: int) -> Figures:
    """The same of the minimal application."""
    took: list[float] = []
    for _ in range(size):
        with Seat(MINIMAL) as seat:
            took.append((seat.until(lambda output: b"minimal" in output) - seat.began_s) * 1e3)
    return _percentiles("minimal", took)


def quiet(size: int) -> Figures:
    """Nothing happens: what it takes of the processor, and how long a key takes to be painted."""
    prepare_many_runs(1_000)
    with Seat(INTERFACE) as seat:
        seat.until(lambda output: b"completed" in output)
        seat.rest(SETTLE_S)
        idle = _cpu_percent(seat)
        return {"idle_percent": idle} | _percentiles("key", _keys(seat, size, "jk"))


def minimal_quiet(size: int) -> Figures:
    """The same of the minimal application."""
    with Seat(MINIMAL) as seat:
        seat.until(lambda output: b"minimal" in output)
        seat.rest(SETTLE_S)
        idle = _cpu_percent(seat)
        return {"minimal_idle_percent": idle} | _percentiles("minimal_key", _keys(seat, size, "jk"))


def busy(size: int) -> Figures:
    """A run logs 1,000 lines a second, which are followed; the daemon takes them in."""
    with _daemon(), _flow("many"), Seat(INTERFACE) as seat:
        seat.until(lambda output: b"running" in output)
        seat.press("L")
        seat.until(lambda output: b"of many" in output)
        seat.rest(SETTLE_S)
        percent = _cpu_percent(seat)
        seat.press("\x1b")
        seat.rest(1.0)
        took = _keys(seat, size, "?\x1b", within_s=0.25)
        return {"busy_percent": percent} | _percentiles("busy_key", took)


def painted(size: int) -> Figures:
    """From the moment at which a task logs to the moment at which the terminal has it."""
    took: list[float] = []
    with _daemon(), _flow("ticks", f"count={size}"), Seat(INTERFACE) as seat:
        seat.until(lambda output: b"running" in output)
        seat.press("L")
        known: set[bytes] = set()
        deadline = perf_counter() + size * 0.15 + 10
        while len(known) < size and perf_counter() < deadline:
            if not seat.read(0.5):
                continue
            now = time.time()
            for found in re.findall(rb"tick (\d+\.\d{4})", seat.output[-20_000:]):
                if found not in known:
                    known.add(found)
                    took.append((now - float(found)) * 1e3)
    # Those that were there when it was opened tell nothing.
    return _percentiles("painted", took[5:] or took)


def prepare_lines(size: int) -> Figures:
    """A run with a very long log, in the database alone."""
    prepare_many_runs(1)
    connection = sqlite3.connect(HOME.database)
    (run,) = connection.execute("SELECT max(run) FROM flow_run").fetchone()
    with connection:
        connection.executemany(
            "INSERT INTO log (root, seq, run, at, level, logger, message) VALUES (?, ?, ?, ?, 20, 'flows', ?)",
            (
                (run, _FAR + number, run, number, f"line {number} of a long log, with words in it")
                for number in range(size)
            ),
        )
    connection.close()
    return {}


def lines(size: int) -> Figures:
    """Open a log of a million lines, go about in it, and tell what it holds of memory."""
    last = f"line {size - 1}".encode()
    with Seat(INTERFACE) as seat:
        seat.until(lambda output: b"completed" in output)
        seat.rest(SETTLE_S)
        seat.forget()
        pressed = seat.press("L")
        opened = (seat.until(lambda output: last in output) - pressed) * 1e3
        for key in "gGgG":
            seat.press(key)
            seat.rest(0.5)
        return {"open_ms": opened, "memory_mb": seat.memory_mb}


def scroll(size: int) -> Figures:
    """Scroll through and filter the list of all runs, and tell how long the longest pause was."""
    with Seat(INTERFACE) as seat:
        seat.until(lambda output: b"completed" in output)
        seat.rest(SETTLE_S)
        took = _keys(seat, size, "\x04")
        seat.press("/")
        seat.rest(0.3)
        took += _keys(seat, 7, "nothing")
        return {"pause_ms": max(took)} | _percentiles("scroll", took)


def _keys(seat: Seat, size: int, keys: str, within_s: float = 2.0) -> list[float]:
    took: list[float] = []
    for number in range(size):
        seat.rest(within_s, quiet_s=0.02)
        seat.forget()
        pressed = seat.press(keys[number % len(keys)])
        took.append((seat.until(bool) - pressed) * 1e3)
    return took


def _cpu_percent(seat: Seat) -> float:
    before, began = seat.cpu_s, perf_counter()
    seat.rest(WATCH_S)
    return (seat.cpu_s - before) / (perf_counter() - began) * 100


def _percentiles(name: str, took: list[float]) -> Figures:
    ordered = sorted(took)
    return {f"{name}_p50_ms": ordered[len(ordered) // 2], f"{name}_p95_ms": ordered[int(len(ordered) * 0.95)]}


@contextmanager
def _daemon() -> Generator[None]:
    start_daemon(HOME)
    try:
        yield
    finally:
        holder = find_holder(HOME)
        if holder is not None and holder.pid:
            os.kill(holder.pid, 15)
            wait_until_gone(HOME, within_s=20)


@contextmanager
def _flow(name: str, *parameters: str) -> Generator[None]:
    file = Path(HOME.path) / "flows_measured.py"
    file.write_text(FLOW, encoding="utf-8")
    words = [word for parameter in parameters for word in ("-p", parameter)]
    command = [sys.executable, "-m", "flowctl", "run", f"{file}:{name}", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


if __name__ == "__main__":
    answer(
        {
            "starts": starts,
            "minimal_starts": minimal_starts,
            "quiet": quiet,
            "minimal_quiet": minimal_quiet,
            "busy": busy,
            "painted": painted,
            "prepare_lines": prepare_lines,
            "lines": lines,
            "scroll": scroll,
        }
    )
