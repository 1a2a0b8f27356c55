"""What came from a flow, as rich `Text`: the only way in which a command may put data on the screen."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from flowctl.store.text import safe_text


def safe(value: object, style: str | Style = "") -> Text:
    """Make one line of text that neither a terminal nor rich's markup obeys."""
    return Text(safe_text(str(value), keep_newlines=False), style, no_wrap=True)


def safe_block(value: object, style: str | Style = "") -> Text:
    """Make text of several lines that neither a terminal nor rich's markup obeys; long lines are folded."""
    return Text(safe_text(str(value)), style, overflow="fold")
