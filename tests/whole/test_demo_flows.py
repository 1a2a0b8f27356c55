"""The demo flows do what they say, run as a person runs them: a process each, offline, on real input."""

from __future__ import annotations

import ast
import csv
import json
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DEMOS = Path(__file__).parent.parent.parent / "demo_flows"
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def result_of(flowctl_command: Command) -> Callable[..., Any]:
    """Run a demo with parameters and give what the flow returned."""

    def run(name: str, **parameters: object) -> Any:
        words = [word for key, value in parameters.items() for word in ("-p", f"{key}={value}")]
        finished = flowctl_command("run", f"{DEMOS / name}.py:{name}", *words)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        stored = flowctl_command("runs", "result", "-", "--json")
        assert stored.returncode == 0, stored.stdout + stored.stderr
        return json.loads(stored.stdout)["value"]

    return run


def test_census_counts_the_standard_library_and_lists_what_does_not_parse(
    result_of: Callable[..., Any], tmp_path: Path
) -> None:
    library = Path(sysconfig.get_path("stdlib"))
    few = tmp_path / "library"
    (few / "email").mkdir(parents=True)
    for path in [library / "ast.py", library / "argparse.py", *library.glob("email/*.py")]:
        (few / path.relative_to(library)).write_bytes(path.read_bytes())
    (few / "old.py").write_text("print 'hello'\n", encoding="utf-8")
    (few / "binary.py").write_bytes(b"# coding: utf-8\nname = '\xff\xfe'\n")
    (few / "zero.py").write_bytes(b"a = 1\0\n")

    result = result_of("census", root=few, output=tmp_path / "out")

    assert result["unreadable"] == 3
    assert result["modules"] == 2 + len(list(library.glob("email/*.py")))
    with (tmp_path / "out" / "modules.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert rows["ast.py"]["classes"] == str(ast_classes(library / "ast.py"))
    assert sum(int(row["lines"]) for row in rows.values()) == result["lines"]


@pytest.mark.timeout(120)
def test_census_of_the_whole_standard_library_draws_a_chart(result_of: Callable[..., Any], tmp_path: Path) -> None:
    result = result_of("census", output=tmp_path / "census")

    assert result["modules"] > 500
    chart = ElementTree.parse(tmp_path / "census" / "census.svg")
    words = [text.text for text in chart.iter("{http://www.w3.org/2000/svg}text")]
    assert f"{result['modules']:,}" in words
    assert "asyncio" in words or "email" in words


def test_census_of_a_folder_without_python_fails_and_says_why(flowctl_command: Command, tmp_path: Path) -> None:
    finished = flowctl_command("run", f"{DEMOS / 'census.py'}:census", "-p", f"root={tmp_path}")

    assert finished.returncode == 1
    assert "There is no Python module under" in finished.stdout + finished.stderr


def test_retries_get_there_in_the_end(result_of: Callable[..., Any], flowctl_command: Command) -> None:
    assert result_of("retries", backoff=0.02) == ["answered at attempt 5", "read"]

    shown = flowctl_command("runs", "show", "-").stdout
    assert "wrong_password" in shown
    assert "the password is wrong" in shown


def test_dynamic_looks_at_each_folder_once(result_of: Callable[..., Any], tmp_path: Path) -> None:
    for folder, size in (("a", 10), ("a/b", 3000), ("c", 200), ("c/d/e", 70)):
        (tmp_path / "tree" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / folder / "file").write_bytes(b"x" * size)

    result = result_of("dynamic", root=tmp_path / "tree", depth=9)

    assert [(Path(folder).name, size) for folder, size in result.items()] == [
        *(("b", 3000), ("c", 200), ("e", 70), ("a", 10), ("tree", 0))
    ]


def test_subflows_go_on_without_the_region_that_failed(result_of: Callable[..., Any], flowctl_command: Command) -> None:
    result = result_of("subflows")

    assert sorted(result) == ["east", "north", "south"]
    shown = flowctl_command("runs", "show", "-").stdout
    assert "report-west" in shown


def test_etl_gets_every_page_from_a_flaky_api(result_of: Callable[..., Any], tmp_path: Path) -> None:
    written = result_of("etl", pages=7, output=tmp_path / "articles.csv")

    with (tmp_path / "articles.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == written
    assert {int(row["id"]) for row in rows} == {number for number in range(210) if number % 97}
    assert [row["published_at"] for row in rows] == sorted(row["published_at"] for row in rows)
    assert not (tmp_path / "articles.part").exists()


def test_async_fetch_fetches_the_pages_side_by_side(result_of: Callable[..., Any]) -> None:
    days = result_of("async_fetch", pages=20)

    assert sum(days.values()) == 400


@pytest.mark.parametrize("name", ["census", "retries", "dynamic", "subflows", "etl", "async_fetch"])
def test_a_demo_is_a_plain_script_too(name: str, flowctl_command: Command, tmp_path: Path) -> None:
    if name in ("retries", "census"):  # their defaults take seconds: the flow is called with smaller ones
        arguments = "backoff=0.02" if name == "retries" else "limit=40"
        program = f"import sys; sys.path.insert(0, {str(DEMOS)!r}); import {name}; {name}.{name}({arguments})"
        command = [sys.executable, "-c", program]
    else:
        command = [sys.executable, str(DEMOS / f"{name}.py")]

    finished = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True)

    assert finished.returncode == 0, finished.stderr
    listed = flowctl_command("runs", "--json")
    assert name.replace("_", "-") in listed.stdout


def ast_classes(path: Path) -> int:
    """Count the classes of a module."""
    return sum(isinstance(node, ast.ClassDef) for node in ast.walk(ast.parse(path.read_bytes())))
