"""A minimal Textual application: what the terminal interface cannot be quicker than."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static


class Minimal(App[None]):
    """One text, and keys that change it."""

    def compose(self) -> ComposeResult:
        """Make the text."""
        yield Static("minimal is here", id="text")

    def on_key(self) -> None:
        """Change what is painted."""
        text = self.query_one("#text", Static)
        text.update("pressed" if str(text.content) != "pressed" else "pressed again")


if __name__ == "__main__":
    Minimal().run()
