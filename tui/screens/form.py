"""A form on the whole screen: typed into, checked at once, sent to the daemon; enter at once takes the defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from textual import on
from textual.widget import Widget

from flowctl.tui.actions import Answer
from flowctl.tui.data.flow_look import Seen, look_into
from flowctl.tui.model.form import Form, FormPlan, UnknownFlow
from flowctl.tui.model.keys import Binding, is_typed
from flowctl.tui.model.snapshots import EarlierRun
from flowctl.tui.model.texts import Line, when
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.form_pane import FormPane


class FormScreen(View):
    """One form; it goes away when its request was accepted."""

    SCOPE = "form"
    CAN_RECONNECT = False  # to run it offers to

    def __init__(self, plan: FormPlan, *, done: Callable[[Answer], None] | None = None) -> None:
        super().__init__()
        self.form = Form(plan, self.flowctl.clock)
        self._done = done
        self._is_sent = False
        #: Runs with other parameters than one another, the latest first; None: nobody asked for them yet.
        self._earlier: Sequence[EarlierRun] | None = None
        #: How many of them one has gone back; 0: what was typed stands there.
        self._shown = 0
        self._typed: list[str] = []

    def body(self) -> Iterable[Widget]:
        yield FormPane(self.form, id="main")

    def on_mount(self) -> None:
        """Find out the types of the parameters, where nobody has told them yet."""
        unknown, app = self.form.plan.unknown, self.flowctl
        if unknown is None:
            return
        self._remark("looking into its file for the types of its parameters…")

        def look() -> None:
            seen = look_into(app.home, unknown.place, lambda: app.is_over or not self.is_running)
            if seen is not None:
                app.call_later(self._take_types, unknown, seen)

        app.run_worker(look, thread=True, group="requests", exit_on_error=False)

    def _take_types(self, unknown: UnknownFlow, seen: Seen) -> None:
        if not self.stands or self._is_sent:
            return
        if seen.problem:
            self._remark(f"the types of its parameters are not known: {seen.problem}")
            return
        self.form.replan(unknown.typed(seen.schema))
        self.form_pane.changed()

    def _remark(self, said: str) -> None:
        self.form.plan = replace(self.form.plan, remark=said)
        self.form_pane.changed()

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
        elif event.button == "when":
            self.action_form_when()
        else:
            self.leave()

    def action_form_run(self) -> None:
        """Send what the form comes to, if nothing is wrong with it."""
        pane = self.form_pane
        wrong = self.form.first_problem()
        if wrong is not None:
            pane.is_tried = True
            self.form.go_to(wrong)
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
        self._shown = 0
        self._go_back(1)

    @on(FormPane.Earlier)
    def _on_earlier(self, event: FormPane.Earlier) -> None:
        self._go_back(event.step)

    def _go_back(self, step: int) -> None:
        """Fill in what an earlier run was given; at the near end stands what was typed."""
        flow_name = self.form.plan.flow_name
        if not flow_name:
            self.say("there are no earlier values for this", "quiet")
            return

        def told(runs: Sequence[EarlierRun]) -> None:
            self._earlier = runs
            self._show_earlier(step)

        if self._earlier is None:
            self.bridge.once(lambda source: source.earlier_parameters(flow_name), told, is_slow=True)
        else:
            self._show_earlier(step)

    def _show_earlier(self, step: int) -> None:
        runs, form = self._earlier or (), self.form
        if not self.stands:
            return
        if self._shown == 0:
            self._typed = form.texts()
        shown = max(0, min(self._shown + step, len(runs)))
        if shown == self._shown:
            self.say("no earlier run is on record" if not runs else "nothing farther back", "quiet")
            return
        self._shown = shown
        form.put_texts(self._typed)
        if shown == 0:
            self.say("what you typed", "quiet")
        else:
            run = runs[shown - 1]
            # What is taken anyhow need not be typed.
            usual = {each.name: each.default for each in form.plan.fields}
            left = form.fill({name: value for name, value in run.parameters.items() if value != usual.get(name)})
            place = f", {shown} of {len(runs)}: up or ctrl+up goes farther back" if len(runs) > 1 else ""
            said = f"values of {run.name}, {when(run.created_at, self.flowctl.clock())}{place}"
            self.say(f"{said}; left out: {', '.join(left)}" if left else said, "warning" if left else "")
        self.form_pane.changed()

    def action_form_when(self) -> None:
        """Go to the field that says when."""
        place = self.form.place_of(self.form.plan.when)
        if place is not None:
            self.form.go_to(place)
            self.form_pane.changed()

    def action_form_copy(self) -> None:
        """Copy the command line that does the same."""
        self.flowctl.yank(self.form.command(), "the command")

    def action_form_cancel(self) -> None:
        self.leave()

    def can_run(self, binding: Binding) -> bool:
        """Name no key that would be typed into the field, nor one that has nothing to do."""
        if (binding.id == "form.last" and not self.form.plan.flow_name) or (
            binding.id == "form.when" and not self.form.plan.when
        ):
            return False
        return any(not is_typed(key) for key in binding.keys)

    def key_of(self, binding: Binding) -> str:
        return next(key for key in binding.keys if not is_typed(key))

    def brief_of(self, binding: Binding) -> str:
        return self.form.go.lower() if binding.id == "form.run" else super().brief_of(binding)

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
