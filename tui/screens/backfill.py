"""The form for a backfill: what it would plan is counted while one types, and asked about before it is planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, cast

from textual import on

from flowctl.tui.actions import Answer
from flowctl.tui.model.backfill import count_words
from flowctl.tui.model.form import FormPlan
from flowctl.tui.model.plans import ListedDeployment
from flowctl.tui.model.texts import Line, counted
from flowctl.tui.screens.form import FormScreen
from flowctl.tui.widgets.form_pane import FormPane

#: What is typed is counted when it rests.
_REST_S: Final = 0.25


class BackfillScreen(FormScreen):
    """A span of the past, to be made up for."""

    def __init__(self, listed: ListedDeployment, plan: FormPlan) -> None:
        super().__init__(plan, done=None)
        self._listed = listed
        self._counted: Line = ()
        self._asked_for: dict[str, object] | None = None

    def on_mount(self) -> None:
        self._count()

    @on(FormPane.Changed)
    def _on_span_changed(self) -> None:
        self.set_timer(_REST_S, self._count)

    def note_line(self) -> tuple[Line, Line]:
        left, right = super().note_line()
        return (left, right) if left else (self._counted, ())

    def action_form_run(self) -> None:
        """Count, ask, and plan."""
        if self.form.first_problem() is not None:
            super().action_form_run()
            return
        verb, fields = self.form.wish()
        ask = partial(self._ask, verb, fields)
        self.with_daemon(verb, lambda: self._send(verb, {**fields, "dry_run": True}, ask))

    def _ask(self, verb: str, fields: dict[str, object], answer: Answer) -> None:
        if answer.problem is not None:
            self.say(answer.problem, "error")
            return
        times = _times(answer)
        if not times:
            self.say("every time of that span has got its run", "warning")
            return

        def planned(told: Answer) -> None:
            if told.problem is not None:
                self.say(told.problem, "error")
                return
            self.leave()
            if (view := self.flowctl.view) is not None:
                runs = cast("Sequence[str]", told.fields.get("run_ids") or ())
                view.say(f"{counted(len(runs), 'run')} of {self._listed.name} planned, one after the other")

        self.choose(
            f"plan {counted(len(times), 'run')} of {self._listed.name}?  y yes   any other key no",
            {key: lambda: self._send(verb, fields, planned) for key in ("y", "Y")},
        )

    def _count(self) -> None:
        """Have the daemon tell what would be planned, if that is not known yet."""
        if not self.stands or self.form.first_problem() is not None:
            self._counted = ()
            return
        verb, fields = self.form.wish()
        if fields == self._asked_for:
            return
        if (reason := self.flowctl.actions.why_not(verb, self.bridge.pulse)) is not None:
            self._counted = ((f" {reason}", "warning"),)
            self.refresh_lines()
            return
        self._asked_for = fields

        def told(answer: Answer) -> None:
            if fields != self._asked_for or not self.stands:
                return
            if answer.problem is not None:
                self._counted = ((f" {answer.problem}", "warning"),)
            else:
                left = answer.fields.get("left")
                words = count_words(_times(answer), left if isinstance(left, int) else 0, self.flowctl.clock())
                self._counted = ((f" would plan {words}", "accent"),) if _times(answer) else ((f" {words}", "quiet"),)
            self.refresh_lines()

        self._send(verb, {**fields, "dry_run": True}, told)


def _times(answer: Answer) -> Sequence[Mapping[str, object]]:
    return cast("Sequence[Mapping[str, object]]", answer.fields.get("occurrences") or ())
