"""Keys that open a form: run something with parameters, or run it again with others."""

from __future__ import annotations

from collections.abc import Callable

from flowctl.store.problems import RunNotFound
from flowctl.tui.actions import Answer
from flowctl.tui.data.source import Source
from flowctl.tui.model.form import FormPlan
from flowctl.tui.screens.screen import FlowctlScreen


class FillingIn(FlowctlScreen):
    """What a view needs to have a form filled in."""

    def action_act_run(self) -> None:
        """Open the form for the flow of the run that is chosen."""
        self._open_for_run(is_rerun=False)

    def action_act_rerun(self) -> None:
        """Open the form for a new run like the one that is chosen."""
        self._open_for_run(is_rerun=True)

    def open_deployment_form(self, key: str) -> None:
        """Open the form for a run of a deployment."""
        self._open(lambda source: source.deployment_form(key))

    def open_file_form(self, path: str, attribute: str) -> None:
        """Open the form for a flow in a watched file."""
        self._open(lambda source: source.file_form(path, attribute))

    def open_run_form(self, run_id: str, *, is_rerun: bool = False) -> None:
        """Open the form for the flow of a run, or for a new run like it."""

        def ask(source: Source) -> FormPlan | None:
            try:
                return source.run_form(run_id, is_rerun=is_rerun)
            except RunNotFound:
                return None

        self._open(ask)

    def _open_for_run(self, *, is_rerun: bool) -> None:
        found = [target.run_id for target in self.whole.targets()]
        if len(found) == 1:
            self.open_run_form(found[0], is_rerun=is_rerun)
        elif found:
            self.whole.say(f"a form is about one run, and {len(found)} are marked: esc clears the marks", "warning")
        else:
            self.whole.say("nothing is chosen", "quiet")

    def _open(self, ask: Callable[[Source], FormPlan | None]) -> None:
        view = self.whole
        # The screen to come is made while the data is read.
        from flowctl.tui.screens.form import FormScreen

        def told(plan: FormPlan | None) -> None:
            view.is_opening = False
            if plan is None:
                view.say("it is gone", "warning")
            elif view.flowctl.screen is view:
                view.flowctl.push_screen(FormScreen(plan, done=done))

        def done(answer: Answer) -> None:
            if (front := view.flowctl.view) is not None:
                name, due_at = str(answer.fields.get("name", "")), answer.fields.get("due_at")
                front.say(f"{name} is planned" + when(str(due_at)) if name else "done")

        def when(due_at: str) -> str:
            from datetime import datetime

            due = datetime.fromisoformat(due_at)
            away = (due - view.flowctl.clock()).total_seconds()
            return f", starts {due.astimezone():%a %H:%M}" if away > 1 else ""

        # What is typed meanwhile is meant for the form.
        view.is_opening = True
        view.bridge.once(ask, told, is_slow=True)
