"""From pieces of text with the word for their look to the strips that Textual paints, always of the exact width."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

#: A text and the words for its look: a state, "dim", "bold", "accent", …; several are parted by spaces.
Piece = tuple[str, str]
Line = Sequence[Piece]

_ATTRIBUTES: Final = {"bold", "dim", "italic", "underline", "reverse", "strike"}


class Ink:
    """The styles of one theme by their words."""

    def __init__(self, colours: Mapping[str, str], *, is_ascii: bool = False) -> None:
        self._colours = colours
        self._styles: dict[tuple[str, str], Style] = {}
        self.is_ascii = is_ascii

    def style(self, words: str, ground: str = "background") -> Style:
        """Make the style of some words on a background, which goes by its word too."""
        style = self._styles.get((words, ground))
        if style is None:
            style = self._styles[words, ground] = self._make(words, ground)
        return style

    def strip(self, line: Iterable[Piece], width: int, ground: str = "background") -> Strip:
        """Draw a line, cut or filled to a width."""
        segments: list[Segment] = []
        used = 0
        for text, words in line:
            if not text:
                continue
            length = len(text) if text.isascii() else cell_len(text)
            if used + length > width:
                if width > used:
                    segments.append(Segment(set_cell_size(text, width - used), self.style(words, ground)))
                used = width
                break
            segments.append(Segment(text, self.style(words, ground)))
            used += length
        if used < width:
            segments.append(Segment(" " * (width - used), self.style("", ground)))
        return Strip(segments, width)

    def _make(self, words: str, ground: str) -> Style:
        colour = self._colours.get("text", "default")
        attributes: dict[str, bool] = {}
        back = self._colours.get(ground, "default")
        for word in words.split():
            if word in self._colours:
                found = self._colours[word]
                if found in _ATTRIBUTES:
                    attributes[found] = True
                else:
                    colour = found
            if word.startswith("on:"):
                back = self._colours.get(word[3:], back)
            if word in _ATTRIBUTES and word not in self._colours:
                attributes[word] = True
        if self._colours.get(ground) == "reverse":
            back = "default"
            attributes["reverse"] = True
        return Style(color=colour, bgcolor=back, **attributes)


def cells(text: str) -> int:
    """Tell how many columns a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def width_of(line: Iterable[Piece]) -> int:
    """Tell how many columns a line takes."""
    return sum(cells(text) for text, _ in line)


def fit(text: str, width: int, *, is_right: bool = False, ellipsis: str = "…") -> str:
    """Cut or fill a text to a width; what is cut ends in an ellipsis."""
    if width <= 0:
        return ""
    length = cells(text)
    if length > width:
        return set_cell_size(text, width - 1) + ellipsis
    pad = " " * (width - length)
    return pad + text if is_right else text + pad


def spread(left: Line, right: Line, width: int) -> list[Piece]:
    """Put one line to the left and one to the right; where there is no room for both, the right one goes."""
    used, wanted = width_of(left), width_of(right)
    if not right or used + wanted + 1 > width:
        return list(left)
    return [*left, (" " * (width - used - wanted), ""), *right]
