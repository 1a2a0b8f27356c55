"""The last word on what is painted where nobody wants colours: not one of them reaches the terminal."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_TURNED: Final = Style(reverse=True)


class Colourless(LineFilter):
    """Takes colours away, the terminal's own included; what stood out by its background is turned over instead."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - as Textual has it
        """Give the same segments without colours."""
        return [Segment(text, None if style is None else _bare(style), control) for text, style, control in segments]


@lru_cache(1024)
def _bare(style: Style) -> Style:
    ground = style.bgcolor
    stands_out = ground is not None and not ground.is_default
    return style.without_color + _TURNED if stands_out else style.without_color


COLOURLESS: Final = Colourless()
