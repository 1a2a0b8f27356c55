"""Guards of the layout: what setuptools packs, what an import costs, and the habits that a reader relies on."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import flowctl.core
import flowctl.store
import flowctl.tui
from flowctl.store.version import VERSION

ROOT = Path(__file__).parent.parent
LAYERS = ("core", "store", "tui")
SOURCES = sorted(
    path.relative_to(ROOT)
    for folder in (*LAYERS, "flowctl", "tests", "demo_flows", "benchmarks", "docs", ".ci")
    for path in (ROOT / folder).rglob("*.py")  # does not follow the links of the door
)
LONGEST_FILE = 350
FORBIDDEN = {"utils", "helpers", "common", "manager", "handler", "service", "base", "misc"}
#: What a script must not pay for before it needs it.
HEAVY = ("textual", "typer", "rich", "pydantic", "sqlite3", "sqlite_utils", "asyncio", "watchfiles", "croniter")


def test_every_package_is_listed_in_pyproject() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(document["tool"]["setuptools"]["packages"])

    found = {
        "flowctl." + ".".join(init.parent.relative_to(ROOT).parts)
        for folder in LAYERS
        for init in (ROOT / folder).rglob("__init__.py")
    }

    assert listed == found | {"flowctl"}


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in SOURCES if path.parts[0] in LAYERS}

    assert [folder for folder in folders if not (ROOT / folder / "__init__.py").exists()] == []


def test_import_names_lead_to_the_top_level_folders() -> None:
    for package, folder in ((flowctl.core, "core"), (flowctl.store, "store"), (flowctl.tui, "tui")):
        assert package.__file__
        assert Path(package.__file__).resolve() == ROOT / folder / "__init__.py"


@pytest.mark.parametrize("folder", LAYERS)
def test_the_door_has_a_relative_link_to_each_layer(folder: str) -> None:
    link = ROOT / "flowctl" / folder

    assert link.is_symlink()
    assert link.readlink() == Path("..") / folder


def test_the_type_checker_that_follows_no_links_is_told_of_them() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert {f"flowctl/{folder}" for folder in LAYERS} <= set(document["tool"]["pyright"]["include"])


def test_the_version_is_the_same_everywhere() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert flowctl.__version__ == document["project"]["version"]


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_a_file_opens_with_a_sentence_and_stays_short(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.name == "__init__.py" and not text:
        return  # an empty package has nothing to say

    docstring = ast.get_docstring(ast.parse(text))
    assert docstring, f"{path} does not say what it is"
    first = docstring.split("\n\n")[0]
    assert first.rstrip().endswith((".", ":", "?")), f"{path}: its first paragraph is no sentence: {first!r}"
    assert len(text.splitlines()) <= LONGEST_FILE, f"{path} is too long: split it by noun"
    limit = 200 if path.parts[:2] == ("core", "cli") or path.name == "app.py" else LONGEST_FILE
    assert len(text.splitlines()) <= limit, f"{path} is too long for its place"


def test_no_file_and_no_class_has_an_empty_name() -> None:
    names = {path.stem for path in SOURCES} | {part for path in SOURCES for part in path.parts[:-1]}
    for path in SOURCES:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        names |= {node.name.lower() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}

    assert names & FORBIDDEN == set()


def test_nobody_imports_a_layer_by_its_bare_name() -> None:
    bare = [f"{path}: {name}" for path in SOURCES for name in imported(path) if name.partition(".")[0] in LAYERS]

    assert bare == []


def test_the_door_imports_nothing_heavy() -> None:
    program = "import sys, json, flowctl\nflowctl.flow, flowctl.task\nprint(json.dumps(sorted(sys.modules)))"

    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    loaded = set(json.loads(output.stdout))
    assert "flowctl" in loaded
    assert loaded.intersection(HEAVY) == set()


def test_the_layers_cannot_be_imported_by_bare_name_once_installed(tmp_path: Path) -> None:
    program = (
        "import importlib.util as util, json\n"
        "print(json.dumps([name for name in ('core', 'store', 'tui') if util.find_spec(name)]))"
    )

    # In another folder, and without the environment variables that may put this one on the path.
    output = subprocess.run(
        [sys.executable, "-E", "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )

    assert json.loads(output.stdout) == []


def test_every_public_name_of_the_door_is_there() -> None:
    missing = [name for name in flowctl.__all__ if not hasattr(flowctl, name)]

    assert missing == []


@pytest.mark.parametrize("name", ["cache_policies", "exceptions", "runtime", "states"])
def test_names_can_be_imported_from_the_modules_of_the_door(name: str) -> None:
    program = (
        f"import flowctl.{name} as by_path, flowctl.core.authoring.{name} as real\n"
        "names = [each for each in vars(real) if not each.startswith('_')]\n"
        "print([each for each in names if getattr(by_path, each, None) is not getattr(real, each)])"
    )

    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert output.stdout == "[]\n"


def test_type_checkers_and_the_running_door_know_the_same_names() -> None:
    tree = ast.parse((ROOT / "flowctl" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    shown = {alias.name for node in ast.walk(block) if isinstance(node, ast.ImportFrom) for alias in node.names}

    assert shown == set(flowctl.__all__) - {"__version__"}


def imported(path: Path) -> Iterator[str]:
    """Name every module that a file imports."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_the_version_is_the_same_in_the_code_and_in_the_distribution() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
