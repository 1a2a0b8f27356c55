"""Keys that change something: each asks the daemon, about targets that are frozen when the key is pressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from flowctl.store.records import TaskRunRow
from flowctl.tui.actions import Outcome
from flowctl.tui.model.asked import UNDO_S
from flowctl.tui.model.keys import Binding
from flowctl.tui.model.offers import brief_of, is_offered, is_waiting
from flowctl.tui.model.runs_list import Target
from flowctl.tui.model.texts import counted, short_duration
from flowctl.tui.screens.screen import FlowctlScreen

if TYPE_CHECKING:
    from flowctl.tui.data.source import Source

#: Work of so many seconds is not given up by one key.
_OLD_S: Final = 600.0


class Acting(FlowctlScreen):
    """Actions on runs."""

    def targets(self) -> tuple[Target, ...]:
        """Freeze what an action would be about."""
        return ()

    def unmark(self, targets: Sequence[Target]) -> None:
        """Take the marks off runs that will be no more, so that the next action is not about them."""

    def task_here(self) -> TaskRunRow | None:
        """Give the task under the cursor."""
        return None

    def waiting_tasks(self) -> Sequence[int] | None:
        """Give the numbers of tasks under the cursor that await a retry; None: that has to be read."""
        return None

    def action_act_cancel(self) -> None:
        self._ask_first("cancel", "cancel", is_always=False)

    def action_act_kill(self) -> None:
        self._ask_first("kill", "KILL", is_always=True)

    def action_act_delete(self) -> None:
        """Confirm, then wait for second thoughts: a record that is gone comes back by no key."""
        targets = self.targets()
        if targets and all(each.is_at_work for each in targets) and self.why_not("delete") is None:
            are = "is" if len(targets) == 1 else "are"
            self.whole.say(f"{_named(targets)} {are} still at work: c cancels, then D deletes", "warning")
            return
        self._ask_first("delete", "DELETE the record of", is_always=True, then=self._delete_later)

    def action_act_retry(self) -> None:
        """Wake what waits for its next try; else run again what failed."""
        if numbers := self.waiting_tasks():
            self._request("retry_now", self.targets()[:1], tasks=numbers)
        else:
            # Where that was looked at already, nothing waits.
            self._ask_first("retry", "retry", is_always=False, then=partial(self._retry, wakes=numbers is None))

    def _retry(self, targets: tuple[Target, ...], *, wakes: bool) -> None:
        waiting = tuple(each for each in targets if wakes and each.awaits_retry)
        self._wake(waiting)
        if rest := tuple(each for each in targets if each not in waiting):
            self._request("retry", rest)

    def action_act_pause(self) -> None:
        """Pause what runs, let go on what is paused; `u` takes it back for some seconds."""
        targets, _ = _fitting("pause", self.targets())
        paused = tuple(each for each in targets if each.word == "paused")
        if targets and len(paused) == len(targets):
            self._request("resume", targets, undo="pause")
        else:
            self._request("pause", [each for each in targets if each not in paused], undo="resume")

    def action_act_skip(self) -> None:
        task, targets = self.task_here(), self.targets()
        if task is None or not is_waiting(task) or not targets:
            self.whole.say("only a task that waits can be skipped: put the cursor on one", "quiet")
        elif (reason := self.why_not("skip_task")) is not None:
            self.whole.say(reason, "warning")
        else:
            skip = f"skip {task.name}: what waits for it goes on with None"
            self._confirm(skip, lambda: self._request("skip_task", targets, tasks=(task.number,)))

    def action_act_bell(self) -> None:
        """Have it told when runs end; the same key takes that back."""
        targets, bells = self.targets(), self.flowctl.bells
        told = [each for each in targets if each.run_id in bells]
        new = [each for each in targets if not each.is_final and each not in told]
        for each in new or told:
            bells.toggle(each.run_id)
        if new:
            self.whole.say(f"a bell and a notice when {_named(new)} {'ends' if len(new) == 1 else 'end'}", "accent")
        elif told:
            self.whole.say("no bell", "accent")
        else:
            self.whole.say(f"{_named(targets)} ended already" if targets else "nothing is chosen", "quiet")

    def action_act_undo(self) -> None:
        if not self.flowctl.asked.take_back():
            self.whole.say("nothing to undo", "quiet")
        self.whole.refresh(layout=False)

    def can_run(self, binding: Binding) -> bool:
        """Tell whether a key does something now, on what the cursor is on."""
        return is_offered(binding.id, self.chosen_runs(), self.task_here(), self.waiting_tasks() or ())

    def brief_of(self, binding: Binding) -> str:
        """Say in the footer what a key does now, to what the cursor is on."""
        return brief_of(binding.id, self.chosen_runs(), self.waiting_tasks() or ()) or binding.brief

    def chosen_runs(self) -> Sequence[Target]:
        """Look at what an action would be about, without freezing it."""
        return self.targets()

    def why_not(self, verb: str) -> str | None:
        """Say why a request cannot be made now."""
        targets = self.targets()
        app = self.whole.flowctl
        return app.actions.why_not(verb, app.bridge.pulse, targets[0].name if targets else "RUN")

    def _ask_first(
        self, verb: str, words: str, *, is_always: bool, then: Callable[[tuple[Target, ...]], None] | None = None
    ) -> None:
        targets, left = _fitting(verb, self.targets())
        do = then or partial(self._request, verb)
        if not targets:
            self.whole.say("nothing is chosen", "quiet")
        elif (reason := self.why_not(verb)) is not None:
            self.whole.say(reason, "warning")
        else:
            oldest = self._longest_s(targets)
            if not (is_always or len(targets) > 1 or (verb == "cancel" and oldest > _OLD_S)):
                do(targets)
                return
            age = f", at work for {short_duration(oldest)}" if oldest > _OLD_S else ""
            others = f" ({left} of the {left + len(targets)} left as they are)" if left else ""
            self._confirm(f"{words} {_named(targets)}{age}{others}", partial(do, targets))

    def _longest_s(self, targets: Sequence[Target]) -> float:
        began = min((each.started_at for each in targets if each.started_at and not each.is_final), default=None)
        return 0.0 if began is None else (self.flowctl.clock() - began).total_seconds()

    def _confirm(self, what: str, then: Callable[[], None]) -> None:
        self.whole.choose(f"{what}?  y yes   any other key no", {"y": then, "Y": then})

    def _wake(self, targets: Sequence[Target]) -> None:
        """Read which tasks of some runs await a retry, and wake them."""
        for target in targets:
            self.flowctl.bridge.once(partial(_awaiting, target.run_id), partial(self._wake_tasks, target))

    def _wake_tasks(self, target: Target, numbers: tuple[int, ...]) -> None:
        if numbers:
            self._request("retry_now", (target,), tasks=numbers)
        else:
            self.whole.say(f"no task of {target.name} awaits a retry now", "quiet")

    def _delete_later(self, targets: tuple[Target, ...]) -> None:
        view, app = self.whole, self.flowctl
        what = _named(targets)

        def delete() -> None:
            outcomes = app.actions.ask("delete", targets)
            kept = [each for each in outcomes if not each.is_done]
            if not app.is_over:
                app.call_later(self._tell, "delete", outcomes)
            elif kept:
                were = f"{_of(kept[0])} was" if len(kept) == 1 else f"{counted(len(kept), 'run')} were"
                app.parting.append(f"{were} not deleted: {kept[0].message}")

        def keep() -> None:
            app.asked.unmark(targets)
            (app.view or view).say(f"not deleted: {what}", "accent")
            (app.view or view).refresh_rows()

        app.asked.mark("delete", targets)
        self.unmark(targets)
        app.asked.hold(f"delete {what}", keep, delete)
        view.say(f"deleting {what} in {UNDO_S:.0f} s", "quiet")
        view.refresh_rows()

    def _request(
        self,
        verb: str,
        targets: Sequence[Target],
        *,
        tasks: Sequence[int] = (),
        undo: str | None = None,
    ) -> None:
        # What is taken back may have been asked on a screen that was left meanwhile.
        app, view = self.flowctl, self.flowctl.view or self.whole
        if not targets:
            view.say("nothing is chosen", "quiet")
            return
        if (reason := self.why_not(verb)) is not None:
            view.say(reason, "warning")
            return
        frozen = tuple(targets)
        more = "" if len(frozen) == 1 else f" and {len(frozen) - 1} more"
        view.say(f"{_SAID.get(verb, verb)} {frozen[0].name}{more} …", "quiet")
        if not tasks:
            app.asked.mark(verb, frozen)
            view.refresh_rows()

        def ask() -> None:
            if tasks:
                outcomes = [each for task in tasks for each in app.actions.ask(verb, frozen, task=task)]
            else:
                outcomes = app.actions.ask(verb, frozen)
            app.call_later(done, outcomes)

        def done(outcomes: list[Outcome]) -> None:
            # The state has moved on by what is undone.
            back = [each.target._replace(state_version=-1) for each in outcomes if each.is_done and each.target]
            if undo is not None and back:
                app.asked.hold(f"{verb} {_named(back)}", partial(self._request, undo, back))
            self._tell(verb, outcomes)

        app.run_worker(ask, thread=True, group="requests", exit_on_error=False)

    def _tell(self, verb: str, outcomes: Sequence[Outcome]) -> None:
        """Say what came of it, on whatever screen one is by now; what was refused is marked no more."""
        view = self.flowctl.view or self.whole
        failed = [outcome for outcome in outcomes if not outcome.is_done]
        if failed:
            self.flowctl.asked.unmark(each.target for each in failed if each.target is not None)
            of = f"{len(failed)} of {len(outcomes)} refused: " if len(outcomes) > 1 else ""
            view.say(f"{of}{failed[0].message}", "error")
        elif len(outcomes) == 1:
            view.say(outcomes[0].message)
        else:
            noun = "task" if verb in ("retry_now", "skip_task") else "run"
            view.say(f"{_SAID.get(verb, verb)}: {counted(len(outcomes), noun)}")
        view.refresh_rows()


def _fitting(verb: str, targets: tuple[Target, ...]) -> tuple[tuple[Target, ...], int]:
    """Leave those of several runs alone that an action makes no sense for; give the others, and how many were left."""
    kinds = {each.kind: each for each in targets}
    meant = {kind for kind, each in kinds.items() if is_offered(f"act.{verb}", [each], None, ())}
    fitting = tuple(each for each in targets if each.kind in meant) or targets
    return fitting, len(targets) - len(fitting)


def _awaiting(run_id: str, source: Source) -> tuple[int, ...]:
    return source.tasks_awaiting_retry(run_id)


def _named(targets: Sequence[Target]) -> str:
    return targets[0].name if len(targets) == 1 else counted(len(targets), "run")


def _of(outcome: Outcome) -> str:
    return "it" if outcome.target is None else outcome.target.name


_SAID: Final = {"retry_now": "waking", "skip_task": "skipping the task in"}
