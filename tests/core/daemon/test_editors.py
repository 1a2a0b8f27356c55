"""Which changes of files are saves: by content alone, with time from the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.core.daemon.editors import HALF_S, Save, Saves, digest_of, is_empty, is_source, may_be_half


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "etl.py"
    file.write_text("x = 1\n")
    return file


@pytest.fixture
def saves(file: Path) -> Saves:
    saves = Saves(may_be_half)
    saves.know([str(file)])
    return saves


def test_a_changed_content_is_a_save_at_once(saves: Saves, file: Path) -> None:
    file.write_text("x = 2\n")

    assert saves.settled([str(file)], 0.0) == [Save(str(file), digest_of(str(file)))]
    assert saves.settled([str(file)], 0.1) == []


def test_a_touch_and_the_same_content_again_are_none(saves: Saves, file: Path) -> None:
    file.touch()
    file.write_text("x = 1\n")

    assert saves.settled([str(file)], 0.0) == []
    assert saves.wait_s(0.0) is None


@pytest.mark.parametrize("half", ["", "x = (\n"])
def test_half_a_file_is_waited_for_and_only_the_whole_is_told(saves: Saves, file: Path, half: str) -> None:
    file.write_text(half)
    assert saves.settled([str(file)], 10.0) == []
    assert saves.wait_s(10.0) == pytest.approx(HALF_S)

    file.write_text("x = (2)\n")

    assert [save.digest for save in saves.settled([], 10.1)] == [digest_of(str(file))]
    assert saves.wait_s(10.1) is None


def test_what_stays_broken_is_told_after_a_while(saves: Saves, file: Path) -> None:
    file.write_text("x = (\n")
    saves.settled([str(file)], 10.0)

    assert saves.settled([], 10.0 + HALF_S) == [Save(str(file), digest_of(str(file)))]


def test_a_file_that_is_renamed_away_and_back_was_never_gone(saves: Saves, file: Path) -> None:
    file.rename(file.with_suffix(".bak"))
    assert saves.settled([str(file)], 5.0) == []

    file.with_suffix(".bak").rename(file)

    assert saves.settled([str(file)], 5.1) == []
    assert saves.settled([], 5.0 + 2 * HALF_S) == []


def test_a_file_that_stays_away_is_gone(saves: Saves, file: Path) -> None:
    file.unlink()
    saves.settled([str(file)], 5.0)

    assert saves.settled([], 5.0 + HALF_S) == [Save(str(file), None)]


def test_where_only_empty_files_are_doubted_a_broken_one_is_told_at_once(file: Path) -> None:
    saves = Saves(is_empty)
    saves.know([str(file)])
    file.write_text("x = (\n")

    assert len(saves.settled([str(file)], 0.0)) == 1


def test_a_pipe_in_the_place_of_a_file_holds_nothing_up(saves: Saves, file: Path) -> None:
    import os

    file.unlink()
    os.mkfifo(file)

    saves.settled([str(file)], 0.0)
    assert saves.settled([], HALF_S)


@pytest.mark.parametrize("name", [".#etl.py", "#etl.py#", "etl.py~", ".etl.py.swp", "4913", "etl.py___jb_tmp___"])
def test_what_editors_leave_about_is_no_source(name: str) -> None:
    assert not is_source(f"/work/{name}")
    assert is_source("/work/etl.py")
