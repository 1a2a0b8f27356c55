"""Whatever a flow calls its things: it is shown as data, obeyed by nobody, and no line is wider than the screen."""

from __future__ import annotations

import json
from itertools import cycle
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.store.journal import LogLine
from flowctl.tui.app import FlowctlApp
from flowctl.tui.screens.view import View
from tests.store.journals import (
    NOON,
    SECOND,
    an_error,
    an_id,
    flow_created,
    flow_state,
    opened,
    task_created,
    task_state,
    write_journal,
)
from tests.tui.screens.driving import NARROW, WIDE, drive, grid, press, screen_text
from tests.tui.screens.sample import three_runs

HOSTILE = {
    "markup": "[/] [red]x[/] [b",
    "action": "[@click=app.quit]press me[/]",
    "escape": "\x1b[2J\x1b]0;title\x07\x1b[31mred",
    "bidi": "a\u202eb\u2066c\u200d",
    "nul": "a\x00b\x07c\x9b2Jd",
    "wide": "日本語のとても長い名前" * 9,
    "emoji": "🎉👩‍👩‍👧🇩🇪" * 9,
    "combining": "e" + "\u0301" * 1000 + "\u0489 end",
    "pictures": "⚠\ufe0f❤\ufe0f👍🏽 1\ufe0f\u20e3",
    "c1": "\x90q\x1b\\ \x9d8;;http://x\x9c\x9b31m \x85 \x1bPq\x1b\\ \x1b]52;c;aGk=\x07",
    "long": "x" * 10_000,
    "lines": "one\ntwo\r\n\tthree",
    "surrogate": "\ud800 alone",
}
TOUR = ("1", "i", "escape", "enter", "j", "enter", "escape", "L", "w", "escape", "escape", "3", "4", "w")


def storable(text: str) -> str:
    """Give a text as it comes out of a journal or of SQLite, which take no lone surrogates."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def assert_harmless(app: FlowctlApp, width: int) -> None:
    """Look at each line: none is wider than the screen, none holds what a terminal would obey or turn round."""
    for line in grid(app):
        assert cell_len(line) == width, line
        assert not any(ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0 for sign in line), line
        assert not any(sign in line for sign in "\u202e\u2066\u200d\ufe0f\ud800"), line


def hostile_run(home: Home, text: str) -> None:
    run_id, at = an_id(1), NOON
    safe = storable(text)
    error = {
        **an_error(safe),
        "type": safe,
        "frames": [[safe, 1, safe, safe, True], ["", 0, "", safe, False]],
        "notes": [safe],
    }
    write_journal(
        home,
        run_id,
        [
            opened(run_id, at=at),
            flow_created(run_id, at=at, name=safe, flow_name=safe, tags=[safe], source={"file": safe, "line": 1}),
            flow_state("RUNNING", at=at),
            task_created(1, at=at, key=safe, task_name=safe, name=safe, tags=[safe]),
            task_state(1, "RUNNING", at=at, inputs=safe),
            LogLine(at, 0, 1, 40, safe, safe),
            task_state(1, "FAILED", at=at + SECOND, message=safe, error=error),
            flow_state("FAILED", at=at + SECOND, name="Failed", message=safe, error=error),
        ],
    )


@pytest.mark.parametrize("kind", HOSTILE)
def test_names_are_shown_and_never_obeyed(home: Home, kind: str) -> None:
    hostile_run(home, HOSTILE[kind])

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        for width, height in (NARROW, WIDE, (60, 16), (40, 8)):
            await pilot.resize_terminal(width, height)
            for key in TOUR:
                await press(app, pilot, key)
                assert_harmless(app, width)
        assert app.is_running

    drive(home, scenario)


def test_what_is_taken_out_of_the_interface_is_as_harmless(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile_run(home, " ".join(HOSTILE[kind] for kind in ("markup", "action", "escape", "bidi", "nul", "c1")))
    taken: list[str] = []

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        for way in ((), ("enter",), ("right_curly_bracket", "enter"), ("escape", "L")):
            await press(app, pilot, *way)
            for letter in "stj":
                await press(app, pilot, "ctrl+e", letter)
                for path in tmp_path.glob("flowctl-*"):
                    text = path.read_text(encoding="utf-8")
                    if path.suffix == ".svg":
                        ElementTree.fromstring(text)  # what stands in it is text, and no part of the picture
                    elif path.suffix == ".json":
                        json.loads(text)
                    taken.append(text)
                    path.unlink()
            screen = app.screen
            assert isinstance(screen, View)
            for key in screen.yanks():
                await press(app, pilot, "y", key)
                taken.append(Path(home.path, "tui.clip").read_text(encoding="utf-8"))

    drive(home, scenario, size=WIDE)
    assert len(taken) > 20
    for text in taken:
        assert not any((ord(sign) < 32 and sign != "\n") or 0x7F <= ord(sign) < 0xA0 for sign in text), repr(text)
        assert not any(sign in text for sign in "\u202e\u2066\u200d\ud800"), repr(text)


def test_markup_in_a_name_stands_there_letter_by_letter(home: Home) -> None:
    hostile_run(home, "[red]x[/]")

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        assert "[red]x[/]" in screen_text(app)
        await press(app, pilot, "enter")
        assert "[red]x[/]" in grid(app)[1]

    drive(home, scenario)


def test_resizing_in_a_loop_breaks_nothing(home: Home) -> None:
    sizes = [(80, 24), (40, 8), (200, 60), (20, 5), (1, 1), (119, 19), (120, 34), (100, 14), (3, 40), (300, 2)]
    keys = ["enter", "j", "enter", "4", "3", "1", "question_mark", "escape"]

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        for (width, height), key in zip(sizes * 4, cycle(keys), strict=False):
            await pilot.resize_terminal(width, height)
            await press(app, pilot, key)
            assert all(cell_len(line) == width for line in grid(app))

    with three_runs(home):
        drive(home, scenario)


LOOKS = [{"NO_COLOR": "1"}, {"FLOWCTL_ASCII": "1"}, {"FLOWCTL_THEME": "light"}, {"COLORTERM": "", "TERM": "linux"}]


@pytest.mark.parametrize("environment", LOOKS, ids=str)
def test_every_look_shows_every_screen(home: Home, environment: dict[str, str]) -> None:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        for key in ("enter", "j", "enter", "escape", "escape", "2", "3", "4", "5", "question_mark"):
            await press(app, pilot, key)
            if "FLOWCTL_ASCII" in environment:
                assert screen_text(app).isascii(), [line for line in grid(app) if not line.isascii()]

    with three_runs(home):
        drive(home, scenario, size=WIDE, **environment)
