"""Keys that change something: each asks the daemon, about targets that are frozen when the key is pressed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from flowctl.tui.actions import Outcome
from flowctl.tui.model.runs_list import Target
from flowctl.tui.model.texts import counted
from flowctl.tui.screens.screen import FlowctlScreen

if TYPE_CHECKING:
    pass

_UNDO_S: Final = 10.0


class Undo(NamedTuple):
    """What takes an action back, for a while."""

    until_s: float
    verb: str
    targets: tuple[Target, ...]
    said: str


class Acting(FlowctlScreen):
    """Actions on runs."""

    _undo: Undo | None = None

    def targets(self) -> tuple[Target, ...]:
        """Freeze what an action would be about."""
        return ()

    def task_number(self) -> int | None:
        """Tell which task run an action on tasks would be about."""
        return None

    def action_act_cancel(self) -> None:
        self._ask_first("cancel", "cancel", is_always=False)

    def action_act_kill(self) -> None:
        self._ask_first("kill", "KILL", is_always=True)

    def action_act_delete(self) -> None:
        self._ask_first("delete", "DELETE the record of", is_always=True)

    def action_act_retry(self) -> None:
        """Wake what waits for its next try; else run again what failed."""
        targets = self.targets()
        number = self.task_number()
        if targets and number is not None and targets[0].word not in ("failed", "crashed", "cancelled", "completed"):
            self._request("retry_now", targets[:1], task=number)
        else:
            self._ask_first("retry", "retry", is_always=False)

    def action_act_pause(self) -> None:
        """Pause what runs, let go on what is paused; `u` takes it back for some seconds."""
        targets = self.targets()
        verb = "resume" if targets and all(target.word == "paused" for target in targets) else "pause"
        self._request(verb, targets, undo="pause" if verb == "resume" else "resume")

    def action_act_skip(self) -> None:
        number, targets = self.task_number(), self.targets()
        if number is None or not targets:
            self.whole.say("choose a task that waits", "quiet")
            return
        self._confirm(
            f"skip task {number} of {targets[0].name}", lambda: self._request("skip_task", targets, task=number)
        )

    def action_act_undo(self) -> None:
        undo, self._undo = self._undo, None
        if undo is None or time.monotonic() > undo.until_s:
            self.whole.say("nothing to undo", "quiet")
            return
        # The state has moved on by what is undone.
        self._request(undo.verb, tuple(target._replace(state_version=-1) for target in undo.targets))

    def why_not(self, verb: str) -> str | None:
        """Say why a request cannot be made now."""
        targets = self.targets()
        app = self.whole.flowctl
        return app.actions.why_not(verb, app.bridge.pulse, targets[0].name if targets else "RUN")

    def _ask_first(self, verb: str, words: str, *, is_always: bool) -> None:
        targets = self.targets()
        if not targets:
            self.whole.say("nothing is chosen", "quiet")
        elif (reason := self.why_not(verb)) is not None:
            self.whole.say(reason, "warning")
        elif is_always or len(targets) > 1:
            what = targets[0].name if len(targets) == 1 else counted(len(targets), "run")
            self._confirm(f"{words} {what}", lambda: self._request(verb, targets))
        else:
            self._request(verb, targets)

    def _confirm(self, what: str, then: Callable[[], None]) -> None:
        self.whole.choose(f"{what}?  y yes   any other key no", {"y": then, "Y": then})

    def _request(
        self, verb: str, targets: Sequence[Target], *, task: int | None = None, undo: str | None = None
    ) -> None:
        view = self.whole
        if not targets:
            view.say("nothing is chosen", "quiet")
            return
        if (reason := self.why_not(verb)) is not None:
            view.say(reason, "warning")
            return
        view.say(
            f"{verb} {targets[0].name}{'' if len(targets) == 1 else f' and {len(targets) - 1} more'}{_MORE}", "quiet"
        )
        frozen = tuple(targets)

        def ask() -> None:
            outcomes = [view.flowctl.actions.ask(verb, target, task=task) for target in frozen]
            view.flowctl.call_later(done, outcomes)

        def done(outcomes: list[Outcome]) -> None:
            failed = [outcome for outcome in outcomes if not outcome.is_done]
            if failed:
                view.say(failed[0].message, "error")
            elif undo is not None:
                self._undo = Undo(time.monotonic() + _UNDO_S, undo, frozen, verb)
                view.say(f"{outcomes[0].message}   u undo ({_UNDO_S:.0f} s)")
            else:
                view.say(outcomes[0].message if len(outcomes) == 1 else f"{verb}: {counted(len(outcomes), 'run')}")

        view.run_worker(ask, thread=True, group="requests", exit_on_error=False)


_MORE: Final = " …"
