"""The README and the pages in docs/ are true: their code runs, their commands work, their tables match the code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from flowctl.__main__ import MORE_COMMANDS
from flowctl.core.cli.app import build
from flowctl.core.cli.exits import Exit
from flowctl.core.engine.settings import SETTINGS
from flowctl.store.states import FINAL, NEXT, StateType

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

RUN_THE_DEMO = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/flowctl run demo_flows/census.py:census"
RUN_THE_TESTS = "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest"


def blocks(page: str, language: str) -> list[str]:
    """Give the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.M | re.S)


def table(page: str, heading: str) -> list[list[str]]:
    """Give the rows of the table whose first column has this heading, without the heading."""
    lines = page.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows: list[list[str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_the_two_commands_of_a_newcomer_stand_on_a_line_each() -> None:
    lines = [line for block in blocks(README, "sh") for line in block.splitlines()]

    assert RUN_THE_DEMO in lines
    assert RUN_THE_TESTS in lines


@pytest.mark.timeout(120)
def test_the_quick_start_runs_as_it_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "quick start"
    folder.mkdir()
    for block in blocks(README, "python"):
        name = block.splitlines()[0].removeprefix("# ")
        (folder / name).write_text(block, encoding="utf-8")
    commands = [line for block in blocks(README, "sh") for line in block.splitlines() if "venv" not in line]
    assert len(commands) >= 7

    said = {command: shell(command, folder) for command in commands}

    assert json.loads(said["flowctl runs result second"]) == ["Hello, Barbara!", "Hello, Edsger!"]
    assert "Hello, Barbara!" in said["flowctl runs logs second"]
    assert "second" in said["flowctl runs"]


def test_the_flow_in_the_authoring_guide_runs(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8")
    (tmp_path / "report.py").write_text(blocks(guide, "python")[0], encoding="utf-8")

    said = shell("flowctl run report.py:report -p pages=10 && flowctl runs result - && python report.py", tmp_path)

    assert "30 rows" in said
    assert "12 rows" in said


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "docs" / "running.md"], ids=lambda page: page.name)
def test_the_exit_codes_are_those_of_the_program(page: Path) -> None:
    rows = table(page.read_text(encoding="utf-8"), "Code")

    assert [int(code) for code, _ in rows] == [code.value for code in Exit]


def test_every_command_has_help_and_stands_in_the_readme_and_no_other() -> None:
    known = dict(commands())

    assert [path for path, description in known.items() if not description] == []
    assert listed_commands() == known.keys()


def test_the_page_of_commands_is_what_the_program_says() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import make_commands; print(make_commands.page(), end='')"],
        cwd=ROOT / "docs",
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert said.stdout == (ROOT / "docs" / "commands.md").read_text(encoding="utf-8"), "python docs/make_commands.py"


def test_every_demo_stands_in_the_readme() -> None:
    listed = {row[0].strip("`").partition(":")[0] for row in table(README, "Flow")}
    demos = {f"demo_flows/{path.name}" for path in (ROOT / "demo_flows").glob("*.py")}

    assert listed == demos - {"demo_flows/local_api.py"}


def test_the_page_of_settings_lists_every_setting_as_it_is() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = {row[0].strip("`"): row[1:] for row in table(page, "Setting")}

    assert list(rows) == list(SETTINGS)
    for setting in SETTINGS.values():
        variable, default, meaning = rows[setting.name]
        assert variable == f"`{setting.variable}`"
        assert meaning.startswith(setting.description) or setting.name == "secret_names"
        if setting.name == "secret_names":
            assert all(f"`{word}`" in page for word in setting.default)
        elif isinstance(setting.default, bool):
            assert default == f"`{str(setting.default).lower()}`"
        else:
            assert default.strip('`"') == str(setting.default)


def test_the_table_of_states_is_the_table_in_the_code() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    said = {row[0]: onward(row[3]) for row in table(page, "Type")}

    assert said == {kind.value: {after.value for after in NEXT.get(kind, frozenset())} for kind in StateType}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        file, _, heading = target.partition("#")
        if "://" in target:
            continue
        linked = page.parent / file if file else page
        assert linked.exists(), f"{page.name} links to {target}"
        if heading:
            headings = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.M)
            assert heading in [re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings]


def listed_commands() -> set[str]:
    """Name the commands of the README's table: a row has a command and those below it."""
    found: set[str] = set()
    for row in table(README, "Command"):
        command, *below = re.findall(r"`([^`]+)`", row[0])
        found |= {command, *(f"{command} {name}" for name in below)}
    return found


def onward(cell: str) -> set[str]:
    """Read the last column of the table of states."""
    everything = {kind.value for kind in StateType}
    if cell == "final":
        return set()
    if cell.startswith("every type"):
        return everything - {cell.removeprefix("every type").removeprefix(" but ").strip()}
    named = set(cell.replace("every final type", "").replace(",", " ").split())
    return named | ({kind.value for kind in FINAL} if "every final type" in cell else set())


def commands() -> Iterator[tuple[str, str | None]]:
    """Name every command with its help, groups that do something by themselves too."""
    # Any: typer keeps the classes of its commands to itself.
    waiting: list[tuple[str, Any]] = [("flowctl", typer.main.get_command(build([], MORE_COMMANDS)))]
    while waiting:
        path, command = waiting.pop()
        if path != "flowctl":
            yield path, command.help
        waiting += [(f"{path} {name}", each) for name, each in getattr(command, "commands", {}).items()]


def shell(command: str, folder: Path) -> str:
    """Run a line as a person would, with this environment's `flowctl` and `python`; it must succeed."""
    finished = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 0, f"{command} gave {finished.returncode}:\n{finished.stdout}"
    return finished.stdout
