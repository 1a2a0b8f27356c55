"""Shows a run while it goes: chooses the displays, feeds them from the journal's records, and ends with an exit code.

The run goes in the calling thread, the displays in one of their own. What fails in a display changes nothing
for the run: a live display is replaced by plain lines, plain lines by silence.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, Final

from flowctl.core.cli.display_choice import Display, chosen, human_stream, plain_display
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_options import DisplayOptions
from flowctl.core.cli.display_streams import is_ascii, silence
from flowctl.core.cli.display_sudden_end import told_before
from flowctl.core.cli.display_words import Glyphs
from flowctl.core.cli.exits import Exit
from flowctl.store.states import StateType

if TYPE_CHECKING:
    from flowctl.core.cli.display_region import Region
    from flowctl.core.engine.launch import Ended
    from flowctl.store.journal import Record

    Start = Callable[[Sequence[Callable[[Record], None]]], Ended]

__all__ = ["Display", "DisplayOptions", "exit_of", "show_and_wait"]

_EXITS: Final = {
    StateType.COMPLETED: Exit.OK,
    StateType.CANCELLED: Exit.CANCELLED,
    StateType.CRASHED: Exit.CRASHED,
}
#: The first frame waits a moment: a run that is over by then needs no frame, and none of its time is spent on rich.
_FIRST_S: Final = 0.06


def exit_of(state_type: StateType) -> Exit:
    """Tell the exit code of a run's last state."""
    return _EXITS.get(state_type, Exit.FAILED)


def show_and_wait(start: Start, *, options: DisplayOptions, machine: IO[str] | None = None) -> Exit:
    """Start a run in this thread, show it, and return when it has ended.

    `machine` is where JSON goes, if the options ask for it; what `start` raises is raised.
    """
    screen = Screen(options, machine)
    screen.open()
    try:
        with told_before(lambda: screen.close(None)):
            ended = start([screen.queue.append])
    except BaseException:
        screen.close(None)
        raise
    screen.close(ended)
    return exit_of(ended.state.type)


class Screen:
    """The queue of records, the model, the displays and their thread."""

    def __init__(self, options: DisplayOptions, machine: IO[str] | None) -> None:
        self.queue: deque[Record] = deque()
        self.model = RunModel()
        self.model.least_level = options.least_level
        self.model.spec = options.watched or "-"
        self.glyphs = Glyphs(is_ascii=options.is_linear or is_ascii(human_stream(options)))
        self._options = options
        self._machine = machine or sys.stdout
        self._displays: list[Display] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="flowctl display", daemon=True)

    def open(self) -> None:
        self._displays = chosen(self._options, self.model, self.glyphs, self._machine)
        self._thread.start()

    def close(self, ended: Ended | None) -> None:
        """Show the end; without one, leave the screen as it is."""
        self._ended.set()
        self._thread.join()
        now = time.time()
        if ended is None:
            for display in self._displays:
                self._guarded(display, "end", now, [])
            return
        from flowctl.core.cli.display_closing import close_open
        from flowctl.core.cli.display_summary import summary_lines

        close_open(self.model)
        summary = summary_lines(self.model, self.glyphs, now, is_quiet=self._options.is_quiet)
        for display in list(self._displays):
            self._guarded(display, "end", now, summary)
        if self._options.for_machines and self._machine is not None:
            from flowctl.core.cli.display_json import write_summary

            value = ended.state.data if ended.state.type is StateType.COMPLETED else None
            write_summary(self.model, value, self._machine, is_event=self._options.with_events)

    def _loop(self) -> None:
        is_over = self._ended.wait(_FIRST_S)
        while True:
            self._drain()
            if is_over:
                return
            now = time.time()
            for display in list(self._displays):
                self._guarded(display, "refresh", now)
            is_over = self._ended.wait(min((display.wait_s for display in self._displays), default=0.1))

    def _drain(self) -> None:
        """Take in what is there now; what comes meanwhile waits for the next turn."""
        queue, apply = self.queue, self.model.apply
        watching = [display for display in self._displays if display.observe is not None]
        for _ in range(len(queue)):
            record = queue.popleft()
            try:
                run = apply(record)
            except Exception:  # noqa: BLE001 - an edge: a record that the model cannot take changes nothing for the run
                continue
            for display in watching:
                self._guarded(display, "observe", record, run)

    def _guarded(self, display: Display, method: str, *arguments: object) -> None:
        """Let a display act; one that fails is replaced, and the run does not notice."""
        if display not in self._displays:
            return
        try:
            getattr(display, method)(*arguments)
        except BrokenPipeError:
            self._displays.remove(display)
            silence(human_stream(self._options) if self._options.for_machines is False else self._machine)
        except Exception as error:  # noqa: BLE001 - an edge: whatever a display does wrong must not reach the run
            self._displays.remove(display)
            region = getattr(display, "region", None)
            if region is not None:
                self._fall_back(region, error, method, arguments)

    def _fall_back(self, region: Region, error: Exception, method: str, arguments: tuple[object, ...]) -> None:
        try:
            region.close()
            plain = plain_display(self._options, self.model, self.glyphs, sys.stderr)
            sys.stderr.write(f"The live display failed ({type(error).__name__}: {error}); plain lines follow.\n")
            getattr(plain, method)(*arguments)
            self._displays.append(plain)
        except Exception:  # noqa: BLE001 - as above: then there is nobody to tell
            pass
