"""A form on the whole screen: typed into, checked at once, sent to the daemon; enter at once takes the defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from textual import on
from textual.events import Click, Key, Paste
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from flowctl.tui.actions import Answer
from flowctl.tui.model.form import Form, FormPlan
from flowctl.tui.model.form_lines import FormLine, button_at, form_lines
from flowctl.tui.model.keys import Binding, is_typed
from flowctl.tui.model.texts import Line
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.pane import Pane


class FormPane(Pane):
    """The fields; whatever is typed goes into the one with the cursor."""

    class Changed(Message):
        """Something was typed, or the cursor is in another field."""

    class Pressed(Message):
        """A button was clicked."""

        def __init__(self, button: str) -> None:
            super().__init__()
            self.button = button

    def __init__(self, form: Form, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(form.plan.title, id=id)
        self.form = form
        self.is_tried = False
        self._top = 0
        self._drawn: list[FormLine] | None = None

    def lines(self) -> list[FormLine]:
        """Draw all of it."""
        return form_lines(self.form, self.body_width, glyphs=self.ink.glyphs, is_tried=self.is_tried)

    def move_by(self, lines: int) -> None:
        self.form.move(lines)
        self.changed()

    def changed(self) -> None:
        """Draw anew, with the field that has the cursor in sight."""
        lines = self.lines()
        places = [y for y, each in enumerate(lines) if each.field == self.form.place]
        if places:
            # The last field is seen with what stands below it.
            low = len(lines) - 1 if self.form.place == len(self.form.fields) - 1 else places[-1]
            self._top = max(low - self.body_height + 1, min(self._top, places[0]))
            self._top = min(self._top, places[0])
        self._top = max(0, min(self._top, len(lines) - self.body_height))
        self._drawn = lines
        self.refresh()
        self.post_message(self.Changed())

    def body_line(self, y: int, width: int) -> Strip:
        if self._drawn is None or y == 0:
            self._drawn = self.lines()
        place = y + self._top
        return self.ink.strip(self._drawn[place].line if place < len(self._drawn) else (), width)

    def on_key(self, event: Key) -> None:
        if _is_asking(self.flowctl.view):
            return
        if event.key in ("up", "down", "tab", "shift+tab"):
            self.form.move(-1 if event.key in ("up", "shift+tab") else 1)
        elif event.key in ("pageup", "pagedown"):
            self.form.move(-5 if event.key == "pageup" else 5)
        elif not self.form.press(event.key, event.character):
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
        place = event.y - (1 if self.is_boxed or self._is_ruled else 0) + self._top
        lines = self.lines()
        if not 0 <= place < len(lines):
            return
        if lines[place].is_buttons:
            button = button_at(self.form, event.x - (2 if self.is_boxed else 0), self.body_width)
            if button is not None:
                self.post_message(self.Pressed(button))
        elif (field := lines[place].field) is not None:
            if field == self.form.place:
                self.form.press("space", None)
            self.form.place = field
            self.changed()

    def on_resize(self) -> None:
        self.changed()


class FormScreen(View):
    """One form; it goes away when its request was accepted."""

    SCOPE = "form"
    CAN_RECONNECT = False  # to run it offers to

    def __init__(self, plan: FormPlan, *, done: Callable[[Answer], None] | None = None) -> None:
        super().__init__()
        self.form = Form(plan, self.flowctl.clock)
        self._done = done
        self._is_sent = False

    def body(self) -> Iterable[Widget]:
        yield FormPane(self.form, id="main")

    @property
    def form_pane(self) -> FormPane:
        return self.query_one("#main", FormPane)

    @on(FormPane.Changed)
    def _on_changed(self) -> None:
        self.refresh_lines()

    @on(FormPane.Pressed)
    def _on_pressed(self, event: FormPane.Pressed) -> None:
        if event.button == "run":
            self.action_form_run()
        else:
            self.leave()

    def action_form_run(self) -> None:
        """Send what the form comes to, if nothing is wrong with it."""
        pane = self.form_pane
        wrong = self.form.first_problem()
        if wrong is not None:
            pane.is_tried, self.form.place = True, wrong
            pane.changed()
            self.say(f"{self.form.fields[wrong].name}: {self.form.reading(wrong).problem}", "warning")
            return
        verb, fields = self.form.wish()
        if self._is_sent:
            return

        def send() -> None:
            self._is_sent = True
            self.say("asking the daemon…", "quiet")
            self._send(verb, fields, self._answered)

        self.with_daemon(verb, send)

    def with_daemon(self, verb: str, do: Callable[[], None]) -> None:
        """Go on if the daemon can be asked; where there is none, offer to start it: what was typed stays."""
        app = self.flowctl
        reason = app.actions.why_not(verb, app.bridge.pulse)
        if reason is None:
            do()
        elif app.actions.is_allowed:
            start = partial(app.daemon.start, do)
            self.choose("no daemon is running. Start it and go on?  y yes   any other key no", {"y": start, "Y": start})
        else:
            self.say(reason, "warning")

    def action_form_last(self) -> None:
        """Fill in what was given the last time."""
        flow_name = self.form.plan.flow_name
        if not flow_name:
            self.say("there are no earlier values for this", "quiet")
            return

        def told(values: Mapping[str, object]) -> None:
            left = self.form.fill(values)
            self.form_pane.changed()
            if not values:
                self.say("no earlier run is on record", "quiet")
            elif left:
                self.say(f"values of the last run; left out: {', '.join(left)}", "warning")
            else:
                self.say("values of the last run")

        self.bridge.once(lambda source: source.last_parameters(flow_name), told, is_slow=True)

    def action_form_copy(self) -> None:
        """Copy the command line that does the same."""
        self.flowctl.yank(self.form.command(), "the command")

    def action_form_cancel(self) -> None:
        self.leave()

    def can_run(self, binding: Binding) -> bool:
        """Name no key that would be typed into the field, nor one that has nothing to do."""
        if binding.id == "form.last" and not self.form.plan.flow_name:
            return False
        return any(not is_typed(key) for key in binding.keys)

    def key_of(self, binding: Binding) -> str:
        return next(key for key in binding.keys if not is_typed(key))

    def brief_of(self, binding: Binding) -> str:
        return self.form.plan.go.lower() if binding.id == "form.run" else super().brief_of(binding)

    def crumbs(self) -> tuple[Line, Line]:
        return ((f" {self.form.plan.title}", "title"),), ((" esc cancels ", "quiet"),)

    def _send(self, verb: str, fields: Mapping[str, object], told: Callable[[Answer], None]) -> None:
        app = self.flowctl

        def ask() -> None:
            app.call_later(told, app.actions.send(verb, fields))

        app.run_worker(ask, thread=True, group="requests", exit_on_error=False)

    def _answered(self, answer: Answer) -> None:
        self._is_sent = False
        if answer.problem is not None:
            if self.is_mounted:
                self.say(answer.problem, "error")
            return
        app = self.flowctl
        if self.is_mounted and app.screen is self:
            app.pop_screen()
        if self._done is not None:
            self._done(answer)


def _is_asking(screen: object) -> bool:
    """Tell whether the next key answers a question above the keys."""
    return isinstance(screen, View) and screen.is_asking
