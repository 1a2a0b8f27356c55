"""What is told of a reload afterwards: version, duration, what is other; real files and inspectors, stepped by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowctl.core.daemon.changes import changes_between
from flowctl.store import file_queries
from flowctl.store.file_records import FlowFileRow, ReloadCause, ReloadOutcome, ReloadRow
from flowctl.store.writer import Store
from tests.conftest import Project
from tests.core.daemon.watched import Watched

FLOW = """from flowctl import Cron, flow, task
from parts import scale

@task(retries=3, tags=["slow"])
def push(n):
    return scale(n)

@flow(schedule=Cron("0 2 * * *"), retries=1)
def etl(n: int = 1):
    return push(n)
"""
PARTS = "def scale(n):\n    return n * 10\n"


@pytest.fixture
def watched(store: Store) -> Iterator[Watched]:
    watched = Watched(store)
    yield watched
    watched.close()


@pytest.fixture
def etl(project: Project) -> Path:
    project.write("parts.py", PARTS)
    return project.write("etl.py", FLOW)


def known(watched: Watched, path: Path) -> FlowFileRow:
    file = watched.file(path)
    assert file is not None
    return file


def log_of(watched: Watched, path: Path | None = None) -> list[ReloadRow]:
    return file_queries.reloads(watched.store.connection, path=None if path is None else str(path))


def test_a_file_that_is_found_is_version_one_and_tells_what_is_in_it(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)

    file = known(watched, etl)
    assert (file.version, file.modules) == (1, [str(etl.with_name("parts.py"))])
    assert file.import_s is not None
    assert 0 < file.import_s < 10
    assert file.changed_at is not None
    assert file.changed_at.timestamp() == pytest.approx(etl.stat().st_mtime, abs=0.001)
    push = {"attribute": "push", "name": "push", "line": 4, "retries": 3, "tags": ["slow"], "has_delay": False}
    assert file.tasks == [push]
    (flow,) = file.flows
    schema: Any = flow["schema"]
    assert (flow["attribute"], flow["retries"], schema["properties"]["n"]["default"]) == ("etl", 1, 1)
    assert file_queries.modules_of([file]) == {str(etl.with_name("parts.py")): [str(etl)]}
    (entry,) = log_of(watched)
    assert (entry.outcome, entry.cause, entry.version_before, entry.version) == (
        ReloadOutcome.LOADED,
        ReloadCause.FOUND,
        0,
        1,
    )


def test_each_save_counts_one_version_up_and_says_what_is_other(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)

    etl.write_text(FLOW.replace("return scale(n)", "return scale(n + 1)").replace("0 2 * * *", "0 3 * * *"))
    watched.reloaded(etl, 2)
    etl.with_name("parts.py").write_text(PARTS.replace("10", "20"))
    watched.reloaded(etl, 3)

    module, save, _ = log_of(watched, etl)
    assert (save.cause, save.version_before, save.version) == (ReloadCause.SAVED, 1, 2)
    assert save.changes == [
        "push changed",
        "etl changed",
        "schedule 0 2 * * * (UTC) of etl is gone",
        "schedule 0 3 * * * (UTC) of etl is new",
    ]
    assert (module.cause, module.because, module.version) == (
        ReloadCause.MODULE,
        str(etl.with_name("parts.py")),
        3,
    )
    assert module.changes == ["parts.scale changed"]
    assert known(watched, etl).version == 3


def test_a_broken_save_says_which_version_serves_and_shows_lines_and_caret(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)

    etl.write_text(FLOW.replace("def etl(n: int = 1):", "def etl(n: int = 1)"))
    watched.until(lambda: watched.problem(etl), "the problem")

    file = known(watched, etl)
    assert (file.version, file.is_old_version_serving, file.tasks[0]["name"]) == (1, True, "push")
    problem = watched.problem(etl)
    assert problem["lines"][3] == [9, "def etl(n: int = 1)"]
    assert [number for number, _ in problem["lines"]] == [6, 7, 8, 9, 10]
    assert problem["caret"] == [19, 20]
    assert file_queries.serving_text(watched.store.connection, file) == FLOW.encode()
    assert "v1, goes on serving" in log_of(watched)[0].message

    etl.write_text(FLOW)
    watched.reloaded(etl, 2)
    assert known(watched, etl).version == 1, "the same text is the same version"
    assert [each.outcome for each in log_of(watched)] == [
        ReloadOutcome.LOADED,
        ReloadOutcome.BROKEN,
        ReloadOutcome.LOADED,
    ]


def test_an_error_on_import_has_its_caret_under_the_words_that_raise(watched: Watched, etl: Path) -> None:
    etl.write_text(FLOW.replace("@flow", "é = 1; x = missing + 1\n@flow"))
    watched.watch(etl.parent)

    problem = watched.problem(etl)
    assert problem["kind"] == "NameError"
    line = dict(problem["lines"])[problem["line"]]
    assert line[slice(*problem["caret"])] == "missing"


def test_a_file_that_goes_and_comes_back_is_told_both_times(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)

    etl.unlink()
    watched.until(lambda: watched.deployment("etl").problem, "the problem")
    etl.write_text(FLOW)
    watched.until(lambda: watched.deployment("etl").problem is None, "the end of the problem")

    assert [(each.outcome, each.version) for each in log_of(watched)] == [
        (ReloadOutcome.LOADED, 1),
        (ReloadOutcome.GONE, 1),
        (ReloadOutcome.LOADED, 1),
    ]


def test_a_file_is_looked_into_again_when_somebody_asks(watched: Watched, etl: Path) -> None:
    watched.watch(etl.parent)

    assert watched.watcher.look_again(str(etl)) == [str(etl)]
    watched.reloaded(etl, 2)

    assert (log_of(watched)[0].cause, known(watched, etl).version) == (ReloadCause.ASKED, 1)
    assert watched.watcher.look_again("/nowhere.py") == []


def test_a_broken_settings_file_shows_the_place_and_what_was_changed(watched: Watched, etl: Path) -> None:
    settings = etl.with_name("flowctl.toml")
    good = '[deployments.night]\nflow = "etl.py:etl"\ncron = "0 1 * * *"\n'
    settings.write_text(good)
    watched.watch(etl.parent)
    assert watched.deployment("night").problem is None

    settings.write_text(good.replace('cron = "', "cron = "))
    watched.until(lambda: watched.problem(settings), "the problem")

    problem = watched.problem(settings)
    assert (problem["kind"], problem["line"], problem["code"]) == ("TOML", 3, 'cron = 0 1 * * *"')
    assert '-cron = "0 1 * * *"' in problem["diff"]
    assert watched.deployment("night").problem is None
    assert known(watched, settings).is_old_version_serving


def test_a_settings_file_that_is_still_wrong_after_a_restart_is_no_news(
    watched: Watched, etl: Path, store: Store
) -> None:
    settings = etl.with_name("flowctl.toml")
    settings.write_text('[deployments.night]\nflow = "etl.py:etl"\ncron = "0 1 * * *"\n[deployments.odd]\nflow = 1\n')
    watched.watch(etl.parent)
    before = [each.id for each in log_of(watched)]

    again = Watched(store)
    again.watcher.refresh()
    again.settle()
    again.close()

    assert [each.id for each in log_of(watched)] == before


def test_what_changed_is_told_by_the_names_of_functions_classes_and_files() -> None:
    old = b"import os\nX = 1\nclass A:\n    y = 1\n    def m(self): return 1\ndef f(): return 1\ndef gone(): ...\n"
    new = b"import os\nX = 2\nclass A:\n    y = 1\n    def m(self): return 2\n\ndef f():\n  return 1\ndef more(): ...\n"

    assert changes_between({"/a.py": old}, {"/a.py": new}, "/a.py") == [
        "A.m changed",
        "more is new",
        "gone is gone",
        "what stands outside of functions changed",
    ]
    assert changes_between({"/a.py": b"x = 1"}, {"/a.py": b"x = 1  # one"}, "/a.py") == [
        "only remarks or layout changed"
    ]
    assert changes_between({"/b.py": b"", "/c.py": b""}, {"/d.py": b"", "/c.py": b"("}, "/a.py") == [
        "b.py is not used any more",
        "c.py changed",
        "d.py is used",
    ]
    many = b"\n".join(b"def f%d(): ..." % number for number in range(40))
    assert changes_between({"/a.py": b""}, {"/a.py": many}, "/a.py")[-1] == "and 20 more"
