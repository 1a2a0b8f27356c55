"""The fields of a form: whatever is typed goes into the one with the cursor; the buttons stay in sight."""

from __future__ import annotations

from typing import Final

from textual.events import Click, Key, Paste
from textual.message import Message
from textual.strip import Strip

from flowctl.tui.model.form import Form
from flowctl.tui.model.form_lines import FormLine, button_at, field_lines, foot_lines
from flowctl.tui.widgets.pane import Pane

#: With fewer lines, what stands below the fields keeps close.
_LOW: Final = 16
_PAGE: Final = 5


class FormPane(Pane):
    """Fields, and below them what they come to."""

    class Changed(Message):
        """Something was typed, or the cursor is in another field."""

    class Pressed(Message):
        """A button was clicked."""

        def __init__(self, button: str) -> None:
            super().__init__()
            self.button = button

    class Earlier(Message):
        """What was given earlier is asked for: so many runs farther back."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, form: Form, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(form.plan.title, id=id)
        self.form = form
        self.is_tried = False
        self._top = 0
        self._drawn: list[FormLine] | None = None

    @property
    def is_held(self) -> bool:
        """Whether the next key may be for what one is asked, rather than for a field."""
        view = self.flowctl.view
        return view is not None and view.is_asking

    def lines(self) -> list[FormLine]:
        """Draw what is seen: of the fields as many as fit, then what stands below them."""
        glyphs, width, height = self.ink.glyphs, self.body_width, self.body_height
        fields = field_lines(self.form, width, glyphs=glyphs, is_tried=self.is_tried)
        foot = foot_lines(self.form, width, glyphs=glyphs)
        if height < _LOW and len(fields) + len(foot) > height:
            foot = foot_lines(self.form, width, glyphs=glyphs, is_low=True)
        room = max(height - len(foot), 1)
        places = [y for y, each in enumerate(fields) if each.field == self.form.place]
        if places:
            # Of a field with much below it, its beginning is seen.
            self._top = min(max(places[-1] - room + 1, min(self._top, places[0])), places[0])
        self._top = max(0, min(self._top, len(fields) - room))
        return [*fields[self._top : self._top + room], *foot]

    def move_by(self, lines: int) -> None:
        self.form.move(lines)
        self.changed()

    def changed(self) -> None:
        """Draw anew, with the field that has the cursor in sight."""
        self._drawn = self.lines()
        self.refresh()
        self.post_message(self.Changed())

    def body_line(self, y: int, width: int) -> Strip:
        if self._drawn is None or y == 0:
            self._drawn = self.lines()
        return self.ink.strip(self._drawn[y].line if y < len(self._drawn) else (), width)

    def on_key(self, event: Key) -> None:
        if self.is_held:
            return
        form, key = self.form, event.key
        if form.choice is not None and form.press(key, event.character):
            pass
        elif key in ("ctrl+up", "ctrl+down"):
            self.post_message(self.Earlier(1 if key == "ctrl+up" else -1))
        elif key == "up" and form.place == 0:
            self.post_message(self.Earlier(1))
        elif key in ("up", "down", "tab", "shift+tab"):
            form.move(-1 if key in ("up", "shift+tab") else 1)
        elif key in ("pageup", "pagedown"):
            form.move(-_PAGE if key == "pageup" else _PAGE)
        elif not form.press(key, event.character):
            return
        event.stop()
        event.prevent_default()
        self.changed()

    def on_paste(self, event: Paste) -> None:
        event.stop()
        self.form.paste(event.text)
        self.changed()

    def on_click(self, event: Click) -> None:
        event.stop()
        y, lines = event.y - (1 if self.is_boxed or self._is_ruled else 0), self.lines()
        if not 0 <= y < len(lines):
            return
        if lines[y].is_buttons:
            button = button_at(self.form, event.x - (2 if self.is_boxed else 0), self.body_width)
            if button is not None:
                self.post_message(self.Pressed(button))
        elif (text := lines[y].choice) is not None:
            self.form.pick(text)
            self.changed()
        elif (field := lines[y].field) is not None:
            if field == self.form.place and self.form.choice is None:
                self.form.press("space", None)
            else:
                self.form.go_to(field)
            self.changed()

    def on_resize(self) -> None:
        self.changed()
