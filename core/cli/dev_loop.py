"""`flowctl dev` at work: one run of the flow at a time, each in a fresh process, a new one for each save."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from flowctl.core.cli.dev_child import Child, Event
from flowctl.core.cli.dev_screen import DevScreen
from flowctl.core.cli.exits import Exit
from flowctl.core.daemon.editors import Saves, is_source, may_be_half
from flowctl.core.daemon.file_watch import FileWatch
from flowctl.core.daemon.imports import files_behind

#: How long a run may take to end when it is cancelled, by a save or by Ctrl-C.
GRACE_S: Final = 3.0
#: The next process is started when the present run has got going.
_AHEAD_S: Final = 0.3

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Exit codes with which a run's process says itself how the run ended.
_OWN_ENDS: Final = (Exit.OK, Exit.FAILED, Exit.USAGE, Exit.CRASHED, Exit.CANCELLED)


class DevLoop:
    """The run under way, the process that waits for the next save, and the files they are made of."""

    def __init__(self, plan: Mapping[str, Any], files: set[str]) -> None:
        self._plan = dict(plan)
        self._extra = frozenset(files)
        self._roots: tuple[str, ...] = tuple(plan["roots"])
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._screen = DevScreen()
        self._saves = Saves(may_be_half)
        self._watch = FileWatch(lambda paths, is_all: self._events.put(("touched", (paths, is_all))))
        self._files: set[str] = set()
        self._running: Child | None = None
        self._next: Child | None = None
        self._problem: list[Any] | None = None
        #: Files whose save made the run under way out of date.
        self._saved: list[str] = []
        self._kill_at: float | None = None
        self._ahead_at: float | None = None
        self._interrupts = 0

    def run(self) -> Exit:
        """Run the flow again and again until Ctrl-C."""
        for number in _SIGNALS:
            signal.signal(number, lambda number, _frame: self._events.put(("signal", number)))
        self._use({*self._extra, *files_behind(self._extra, self._roots)})
        self._start()
        try:
            while True:
                end = self._turn(self._next_event())
                if end is not None:
                    return end
        finally:
            # A third Ctrl-C must not leave behind what is being ended.
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            self._watch.close()
            for child in (self._running, self._next):
                if child is not None:
                    child.kill()

    def _next_event(self) -> Event:
        now = time.monotonic()
        waits = [at - now for at in (self._kill_at, self._ahead_at) if at is not None]
        if (held_s := self._saves.wait_s(now)) is not None:
            waits.append(held_s)
        try:
            return self._events.get(timeout=max(min(waits), 0.0) if waits else None)
        except queue.Empty:
            return "time", None

    def _turn(self, event: Event) -> Exit | None:
        kind, what = event
        end: Exit | None = None
        if kind == "signal":
            end = self._interrupted(what)
        elif kind == "told" and what[0] is self._running:
            self._told(what[1])
        elif kind == "ended" and what is self._running:
            end = self._ended()
        elif kind == "ended" and what is self._next:
            self._next = None
        if kind == "touched":
            self._look(*what)
        else:
            # What a run was made of is told late: it may have been saved again by now.
            self._look(self._files if kind == "told" else set(), False)
        now = time.monotonic()
        if self._kill_at is not None and now >= self._kill_at and self._running is not None:
            self._kill_at = None
            self._running.kill()
        if self._ahead_at is not None and now >= self._ahead_at:
            self._ahead_at = None
            if self._next is None and not self._interrupts:
                self._next = Child(self._plan, self._events.put)
        return end

    def _look(self, touched: set[str], is_all: bool) -> None:
        """Find out what was saved, and act on it."""
        wanted = set(self._files) if is_all else touched & self._files
        if self._problem is not None and touched:
            # The file whose absence is the problem is not known yet.
            wanted |= {path for path in touched if is_source(path)}
        saved = [save.path for save in self._saves.settled(wanted, time.monotonic())]
        if not saved or self._interrupts:
            return
        self._saved += [path for path in saved if path not in self._saved]
        if self._running is None:
            self._start()
        elif self._kill_at is None:
            self._running.cancel()
            self._kill_at = time.monotonic() + GRACE_S

    def _start(self) -> None:
        if self._saved:
            self._screen.saved(self._saved)
        self._screen.wipe()
        self._saved, self._problem, self._kill_at = [], None, None
        self._running = self._next or Child(self._plan, self._events.put)
        self._next = None
        self._running.go()
        self._ahead_at = time.monotonic() + _AHEAD_S

    def _told(self, news: dict[str, Any]) -> None:
        """Take in what the run's process says: which files it is made of, what kept it from running."""
        loaded: dict[str, str] = news["files"]
        for path, digest in loaded.items():
            if path not in self._saved:
                # It may have been saved between its loading and this.
                self._saves.remember(path, digest)
        files = {*loaded, *self._extra}
        self._use(files | files_behind(files, self._roots))
        if "problem" in news:
            self._problem = news["problem"]
            # What is touched without a change mends nothing, nor does a file that is none of the flow's.
            self._saves.know(str(file) for folder in self._watch.folders for file in Path(folder).glob("*.py"))

    def _ended(self) -> Exit | None:
        assert self._running is not None
        code = self._running.code
        self._running = None
        self._kill_at = None
        if self._interrupts:
            return Exit.CANCELLED if code == Exit.CANCELLED else Exit.OK
        if self._saved:
            self._start()
            return None
        if self._problem is not None:
            self._screen.problem(self._problem)
        elif code not in _OWN_ENDS:
            self._screen.died(code)
        self._screen.waiting(len(self._files), self._watch.warning)
        self._ahead_at = time.monotonic()
        return None

    def _use(self, files: set[str]) -> None:
        """Watch these files from now on."""
        self._saves.know(files)
        self._files = files
        folders = {_existing(Path(file).parent.resolve()) for file in files}
        if self._watch.watch(str(folder) for folder in folders):
            # What happened before the watch began was told by nobody.
            self._events.put(("touched", (set(files), False)))

    def _interrupted(self, number: int) -> Exit | None:
        self._interrupts += 1
        if self._running is None:
            self._screen.wipe()
            return Exit.OK
        if self._interrupts > 1:
            self._running.kill()
            return Exit.KILLED
        if number != signal.SIGINT or not _is_of_terminal():
            self._running.cancel(number if number == signal.SIGTERM else signal.SIGINT)
        return None


def _existing(folder: Path) -> Path:
    """Give the folder, or the nearest one above it that is there."""
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))


def _is_of_terminal() -> bool:
    """Tell whether a Ctrl-C came from the terminal: then the run, which is in the same group, got it too."""
    try:
        with Path("/dev/tty").open("rb") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
