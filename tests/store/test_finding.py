"""By what names a run is found, and what is said where none is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.problems import AmbiguousRun, RunNotFound
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow
from tests.store.journals import (
    NOON,
    SECOND,
    a_run,
    an_id,
    many_runs,
    write_journal,
)


def numbers(runs: Sequence[FlowRunRow]) -> list[int]:
    return [int(run.id[:8], 16) for run in runs]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [("-", 9), ("run-4", 4), (an_id(3), 3), (an_id(3).upper(), 3), ("00000007", 7), ("00000007-AAAA", 7), ("sub", 5)],
)
def test_a_run_is_found_by_each_of_its_names(many: Reader, spec: str, expected: int) -> None:
    assert numbers([many.find_run(spec)]) == [expected]


def test_a_name_that_several_runs_have_means_the_latest(home: Home) -> None:
    many_runs(home, 3)
    write_journal(home, an_id(200), a_run(an_id(200), at=NOON - SECOND, name="0000"))
    catch_up(home)

    with Reader.open(home) as reader:
        assert reader.find_run("brisk-otter").id == an_id(2)
        assert reader.find_run("0000").id == an_id(200)


def test_a_beginning_that_fits_several_runs_lists_them(many: Reader) -> None:
    with pytest.raises(AmbiguousRun, match="fits several runs") as caught:
        many.find_run("0000")

    assert caught.value.candidates[1] == (an_id(1), "run-1")
    assert "…" in str(caught.value)


@pytest.mark.parametrize("spec", ["run-44", "000", "zzzz", "", "run-%", "run-_", "' OR 1 --", "0000\x00"])
def test_a_name_of_no_run_is_told_with_the_nearest(many: Reader, spec: str) -> None:
    with pytest.raises(RunNotFound) as caught:
        many.find_run(spec)

    if spec == "run-44":
        assert "run-4" in caught.value.nearest
        assert "Near it: run-4" in str(caught.value)


def test_the_latest_of_no_runs_says_how_to_start_one(home: Home) -> None:
    with Reader.open(home) as reader:
        assert reader.runs() == []
        assert reader.counts() == {}
        with pytest.raises(RunNotFound, match="flowctl run"):
            reader.find_run("-")
