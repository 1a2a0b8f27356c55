"""Which text of the user's modules runs: the file's, or the one that a run keeps to; never a stale compiled one."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from flowctl.core.engine.local_code import is_local, project_root, roots_of
from tests.conftest import Project


def python(script: str, cwd: Path) -> str:
    """Run a script in a process of its own, which writes compiled files as Python does; give what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(script: str, cwd: Path) -> Any:
    """Run a script that prints JSON."""
    return json.loads(python(script, cwd))


LOAD = """
    import json, os, sys
    from flowctl.core.engine import local_code
    from flowctl.core.engine.loading import load_file
    local_code.install(local_code.roots_of("etl.py"))
    module = load_file("etl.py")
    print(json.dumps({"value": module.VALUE, "loaded": local_code.loaded}))
"""


def test_a_save_in_the_same_second_and_of_the_same_size_is_not_missed(project: Project) -> None:
    project.write("etl.py", "from parts import VALUE\n")
    parts = project.write("parts.py", "VALUE = 1\n")
    saved = parts.stat()
    # As plain Python leaves it: a compiled file of that size and second.
    python("import parts", project.path)
    parts.write_text("VALUE = 2\n")
    os.utime(parts, ns=(saved.st_atime_ns, saved.st_mtime_ns))
    assert python("import parts; print(parts.VALUE)", project.path) == "1\n"

    found = run(LOAD, project.path)

    assert found["value"] == 2
    assert found["loaded"][str(parts)] == hashlib.sha256(b"VALUE = 2\n").hexdigest()


def test_an_old_compiled_file_is_used(project: Project) -> None:
    project.write("etl.py", "from parts import VALUE\n")
    parts = project.write("parts.py", "VALUE = 1\n")
    os.utime(parts, (1_000_000_000, 1_000_000_000))
    run(LOAD, project.path)
    (compiled,) = (project.path / "__pycache__").glob("parts.*.pyc")
    before = compiled.stat().st_mtime_ns

    assert run(LOAD, project.path)["value"] == 1
    assert compiled.stat().st_mtime_ns == before


def test_installed_modules_and_the_standard_library_are_left_to_python(project: Project) -> None:
    project.write("etl.py", "import json, csv, rich\nVALUE = 1\n")

    assert list(run(LOAD, project.path)["loaded"]) == [str(project.path / "etl.py")]


KEEP = """
    import json, os
    from flowctl.core.engine import local_code
    from flowctl.core.engine.loading import load_file
    etl = b"import parts\\ndef late():\\n    import more\\n    return more.VALUE\\n\\ndef bad():\\n    1 / 0\\n"
    texts = {"etl.py": etl, "parts.py": b"VALUE = 'kept'\\n", "more.py": b"VALUE = 'late and kept'\\n"}
    local_code.keep_to(local_code.roots_of("etl.py"), {f"{os.getcwd()}/{name}": text for name, text in texts.items()})
    module = load_file("etl.py")
"""
BOTH = f"{KEEP}    print(json.dumps([module.parts.VALUE, module.late()]))"


def test_a_run_keeps_to_its_texts_though_the_files_are_changed_broken_or_gone(project: Project) -> None:
    project.write("etl.py", "broken(")
    project.write("parts.py", "VALUE = 'new'\n")

    assert run(BOTH, project.path) == ["kept", "late and kept"]
    (project.path / "etl.py").unlink()
    assert run(BOTH, project.path) == ["kept", "late and kept"]


def test_tracebacks_show_the_lines_that_ran(project: Project) -> None:
    project.write("etl.py", "# another\n# text\n" * 5)
    script = """
    import traceback
    try:
        module.bad()
    except ZeroDivisionError:
        print(json.dumps(traceback.format_exc()))
    """

    assert "    1 / 0" in run(KEEP + script, project.path)


def test_after_forgetting_modules_are_loaded_anew(project: Project) -> None:
    project.write("etl.py", "import parts\nVALUE = parts.VALUE\n")
    script = """
    import json
    from flowctl.core.engine import local_code
    from flowctl.core.engine.loading import load_file
    local_code.install(local_code.roots_of("etl.py"))
    open("parts.py", "w").write("VALUE = 1\\n")
    first = load_file("etl.py").VALUE
    open("parts.py", "w").write("VALUE = 2\\n")
    local_code.forget()
    print(json.dumps([first, load_file("etl.py").VALUE]))
    """

    assert run(script, project.path) == [1, 2]


def test_the_roots_of_a_file_are_its_folder_and_its_project(project: Project) -> None:
    file = project.write("repo/flows/pack/etl.py", "")
    project.write("repo/flows/pack/__init__.py", "")
    assert roots_of(str(file)) == (str(project.path / "repo/flows"), str(project.path / "repo/flows/src"))

    project.write("repo/pyproject.toml", "")

    assert project_root(str(file)) == str(project.path / "repo")
    assert roots_of(str(file))[:2] == (str(project.path / "repo/flows"), str(project.path / "repo"))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("etl.py", True),
        ("deep/er/etl.py", True),
        (".venv/lib/x.py", False),
        ("venv/x.py", False),
        ("lib/site-packages/x.py", False),
        ("../elsewhere.py", False),
    ],
)
def test_local_is_what_is_not_installed(tmp_path: Path, place: str, expected: bool) -> None:
    assert is_local(os.path.normpath(f"{tmp_path}/{place}"), (str(tmp_path),)) is expected


def test_neither_flowctl_nor_the_standard_library_is_local_even_in_the_root_of_all() -> None:
    import flowctl.core.authoring.flows

    assert not is_local(os.path.realpath(flowctl.core.authoring.flows.__file__), ("/",))
    assert not is_local(os.path.realpath(os.__file__), ("/",))
