"""Colours by the names of the styles that lines are made of, and which look suits a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from flowctl.tui.model.ascii import wants_ascii
from flowctl.tui.model.glyphs import ASCII, OPEN, PROBLEMS, UNICODE, WORDS, Glyphs, task_word_of, word_of


class Theme(NamedTuple):
    """Colours by the names of styles that lines are made of; an empty one is the terminal's own."""

    name: str
    title: str
    is_dark: bool
    #: Style name -> what Textual and Rich read as a style.
    styles: Mapping[str, str]
    background: str
    surface: str
    foreground: str
    accent: str

    @property
    def has_colours(self) -> bool:
        """Whether any word is told by a colour, too."""
        return bool(self.accent)


def _theme(
    name: str,
    title: str,
    *,
    is_dark: bool,
    base: tuple[str, str, str, str],
    words: Mapping[str, str],
    quiet: str,
    warning: str,
) -> Theme:
    background, surface, foreground, accent = base
    styles = {word: words.get(word, "") for word in WORDS}
    styles |= {
        "": "",
        "quiet": quiet,
        "title": "bold",
        "accent": f"bold {accent}".strip(),
        "problem": f"bold {words.get('failed', '')}".strip(),
        "warning": warning,
        # What has the keyboard is told by its colour; where there is none, it is turned over.
        "focus": f"bold {accent}" if accent else "bold reverse",
        "mark": f"bold {accent}".strip(),
        "match": "reverse",
        "now": quiet,
        "wait": quiet,
        "due": words.get("retrying", ""),
        "failed_try": words.get("failed", ""),
        "rest": quiet,
        "over": words.get("retrying", "bold"),
        "debug": quiet,
        "info": "",
        "error": f"bold {words.get('failed', '')}".strip(),
        "critical": f"bold reverse {words.get('failed', '')}".strip(),
    }
    return Theme(name, title, is_dark, MappingProxyType(styles), background, surface, foreground, accent)


def _words(blue: str, sky: str, green: str, vermilion: str, orange: str, pink: str, gray: str) -> dict[str, str]:
    return {
        "scheduled": blue,
        "queued": blue,
        "waiting": gray,
        "running": sky,
        "cancelling": orange,
        "retrying": orange,
        "paused": pink,
        "completed": green,
        "cached": green,
        "skipped": gray,
        "failed": vermilion,
        "crashed": vermilion,
        "cancelled": gray,
        "blocked": gray,
    }


#: Okabe and Ito's colours, which colour-blind people tell apart; some lighter, for 4.5 : 1 under the cursor too.
_OKABE_ITO: Final = _words("#4896D3", "#56B4E9", "#00A67A", "#E26D2E", "#E69F00", "#D585B1", "#939393")
#: Their hues for white: as dark as 4.5 : 1 wants, and parted by how dark they are where eyes do not part the hues.
_OKABE_ITO_LIGHT: Final = _words("#003E6A", "#006DAE", "#006B4B", "#8C2D00", "#8C6000", "#A24180", "#6A6A6A")
_VIVID: Final = _words("#7AA2F7", "#7DCFFF", "#9ECE6A", "#F7768E", "#E0AF68", "#BB9AF7", "#8E96C0")
#: The bright ones where the plain one is too dark on black: blue, red and magenta of a Linux console.
_SIXTEEN: Final = _words("bright_blue", "cyan", "green", "bright_red", "yellow", "bright_magenta", "dim")
#: On white: none that is pale there, as green, cyan, yellow and all bright ones are. What is completed is black.
_SIXTEEN_LIGHT: Final = _words("blue", "blue", "", "red", "magenta", "magenta", "dim")

