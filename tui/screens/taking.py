"""Keys that take something out of the interface: to the clipboard, into the editor, as JSON."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from flowctl.tui.editor import call_of, run
from flowctl.tui.screens.screen import FlowctlScreen
from flowctl.tui.signals import left_to_another

if TYPE_CHECKING:
    pass


class Yank(NamedTuple):
    """Something that can be copied."""

    name: str
    #: What is long is made only when it is chosen.
    text: str | Callable[[], str]


class SourcePlace(NamedTuple):
    """A line in a file of the user's."""

    file: str
    line: int


class Taking(FlowctlScreen):
    """What can be taken out of a view."""

    def yanks(self) -> Mapping[str, Yank]:
        """Say what can be copied here, by key."""
        return {}

    def source_place(self) -> SourcePlace | None:
        """Say which line the editor would open."""
        return None

    def inspected(self) -> tuple[str, object] | None:
        """Give what `i` shows as JSON, under a title."""
        return None

    def action_act_yank(self) -> None:
        yanks = self.yanks()
        if not yanks:
            self.whole.say("nothing to copy here", "quiet")
            return
        offered = "   ".join(f"{key} {yank.name}" for key, yank in yanks.items())
        copy = self.whole.flowctl.yank
        answers = {key: partial(copy, yank.text, yank.name) for key, yank in yanks.items()}
        self.whole.choose(f"yank: {offered}", answers, style="accent")

    def action_act_edit(self) -> None:
        """Open the editor at the line."""
        place = self.source_place()
        if place is None:
            self.whole.say("no file is on record for this", "quiet")
        else:
            self.edit(place.file, place.line)

    def edit(self, file: str, line: int) -> None:
        """Open a file in the editor; one that needs the terminal gets it until it ends."""
        view, call = self.whole, call_of(file, line)
        if view.flowctl.is_read_only:
            view.say(f"--read-only says only to look, and an editor can change {file}", "warning")
            return
        if call is None:
            view.say(f"set $EDITOR to open {file}:{line}", "warning")
            return
        try:
            if call.is_windowed:
                subprocess.Popen(
                    call.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            elif view.flowctl.is_web:
                view.say(
                    f"a browser cannot lend its screen to {call.command[0]}: set $VISUAL to one with windows", "warning"
                )
            else:
                self._lend_terminal(call.command)
        except OSError as error:
            view.say(f"{call.command[0]}: {error.strerror}", "error")
            return
        view.refresh(repaint=True)

    def _lend_terminal(self, command: list[str]) -> None:
        with self.flowctl.suspend(), left_to_another():
            # Textual takes the terminal back only if all goes well.
            try:
                run(command)
            except OSError as error:
                problem: OSError | None = error
            else:
                problem = None
        if problem is not None:
            raise problem

    def action_look_inspect(self) -> None:
        inspected = self.inspected()
        if inspected is None:
            self.whole.say("nothing to inspect here", "quiet")
            return
        from flowctl.tui.screens.inspect import InspectScreen

        self.flowctl.push_screen(InspectScreen(inspected[0], as_json(inspected[1])))


def as_json(value: object) -> str:
    """Write a record as JSON for eyes."""
    import json

    def plain(item: object) -> object:
        if is_dataclass(item) and not isinstance(item, type):
            return asdict(item)
        return item.isoformat() if isinstance(item, datetime) else str(item)

    return json.dumps(value, default=plain, ensure_ascii=False, indent=2)
