"""The command line of the benchmark and its table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import Case, Measured, SideFailed, measure

_WHAT, _NUMBER, _SPREAD, _FLOOR_IS, _RATIO, _BAR = 42, 15, 15, 34, 7, 18


def main(program: str, cases: Sequence[Case], *, runs: int = 5) -> int:
    """Measure what was asked for; the exit code is 1 where something could not be measured."""
    words = argparse.ArgumentParser(prog=program, description=__doc__)
    names = [case.name for case in cases]
    words.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    words.add_argument("--runs", type=int, default=runs, help=f"rounds, of which the median is told ({runs})")
    words.add_argument("--quick", action="store_true", help="a twentieth of everything: tries the benchmark out")
    words.add_argument("--json", type=Path, metavar="FILE", help="write all figures of all rounds there")
    asked = words.parse_args()

    load_before = os.getloadavg()[0]
    print(_heading(asked.runs, asked.quick))
    print(_line("what", "flowctl", "spread", "floor", "which is", "ratio", "bar", "met"), flush=True)
    print("─" * 160)
    everything: dict[str, list[Measured]] = {}
    failed = False
    for case in cases:
        if case.name not in asked.only:
            continue
        try:
            everything[case.name] = measure(case, runs=max(1, asked.runs), is_quick=asked.quick)
        except SideFailed as failure:
            failed = True
            print(f"{case.name}: not measured. {failure}", flush=True)
            continue
        for measured in everything[case.name]:
            print(_row(measured, is_judged=not asked.quick), flush=True)
    load_after = os.getloadavg()[0]
    print(f"\nLoad of the machine: {load_before:.1f} before, {load_after:.1f} after.")
    if load_after > 1.6:
        print("Each side loads it by about 1; where it was busy besides, trust the ratios, not the times.")
    if asked.json is not None:
        asked.json.write_text(json.dumps(_report(everything, load_before, load_after), indent=1), encoding="utf-8")
    return int(failed)


def _heading(runs: int, is_quick: bool) -> str:
    from flowctl import __version__

    quick = " · quick: nothing is judged" if is_quick else ""
    return (
        f"flowctl {__version__} · Python {platform.python_version()} · {platform.system()} · "
        f"{os.cpu_count()} cores · medians of {runs}{quick}\n"
    )


def _row(measured: Measured, *, is_judged: bool) -> str:
    row, ratio, floor = measured.row, measured.ratio, measured.floor
    met = measured.is_met if is_judged else None
    return _line(
        row.what,
        f"{_number(measured.figure)} {row.unit}",
        f"{_number(min(measured.figures))} – {_number(max(measured.figures))}",
        "" if floor is None else f"{_number(floor)} {row.unit}",
        row.floor_is,
        "" if ratio is None else f"{ratio:.2f}",
        "" if row.bar is None else str(row.bar),
        {True: "yes", False: "NO", None: ""}[met],
    )


def _line(what: str, figure: str, spread: str, floor: str, floor_is: str, ratio: str, bar: str, met: str) -> str:
    return (
        f"{what:<{_WHAT}} {figure:>{_NUMBER}} {spread:>{_SPREAD}} {floor:>{_NUMBER}}  {floor_is:<{_FLOOR_IS}} "
        f"{ratio:>{_RATIO}}  {bar:<{_BAR}} {met}"
    ).rstrip()


def _number(value: float) -> str:
    """Write three figures that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _report(everything: dict[str, list[Measured]], load_before: float, load_after: float) -> dict[str, object]:
    return {
        "python": sys.version,
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "load": [load_before, load_after],
        "rows": [
            {
                "case": name,
                "what": measured.row.what,
                "unit": measured.row.unit,
                "figure": measured.figure,
                "figures": measured.figures,
                "floor_is": measured.row.floor_is,
                "floor": measured.floor,
                "floors": measured.floors,
                "ratio": measured.ratio,
                "bar": None if measured.row.bar is None else str(measured.row.bar),
                "is_met": measured.is_met,
            }
            for name, rows in everything.items()
            for measured in rows
        ],
    }