THEMES: Final = {
    each.name: each
    for each in (
        _theme(
            "safe",
            "colour-blind safe, dark",
            is_dark=True,
            base=("#111417", "#23292F", "#D8DEE4", "#56B4E9"),
            words=_OKABE_ITO,
            quiet="#8D959D",
            warning="#E69F00",
        ),
        _theme(
            "light",
            "colour-blind safe, light",
            is_dark=False,
            base=("#FAFAF8", "#ECEEF0", "#1F2328", "#006DAE"),
            words=_OKABE_ITO_LIGHT,
            quiet="#5F666D",
            warning="#8C6000",
        ),
        _theme(
            "dark",
            "vivid, dark",
            is_dark=True,
            base=("#1A1B26", "#292E42", "#C0CAF5", "#7AA2F7"),
            words=_VIVID,
            quiet="#8C95C0",
            warning="#E0AF68",
        ),
        _theme("mono", "without colours", is_dark=True, base=("", "", "", ""), words={}, quiet="dim", warning="bold"),
        _theme(
            "sixteen",
            "the terminal's own 16 colours",
            is_dark=True,
            base=("", "", "", "cyan"),
            words=_SIXTEEN,
            # Not bright black: some palettes have it the colour of the background.
            quiet="dim",
            warning="yellow",
        ),
        _theme(
            "sixteen-light",
            "the terminal's own 16 colours, on white",
            is_dark=False,
            base=("", "", "", "blue"),
            words=_SIXTEEN_LIGHT,
            quiet="dim",
            warning="magenta",
        ),
    )
}
DEFAULT_THEME: Final = "safe"
#: Ten times a second is more than an eye follows; over a slow line every change costs bytes.
FPS: Final = range(1, 11)
_SSH_FPS: Final = 4


class Look(NamedTuple):
    """What suits a terminal and its user."""

    theme: str
    glyphs: Glyphs
    #: No spinner turns, nothing scrolls by itself more often than it must.
    is_calm: bool
    #: Over SSH fewer bytes are sent.
    is_remote: bool
    #: So many times a second at most is written what has changed.
    fps: int

    @property
    def is_ascii(self) -> bool:
        return self.glyphs is ASCII


def choose_look(environ: Mapping[str, str], *, encoding: str = "utf-8", theme: str | None = None) -> Look:
    """Choose by the environment: `NO_COLOR`, `FLOWCTL_ASCII`, `FLOWCTL_THEME`, `FLOWCTL_FPS`, `TERM`, the locale."""

    def is_on(name: str) -> bool:
        return environ.get(name, "") not in ("", "0")

    wanted = theme or environ.get("FLOWCTL_THEME", "")
    if environ.get("NO_COLOR"):
        # An empty value means nothing, so says the convention.
        name = "mono"
    elif wanted in THEMES:
        name = wanted
    else:
        name = DEFAULT_THEME if _has_many_colours(environ) else "sixteen-light" if _is_white(environ) else "sixteen"
    glyphs = ASCII if wants_ascii(environ, encoding) else UNICODE
    is_remote = any(environ.get(sign) for sign in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))
    fps = read_fps(environ) or (_SSH_FPS if is_remote else FPS[-1])
    return Look(name, glyphs, is_on("FLOWCTL_CALM"), is_remote, fps)


def read_fps(environ: Mapping[str, str]) -> int | None:
    """Read `FLOWCTL_FPS`; None where it is not set, or no whole number from 1 to 10."""
    text = environ.get("FLOWCTL_FPS", "").strip()
    return int(text) if text.isdecimal() and int(text) in FPS else None


def _is_white(environ: Mapping[str, str]) -> bool:
    """Tell whether a terminal says that it is white or light grey behind its text, as some do: `COLORFGBG=0;15`."""
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return ground in ("7", "15")


def _has_many_colours(environ: Mapping[str, str]) -> bool:
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return True
    term = environ.get("TERM", "").lower()
    return any(sign in term for sign in ("256color", "direct", "kitty", "alacritty", "ghostty", "wezterm", "foot"))


__all__ = [
    "ASCII",
    "DEFAULT_THEME",
    "FPS",
    "OPEN",
    "PROBLEMS",
    "THEMES",
    "UNICODE",
    "WORDS",
    "Glyphs",
    "Look",
    "Theme",
    "choose_look",
    "read_fps",
    "task_word_of",
    "word_of",
]
