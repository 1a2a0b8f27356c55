"""Which local files a flow file would import, by its text alone."""

from __future__ import annotations

import pytest

from flowctl.core.daemon.imports import files_behind
from flowctl.core.engine.local_code import roots_of
from tests.conftest import Project


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import parts", ["parts.py"]),
        ("import pack.inner.deep as d", ["pack/__init__.py", "pack/inner/__init__.py", "pack/inner/deep.py"]),
        ("from pack import inner", ["pack/__init__.py", "pack/inner/__init__.py"]),
        ("from pack.inner import deep", ["pack/__init__.py", "pack/inner/__init__.py", "pack/inner/deep.py"]),
        ("def f():\n    from parts import x", ["parts.py"]),
        ("try:\n    import parts\nexcept ImportError: ...", ["parts.py"]),
        ("import space.leaf", ["space/leaf.py"]),
        ("import os, json, rich, nothing", []),
        ("import chain", ["chain.py", "parts.py"]),
        ("import ring_a", ["ring_a.py", "ring_b.py"]),
        ("broken(", []),
    ],
)
def test_imports_are_found(project: Project, text: str, expected: list[str]) -> None:
    for name, content in {
        "parts.py": "x = 1",
        "chain.py": "import parts",
        "ring_a.py": "import ring_b",
        "ring_b.py": "import ring_a",
        "pack/__init__.py": "",
        "pack/inner/__init__.py": "",
        "pack/inner/deep.py": "",
        "space/leaf.py": "",
    }.items():
        project.write(name, content)
    file = str(project.write("etl.py", text))

    assert files_behind([file], roots_of(file)) == {str(project.path / name) for name in expected}


def test_relative_imports_are_found_from_the_file_itself(project: Project) -> None:
    project.write("pack/__init__.py", "")
    project.write("pack/near.py", "")
    project.write("pack/sub/__init__.py", "from .. import near")
    file = str(project.write("pack/sub/etl.py", "from ..near import x\nfrom . import other\n"))
    project.write("pack/sub/other.py", "")

    found = files_behind([file], roots_of(file))

    assert str(project.path / "pack/near.py") in found
    assert str(project.path / "pack/sub/other.py") in found


def test_the_source_folder_of_a_project_is_searched(project: Project) -> None:
    project.write("pyproject.toml", "")
    module = project.write("src/lib/shared.py", "")
    file = str(project.write("flows/etl.py", "import lib.shared"))

    assert files_behind([file], roots_of(file)) == {str(module)}
