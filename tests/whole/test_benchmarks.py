"""The benchmark still measures and prints its table. How fast anything is, is not asserted anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

OVERHEAD = Path(__file__).parent.parent.parent / "benchmarks" / "overhead.py"


def test_the_benchmark_prints_a_table_with_floors_and_writes_its_figures(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"

    finished = subprocess.run(
        [sys.executable, str(OVERHEAD), "--quick", "--runs", "1", "--only", "import", "hello", "--json", str(figures)],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    lines = finished.stdout.splitlines()
    assert any(line.startswith("import flowctl") and "python -c pass" in line for line in lines)
    assert any(line.startswith("python hello.py") and "≤ 6 × floor" in line for line in lines)
    rows = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    assert {row["case"] for row in rows} == {"import", "hello"}
    assert all(row["figure"] > 0 and row["floor"] > 0 for row in rows)


def test_the_daemon_is_measured_beside_a_floor_and_ends_with_the_benchmark(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    words = ["--quick", "--runs", "1", "--only", "start", "seen", "--json", str(figures)]

    finished = subprocess.run(
        [sys.executable, str(OVERHEAD.with_name("daemon.py")), *words],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert any("first line of user code" in line and "≤ 60 ms" in line for line in finished.stdout.splitlines())
    rows = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    assert [row["case"] for row in rows] == ["start", "start", "seen", "seen"]
    assert all(row["figure"] > 0 for row in rows)


def test_the_terminal_interface_is_measured_beside_a_minimal_one(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    words = ["--quick", "--runs", "1", "--only", "start", "lines", "--json", str(figures)]

    finished = subprocess.run(
        [sys.executable, str(OVERHEAD.with_name("tui.py")), *words],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    rows = json.loads(figures.read_text(encoding="utf-8"))["rows"]
    assert [row["case"] for row in rows] == ["start", "start", "lines", "lines"]
    assert all(row["figure"] > 0 for row in rows)


def test_the_benchmark_says_which_case_it_could_not_measure_and_fails(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1));"
        "from benchmarks import comparison; from benchmarks.measuring import Case, Row, Side;"
        "side = Side(subject='floors.no_such_floor', size=1);"
        "cases = [Case(name='import', sides=(side,), rows=(Row(what='x', figure='x', unit='s'),))];"
        "sys.exit(comparison.main('overhead.py', cases))"
    )

    finished = subprocess.run(
        [sys.executable, "-c", program, str(OVERHEAD.parent.parent), "--quick", "--runs", "1"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
    )

    assert finished.returncode == 1
    assert "import: not measured. floors.no_such_floor: KeyError" in finished.stdout
