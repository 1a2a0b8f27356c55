"""Measures cases: each side in a process of its own with a fresh home, flowctl and floor by turns.

On a noisy machine only figures taken next to each other can be compared: so the ratio is made in each round, and
its median is told.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
#: With `--quick` everything is this much smaller: it shows that the benchmark works, and measures nothing.
QUICK = 20
#: A busy machine may need long for one side; one that hangs is a failure.
SIDE_S = 900

#: What a side's process measured, by name.
Figures = dict[str, float]
Subject = Callable[[int], Figures]


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One process of a round: a subject and how much of it."""

    #: `module.function` in this folder; the function takes the size and returns its figures.
    subject: str
    size: int
    #: Stands before the names of its figures, where a case measures one subject at several sizes.
    prefix: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """What a figure, or its ratio to the floor, must not pass."""

    limit: float
    unit: str
    #: The figure must be at least the limit, not at most.
    is_least: bool = False
    of_ratio: bool = False

    def is_met(self, figure: float, ratio: float | None) -> bool:
        value = ratio if self.of_ratio else figure
        if value is None:
            return False
        return value >= self.limit if self.is_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.limit:,g} {self.unit}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of the table, made of the figures of a round."""

    what: str
    figure: str
    unit: str
    floor: str | None = None
    #: What the floor is, in words.
    floor_is: str = ""
    bar: Bar | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Sides that are measured by turns, and the rows that they give."""

    name: str
    sides: tuple[Side, ...]
    rows: tuple[Row, ...]
    #: Fills, before the first round, a home that all rounds share.
    prepare: Side | None = None
    #: Adds figures made of other figures of the same round.
    derive: Callable[[Figures], Figures] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A row with what all rounds gave for it."""

    row: Row
    figures: list[float] = field(default_factory=list[float])
    floors: list[float] = field(default_factory=list[float])

    @property
    def figure(self) -> float:
        return median(self.figures)

    @property
    def floor(self) -> float | None:
        return median(self.floors) if self.floors else None

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios, which drifts less than the ratio of the medians."""
        pairs = zip(self.figures, self.floors, strict=True) if self.floors else ()
        ratios = [figure / floor for figure, floor in pairs if floor]
        return median(ratios) if ratios else None

    @property
    def is_met(self) -> bool | None:
        return None if self.row.bar is None else self.row.bar.is_met(self.figure, self.ratio)


class SideFailed(Exception):
    """A side's process ended badly; its last words are the message."""


def measure(case: Case, *, runs: int, is_quick: bool) -> list[Measured]:
    """Measure all sides of a case `runs` times, in turned order every other time."""
    rows = [Measured(row=row) for row in case.rows]
    with tempfile.TemporaryDirectory(prefix="flowctl-benchmark-", ignore_cleanup_errors=True) as folder:
        shared = Path(folder) / "shared" if case.prepare is not None else None
        if case.prepare is not None and shared is not None:
            _run(case.prepare, shared, is_quick=is_quick)
        for number in range(runs):
            figures: Figures = {}
            for side in case.sides if number % 2 == 0 else reversed(case.sides):
                home = shared or Path(folder) / f"{number}-{side.prefix}{side.subject}"
                figures |= _run(side, home, is_quick=is_quick)
                if shared is None:
                    shutil.rmtree(home, ignore_errors=True)
            if case.derive is not None:
                figures |= case.derive(figures)
            for measured in rows:
                measured.figures.append(figures[measured.row.figure])
                if measured.row.floor is not None:
                    measured.floors.append(figures[measured.row.floor])
    return rows


def environment(home: Path) -> dict[str, str]:
    """Make the environment of a side: this checkout, a home of its own, no settings of the person's, no console."""
    # Compiled modules are kept, as they are wherever flowctl is installed: compiling them takes four times the import.
    left_out = ("FLOWCTL_", "PYTHONDONTWRITEBYTECODE", "COVERAGE_")
    mine = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return mine | {"FLOWCTL_HOME": str(home), "FLOWCTL_SHOW_LOG": "false", "PYTHONPATH": str(ROOT)}


def answer(subjects: Mapping[str, Subject]) -> None:
    """Carry out, as a side's process, the subject that the command line names, and print its figures."""
    name, size = sys.argv[1:]
    print(json.dumps(subjects[name](int(size))))


def _run(side: Side, home: Path, *, is_quick: bool) -> Figures:
    module, _, name = side.subject.partition(".")
    size = max(1, side.size // QUICK) if is_quick else side.size
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    finished = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", name, str(size)],
        cwd=home,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SIDE_S,
    )
    if finished.returncode != 0:
        words = finished.stderr.strip().splitlines() or [f"exit code {finished.returncode}"]
        raise SideFailed(f"{side.subject}: {words[-1]}")
    figures: Figures = json.loads(finished.stdout.splitlines()[-1])
    return {side.prefix + figure: value for figure, value in figures.items()}
