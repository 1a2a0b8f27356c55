"""The log view: windows that grow at both ends, records of many lines, and lines of exact width."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.tui.model.logs import MOST_KEPT, MOST_LINES, LogStyle, LogView, log_line, wrapped
from flowctl.tui.model.snapshots import LogEntry
from flowctl.tui.model.texts import plain, width_of
from flowctl.tui.model.themes import THEMES
from tests.tui.model.snapshots_made import a_window, an_entry, at


def view_of(*entries: LogEntry) -> LogView:
    view = LogView()
    view.show(a_window(entries))
    return view


def test_a_record_of_many_lines_is_joined() -> None:
    view = view_of(an_entry(1, "Traceback\n  File x\nValueError: no\n"), an_entry(2))

    drawn = [
        plain(log_line(line, LogStyle(40, since=at(0), glyphs=LogStyle(1).glyphs))).rstrip() for line in view.lines
    ]

    assert drawn == ["    +10ms INFO  Traceback", "   ┊   File x", "   ┊ ValueError: no", "    +20ms INFO  hello"]


def test_a_giant_record_is_cut_and_says_so() -> None:
    view = view_of(an_entry(1, "\n".join(["x"] * 10_000)))

    assert len(view) == MOST_LINES + 1
    assert view.lines[-1].text == f"… {10_000 - MOST_LINES} more lines"


def test_what_comes_behind_is_added_once() -> None:
    view = view_of(an_entry(1), an_entry(2))

    assert view.append(a_window([an_entry(2), an_entry(3)])) == 0
    assert [line.place for line in view.lines] == [(1, 1), (1, 2), (1, 3)]
    assert (view.first, view.last) == ((1, 1), (1, 3))


def test_what_comes_before_moves_the_rest_down_by_that_much() -> None:
    view = view_of(an_entry(5))

    assert view.prepend(a_window([an_entry(3, "a\nb"), an_entry(4), an_entry(5)], has_before=True)) == 3
    assert view.lines[3].place == (1, 5)
    assert view.has_before


def test_a_record_is_found_by_its_place() -> None:
    view = view_of(an_entry(1, "a\nb"), an_entry(4), an_entry(9))

    assert [view.index_of((1, seq)) for seq in (0, 1, 2, 4, 9, 10)] == [0, 0, 2, 2, 3, 4]


def test_errors_and_matches_are_walked() -> None:
    view = view_of(an_entry(1), an_entry(2, "Bad\nworse", level=40), an_entry(3, "fine"), an_entry(4, "bad", level=50))

    assert view.next_problem(0) == 1
    assert view.next_problem(1) == 4
    assert view.next_problem(4) is None
    assert view.next_problem(4, -1) == 1
    assert view.next_match(0, "BAD") == 1
    assert view.next_match(1, "bad") == 4
    assert view.next_match(0, "") is None


def test_what_is_searched_for_is_marked() -> None:
    (line,) = view_of(an_entry(1, "Read timed out: READ")).lines

    spans = log_line(line, LogStyle(60, search="read"))

    assert [text for text, style in spans if style == "match"] == ["Read", "READ"]


def test_a_long_line_is_wrapped_and_whole() -> None:
    (line,) = view_of(an_entry(1, "x" * 100)).lines

    rows = wrapped(line, LogStyle(50))

    assert {width_of(row) for row in rows} == {50}
    assert sum(plain(row).count("x") for row in rows) == 100


steps = st.lists(st.tuples(st.sampled_from(["append", "prepend"]), st.integers(1, 3000), st.integers(0, 3)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_the_view_is_always_one_whole_stretch_of_the_log(moves: Sequence[tuple[str, int, int]]) -> None:
    view = view_of(an_entry(100_000))
    low = high = 100_000
    for move, count, breaks in moves:
        text = "x" + "\ny" * breaks
        if move == "append":
            assert view.last is not None
            high = view.last[1]
            top = view.lines[-1].place
            gone = view.append(a_window(an_entry(high + n, text) for n in range(1, count + 1)))
            assert gone >= 0
            assert top in {line.place for line in view.lines} or count >= MOST_KEPT
        else:
            assert view.first is not None
            low = view.first[1]
            came = view.prepend(a_window(an_entry(low - count + n, text) for n in range(count)))
            assert came == count * (breaks + 1)
            assert view.lines[came].place == (1, low)
        places = sorted({line.place for line in view.lines})
        assert [seq for _, seq in places] == list(range(places[0][1], places[-1][1] + 1))
        assert len(places) <= MOST_KEPT
        assert (view.first, view.last) == (places[0], places[-1])


texts = st.text(max_size=60) | st.sampled_from(["漢字" * 90, "a" * 9000, "\t\t", "İ" * 9])


@settings(max_examples=200, deadline=None)
@given(texts, texts, st.integers(1, 150), st.sampled_from([5, 10, 20, 30, 40, 50]), st.integers(0, 20), st.booleans())
def test_every_line_has_exactly_its_width(
    text: str, search: str, width: int, level: int, speaker: int, is_relative: bool
) -> None:
    style = LogStyle(width, speaker=speaker, since=at(0) if is_relative else None, search=search[:3])

    for line in view_of(an_entry(1, text, level=level)).lines:
        drawn = log_line(line, style)
        assert width_of(drawn) == width
        assert {name for _, name in drawn} <= THEMES["safe"].styles.keys()
        assert {width_of(row) for row in wrapped(line, style)} == {width}
