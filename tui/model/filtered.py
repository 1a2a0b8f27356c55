"""What lists under a filter line share: what a text lets through, the next problem, which column a heading is of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from flowctl.tui.model.texts import Line

T = TypeVar("T")


def fits(words: str, typed: str) -> bool:
    """Tell whether every word that was typed stands somewhere in what a row is found by."""
    folded = words.lower()
    return all(word in folded for word in typed.lower().split())


def next_place(rows: Sequence[T], here: int, step: int, is_meant: Callable[[T], bool]) -> int | None:
    """Find the next row of a kind in a direction, once around; the row one is on comes last."""
    count = len(rows)
    places = ((here + step * distance) % count for distance in range(1, count + 1))
    return next((place for place in places if is_meant(rows[place])), None)


def heading_at(head: Line, column: int) -> str:
    """Give the heading over a column: its words, told from the next ones by two spaces; none where there is none."""
    text = "".join(part for part, _ in head)
    start = 0
    for heading in text.split("  "):
        end = start + len(heading)
        # The spaces behind a heading are of its column, too.
        if heading.strip() and start <= column < end + 2 + _spaces(text[end + 2 :]):
            return heading.strip()
        start = end + 2
    return ""


def _spaces(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
