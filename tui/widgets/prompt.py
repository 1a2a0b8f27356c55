"""One line to type into, in the place of a bar; it is made when it is needed and goes away with enter or escape."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input

from flowctl.store.text import safe_text


class Prompt(Input):
    """A query, a search, a name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", show=False),
        Binding("tab", "complete", show=False),
        Binding("up", "leave(-1)", show=False),
        Binding("down", "leave(1)", show=False),
    ]

    class Dropped(Message):
        """Escape: what was typed is not meant."""

        def __init__(self, prompt: Prompt) -> None:
            super().__init__()
            self.prompt = prompt

        @property
        def control(self) -> Prompt:
            return self.prompt

    class Left(Message):
        """An arrow key: what was typed is meant, and the hand goes on."""

        def __init__(self, prompt: Prompt, step: int) -> None:
            super().__init__()
            self.prompt = prompt
            self.step = step

        @property
        def control(self) -> Prompt:
            return self.prompt

    class Completes(Message):
        """Tab: go on as was offered."""

        def __init__(self, prompt: Prompt) -> None:
            super().__init__()
            self.prompt = prompt

        @property
        def control(self) -> Prompt:
            return self.prompt

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(value, placeholder=placeholder, compact=True, select_on_focus=False, id=id)
        # A blinking cursor is repainted, and a still one is found as well.
        self.cursor_blink = False

    def on_paste(self, event: Paste) -> None:
        """Make safe what is pasted, before Textual takes it in: it is drawn as it is."""
        event.text = safe_text(next(iter(event.text.splitlines()), ""), keep_newlines=False)

    def action_complete(self) -> None:
        self.post_message(self.Completes(self))

    def action_drop(self) -> None:
        self.post_message(self.Dropped(self))

    def action_leave(self, step: int) -> None:
        self.post_message(self.Left(self, step))
