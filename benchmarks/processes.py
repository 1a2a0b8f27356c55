"""Whole processes: how long it takes to import flowctl and to run a small script, beside a bare interpreter."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from benchmarks.measuring import Figures, Subject, answer

HOME = Path(os.environ["FLOWCTL_HOME"])
BARE = ["-c", "pass"]
IMPORT = ["-c", "import flowctl; flowctl.flow; flowctl.task"]
HELLO = """\
from flowctl import flow, get_run_logger, task


@task
def greet(name: str) -> str:
    get_run_logger().info("Hello, %s!", name)
    return name


@flow
def hello() -> None:
    greet("world")


if __name__ == "__main__":
    hello()
"""


def importing(size: int) -> Figures:
    bare, with_flowctl = _by_turns(BARE, IMPORT, times=size)
    return {
        "import_ms": with_flowctl.wall_ms - bare.wall_ms,
        "import_cpu_ms": with_flowctl.cpu_ms - bare.cpu_ms,
        "bare_ms": bare.wall_ms,
        "bare_cpu_ms": bare.cpu_ms,
    }


def hello(size: int) -> Figures:
    return _hello(size, show_log="true")


def silent_hello(size: int) -> Figures:
    return _hello(size, show_log="false")


def _hello(size: int, *, show_log: str) -> Figures:
    script = HOME / "hello.py"
    script.write_text(HELLO, encoding="utf-8")
    os.environ["FLOWCTL_SHOW_LOG"] = show_log
    bare, with_flowctl = _by_turns(BARE, [str(script)], times=size)
    return {
        "hello_ms": with_flowctl.wall_ms,
        "hello_cpu_ms": with_flowctl.cpu_ms,
        "bare_ms": bare.wall_ms,
        "bare_cpu_ms": bare.cpu_ms,
    }


class _Took(NamedTuple):
    """Times of a process: by the clock on the wall, and what it made the processor do."""

    wall_ms: float
    cpu_ms: float


def _by_turns(first: list[str], second: list[str], *, times: int) -> tuple[_Took, _Took]:
    """Start two programs by turns, and give the median times of each; once before, to fill the caches."""
    took: tuple[list[_Took], list[_Took]] = ([], [])
    for _ in range(times + 1):
        for words, every in zip((first, second), took, strict=True):
            every.append(_start(words))
    medians = [
        _Took(median(each.wall_ms for each in every[1:]), median(each.cpu_ms for each in every[1:])) for every in took
    ]
    return medians[0], medians[1]


def _start(words: list[str]) -> _Took:
    cpu_before = _cpu_of_children()
    began = perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdin=subprocess.DEVNULL, capture_output=True, cwd=HOME)
    return _Took((perf_counter() - began) * 1e3, (_cpu_of_children() - cpu_before) * 1e3)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


SUBJECTS: dict[str, Subject] = {"importing": importing, "hello": hello, "silent_hello": silent_hello}

if __name__ == "__main__":
    answer(SUBJECTS)
