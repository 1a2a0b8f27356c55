"""The values of a field as a list to pick from: what is typed narrows it down, arrows go along it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flowctl.tui.model.form_fields import Field

_PAGE: Final = 5
_LONGEST: Final = 100


class ChoiceList:
    """A list that is open below its field."""

    def __init__(self, field: Field, value: object) -> None:
        self._texts = tuple(field.text_of(each) for each in field.choices)
        self.typed = ""
        now = field.text_of(value)
        self.place = self._texts.index(now) if now in self._texts else 0

    @property
    def count(self) -> int:
        """How many values there are in all."""
        return len(self._texts)

    @property
    def found(self) -> Sequence[str]:
        """What has all that is typed, what begins with it first."""
        typed = self.typed.lower()
        if not typed:
            return self._texts
        fitting = [text for text in self._texts if typed in text.lower()]
        return sorted(fitting, key=lambda text: not text.lower().strip('"').startswith(typed))

    @property
    def picked(self) -> str | None:
        """What the cursor is on; None: nothing has what is typed."""
        found = self.found
        return found[self.place] if self.place < len(found) else None

    def press(self, key: str, character: str | None) -> bool:
        """Go along the list, or narrow it down; tell whether the key does so."""
        last = max(len(self.found) - 1, 0)
        steps = {"up": -1, "down": 1, "pageup": -_PAGE, "pagedown": _PAGE, "home": -last, "end": last}
        if key in steps:
            self.place = max(0, min(self.place + steps[key], last))
        elif key == "backspace":
            self.typed, self.place = self.typed[:-1], 0
        elif key == "ctrl+u":
            self.typed, self.place = "", 0
        elif character is not None and character.isprintable():
            self.typed, self.place = (self.typed + character)[:_LONGEST], 0
        else:
            return False
        return True
