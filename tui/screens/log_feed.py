"""What a log pane shows: its end as lines come, what is before when one scrolls there, what fits a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from flowctl.tui.bridge import Question
from flowctl.tui.data.source import Source
from flowctl.tui.model.log_tally import Tally
from flowctl.tui.model.logs import LEVELS, LogView, Place
from flowctl.tui.model.snapshots import LogWindow
from flowctl.tui.model.texts import clock, counted, grouped
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.log import LogPane

_WINDOW: Final = 256
#: More lines with a text in them are not counted.
_MOST_MATCHES: Final = 10_000
#: Of one that is followed so many new lines are taken at once: half a second of what a busy run says.
_MOST_NEW: Final = 1024


class LogFeed:
    """Fills one pane of one screen."""

    def __init__(self, screen: View, pane: LogPane, title: str = "log") -> None:
        self._screen = screen
        self._pane = pane
        self._title = title
        self._run_id: str | None = None
        self._tasks: Sequence[int] = ()
        self._level = 0
        self._tail: Question[tuple[LogView, Place | None, LogWindow]] | None = None
        self._is_reading = False
        self._lines_missed = False
        #: How many lines, errors and warnings there are; None: not counted.
        self._tally: Tally | None = None

    @property
    def level_word(self) -> str:
        return next(word for level, word in LEVELS if level == self._level)

    def look_at(self, run_id: str | None, tasks: Sequence[int] = (), title: str = "log") -> None:
        """Show the log of a run, of some of its tasks, or (None) of all runs."""
        if self._tail is not None and (run_id, tuple(tasks)) == (self._run_id, tuple(self._tasks)):
            return
        self._run_id, self._tasks, self._title = run_id, tuple(tasks), title
        self._tally = None
        self.restart()

    def _count(self) -> None:
        run_id, tasks = self._run_id, self._tasks
        if run_id is None:
            return  # all logs of all runs are not worth counting

        def take(tally: Tally) -> None:
            if (run_id, tasks) == (self._run_id, self._tasks):
                self._tally = tally.with_entries(() if self._level else self._pane.log_view.entries)
                self.retitle()

        self._screen.bridge.once(lambda source: source.log_tally(run_id, tasks), take, is_slow=True)

    def restart(self) -> None:
        """Read from the end anew."""
        self._pane.show(LogView())
        self._pane.has_speaker = len(self._tasks) != 1
        self.ask()
        self._count()

    def ask(self) -> None:
        """Keep reading, as long as the screen is in front."""
        if self._tail is not None:
            self._screen.forget(self._tail)
        view = self._pane.log_view

        def read(source: Source) -> tuple[LogView, Place | None, LogWindow]:
            # Who does not follow looks at what is there; the end can wait.
            last = view.last
            return view, last, self._window(source, after=last, limit=_WINDOW if last is None else _MOST_NEW)

        self._tail = self._screen.watch_store(read, self._take, is_slow=self._is_filtered, is_log=True)
        self.retitle()

    @property
    def _is_filtered(self) -> bool:
        return bool(self._level or self._tasks)

    def next_level(self) -> str:
        """Ask for the next level up, after the highest for all; return its name."""
        levels = [level for level, _ in LEVELS]
        self._level = levels[(levels.index(self._level) + 1) % len(levels)]
        self.restart()
        return self.level_word

    def only_problems(self) -> str:
        """Ask for errors alone, or for all again; return which."""
        self._level = 0 if self._level == LEVELS[-1][0] else LEVELS[-1][0]
        self.restart()
        return self.level_word

    def follow(self) -> bool:
        """Follow the end, or stand still; tell which."""
        view = self._pane.log_view
        if view.follows:
            view.follows = False
        elif view.has_after or self._lines_missed:
            self.restart()
        else:
            view.follows = True
            self._pane.changed()
        self.retitle()
        return self._pane.log_view.follows

    def read_more(self, *, is_before: bool) -> None:
        """Read what is beyond one of the ends."""
        view = self._pane.log_view
        if self._is_reading or not (view.first and view.last):
            return
        self._is_reading = True
        first, last = view.first, view.last

        def take(window: LogWindow) -> None:
            self._is_reading = False
            if view is not self._pane.log_view:
                return
            self._pane.changed(view.prepend(window) if is_before else -view.append(window))
            self.retitle()

        self._screen.bridge.once(
            lambda source: self._window(source, before=first) if is_before else self._window(source, after=last),
            take,
            is_slow=self._is_filtered,
        )

    def search(self, text: str) -> None:
        """Search for a text; what is found is shown by `find`."""
        self._pane.search = text
        self._pane.refresh()

    def count_matches(self) -> None:
        """Say how many lines have the text that is searched for."""
        text, run_id, tasks, level = self._pane.search, self._run_id, self._tasks, self._level

        def take(count: int) -> None:
            if text == self._pane.search and count:
                many = f"{grouped(count)} or more lines" if count >= _MOST_MATCHES else counted(count, "line")
                self._screen.say(f"{many} with {text!r}   n N next, previous", "quiet")

        self._screen.bridge.once(
            lambda source: source.log_matches(run_id, text, level=level, tasks=tasks, most=_MOST_MATCHES),
            take,
            is_slow=True,
        )

    def find(self, step: int) -> None:
        """Go to the next or previous line with the text; where it is not at hand, it is looked for in the whole log."""
        pane, view = self._pane, self._pane.log_view
        if not pane.search:
            return
        found = view.next_match(pane.place, pane.search, step)
        if found is not None:
            pane.move_to(found)
            self.retitle()
            return
        line = pane.line
        if line is None:
            return
        self._jump(line.place, step, search=pane.search, level=self._level, missing=f"no other {pane.search!r}")

    def show_until(self, at: datetime | None) -> None:
        """Show what was said by an instant, of what is at hand; None: follow the end again."""
        self._pane.show_until(at)
        if at is None:
            self.restart()
        self.retitle()

    def next_problem(self, step: int) -> None:
        """Go to the next or previous error."""
        pane = self._pane
        found = pane.log_view.next_problem(pane.place, step)
        if found is not None:
            pane.move_to(found)
            self.retitle()
            return
        line = pane.line
        if line is not None:
            self._jump(line.place, step, search="", level=40, missing="no other error")

    def retitle(self) -> None:
        """Say in the frame how the log is shown."""
        pane, ink = self._pane, self._screen.flowctl.ink
        view = pane.log_view
        if pane.until is not None:
            pane.retitle(self._title, f"until {clock(pane.until)}")
            return
        follows = f"{ink.glyphs.alive} follow" if view.follows else "F follows" if self._lines_missed else "still"
        parts = [follows, self.level_word, "wrap" if pane.wraps else ""]
        parts += [self._tally.words(ink.glyphs)] if self._tally is not None else []
        pane.retitle(self._title, f" {ink.glyphs.dot} ".join(part for part in parts if part))

    def _jump(self, place: Place, step: int, *, search: str, level: int, missing: str) -> None:
        def read(source: Source) -> tuple[Place | None, LogWindow | None]:
            found = source.log_window(
                self._run_id,
                after=place if step > 0 else None,
                before=place if step < 0 else None,
                level=level,
                tasks=self._tasks,
                search=search,
                limit=1,
            )
            if not found.entries:
                return None, None
            entry = found.entries[0]
            return (entry.root, entry.seq), self._from(source, (entry.root, entry.seq))

        self._show_at(read, missing)

    def go_to(self, place: Place) -> None:
        """Show a place of the log and what comes behind it."""
        self._show_at(lambda source: (place, self._from(source, place)), "that line is gone")

    def _from(self, source: Source, place: Place) -> LogWindow:
        # One before it, so that it comes with the window behind it.
        return self._window(source, after=(place[0], place[1] - 1))

    def _show_at(self, read: Callable[[Source], tuple[Place | None, LogWindow | None]], missing: str) -> None:
        """Read a window, and put the cursor on a line of it."""

        def take(answer: tuple[Place | None, LogWindow | None]) -> None:
            where, window = answer
            if where is None or window is None:
                self._screen.say(missing, "quiet")
                return
            view = LogView()
            view.show(window)
            view.follows, view.has_before = False, True
            self._pane.show(view)
            self._pane.move_to(view.index_of(where))
            self.ask()

        self._screen.bridge.once(read, take, is_slow=True)

    def _window(
        self, source: Source, *, after: Place | None = None, before: Place | None = None, limit: int = _WINDOW
    ) -> LogWindow:
        return source.log_window(
            self._run_id, after=after, before=before, level=self._level, tasks=self._tasks, limit=limit
        )

    def _take(self, answer: tuple[LogView, Place | None, LogWindow]) -> None:
        view, last, window = answer
        if view is not self._pane.log_view:
            return
        self._pane.is_read = True
        if last is None:
            view.show(window)
            self._lines_missed = False
            self._pane.changed()
        elif view.last != last or not window.entries:
            return
        elif not view.follows:
            view.has_after = self._lines_missed = True
        elif window.has_after:
            # So much came at once that the end is farther off than anybody reads.
            self.restart()
        else:
            self._pane.changed(-view.append(window))
            if self._tally is not None and not self._level:
                self._tally = self._tally.with_entries(window.entries)
        self.retitle()
