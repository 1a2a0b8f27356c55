"""The floors: what raw Python needs for the same work. Nothing here imports flowctl."""

from __future__ import annotations

import logging
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, sleep, time_ns

from benchmarks.measuring import Figures, Subject, answer

HOME = Path(os.environ["FLOWCTL_HOME"])
#: As many worker threads as flowctl takes where nothing is said.
WORKERS = 64
#: How often a question is asked that takes a millisecond, on a machine that does other things in between.
LOOKS = 21

_TASK_TABLE = (
    "CREATE TABLE task_run (root INTEGER, number INTEGER, name TEXT, state TEXT, created_at INTEGER, "
    "started_at INTEGER, ended_at INTEGER, inputs TEXT, digest BLOB, value TEXT, PRIMARY KEY (root, number))"
)


def transactions(size: int) -> Figures:
    """Two bare SQLite transactions a task: insert it, update it."""
    connection = _database("NORMAL")
    insert = "INSERT INTO task_run (root, number, name, state, created_at) VALUES (1, ?, 'nothing', 'RUNNING', ?)"
    update = "UPDATE task_run SET state = 'COMPLETED', ended_at = ? WHERE root = 1 AND number = ?"
    began = perf_counter()
    for number in range(size):
        connection.execute(insert, (number, 1_780_000_000_000_000))
        connection.execute(update, (1_780_000_000_000_000, number))
    return {"transactions_us": (perf_counter() - began) / size * 1e6}


def calls(size: int) -> Figures:
    """Plain calls of an empty function."""
    began = perf_counter()
    for number in range(size):
        _nothing(number)
    return {"calls_us": (perf_counter() - began) / size * 1e6}


def submitted(size: int) -> Figures:
    with ThreadPoolExecutor(WORKERS) as pool:
        began = perf_counter()
        futures = [pool.submit(_nothing, number) for number in range(size)]
        for future in futures:
            future.result()
        return {"pool_per_s": size / (perf_counter() - began)}


def mapped(size: int) -> Figures:
    with ThreadPoolExecutor(WORKERS) as pool:
        began = perf_counter()
        sum(pool.map(_nothing, range(size)))
        return {"pool_ms": (perf_counter() - began) * 1e3}


def sleeping(size: int) -> Figures:
    """Tasks of 10 ms in 50 workers, as a multiple of the ideal time."""
    with ThreadPoolExecutor(50) as pool:
        began = perf_counter()
        futures = [pool.submit(sleep, 0.01) for _ in range(size)]
        for future in futures:
            future.result()
        return {"pool_times_ideal": (perf_counter() - began) / (size * 0.01 / 50)}


def log_lines(size: int) -> Figures:
    logger = logging.getLogger("floor")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    handler = logging.FileHandler(HOME / "lines.log")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logger.addHandler(handler)
    began = perf_counter()
    for number in range(size):
        logger.info("line %d of %d", number, size)
    return {"file_lines_per_s": size / (perf_counter() - began)}


def futures_in_memory(size: int) -> Figures:
    """Peak memory of a pool's futures, all kept."""
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = [pool.submit(_nothing, number) for number in range(size)]
        for future in futures:
            future.result()
    return {"pool_mb": peak_mb()}


def rows(size: int) -> Figures:
    """As many rows as an ingested journal makes, a task run and its result each, by executemany."""
    connection = _database("FULL")
    connection.execute("CREATE TABLE result (root INTEGER, number INTEGER, data BLOB, PRIMARY KEY (root, number))")
    tasks, results = list(_task_rows(size)), [(1, number, b"\x80\x05K\x01.") for number in range(size)]
    began = perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(f"INSERT INTO task_run VALUES ({', '.join('?' * 10)})", tasks)
    connection.executemany("INSERT INTO result VALUES (?, ?, ?)", results)
    connection.execute("COMMIT")
    connection.close()
    seconds = perf_counter() - began
    kilobytes = (HOME / "floor.db").stat().st_size / 1000
    return {"rows_per_s": size / seconds, "rows_kb_per_1000": kilobytes / size * 1000}


def small_files(size: int) -> Figures:
    """Read the journals of a prepared home, and put a row for each into a bare database."""
    (HOME / "floor.db").unlink(missing_ok=True)
    connection = _database("FULL")
    began = perf_counter()
    read = [(folder / "journal.1").read_bytes() for folder in sorted((HOME / "runs").iterdir())]
    assert all(read) and len(read) == size, f"{len(read)} journals, expected {size}"
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(f"INSERT INTO task_run VALUES ({', '.join('?' * 10)})", _task_rows(size))
    connection.execute("COMMIT")
    connection.close()
    seconds = perf_counter() - began
    for left in HOME.glob("floor.db*"):
        left.unlink()
    return {"small_files_s": seconds}


def latest_rows(size: int) -> Figures:
    """Open a bare database with an index and read its latest 50 rows."""
    path = HOME / "floor.db"
    if not path.exists():
        connection = _database("FULL")
        connection.execute("CREATE INDEX latest ON task_run (created_at)")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO task_run VALUES ({', '.join('?' * 10)})", _task_rows(size))
        connection.execute("COMMIT")
        connection.close()
    took: list[float] = []
    for _ in range(LOOKS):
        began = perf_counter()
        connection = sqlite3.connect(path)
        found = connection.execute("SELECT * FROM task_run ORDER BY created_at DESC LIMIT 50").fetchall()
        connection.close()
        took.append((perf_counter() - began) * 1e3)
        assert found
    return {"bare_query_ms": median(took)}


def starts(size: int) -> Figures:
    """From the start of a new interpreter to its first line."""
    took: list[float] = []
    command = [sys.executable, "-c", "import time; print(time.time_ns())"]
    for _ in range(size):
        began = time_ns()
        said = subprocess.run(command, capture_output=True, check=True).stdout
        took.append((int(said) - began) / 1e6)
    found = quantiles(took, n=20, method="inclusive") if size > 1 else took * 19
    return {"exec_p50_ms": found[9], "exec_p95_ms": found[18]}


def peak_mb() -> float:
    """Tell the largest resident size that this process ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _nothing(number: int) -> int:
    return number


def _database(synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(HOME / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute(_TASK_TABLE)
    return connection


def _task_rows(size: int) -> Iterator[tuple[object, ...]]:
    at = 1_780_000_000_000_000
    for number in range(size):
        began = at + number * 100
        state = ("COMPLETED", began, began + 10, began + 50)
        yield (1, number, "nothing", *state, f"number={number}", number.to_bytes(8, "big"), str(number))


SUBJECTS: dict[str, Subject] = {
    "transactions": transactions,
    "calls": calls,
    "submitted": submitted,
    "mapped": mapped,
    "sleeping": sleeping,
    "log_lines": log_lines,
    "futures_in_memory": futures_in_memory,
    "rows": rows,
    "small_files": small_files,
    "latest_rows": latest_rows,
    "starts": starts,
}

if __name__ == "__main__":
    answer(SUBJECTS)
