"""Deleting runs: all of them or none, rows and files, and nothing that comes back."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from flowctl.store import deletion
from flowctl.store.catchup import catch_up
from flowctl.store.deletion import delete_runs
from flowctl.store.home import Home
from flowctl.store.journal import Record
from flowctl.store.problems import NotARootRun, RunAlive, RunNotFound
from tests.store.databases import contents_of
from tests.store.journals import (
    a_run,
    a_subflow_id,
    a_task,
    an_error,
    an_id,
    flow_created,
    flow_state,
    many_runs,
    task_created,
    task_state,
    write_journal,
)

RUN = an_id(50)


def a_rich_run(home: Home, tasks: int = 3) -> None:
    retried: list[Record] = [
        *(task_created(900), task_state(900, "RUNNING"), task_state(900, "SCHEDULED", error=an_error())),
        task_state(900, "FAILED", run_count=2),
    ]
    subflows: list[Record] = [
        flow_created(a_subflow_id(50, 1), run=1, parent_run=0),
        flow_created(a_subflow_id(50, 2), run=2, parent_run=1),
        *a_task(901, run=2),
    ]
    records = a_run(RUN, tasks=tasks, ends=None, name="rich")
    write_journal(home, RUN, [*records, *retried, *subflows, flow_state("COMPLETED", result=["json", b"1", None, 1])])
    results = Path(home.run_folder(RUN)) / "results"
    results.mkdir()
    (results / "1.pickle").write_bytes(b"big")


@pytest.mark.parametrize("tasks", [3, 1200])
def test_a_deleted_run_leaves_no_row_and_no_file(home: Home, tmp_path: Path, tasks: int) -> None:
    other = Home(str(tmp_path / "other"))
    for each in (home, other):
        many_runs(each, 3)
        catch_up(each)
    a_rich_run(home, tasks)
    catch_up(home)

    delete_runs(home, [RUN])

    # Tasks outlive their runs: other runs speak of them too.
    left, expected = contents_of(home), contents_of(other)
    assert left == expected
    assert sorted(path.name for path in Path(home.runs).iterdir()) == [an_id(number) for number in range(3)]


def test_a_deleted_run_does_not_come_back(home: Home) -> None:
    many_runs(home, 2)
    catch_up(home)

    delete_runs(home, [an_id(0)])
    Path(home.database).unlink()
    catch_up(home)

    assert [row[1] for row in contents_of(home)["flow_run"]] == [an_id(1)]


def test_the_file_gets_smaller(home: Home) -> None:
    many_runs(home, 1)
    a_rich_run(home, 3000)
    catch_up(home)
    before = Path(home.database).stat().st_size

    delete_runs(home, [RUN])

    assert Path(home.database).stat().st_size < before / 2


def test_a_living_run_is_not_deleted_and_neither_are_those_named_with_it(home: Home) -> None:
    many_runs(home, 1)
    write_journal(home, RUN, a_run(RUN, ends=None, name="busy"))
    with Path(home.run_lock(RUN)).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        catch_up(home)
        before = contents_of(home)

        with pytest.raises(RunAlive, match=rf"Run busy \({RUN}\) is still running. Cancel it first"):
            delete_runs(home, [an_id(0), RUN])

        assert contents_of(home) == before
        assert len(list(Path(home.runs).iterdir())) == 2


def test_what_is_no_root_run_is_refused_before_anything_is_deleted(home: Home) -> None:
    many_runs(home, 1)
    a_rich_run(home)
    catch_up(home)
    before = contents_of(home)

    with pytest.raises(NotARootRun, match=RUN):
        delete_runs(home, [an_id(0), a_subflow_id(50, 1)])
    with pytest.raises(RunNotFound):
        delete_runs(home, [an_id(0), an_id(77)])

    assert contents_of(home) == before


def test_a_deletion_that_was_killed_halfway_is_finished_by_the_next(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_rich_run(home, 1200)
    catch_up(home)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(deletion, "transaction", _killed)
        delete_runs(home, [RUN])
    catch_up(home)
    assert len(contents_of(home)["flow_run"]) == 3
    delete_runs(home, [RUN])

    assert contents_of(home)["flow_run"] == []
    assert contents_of(home)["task_run"] == []
    assert list(Path(home.runs).iterdir()) == []


def _killed(_: object) -> None:
    raise KeyboardInterrupt
