"""A line that is typed: text and a place in it; pure, so that keys can be tested without a screen."""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 10_000


class LineEdit:
    """What has been typed, and where the next letter goes."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.at = len(text)

    def put(self, text: str) -> None:
        """Have another text, with the cursor behind it."""
        self.text, self.at = text[:_LONGEST], min(len(text), _LONGEST)

    def insert(self, text: str) -> None:
        """Type or paste; control characters and ends of lines become blanks."""
        clean = "".join(each if each.isprintable() else " " for each in text)[: _LONGEST - len(self.text)]
        self.text = f"{self.text[: self.at]}{clean}{self.text[self.at :]}"
        self.at += len(clean)

    def press(self, key: str) -> bool:
        """Do what an editing key does; tell whether it is one."""
        at, text = self.at, self.text
        match key:
            case "left":
                self.at = max(at - 1, 0)
            case "right":
                self.at = min(at + 1, len(text))
            case "home":
                self.at = 0
            case "end" | "ctrl+e":
                self.at = len(text)
            case "backspace" | "ctrl+h":
                self._cut(max(at - 1, 0), at)
            case "delete" | "ctrl+d":
                self._cut(at, at + 1)
            case "ctrl+w":
                self._cut(text[:at].rstrip().rfind(" ") + 1, at)
            case "ctrl+u":
                self._cut(0, at)
            case "ctrl+k":
                self._cut(at, len(text))
            case _:
                return False
        return True

    def _cut(self, start: int, end: int) -> None:
        self.text, self.at = self.text[:start] + self.text[end:], start
