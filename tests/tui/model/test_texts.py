"""Text of exact width, and times and counts as the screens word them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from flowctl.tui.model.glyphs import ASCII, UNICODE
from flowctl.tui.model.texts import (
    between,
    broken,
    countdown,
    elapsed_bar,
    fit,
    fit_line,
    grouped,
    harmless,
    left_of,
    plain,
    progress,
    round_duration,
    sparkline,
    when,
    width_of,
)
from flowctl.tui.model.time_scale import TimeScale, TimeWindow, fit_window
from tests.tui.model.snapshots_made import at

any_text = st.text(max_size=40) | st.sampled_from(["漢字" * 9, "👩‍👩‍👧", "e\u0301" * 9, "a" * 5000, "\n\t\x1f"])


@given(any_text, st.integers(0, 60), st.sampled_from(["left", "right"]))
def test_text_fits_exactly(text: str, cells: int, align: str) -> None:
    assert cell_len(fit(text, cells, align=align)) == cells


def test_what_is_cut_leaves_a_mark() -> None:
    assert fit("brave-otter", 6) == "brave…"
    assert fit("brave-otter", 6, cut="~") == "brave~"
    assert fit("漢字漢字", 4) == "漢 …"
    assert fit("ab", 4, align="right") == "  ab"


@given(st.lists(st.tuples(any_text, st.just(""))), st.lists(st.tuples(any_text, st.just("x"))), st.integers(0, 80))
def test_lines_fit_exactly(left: list[tuple[str, str]], right: list[tuple[str, str]], cells: int) -> None:
    assert width_of(fit_line(left, cells)) == cells
    assert width_of(between(tuple(left), tuple(right), cells)) == cells


def test_the_left_side_gives_way() -> None:
    assert plain(between((("a long title", ""),), (("12:00", ""),), 12)) == "a lon… 12:00"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(7, "0:07"), (6.2, "0:07"), (0, "0:00"), (-5, "0:00"), (750, "12:30"), (3723, "1:02:03"), (273600, "3d04h")],
)
def test_a_countdown_never_says_zero_too_early(seconds: float, text: str) -> None:
    assert countdown(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "—"), (41.3, "41s"), (102, "1m42"), (120, "2m"), (10_800, "3h"), (0.004, "4ms")]
)
def test_round_durations_are_short(seconds: float | None, text: str) -> None:
    assert round_duration(seconds) == text


def test_what_is_left_is_a_guess() -> None:
    assert left_of(38) == "~0m38 left"
    assert left_of(-3) == "~0m00 left"


def test_moments_become_coarser_as_they_go_by() -> None:
    now = at(0)

    texts = [when(now - timedelta(days=days), now) for days in (0, 2, 20, 700)]

    assert [len(text) <= 6 for text in texts] == [True] * 4
    assert ":" in texts[0]
    assert texts[3].endswith("24")


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 40), st.integers(0, 3))
def test_a_bar_is_full_only_when_all_is_done(done: int, total: int, cells: int, failed: int) -> None:
    for glyphs in (UNICODE, ASCII):
        bar = progress(done, total, cells, glyphs, failed)
        assert len(bar) == cells
        if cells and done < total:
            assert bar != glyphs.done * cells
    if cells and 0 < total <= done:
        assert progress(done, total, cells) == UNICODE.done * cells


def test_elapsed_of_the_usual() -> None:
    assert [elapsed_bar(ratio, 8, is_over=ratio > 1.1) for ratio in (0, 0.5, 1, 1.04, 2)] == [
        "░░░░░░░░",
        "▇▇▇▇░░░░",
        "▇▇▇▇▇▇▇▇",
        "▇▇▇▇▇▇▇▇",
        "▇▇▇▇▇▇▇+",
    ]


def test_numbers_as_heights() -> None:
    assert sparkline([0, 1, 2, None, 4]) == "▁▃▅ █"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


def test_counts_are_grouped() -> None:
    assert (grouped(999), grouped(1248), grouped(1_000_000)) == ("999", "1 248", "1 000 000")


def test_a_window_has_room_for_what_is_due_but_not_too_much() -> None:
    soon = fit_window(at(0), None, at(105), at(100))
    late = fit_window(at(0), None, at(100_000), at(100))
    ended = fit_window(at(0), at(50), None, at(100))

    assert soon.end == at(105)
    assert late.end == at(125)
    assert ended == (at(0), at(50))


def test_zooming_in_and_out_comes_back_and_keeps_its_moment() -> None:
    window = TimeWindow(at(0), at(100))

    near = window.zoomed(4, at(50))

    assert near == (at(37.5), at(62.5))
    assert near.zoomed(0.25, at(50)) == window
    assert window.panned(0.5) == (at(50), at(150))
    assert window.zoomed(1e12).span_s > 0


@given(st.floats(0.001, 1e9), st.integers(0, 250), st.booleans(), st.floats(-1e9, 1e9))
def test_labels_fill_their_cells(span: float, cells: int, is_relative: bool, now: float) -> None:
    scale = TimeScale(TimeWindow(at(0), at(span)), cells)

    assert len(scale.labels(is_relative=is_relative, now=at(now))) == cells


def test_labels_count_from_the_start_where_that_is_wanted() -> None:
    labels = TimeScale(TimeWindow(at(0), at(100)), 50).labels(is_relative=True)

    assert labels.split() == ["+0s", "+20s", "+40s", "+1m", "+1m20"]


def test_a_line_is_broken_between_words_and_only_a_word_that_is_too_long_within() -> None:
    line = ((" the file /a/very/long/path/that/fits/nowhere is gone", "warning"), (" (really)", "quiet"))

    lines = broken(line, 20, 9)

    assert [plain(each) for each in lines] == [
        " the file",
        " /a/very/long/path/t",
        " hat/fits/nowhere is",
        " gone (really)",
    ]
    assert lines[-1][-1] == ("(really)", "quiet")
    assert all(width_of(each) <= 20 for each in lines)
    assert len(broken(line, 20, 2)) == 2


@pytest.mark.parametrize("text", ["a\x1b[2Jb", "a\u202eb", "a\ud800b", "a\nb", "⚠\ufe0f", "\x9b31m"])
def test_text_is_harmless_by_whatever_way_it_comes(text: str) -> None:
    shown = harmless(text)

    assert shown.isprintable()
    assert "\ufe0f" not in shown
    assert fit(text, 9).isprintable()
