"""Every screen in every theme: text stands out from what is behind it, and nothing is told by colour alone."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator

import pytest
from rich.cells import cell_len
from rich.color import ColorType
from rich.segment import Segment
from textual.pilot import Pilot

from flowctl.store.home import Home
from flowctl.tui.app import FlowctlApp
from flowctl.tui.model.themes import THEMES
from flowctl.tui.widgets.ink import plain
from tests.store.journals import a_run, an_id, write_journal
from tests.tui.model.test_looks import contrast
from tests.tui.screens.driving import NARROW, WIDE, drive, grid, press
from tests.tui.screens.sample import three_runs

#: Keys that lead over every screen, each from the one before; after each of these groups the screen is looked at.
TOUR = (
    ("1",), ("j", "space", "v"), ("escape", "slash", "s"), ("escape", "y"), ("escape", "f"), ("escape", "k", "enter"),
    ("j", "j"), ("tab",), ("o",), ("escape", "j", "enter"), ("escape", "escape", "T", "left"), ("escape", "2"), ("3",),
    ("enter",), ("4", "k"), ("slash", "b", "enter"), ("escape", "5"), ("question_mark",), ("escape", "colon", "r"),
    ("escape", "1", "i"), ("escape", "t"), ("escape",),
)  # fmt: skip
SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")
Looked = Callable[[FlowctlApp], None]


def tour(look: Looked) -> Callable[[FlowctlApp, Pilot[int]], Awaitable[None]]:
    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        for keys in TOUR:
            await press(app, pilot, *keys)
            look(app)

    return scenario


def segments(app: FlowctlApp) -> Iterator[Segment]:
    for strip in app.screen._compositor.render_strips():  # pyright: ignore[reportPrivateUsage] - what is painted
        yield from (segment for segment in strip if segment.text.strip())


def colours(segment: Segment) -> tuple[str, str]:
    style = segment.style
    assert style is not None
    assert style.color is not None
    assert style.bgcolor is not None
    front, ground = style.color.get_truecolor().hex, style.bgcolor.get_truecolor().hex
    return (ground, front) if style.reverse else (front, ground)


@pytest.mark.parametrize("theme", ["safe", "light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(home: Home, theme: str) -> None:
    low: dict[str, tuple[float, str]] = {}

    def look(app: FlowctlApp) -> None:
        for segment in segments(app):
            ratio = contrast(*colours(segment))
            # Rules and frames are no text.
            if ratio < 4.5 and segment.text.strip("─│╭╮╰╯┊┄ "):
                low[segment.text] = ratio, " on ".join(colours(segment))

    with three_runs(home):
        drive(home, tour(look), size=WIDE, FLOWCTL_THEME=theme)

    assert low == {}


@pytest.mark.parametrize("theme", ["mono", "sixteen"])
def test_the_colours_of_the_terminal_are_its_own_and_the_cursor_is_turned_over(home: Home, theme: str) -> None:
    odd: set[str] = set()
    turned: list[str] = []
    allowed = {ColorType.DEFAULT} if theme == "mono" else {ColorType.DEFAULT, ColorType.STANDARD}

    def look(app: FlowctlApp) -> None:
        for segment in segments(app):
            assert segment.style is not None
            fore, back = segment.style.color, segment.style.bgcolor
            odd.update(f"{segment.text}: {colour}" for colour in (fore, back) if colour and colour.type not in allowed)
            if segment.style.reverse and segment.text.startswith("▸"):
                turned.append(segment.text)
            elif segment.style.reverse and (segment.style.dim or (fore and not fore.is_default)):
                odd.add(f"{segment.text}: cannot be read when it is turned over")

    with three_runs(home):
        drive(home, tour(look), FLOWCTL_THEME=theme)

    assert odd == set()
    assert len(turned) >= 8


@SIZES
def test_ascii_is_all_there_is_whatever_a_flow_calls_its_things(home: Home, size: tuple[int, int]) -> None:
    seen: list[str] = []
    write_journal(home, an_id(9), a_run(an_id(9), flow_name="überträge", name="naïve-owl"))

    with three_runs(home):
        drive(home, tour(lambda app: seen.extend(grid(app))), size=size, FLOWCTL_ASCII="1")

    assert {line for line in seen if not line.isascii()} == set()
    assert {len(line) for line in seen} == {size[0]}
    assert any("ubertrage" in line and "naive-owl" in line for line in seen)
    # What is ours has signs of its own; a question mark is the key for help.
    assert {line for line in seen if "?" in line.replace("? ", "")} == set()


@pytest.mark.parametrize("text", ["─╭╮╰╯│├└▾▴…·–−→›", "é", "日本", "ﬁ½", "a\u0301", "✓"])
def test_in_ascii_a_text_stays_as_wide_as_it_is(text: str) -> None:
    assert plain(text).isascii()
    assert len(plain(text)) == cell_len(text)


@pytest.mark.parametrize("theme", THEMES)
def test_the_pane_with_the_keyboard_is_told_from_the_others(home: Home, theme: str) -> None:
    titles: list[Segment] = []

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "enter")
        titles.extend(segment for segment in segments(app) if segment.text == " log ")
        await press(app, pilot, "tab")
        titles.extend(segment for segment in segments(app) if segment.text == " log ")

    with three_runs(home):
        drive(home, scenario, FLOWCTL_THEME=theme)

    before, after = titles
    assert before.style != after.style


def test_a_mark_shows_under_the_cursor_too(home: Home) -> None:
    seen: list[str] = []

    async def scenario(app: FlowctlApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "asterisk")
        seen.extend(grid(app))

    with three_runs(home):
        drive(home, scenario)

    assert [line[0] for line in seen if re.search(r"(brave-otter|bold-ant|neat-cat)  ", line)] == ["*", "*", "*"]
