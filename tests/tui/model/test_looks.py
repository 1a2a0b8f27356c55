"""Signs and colours: one cell each, told apart without colour, readable, and chosen by what the terminal says."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from rich.cells import cell_len
from rich.color import Color, ColorSystem
from rich.style import Style

from flowctl.store.states import StateType
from flowctl.tui.model.glyphs import ASCII, OPEN, UNICODE, WORDS, Glyphs, task_word_of, word_of
from flowctl.tui.model.themes import DEFAULT_THEME, THEMES, Theme, choose_look

#: Some terminals draw these as emoji, two cells wide.
RISKY = set("⏸⏵⚠✔⌛▶")


def signs_of(glyphs: Glyphs) -> list[str]:
    plain = [sign for sign in glyphs if isinstance(sign, str)]
    return [*glyphs.states.values(), *plain, *glyphs.spinner, *glyphs.heights]


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_every_sign_fills_its_cells_and_no_more(glyphs: Glyphs) -> None:
    for sign in signs_of(glyphs):
        assert cell_len(sign) == len(sign)
        assert not RISKY.intersection(sign)


def test_ascii_is_ascii() -> None:
    assert all(sign.isascii() for sign in signs_of(ASCII))


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_states_are_told_apart_without_colour(glyphs: Glyphs) -> None:
    assert glyphs.states.keys() == set(WORDS)
    # A task that waits and a run that is scheduled never stand in the same list.
    shapes = [sign for word, sign in glyphs.states.items() if word != "waiting"]
    assert len(set(shapes)) == len(shapes)
    # Nor does a spinner, in any of its steps, look like something that stands still.
    assert not set(glyphs.spinner) & {sign for word, sign in glyphs.states.items() if word != "running"}


def test_every_state_has_a_word() -> None:
    for type_ in StateType:
        assert word_of(type_.value, "Anything") in WORDS
        assert task_word_of(type_.value, "Anything") in WORDS
    assert set(WORDS) >= OPEN


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
def test_every_style_can_be_read_and_all_themes_have_the_same(theme: Theme) -> None:
    assert theme.styles.keys() == THEMES[DEFAULT_THEME].styles.keys()
    assert theme.styles.keys() >= set(WORDS)
    for style in theme.styles.values():
        Style.parse(style)


@pytest.mark.parametrize("name", ["safe", "light", "dark"])
def test_text_can_be_read_on_its_background_and_under_the_cursor(name: str) -> None:
    theme = THEMES[name]
    colours = {found for style in (theme.foreground, *theme.styles.values()) for found in re.findall(r"#\w{6}", style)}

    low = [
        (colour, ground)
        for colour in colours
        for ground in (theme.background, theme.surface)
        if contrast(colour, ground) < 4.5
    ]

    assert low == []


@pytest.mark.parametrize("name", ["safe", "light", "dark"])
def test_where_a_terminal_has_256_colours_text_can_still_be_read(name: str) -> None:
    theme = THEMES[name]
    styles = (theme.foreground, *theme.styles.values())
    colours = {nearest_of_256(found) for style in styles for found in re.findall(r"#\w{6}", style)}
    grounds = [nearest_of_256(theme.background), nearest_of_256(theme.surface)]

    assert grounds[0] != grounds[1]
    assert [(colour, ground) for colour in colours for ground in grounds if contrast(colour, ground) < 3.0] == []


def test_without_colours_there_are_none() -> None:
    assert not [style for style in THEMES["mono"].styles.values() if re.search(r"#|red|blue|green", style)]


@pytest.mark.parametrize(
    ("environ", "theme"),
    [
        ({"COLORTERM": "truecolor"}, "safe"),
        ({"TERM": "xterm-256color"}, "safe"),
        ({"TERM": "linux"}, "sixteen"),
        ({}, "sixteen"),
        ({"NO_COLOR": "1", "FLOWCTL_THEME": "dark"}, "mono"),
        ({"NO_COLOR": "", "COLORTERM": "truecolor"}, "safe"),
        ({"FLOWCTL_THEME": "light"}, "light"),
        ({"TERM": "xterm", "COLORFGBG": "0;15"}, "sixteen-light"),
        ({"TERM": "rxvt", "COLORFGBG": "15;default;0"}, "sixteen"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15"}, "safe"),
        ({"FLOWCTL_THEME": "pink", "TERM": "xterm-kitty"}, "safe"),
    ],
)
def test_the_theme_follows_the_terminal(environ: Mapping[str, str], theme: str) -> None:
    assert choose_look(environ).theme == theme


def test_signs_follow_the_locale() -> None:
    assert choose_look({}, encoding="UTF-8").glyphs is UNICODE
    assert choose_look({}, encoding="latin-1").is_ascii
    assert choose_look({"FLOWCTL_ASCII": "1"}).is_ascii
    assert not choose_look({"FLOWCTL_ASCII": "0", "LANG": "C"}).is_ascii
    # Python itself writes UTF-8 there.
    for environ in ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, {"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}):
        assert choose_look(environ).is_ascii
    assert choose_look({"TERM": "linux"}).is_ascii
    assert not choose_look({"LANG": "C.UTF-8", "TERM": "xterm"}).is_ascii


def test_what_is_far_away_or_wants_calm_is_told() -> None:
    far = choose_look({"SSH_CONNECTION": "x"})
    assert far.is_remote
    assert (choose_look({}).fps, far.fps, choose_look({"SSH_TTY": "x", "FLOWCTL_FPS": "8"}).fps) == (10, 4, 8)
    assert choose_look({"FLOWCTL_CALM": "1"}).is_calm


def nearest_of_256(colour: str) -> str:
    return Color.parse(colour).downgrade(ColorSystem.EIGHT_BIT).get_truecolor().hex


def contrast(first: str, second: str) -> float:
    """Tell the contrast of two colours as WCAG counts it."""

    def light(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(first), light(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)
