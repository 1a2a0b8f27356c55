"""`flowctl runs delete`: what goes, what stays, and who is asked."""

from __future__ import annotations

import fcntl
import io
import json
from pathlib import Path

import pytest

from flowctl.store.home import Home
from tests.core.cli.conftest import Say
from tests.core.cli.recorded import COMPLETED, FAILED
from tests.store.journals import a_run, an_id, write_journal


class Terminal(io.StringIO):
    """A person who types answers."""

    def isatty(self) -> bool:
        return True


def left(say: Say) -> set[str]:
    return {
        run["name"] for run in json.loads(say("runs", "--json").out) if run["name"].isascii() and len(run["name"]) < 12
    }


def test_named_runs_go_with_their_files(runs: Home, say: Say) -> None:
    said = say("runs", "delete", "brave-otter", COMPLETED[:10], "--yes")

    assert (said.code, said.out) == (0, "Deleted 2 runs.\n")
    assert left(say) == {"dusty-crow", "second-wind"}
    assert not Path(runs.run_folder(FAILED)).exists()


@pytest.mark.parametrize(
    ("filters", "stay"),
    [
        (["--state", "problem"], {"calm-heron", "second-wind"}),
        (["--older-than", "1h"], {"brave-otter", "calm-heron"}),
        (["--state", "completed", "--older-than", "1h"], {"brave-otter", "calm-heron", "dusty-crow"}),
    ],
)
def test_filters_choose_what_goes(filters: list[str], stay: set[str], runs: Home, say: Say) -> None:
    assert say("runs", "delete", "--yes", *filters).code == 0
    assert left(say) == stay


def test_without_a_terminal_nothing_goes_unless_yes_is_said(
    runs: Home, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = say("runs", "delete", "brave-otter")

    assert said.code == 2
    assert "Say --yes" in said.err
    assert "brave-otter" in left(say)


def test_at_a_terminal_the_runs_are_shown_before_the_question(
    runs: Home, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("n\ny\n"))

    refused = say("runs", "delete", "brave-otter")
    assert refused.code == 1
    assert "brave-otter" in refused.out
    assert "brave-otter" in left(say)

    assert say("runs", "delete", "brave-otter").code == 0
    assert "brave-otter" not in left(say)


def test_without_names_and_filters_nothing_is_deleted(runs: Home, say: Say) -> None:
    said = say("runs", "delete", "--yes")

    assert said.code == 2
    assert said.err.startswith("Error: Name the runs to delete")


def test_a_run_at_work_is_refused_and_nothing_goes(runs: Home, say: Say) -> None:
    run_id = an_id(9)
    write_journal(runs, run_id, a_run(run_id, ends=None, name="busy-bee"))
    with open(runs.run_lock(run_id)) as lock:  # noqa: PTH123 - its process lives
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = say("runs", "delete", "busy-bee", "brave-otter", "--yes")
        by_filter = say("runs", "delete", "--state", "running", "--state", "failed", "--yes")

    assert (said.code, said.out) == (2, "")
    assert "busy-bee" in said.err and "still running" in said.err
    assert "1 run still at work was left." in by_filter.out


def test_a_subflow_is_refused_with_the_run_it_belongs_to(runs: Home, say: Say) -> None:
    said = say("runs", "delete", "tiny-fox", "--yes")

    assert said.code == 2
    assert COMPLETED in said.err
