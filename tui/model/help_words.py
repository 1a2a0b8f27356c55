"""What the help tells beside the keys: the query language, the signs of states, and about flowctl; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flowctl.store.query_words import FIELDS, STATE_WORDS
from flowctl.tui.model.glyphs import UNICODE, WORDS, Glyphs
from flowctl.tui.model.texts import Line, Span, broken, fit, width_of

#: Every one of them is a query that can be typed.
EXAMPLE: Final = 'state:failed flow:etl* age<2h took>1.5x tag:prod -by:schedule "timeout"'
QUERIES: Final = (
    ("state:failed", "one state, or problem, active, done"),
    ("flow:etl*  tag:prod", "* and ? stand for anything; several: a,b"),
    ("-by:schedule", "not; by is schedule, deployment or hand"),
    ("age<2h  took>1.5x", "by the clock; against the usual"),
    ("retries>=2  param.n=3", "attempts, parameters"),
    ('log:"read timed out"', "in the log; error: in the error"),
    ("a or (b and c)", "brackets; a space means and"),
)
WHOLE_EXAMPLE: Final = "state:problem age<1d flow:etl* took>2x"
SAFE: Final = "Lower case is safe or asks. UPPER CASE changes more, and confirms."
_MEANINGS: Final = {
    "cached": "result reused",
    "skipped": "passed over",
    "waiting": "for tasks before it",
    "blocked": "needs what failed",
    "retrying": "countdown shown",
    "failed": "your code raised",
    "crashed": "its process died",
}
_LABEL: Final = 8


def brief_lines(width: int, glyphs: Glyphs = UNICODE) -> list[Line]:
    """Say in a few lines how a query looks, and which sign is which state."""
    lines: list[Line] = [((fit(" QUERY", _LABEL), "title"), (EXAMPLE, ""))]
    spans: list[Span] = [(fit(" STATES", _LABEL), "title")]
    for word in WORDS:
        if word == "waiting":
            continue  # its sign is that of what is scheduled
        said = f"{glyphs.states[word]} {word}{', waiting' if word == 'scheduled' else ''}"
        if width_of(spans) + len(said) > width:
            lines.append(tuple(spans[:-1]))
            spans = [(" ", "")]
        spans += [(said, word), (" ", "")]
    return [*lines, tuple(spans[:-1])]


def query_lines(width: int) -> list[Line]:
    """Tell of the query language what fits into a box."""
    column = 25 if width >= 60 else 20
    lines: list[Line] = [((fit(query, column), "accent"), (words, "")) for query, words in QUERIES]
    return [*lines, (), (("example  ", "quiet"), (WHOLE_EXAMPLE, "accent"))]


def all_query_lines() -> list[Line]:
    """Tell all of the query language, of a page of its own."""
    lines: list[Line] = [((fit(f" {each.example}", 24), "accent"), (each.meaning, "")) for each in FIELDS.values()]
    words = [word for word in STATE_WORDS if word not in WORDS]
    return [
        *lines,
        ((fit(" a or (b and -c)", 24), "accent"), ("a space means and, - or not what does not fit", "")),
        ((fit(' "timed out"', 24), "accent"), ("in quotes nothing has a meaning of its own", "")),
        ((" more states: ", "quiet"), (", ".join(words), "")),
        ((" example: ", "quiet"), (WHOLE_EXAMPLE, "accent")),
    ]


def state_lines(width: int, glyphs: Glyphs = UNICODE) -> list[Line]:
    """Draw every state with its sign and what it means, in two columns where they fit."""
    cells = [_state(word, glyphs) for word in WORDS]
    if width < 64:
        return [*cells, (), _SHAPES]
    half = -(-len(cells) // 2)
    left, right = cells[:half], [*cells[half:], ()]
    lines = [
        (*one, (" " * max(width // 2 - width_of(one), 1), ""), *other) for one, other in zip(left, right, strict=False)
    ]
    return [*lines, (), _SHAPES]


_SHAPES: Final[Line] = (("every state has its own shape, so colour is never needed", "quiet"),)


def _state(word: str, glyphs: Glyphs) -> Line:
    known = STATE_WORDS.get(word)
    meaning = _MEANINGS.get(word, known.meaning if known is not None else "")
    return (f"{glyphs.states[word]} {fit(word, 10)} ", word), (meaning, "quiet")


def about_lines(version: str, keys_file: str, width: int) -> list[Line]:
    """Say what is good to know about the whole."""
    said: list[Line] = [
        ((f"flowctl {version}", "title"), (f" · keys are yours: {keys_file} · : theme changes the colours", "")),
        ((f"{SAFE} Quitting never stops a run.", ""),),
        (("the mouse works everywhere, shift+drag selects · over SSH less is painted, less often", ""),),
        (
            ("NO_COLOR, 16 colours and FLOWCTL_ASCII=1 are understood · every action is a command: ", ""),
            ("y c", "accent"),
            (" copies it", ""),
        ),
    ]
    return [piece for line in said for piece in broken(line, width, 3)]


def section_lines(section: str, width: int, about: Sequence[Line], glyphs: Glyphs = UNICODE) -> list[Line]:
    """Give a section that has the screen for itself."""
    if section == "query":
        return all_query_lines()
    return [((" ", ""), *line) for line in (state_lines(width - 2, glyphs) if section == "states" else about)]


SECTIONS: Final[Sequence[str]] = ("keys", "query", "states", "about")
