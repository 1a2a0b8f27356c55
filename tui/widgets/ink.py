"""From spans with the names of their styles to the strips that Textual paints, always of the exact width."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from unicodedata import normalize

from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.theme import BUILTIN_THEMES
from textual.theme import Theme as TextualTheme

from flowctl.tui.model.glyphs import Glyphs
from flowctl.tui.model.texts import Span, harmless
from flowctl.tui.model.themes import Theme

#: How far a rule stands out from the background, of the way to quiet text.
_RULE_SHARE: Final = 0.45
#: What is written without asking for the signs in force, in ASCII.
_PLAIN: Final = str.maketrans("─│╭╮╰╯├└▾▴…·–−→›␊", "-|++++|`v^~--->> ") | {ord("⏎"): "enter"}
_TURNED: Final = Style(reverse=True)


def plain(text: str) -> str:
    """Write a text in ASCII, as wide as it is: signs by others, letters without accents, the rest as question marks."""
    return "".join(letter if letter.isascii() else _plain_letter(letter) for letter in text.translate(_PLAIN))


def _plain_letter(letter: str) -> str:
    bare, width = normalize("NFKD", letter).encode("ascii", "ignore").decode(), cell_len(letter)
    return bare if len(bare) == width else "?" * width


class Ink:
    """The styles of one theme by their names, and the signs that go with them."""

    def __init__(self, theme: Theme, glyphs: Glyphs, *, is_ascii: bool) -> None:
        self.name = theme.name
        self.theme = theme
        self.glyphs = glyphs
        self.is_ascii = is_ascii
        self._styles: dict[tuple[str, str], Style] = {}
        self._grounds = {"": Style(color=theme.foreground or None, bgcolor=theme.background or None)}
        #: Where the colours are the terminal's own, the line of the cursor is turned over.
        self._is_turned = not theme.surface
        if self._is_turned:
            self._grounds["cursor"] = _TURNED
        else:
            self._grounds["cursor"] = Style(color=theme.foreground, bgcolor=theme.surface)

    def style(self, names: str, ground: str = "") -> Style:
        """Make the style of a name, or of several parted by spaces, on a background, which goes by its name too."""
        style = self._styles.get((names, ground))
        if style is None:
            style = self._grounds[ground]
            for name in names.split():
                style += self._named(name)
            if ground == "cursor" and self._is_turned:
                # Turned over, colours and dim text cannot be read; what is turned over itself is turned back.
                is_back = any(self._named(name).reverse for name in names.split())
                style = Style(bold=style.bold, reverse=not is_back)
            self._styles[names, ground] = style
        return style

    def strip(self, line: Iterable[Span], width: int, ground: str = "") -> Strip:
        """Draw a line, cut or filled to a width."""
        # What has one style is one piece: the style takes more bytes to write than most texts.
        pieces: list[tuple[str, Style]] = []
        used = 0
        for text, names in line:
            if not text:
                continue
            text = harmless(text)
            if self.is_ascii and not text.isascii():
                text = plain(text)
            length = len(text) if text.isascii() else cell_len(text)
            if used + length > width:
                text, length = set_cell_size(text, width - used), width - used
            _add(pieces, text, self.style(names, ground))
            used += length
            if used == width:
                break
        else:
            _add(pieces, " " * (width - used), self.style("", ground))
        return Strip([Segment(text, style) for text, style in pieces], width)

    def _named(self, name: str) -> Style:
        if name == "rule":
            return self._rule_style()
        known = self.theme.styles.get(name)
        if known is None:
            # `bold` and its like are words of Rich's own; any other unknown name is plain text.
            return Style.parse(name) if name in ("bold", "dim", "reverse", "underline", "italic") else Style.null()
        return Style.parse(known) if known else Style.null()

    def _rule_style(self) -> Style:
        quiet, background = self.theme.styles["quiet"], self.theme.background
        if not background:
            return Style(dim=True)
        one, other = Color.parse(quiet).get_truecolor(), Color.parse(background).get_truecolor()
        mixed = [round(b + (a - b) * _RULE_SHARE) for a, b in zip(one, other, strict=True)]
        return Style(color="#{:02x}{:02x}{:02x}".format(*mixed))


def _add(pieces: list[tuple[str, Style]], text: str, style: Style) -> None:
    if pieces and pieces[-1][1] == style:
        pieces[-1] = pieces[-1][0] + text, style
    else:
        pieces.append((text, style))


def textual_theme(theme: Theme) -> TextualTheme:
    """Make of a theme what Textual's own widgets, such as inputs, go by."""
    name = f"flowctl-{theme.name}"
    if not theme.background:
        # The terminal's own colours: Textual has many words for them, and wants them all.
        return replace(BUILTIN_THEMES["ansi-dark"], name=name)
    return TextualTheme(
        name=name,
        primary=theme.accent,
        accent=theme.accent,
        foreground=theme.foreground,
        background=theme.background,
        surface=theme.surface,
        dark=theme.is_dark,
    )
