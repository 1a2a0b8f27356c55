"""What a terminal sends comes in whole pieces, however the line cuts it and however long it pauses."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from flowctl.tui.incoming import Incoming, Kind

ESCAPE_S = 0.1
#: Pieces of which a stream is made, each with what it is.
PARTS: list[tuple[Kind, str]] = [
    (Kind.TYPED, "j"), (Kind.TYPED, "日"), (Kind.TYPED, "\x11"),
    (Kind.SEQUENCE, "\x1b[A"), (Kind.SEQUENCE, "\x1b[<0;5;7M"), (Kind.SEQUENCE, "\x1b[57399;5u"),
    (Kind.SEQUENCE, "\x1b[[A"),
    (Kind.SEQUENCE, "\x1b[M !!"),
    (Kind.SEQUENCE, "\x1b[?2026;2$y"), (Kind.PASTED, "XDc"),
    (Kind.PASTED, "a\x1b[31mb\x1b]0;x\x07\x00"), (Kind.PASTED, "\x1bq"),
]  # fmt: skip
PASTE = "\x1b[200~{}\x1b[201~"


class Line:
    """A line with a clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.incoming = Incoming(ESCAPE_S, now=lambda: self.now_s)

    def take(self, *texts: str, apart_s: float = 0.0) -> list[tuple[Kind, str]]:
        """Give what comes of texts with pauses before them."""
        found: list[tuple[Kind, str]] = []
        for text in texts:
            self.now_s += apart_s
            found += self.incoming.take(text)
        return found


def merged(pieces: Iterable[tuple[Kind, str]]) -> list[tuple[Kind, str]]:
    """Put typed letters that follow each other together: it does not matter where they were cut."""
    found: list[tuple[Kind, str]] = []
    for kind, text in pieces:
        if kind is Kind.TYPED and found and found[-1][0] is Kind.TYPED:
            found[-1] = (kind, found[-1][1] + text)
        else:
            found.append((kind, text))
    return found


@given(st.lists(st.sampled_from(PARTS), max_size=8), st.lists(st.integers(0, 120), max_size=12))
def test_wherever_the_line_is_cut_the_pieces_are_the_same(parts: list[tuple[Kind, str]], cuts: list[int]) -> None:
    stream = "".join(PASTE.format(text) if kind is Kind.PASTED else text for kind, text in parts)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    texts = [stream[begin:end] for begin, end in pairwise(places)]

    # Shorter pauses than an escape waits for.
    assert merged(Line().take(*texts, apart_s=ESCAPE_S / 2)) == merged(parts)


def test_an_escape_is_a_key_once_nothing_has_followed_it() -> None:
    line = Line()

    assert line.take("\x1b") == []
    assert line.take("", apart_s=ESCAPE_S / 2) == []
    assert line.take("", apart_s=ESCAPE_S) == [(Kind.ESCAPE, "\x1b")]
    assert line.take("\x1b", "[A", apart_s=2 * ESCAPE_S) == [(Kind.ESCAPE, "\x1b"), (Kind.TYPED, "[A")]
    assert line.take("\x1b\x1b", "", apart_s=2 * ESCAPE_S) == [(Kind.ESCAPE, "\x1b")] * 2


def test_half_a_sequence_waits_for_its_other_half_and_alone_is_nothing() -> None:
    line = Line()

    assert line.take("\x1b[<0;5", ";7M", apart_s=0.25) == [(Kind.SEQUENCE, "\x1b[<0;5;7M")]
    assert line.take("\x1b[<1;", "", "j", apart_s=0.4) == [(Kind.TYPED, "j")]
    assert line.take("\x1b[<1;\x1b[A") == [(Kind.SEQUENCE, "\x1b[A")]
    assert line.take("\x1bO", "P") == [(Kind.TYPED, "\x1bOP")]


def test_answers_to_what_another_program_asked_are_no_keys() -> None:
    line = Line()

    assert line.take("\x1b]11;rgb:ff/ff/ff\x07j\x1bP1+r544e\x1b\\\x1b_Gi=1;OK\x1b\\") == [(Kind.TYPED, "j")]
    assert line.take("\x1b]11;rg", "b:ff/ff/ff\x1b", "\\j", apart_s=0.2) == [(Kind.TYPED, "j")]
    assert line.take("\x1b]11;rg", "", "j", apart_s=0.4) == [(Kind.TYPED, "j")]
    assert line.take(f"\x1b[{'1;' * 30}m") == []


def test_what_is_pasted_is_one_text_also_over_a_line_that_pauses() -> None:
    line = Line()

    assert line.take("\x1b[20", "0~X", "", "D", "c\x1b[2", "01~j", apart_s=0.29) == [
        (Kind.PASTED, "XDc"),
        (Kind.TYPED, "j"),
    ]


def test_a_paste_whose_end_never_comes_is_over_after_a_silence() -> None:
    line = Line()

    assert line.take("\x1b[200~half", "q", apart_s=0.9) == []
    assert line.take("", apart_s=1.1) == [(Kind.PASTED, "halfq")]
    assert line.take("q") == [(Kind.TYPED, "q")]


def test_who_wants_to_leave_need_not_wait_for_the_end_of_a_paste() -> None:
    for key, kind in (("\x11", Kind.TYPED), ("\x03", Kind.TYPED), ("\x1b[113;5u", Kind.SEQUENCE)):
        assert Line().take("\x1b[200~half", key) == [(Kind.PASTED, "half"), (kind, key)]
