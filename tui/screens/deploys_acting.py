"""Keys of the Deploys screen that change something: on and off with undo, a schedule, a run with a form, backfill."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from flowctl.store.plan_records import Origin, ScheduleRow
from flowctl.tui.actions import Answer
from flowctl.tui.model.backfill import backfill_plan
from flowctl.tui.model.plans import ListedDeployment
from flowctl.tui.model.schedule_plan import schedule_line, schedule_plan
from flowctl.tui.model.texts import counted
from flowctl.tui.screens.taking import SourcePlace
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.rows import RowPane


class Wish(NamedTuple):
    """A request about one deployment."""

    verb: str
    fields: dict[str, object]


class Switch(NamedTuple):
    """What switches a deployment, and what switches it back."""

    key: str
    wishes: tuple[Wish, ...]
    back: tuple[Wish, ...] = ()


class DeploysActing(View):
    """Actions on deployments."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: frozenset[Hashable] = frozenset()
        #: Name -> what was asked of it, until the store tells that it is so.
        self.pending: dict[str, str] = {}
        self._versions: dict[str, int] = {}

    @property
    def rows(self) -> RowPane[ListedDeployment]:
        """The list."""
        raise NotImplementedError

    def chosen(self) -> list[ListedDeployment]:
        """Give the marked deployments, else the one under the cursor."""
        marked = [row for row in self.rows.rows if row.key in self.marks]
        return marked or ([] if self.rows.row is None else [self.rows.row])

    def settle(self, deployments: Sequence[ListedDeployment]) -> None:
        """Take away the pending word of those that have changed since it was asked for."""
        versions = {row.key: _version(row) for row in deployments}
        for key in [key for key in self.pending if versions.get(key) != self._versions.get(key)]:
            del self.pending[key]

    # Marks.

    def action_mark_toggle(self) -> None:
        if (row := self.rows.row) is not None:
            self.marks ^= {row.key}
            self._marked()
            self.rows.move_by(1)

    def action_mark_range(self) -> None:
        places = [place for place, row in enumerate(self.rows.rows) if row.key in self.marks]
        here = self.rows.place
        start = min(places, key=lambda place: abs(place - here), default=here)
        self.marks |= {row.key for row in self.rows.rows[min(start, here) : max(start, here) + 1]}
        self._marked()

    def action_mark_all(self) -> None:
        every = frozenset(row.key for row in self.rows.rows)
        self.marks = frozenset() if self.marks >= every else every
        self._marked()

    def _marked(self) -> None:
        self.rows.marks = self.marks
        self.rows.repaint()
        self.refresh_lines()

    # Actions.

    def action_act_run(self) -> None:
        """Open the form for a run."""
        if (row := self.rows.row) is None:
            self.say("nothing is chosen", "quiet")
        else:
            self.open_deployment_form(row.key)

    def action_act_schedule_on_off(self) -> None:
        """Switch schedules on or off; `u` takes it back for some seconds."""
        rows = [row for row in self.chosen() if row.is_on is not None]
        if not rows:
            self.say("it has no schedule to switch" if self.chosen() else "nothing is chosen", "quiet")
            return
        turns_on = not all(row.is_on for row in rows)
        changed = [row for row in rows if row.is_on is not turns_on]
        switches = [
            Switch(
                row.key,
                _switch(row, turns_on=turns_on, has_version=True),
                _switch(row, turns_on=not turns_on, has_version=False),
            )
            for row in changed
        ]
        name = changed[0].name if len(changed) == 1 else counted(len(changed), "deployment")
        for row in changed:
            self.pending[row.key], self._versions[row.key] = ("on…" if turns_on else "off…"), _version(row)
        self._switch_all(switches, f"turned {name} {'on' if turns_on else 'off'}")

    def action_act_backfill(self) -> None:
        """Open the form for a backfill: a span, the count of what would be planned, then the question."""
        row = self.rows.row
        if row is None or not row.row.schedules:
            self.say("it has no schedule to backfill" if row else "nothing is chosen", "quiet")
            return
        from flowctl.tui.screens.backfill import BackfillScreen

        self.flowctl.push_screen(BackfillScreen(row, backfill_plan(row)))

    def source_place(self) -> SourcePlace | None:
        """Say where in a file the schedule is written; nowhere, where it was given by hand."""
        row = self.rows.row
        reference = None if row is None else row.row.reference
        if row is None or reference is None:
            return None
        if row.row.origin is Origin.TOML:
            from flowctl.core.daemon.tables import place_of

            place = place_of(reference.cwd, row.key)
            return None if place is None else SourcePlace(*place)
        if row.row.origin is not Origin.CODE or reference.file is None:
            return None
        try:
            lines = Path(reference.file).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        return SourcePlace(reference.file, schedule_line(lines, row.line))

    def action_act_edit(self) -> None:
        """Change the schedule: in the editor where it is written in a file, in a form where it was given by hand."""
        row = self.rows.row
        if row is None:
            self.say("nothing is chosen", "quiet")
        elif (place := self.source_place()) is not None:
            self.edit(place.file, place.line)
        elif row.row.origin in (Origin.CODE, Origin.TOML):
            self.say(_declared(row), "warning")
        elif len(row.row.schedules) > 1:
            answers = {
                str(number): partial(self._open_schedule, row, each)
                for number, each in enumerate(row.row.schedules[:9], start=1)
            }
            offered = "   ".join(f"{number} {each.slug}" for number, each in enumerate(row.row.schedules[:9], start=1))
            self.choose(f"change which?   {offered}", answers, style="accent")
        else:
            self._open_schedule(row, next(iter(row.row.schedules), None))

    def _open_schedule(self, row: ListedDeployment, schedule: ScheduleRow | None) -> None:
        from flowctl.tui.screens.form import FormScreen

        view = self.whole
        done = partial(self._changed, view, row.name)
        self.flowctl.push_screen(FormScreen(schedule_plan(row, schedule), done=done))

    def _changed(self, view: View, name: str, _answer: Answer) -> None:
        (self.flowctl.view or view).say(f"{name} fires by its new schedule from now on")

    def _switch_all(self, switches: Sequence[Switch], said: str) -> None:
        app, view = self.flowctl, self.flowctl.view or self
        if (reason := app.actions.why_not(switches[0].wishes[0].verb, app.bridge.pulse)) is not None:
            self._unmark(switches)
            view.say(reason, "warning")
            return
        view.say(f"{said}…", "quiet")
        self._repaint()

        def ask() -> None:
            app.call_later(done, [[app.actions.send(*wish) for wish in switch.wishes] for switch in switches])

        def done(answers: list[list[Answer]]) -> None:
            view = app.view or self
            problems = [next((each.problem for each in some if each.problem), None) for some in answers]
            failed = [switch for switch, problem in zip(switches, problems, strict=True) if problem is not None]
            back = [Switch(switch.key, switch.back) for switch in switches if switch.back and switch not in failed]
            if back:
                app.asked.hold(said, partial(self._switch_all, back, f"taken back: {said}"))
            if failed:
                self._unmark(failed)
                of = f"{len(failed)} of {len(switches)} refused: " if len(switches) > 1 else ""
                view.say(of + next(problem for problem in problems if problem is not None), "error")
            else:
                view.say(said)

        app.run_worker(ask, thread=True, group="requests", exit_on_error=False)

    def _unmark(self, switches: Sequence[Switch]) -> None:
        for switch in switches:
            self.pending.pop(switch.key, None)
        self._repaint()

    def _repaint(self) -> None:
        if self.stands:
            self.rows.repaint()


def _declared(row: ListedDeployment) -> str:
    """Say where a schedule is written that no editor can be led to."""
    reference = row.row.reference
    if row.row.origin is Origin.TOML:
        return f"its schedule is declared for {reference.cwd}, but no file there has [deployments.{row.name}] any more"
    return f"its schedule is written in the code of {reference.module or reference.file or row.row.flow_name}"


def _version(row: ListedDeployment) -> int:
    return row.row.version * 1_000_003 + sum(each.version for each in row.row.schedules)


def _switch(row: ListedDeployment, *, turns_on: bool, has_version: bool) -> tuple[Wish, ...]:
    """Make the requests that switch a deployment on or off."""
    about: dict[str, object] = {"deployment": row.key}
    if has_version:
        # The daemon refuses what was overtaken since the person looked.
        about["version"] = row.row.version
    if not turns_on:
        return (Wish("deployment_pause", about),)
    if row.row.paused or any(each.active for each in row.row.schedules):
        return (Wish("deployment_resume", about),)
    slugs = [each.slug for each in row.row.schedules]
    return tuple(Wish("schedule_toggle", {"deployment": row.key, "slug": slug, "active": True}) for slug in slugs)
