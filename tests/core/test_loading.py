"""From a target to a flow: what is found, and what is said when nothing is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowctl import Flow
from flowctl.core.engine.loading import flows_in, load_file, load_flow, split_target
from flowctl.core.engine.loading_problems import (
    FileBroken,
    FileExits,
    FileMissing,
    FileUnreadable,
    FlowMissing,
    FlowsUnchosen,
    ImportRaises,
    ModuleMissing,
    NoFlows,
    NotPython,
    TargetMalformed,
    TargetProblem,
)
from tests.conftest import Project

ONE = "from flowctl import flow\n\n@flow\ndef etl(): ...\n"
TWO = "from flowctl import flow\n\n@flow\ndef load(): ...\n\n@flow(name='Nightly Report')\ndef report(): ...\n"


@pytest.fixture(autouse=True)
def as_before(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in the project's folder; forget its modules and paths afterwards."""
    monkeypatch.chdir(project.path)
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(project.path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def refused(target: str) -> TargetProblem:
    with pytest.raises(TargetProblem) as caught:
        load_flow(target)
    return caught.value


def test_a_file_with_one_flow_needs_no_name(project: Project) -> None:
    project.write("jobs_a.py", ONE)

    flow = load_flow("jobs_a.py")

    assert isinstance(flow, Flow)
    assert flow.fn.__module__ == "jobs_a"
    assert sys.path[0] == str(project.path)


@pytest.mark.parametrize("wanted", ["report", "Nightly Report"])
def test_a_flow_goes_by_its_attribute_or_its_own_name(project: Project, wanted: str) -> None:
    project.write("jobs_b.py", TWO)

    assert load_flow(f"jobs_b.py:{wanted}").name == "Nightly Report"


def test_a_module_is_found_below_the_working_folder(project: Project) -> None:
    project.write("team_c/__init__.py", "")
    project.write("team_c/jobs.py", ONE)

    assert load_flow("team_c.jobs:etl").fn.__module__ == "team_c.jobs"


def test_a_file_in_a_package_is_imported_under_its_dotted_name(project: Project) -> None:
    project.write("team_d/__init__.py", "")
    project.write("team_d/names.py", "NAME = 'from a sibling'\n")
    project.write("team_d/jobs.py", f"from .names import NAME\n{ONE}")

    flow = load_flow("team_d/jobs.py")

    assert flow.fn.__module__ == "team_d.jobs"


def test_a_file_imports_its_neighbours_as_a_script_does(project: Project) -> None:
    project.write("deep/neighbour_e.py", "X = 1\n")
    project.write("deep/jobs_e.py", f"from neighbour_e import X\n{ONE}")

    assert load_flow("deep/jobs_e.py").name == "etl"


@pytest.mark.parametrize("stem", ["queue", "json", "pytest", "flowctl"])
def test_a_file_named_as_a_library_replaces_nothing(project: Project, stem: str) -> None:
    before = sys.modules.get(stem)
    project.write(f"{stem}.py", ONE)

    flow = load_flow(f"{stem}.py")

    assert flow.fn.__module__ == f"{stem}_flowfile"
    assert sys.modules.get(stem) is before
    assert sys.path[0] != str(project.path)


def test_a_file_named_as_an_installed_module_can_use_that_module(project: Project) -> None:
    project.write("msgpack.py", f"import msgpack\nassert msgpack.packb\n{ONE}")

    assert load_flow("msgpack.py").name == "etl"


def test_the_main_guard_is_not_taken(project: Project) -> None:
    project.write("jobs_f.py", f"{ONE}\nif __name__ == '__main__':\n    raise SystemExit(7)\n")

    assert load_flow("jobs_f.py").name == "etl"


def test_a_file_is_imported_once(project: Project) -> None:
    project.write("jobs_g.py", ONE)

    assert load_file("jobs_g.py") is load_file(str(project.path / "jobs_g.py"))


def test_flows_of_classes_go_by_their_dotted_name(project: Project) -> None:
    text = """
from flowctl import flow

class Jobs:
    @staticmethod
    @flow
    def nightly(): ...

    @classmethod
    @flow
    def hourly(cls): ...
"""
    project.write("jobs_h.py", text)

    assert load_flow("jobs_h.py:Jobs.nightly").name == "nightly"
    assert [found.attribute for found in flows_in(load_file("jobs_h.py"))] == ["Jobs.nightly", "Jobs.hourly"]


def test_an_imported_flow_is_not_counted_where_the_file_has_one_of_its_own(project: Project) -> None:
    project.write("other_i.py", "from flowctl import flow\n\n@flow\ndef shared(): ...\n")
    project.write("jobs_i.py", f"from other_i import shared\n{ONE}")

    assert load_flow("jobs_i.py").name == "etl"
    assert load_flow("jobs_i.py:shared").name == "shared"


def test_a_second_name_for_a_flow_does_not_make_it_two(project: Project) -> None:
    project.write("jobs_j.py", f"{ONE}\nmain = etl\n")

    assert [found.attribute for found in flows_in(load_file("jobs_j.py"))] == ["etl"]
    assert load_flow("jobs_j.py:main").name == "etl"


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("a.py:f", ("a.py", "f")),
        ("a.py", ("a.py", "")),
        ("pkg.mod:f", ("pkg.mod", "f")),
        ("pkg.mod", ("pkg.mod", "")),
        ("a.py:team:nightly", ("a.py", "team:nightly")),
    ],
)
def test_targets_are_split_at_the_right_colon(target: str, parts: tuple[str, str]) -> None:
    assert split_target(target) == parts


