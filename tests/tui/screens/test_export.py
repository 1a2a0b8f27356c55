"""What `ctrl+e` saves: a picture, the text of the screen, the record under the cursor."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.clipboard import copy
from flowctl.tui.data.looked_at import save_looked_at
from flowctl.tui.data.saved_views import load_views, save_views
from flowctl.tui.model.views import View
from flowctl.tui.screens.beginning import write_sample
from flowctl.tui.screens.export import save
from tests.tui.screens.driving import NARROW, WIDE, drive, grid, press, screen_text
from tests.tui.screens.sample import LIVE, three_runs

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")
Saved = Callable[[str, tuple[int, int]], tuple[str, list[str]]]


@pytest.fixture
def saved(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Saved:
    """Export by a letter; give what was written, and the lines of the screen at that moment."""
    monkeypatch.chdir(tmp_path)

    def export(letter: str, size: tuple[int, int]) -> tuple[str, list[str]]:
        before: list[str] = []

        async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
            await press(app, pilot, "ctrl+e")
            before.extend(grid(app))
            await press(app, pilot, letter)
            assert f"saved{tmp_path}" in "".join(screen_text(app).split())

        with three_runs(home):
            drive(home, scenario, size=size)
        (path,) = tmp_path.glob("flowctl-*")
        return path.read_text(encoding="utf-8"), before

    return export


@SIZES
def test_a_picture_has_the_screen_in_it_and_loads_nothing_from_elsewhere(saved: Saved, size: tuple[int, int]) -> None:
    picture, before = saved("s", size)

    words = "".join(ElementTree.fromstring(picture).itertext()).replace("\u00a0", " ")
    assert all(word in words for line in before[:-2] for word in line.split())
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "").replace("https://www.textualize.io", "")
    assert "url(#" in picture
    assert "url(h" not in picture.replace('"', "")


@SIZES
def test_text_is_the_screen_line_by_line(saved: Saved, size: tuple[int, int]) -> None:
    text, before = saved("t", size)

    lines = text.splitlines()
    assert len(lines) == size[1]
    assert lines[:-2] == [line.rstrip() for line in before[:-2]]


@SIZES
def test_the_record_under_the_cursor_is_json(saved: Saved, size: tuple[int, int]) -> None:
    record, _ = saved("j", size)

    assert json.loads(record)["id"] == LIVE


def test_a_folder_that_takes_no_file_is_named(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "ctrl+e", "t")

        assert "cannot save" in screen_text(app)

    with three_runs(home):
        drive(home, scenario)


def test_two_saves_within_one_second_make_two_files(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("flowctl.tui.screens.export.stamp", lambda: "20260528-120000")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "ctrl+e", "t", "ctrl+e", "t")

    with three_runs(home):
        drive(home, scenario)

    assert {path.name for path in tmp_path.glob("flowctl-*")} == {
        "flowctl-20260528-120000.txt",
        "flowctl-20260528-120000-1.txt",
    }


def test_on_a_disk_that_takes_nothing_more_no_half_file_is_left_and_what_was_not_saved_is_said(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.ensure()
    monkeypatch.chdir(tmp_path)
    save_views(home, (View("kept", "flow:etl"),))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            save("a picture", "svg")
        with pytest.raises(OSError, match="File too large"):
            write_sample(tmp_path)
        problem = save_views(home, (View("new", "flow:etl"),))
        save_looked_at(home, {"1": 1})
        ways = copy("text", home=home.path, is_remote=True, write_osc52=lambda _: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert problem == f"The view is not saved: {home.path}/views.json: File too large."
    assert "tui.clip" not in ways
    left = {each.name for each in tmp_path.rglob("*") if each.suffix in (".svg", ".py", ".json")}
    assert left == {"views.json"}
    assert [each.name for each in load_views(home)[0]] == ["kept"]
