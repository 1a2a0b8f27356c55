"""A line that is typed into while the screen goes on: it takes the place of one bar, and gives it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on
from textual.widgets import Input

from flowctl.tui.screens.screen import FlowctlScreen
from flowctl.tui.widgets.bar import Bar
from flowctl.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    pass


class TypingLine(FlowctlScreen):
    """What a view needs to have something typed."""

    _hears_typed: Callable[[str], None] | None = None
    _hears_dropped: Callable[[], None] | None = None
    _hears_entered: Callable[[str], None] | None = None

    @property
    def is_typing(self) -> bool:
        return bool(self.query(Prompt))

    def type_into(
        self,
        bar: str,
        value: str,
        *,
        placeholder: str = "",
        typed: Callable[[str], None] | None = None,
        entered: Callable[[str], None] | None = None,
        dropped: Callable[[], None] | None = None,
    ) -> None:
        """Open a prompt in the place of a bar; `typed` hears each change, then either `entered` or `dropped`."""
        # Asked for after a refresh, it may come when the screen is being left.
        if self.is_typing or not self.is_current or self.flowctl.is_over or not self.query(bar):
            return
        self._hears_typed, self._hears_entered, self._hears_dropped = typed, entered, dropped
        place = self.query_one(bar, Bar)
        place.display = False
        prompt = Prompt(value, placeholder=placeholder, id="prompt")
        self.mount(prompt, after=place)
        prompt.cursor_position = len(value)
        prompt.focus()
        # It has the focus once that is handled, and what was typed for it meanwhile is waiting.
        self.call_after_refresh(self.flowctl.catch_up)

    @on(Input.Changed, "#prompt")
    def _on_typed(self, event: Input.Changed) -> None:
        if self._hears_typed is not None:
            self._hears_typed(event.value)

    @on(Input.Submitted, "#prompt")
    def _on_entered(self, event: Input.Submitted) -> None:
        entered = self._hears_entered
        self._close()
        if entered is not None:
            entered(event.value)

    @on(Prompt.Left)
    def _on_left(self, event: Prompt.Left) -> None:
        entered, value = self._hears_entered, event.prompt.value
        self._close()
        if entered is not None:
            entered(value)
        self.whole.pane.move_by(event.step)  # every screen that types is one

    @on(Prompt.Dropped)
    def _on_dropped(self) -> None:
        dropped = self._hears_dropped
        self._close()
        if dropped is not None:
            dropped()

    def _close(self) -> None:
        self._hears_typed = self._hears_entered = self._hears_dropped = None
        for prompt in self.query(Prompt):
            prompt.remove()
        for bar in self.query(Bar):
            bar.display = True
        main = self.query("#main")
        if main:
            self.set_focus(main.first())
        self.whole.refresh_lines()