def test_a_colon_in_a_folder_name_is_no_separator(project: Project) -> None:
    project.write("odd:name/jobs_k.py", ONE)

    assert load_flow("odd:name/jobs_k.py:etl").name == "etl"
    assert load_flow("odd:name/jobs_k.py").name == "etl"


@pytest.mark.parametrize("target", ["", " ", ":etl", "a\0b.py"])
def test_what_is_no_target_is_refused(target: str) -> None:
    assert isinstance(refused(target), TargetMalformed)


def test_a_missing_file_names_the_nearest_ones(project: Project) -> None:
    project.write("census.py", ONE)

    error = refused("cenus.py:etl")

    assert isinstance(error, FileMissing)
    assert str(error) == "There is no file 'cenus.py'. Did you mean 'census.py'?"


def test_a_missing_module_is_told_from_one_that_the_file_needs(project: Project) -> None:
    project.write("jobs_l.py", f"import no_such_library\n{ONE}")

    assert isinstance(refused("no_such_module:etl"), ModuleMissing)
    error = refused("jobs_l:etl")
    assert isinstance(error, ImportRaises)
    assert sys.executable in str(error)


def test_a_folder_and_another_kind_of_file_are_refused(project: Project) -> None:
    project.write("flows/a.py", ONE)
    project.write("data.csv", "1,2\n")

    assert str(refused("flows")) == "'flows' is a folder. Name a file in it: flows/a.py."
    assert isinstance(refused("data.csv"), NotPython)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_must_not_be_read_is_named(project: Project) -> None:
    project.write("secret.py", ONE).chmod(0)

    assert isinstance(refused("secret.py"), FileUnreadable)


def test_a_wrong_name_lists_the_flows_nearest_first(project: Project) -> None:
    project.write("jobs_m.py", TWO)

    error = refused("jobs_m.py:reprt")

    assert isinstance(error, FlowMissing)
    assert str(error).split("\n") == [
        "jobs_m.py has no flow 'reprt'. Did you mean 'report'? Its flows:",
        "  jobs_m.py:report  line 6     Nightly Report",
        "  jobs_m.py:load    line 3",
    ]


def test_two_flows_and_no_choice_are_listed_with_their_lines(project: Project) -> None:
    project.write("jobs_n.py", TWO)

    error = refused("jobs_n.py")

    assert isinstance(error, FlowsUnchosen)
    assert "jobs_n.py has 2 flows. Say which:" in str(error)
    assert "jobs_n.py:load    line 3" in str(error)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("x = 1\n", "Put `@flow`"),
        ("from flowctl import task\n\n@task\ndef load(): ...\n", "It has tasks only (load)"),
    ],
)
def test_a_file_without_flows_says_what_to_do(project: Project, text: str, remedy: str) -> None:
    project.write("empty.py", text)

    for target in ("empty.py", "empty.py:etl"):
        error = refused(target)
        assert isinstance(error, NoFlows)
        assert remedy in str(error)
    sys.modules.pop("empty", None)


def test_a_file_that_raises_keeps_the_exception_from_the_users_frame_on(project: Project) -> None:
    project.write("jobs_o.py", "def broken():\n    return 1 / 0\n\nbroken()\n")

    error = refused("jobs_o.py")

    assert isinstance(error, ImportRaises)
    assert isinstance(error.error, ZeroDivisionError)
    trace = error.error.__traceback__
    assert trace is not None
    assert Path(trace.tb_frame.f_code.co_filename).name == "jobs_o.py"
    assert "jobs_o" not in sys.modules


def test_a_syntax_error_shows_line_and_caret(project: Project) -> None:
    project.write("jobs_p.py", "from flowctl import flow\n\nif True\n    pass\n")

    error = refused("jobs_p.py")

    assert isinstance(error, FileBroken)
    lines = str(error).split("\n")
    assert lines[0].endswith("jobs_p.py, line 3: SyntaxError: expected ':'.")
    assert lines[1:3] == ["    if True", "           ^"]


def test_a_syntax_error_in_an_imported_file_names_that_file(project: Project) -> None:
    project.write("broken_q.py", "x = (\n")
    project.write("jobs_q.py", f"import broken_q\n{ONE}")

    assert "broken_q.py, line 1" in str(refused("jobs_q.py"))


def test_null_bytes_are_an_error_and_not_a_crash(project: Project) -> None:
    project.write("jobs_r.py", "x = '\0'\n")

    assert isinstance(refused("jobs_r.py"), (ImportRaises, FileBroken))


def test_a_file_that_exits_is_told_how_to_guard_it(project: Project) -> None:
    project.write("jobs_s.py", "import sys\nsys.exit('usage: jobs_s')\n")

    error = refused("jobs_s.py")

    assert isinstance(error, FileExits)
    assert "SystemExit: 'usage: jobs_s'" in str(error)
    assert "__main__" in str(error)


def test_ctrl_c_during_the_import_stays_one(project: Project) -> None:
    project.write("jobs_t.py", "raise KeyboardInterrupt\n")

    with pytest.raises(KeyboardInterrupt):
        load_flow("jobs_t.py")


def test_an_exception_whose_text_raises_is_told_all_the_same(project: Project) -> None:
    text = "class Rude(Exception):\n    def __str__(self):\n        raise ValueError\n\nraise Rude\n"
    project.write("jobs_u.py", text)

    assert "its text cannot be had" in str(refused("jobs_u.py"))
