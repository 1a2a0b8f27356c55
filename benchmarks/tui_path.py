"""The terminal interface in a real terminal while nothing happens: each function measures one thing in this process."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.measuring import ROOT, Figures, answer
from benchmarks.seats import NARROW, WIDE, Seat
from benchmarks.store_path import call_in_sequence, prepare_many_runs
from benchmarks.tui_probe import NOTED_S, pauses
from flowctl.core.daemon.client import start_daemon, wait_until_gone
from flowctl.core.daemon.instance import find_holder
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home

HOME: Final = Home.default()
INTERFACE: Final = [sys.executable, "-m", "flowctl", "tui", "--no-daemon"]
MINIMAL: Final = [sys.executable, str(ROOT / "benchmarks" / "tui_floor.py")]
#: Long enough for whatever is done once at the start.
SETTLE_S: Final = 3.0
#: A tenth of a percent of it is a fiftieth of a second.
_IDLE_S: Final = 20.0
#: Behind all that a run has logged by itself.
_FAR: Final = 1_000
#: So many pages are gone through from each end of the list, as fast as a key repeats.
_PAGES: Final = 150
_PAGE_UP: Final = "\x1b[5~"
_PAGE_DOWN: Final = "\x1b[6~"
#: What is typed above the list of runs, letter by letter.
_QUERIES: Final = ("took>1.5x", "error:x", "param.day=2026-11-23", "log:hello", "state:problem age<1d", "nothing")


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
    return percentiles("frame", frames) | percentiles("data", data)


def minimal_starts(size: int) -> Figures:
    """The same of the minimal application."""
    took: list[float] = []
    for _ in range(size):
        with Seat(MINIMAL) as seat:
            took.append((seat.until(lambda output: b"minimal" in output) - seat.began_s) * 1e3)
    return percentiles("minimal", took)


def quiet(size: int) -> Figures:
    """Nothing happens: what it takes of the processor, and how long a key takes to be painted."""
    prepare_many_runs(1_000)
    figures: Figures = {}
    with daemon():
        for name, terminal in (("narrow_", NARROW), ("", WIDE)):
            with Seat(INTERFACE, size=terminal) as seat:
                seat.until(lambda output: b"completed" in output)
                seat.rest(SETTLE_S)
                figures[f"{name}idle_percent"] = seat.cpu_percent(_IDLE_S)
                figures |= percentiles(f"{name}key", seat.keys(size, "jk"))
    return figures


def minimal_quiet(size: int) -> Figures:
    """The same of the minimal application."""
    with Seat(MINIMAL) as seat:
        seat.until(lambda output: b"minimal" in output)
        seat.rest(SETTLE_S)
        idle = seat.cpu_percent(_IDLE_S)
        return {"minimal_idle_percent": idle} | percentiles("minimal_key", seat.keys(size, "jk"))


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


def minimal_memory(_size: int) -> Figures:
    """What the minimal application holds."""
    with Seat(MINIMAL) as seat:
        seat.until(lambda output: b"minimal" in output)
        seat.rest(0.5)
        return {"minimal_mb": seat.memory_mb}


@contextmanager
def _probed() -> Generator[tuple[Seat, Path], None, None]:
    """Open the list of runs with a probe that notes in a file how long the loop stands still."""
    notes = Path(HOME.path) / "pauses.txt"
    notes.unlink(missing_ok=True)
    command = [sys.executable, str(ROOT / "benchmarks" / "tui_probe.py"), str(notes), *INTERFACE[3:]]
    with Seat(command) as seat:
        seat.until(lambda output: b"completed" in output)
        seat.rest(SETTLE_S)
        yield seat, notes


def many(size: int) -> Figures:
    """Go through the list of all runs, sort it and filter it as one types; tell how long the loop stood still."""
    with _probed() as (seat, notes):
        began = time.perf_counter()
        took = seat.keys(size, "\x04")
        scrolled = _longest(seat, notes, began)
        seat.keys(10, "Gg")
        for key in "sss":
            seat.press(key)
            seat.rest(0.3)
        sorted_ = _longest(seat, notes, began)
        began = time.perf_counter()
        for keys in ("G", *[_PAGE_UP] * _PAGES, "g", *[_PAGE_DOWN] * _PAGES):
            seat.press(keys)
            seat.rest(0.02)
        walked, memory = _longest(seat, notes, began), seat.memory_mb
        began = time.perf_counter()
        for key in "*jD":
            seat.press(key)
            seat.rest(2.0)
        marked = _longest(seat, notes, began)
        seat.press("\x1b")
        seat.rest(0.5)
        began = time.perf_counter()
        for query in _QUERIES:
            for letter in f"/{query}":
                seat.press(letter)
                seat.rest(0.05)
            seat.rest(0.5)
            seat.press("\r")
            seat.rest(0.2)
            seat.press("\x1b")
            seat.rest(0.3)
        filtered = _longest(seat, notes, began)
        return percentiles("scroll", took) | {
            "scroll_pause_ms": max(scrolled[0], sorted_[0]),
            "scroll_busy_ms": max(scrolled[1], sorted_[1]),
            "walk_pause_ms": walked[0],
            "walk_busy_ms": walked[1],
            "mark_pause_ms": marked[0],
            "mark_busy_ms": marked[1],
            "many_memory_mb": memory,
            "filter_pause_ms": filtered[0],
            "filter_busy_ms": filtered[1],
        }


@contextmanager
def daemon() -> Generator[None]:
    """Have a daemon meanwhile."""
    start_daemon(HOME)
    try:
        yield
    finally:
        holder = find_holder(HOME)
        if holder is not None and holder.pid:
            os.kill(holder.pid, 15)
            wait_until_gone(HOME, within_s=20)


def prepare_tasks(size: int) -> Figures:
    """Carry out a run of very many tasks, and take it in."""
    call_in_sequence(size)
    catch_up(HOME)
    return {}


def tasks(_size: int) -> Figures:
    """Go through the tree of a run of very many tasks, its log and the graph; tell how long the loop stood still."""
    with _probed() as (seat, notes):
        seat.press("\r")
        seat.rest(SETTLE_S)
        began = time.perf_counter()
        for keys in ("j", " ", *[_PAGE_DOWN] * 40, *"GgGg}{", *"/nothing-19", "\r", *"nn", "\x1b", "o"):
            seat.press(keys)
            seat.rest(0.1)
        seat.rest(1.0)
        pause, busy = _longest(seat, notes, began)
        return {"tree_pause_ms": pause, "tree_busy_ms": busy, "tree_memory_mb": seat.memory_mb}


def percentiles(name: str, took: list[float]) -> Figures:
    """Give the middle and the 95th of a hundred."""
    ordered = sorted(took)
    return {f"{name}_p50_ms": ordered[len(ordered) // 2], f"{name}_p95_ms": ordered[int(len(ordered) * 0.95)]}


def _longest(seat: Seat, notes: Path, since_s: float) -> tuple[float, float]:
    """Tell the longest pause of the loop, and the longest for which it had the processor, in ms."""
    seat.rest(0.3)
    noted = pauses(notes, since_s) or [(NOTED_S, NOTED_S)]
    return max(late for late, _ in noted) * 1e3, max(busy for _, busy in noted) * 1e3


if __name__ == "__main__":
    answer(
        {
            "starts": starts,
            "minimal_starts": minimal_starts,
            "quiet": quiet,
            "minimal_quiet": minimal_quiet,
            "prepare_lines": prepare_lines,
            "lines": lines,
            "minimal_memory": minimal_memory,
            "many": many,
            "prepare_tasks": prepare_tasks,
            "tasks": tasks,
        }
    )
