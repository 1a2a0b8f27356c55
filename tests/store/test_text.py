"""`safe_text`: nothing that a terminal would obey comes out of it."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.store.text import safe_text

#: Pieces that are dangerous together, so that the fuzzer need not find them letter by letter.
PIECES = st.sampled_from(
    rb"\x1b \x9b \x9d \x90 \x9c \x07 \x1b\\ \x1b]52;c; \x1bP [2J ]0;t \x00 \r \n \t \x7f \x85 \x18 \u202e \u200b \ud800"
    rb" \udfff \U000e0041 [/] [@click=app.quit]".decode("unicode_escape").split(" ")
)
HOSTILE = st.lists(PIECES | st.text(max_size=4) | st.characters(codec=None), max_size=30).map("".join)
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


@given(HOSTILE)
def test_no_control_character_comes_out(hostile: str) -> None:
    shown = safe_text(hostile)

    assert not OBEYED.search(shown)
    shown.encode("utf-8")


@given(HOSTILE)
def test_safe_text_of_safe_text_is_the_same(hostile: str) -> None:
    once = safe_text(hostile)

    assert safe_text(once) == once


@given(HOSTILE)
def test_one_line_stays_one_line(hostile: str) -> None:
    shown = safe_text(hostile, keep_newlines=False)

    assert len(shown.splitlines()) <= 1
    assert "\t" not in shown


@given(st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="\u115f\u1160\u3164\uffa0")))
def test_visible_text_is_left_alone(text: str) -> None:
    assert safe_text(text) == text


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x9b2Jb", "ab"),
        ("\x1b]52;c;aGVsbG8=\x07x", "x"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9d0;title\x9cx", "x"),
        ("\x1bP1$r0m\x1b\\x", "x"),
        ("\x1b_apc\x1b\\\x1b^pm\x1b\\\x1bXsos\x1b\\x", "x"),
        ("\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\x", "tmux;␛x"),
        ("\x1bcreset", "reset"),
        ("\x1b", "␛"),
        ("\x1b]unfinished", "unfinished"),
        ("a\x00b\x07c\x7f", "a␀b␇c␡"),
        ("10%\r20%\r\nend", "10%␍20%\nend"),
        ("user\u202etxt.exe", "user<U+202E>txt.exe"),
        ("ad\u200bmin", "ad<U+200B>min"),
        ("\ud83d", "<U+D83D>"),
        ("\x85", "<U+0085>"),
        ("[/] [@click=app.quit]", "[/] [@click=app.quit]"),
    ],
)
def test_each_kind_of_danger(hostile: str, shown: str) -> None:
    assert safe_text(hostile) == shown


@pytest.mark.parametrize("piece", ["\x1b", "\x9d", "\x1b]", "\x9b0", "\x1b[0;", "\x90a", "\x1b("])
def test_a_long_line_of_openings_takes_linear_time(piece: str) -> None:
    started_at = time.perf_counter()

    safe_text(piece * 100_000)

    assert time.perf_counter() - started_at < 5
