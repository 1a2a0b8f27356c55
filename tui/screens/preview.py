"""What the list says of the run under its cursor without a key press: its tasks, its trouble, its last words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from flowctl.tui.bridge import Question
from flowctl.tui.model.glyphs import OPEN, PROBLEMS, Glyphs
from flowctl.tui.model.logs import level_of
from flowctl.tui.model.retry_words import next_flow_try, next_try, next_try_briefly
from flowctl.tui.model.runs_lines import durations, run_took_s, shown_word, strip, why, word_of_run
from flowctl.tui.model.snapshots import ListedRun, LogWindow, PastRun, RunDetail
from flowctl.tui.model.texts import Line, clock, countdown, counted, fit, left_of, round_duration, short_duration
from flowctl.tui.model.waterfall import Waterfall
from flowctl.tui.model.waterfall_lines import chain, drawing, named, row_line
from flowctl.tui.screens.view import View

#: Reading more tasks than these for a glance is not worth it.
_MOST_TASKS: Final = 3000
_LOG_LINES: Final = 16
#: So many former runs of the flow are drawn.
LATEST: Final = 14
#: Below it, log lines do not name who says them.
_SPEAKERS_FROM: Final = 50


class Preview:
    """The run that the cursor rests on; it is read anew as long as it is looked at.

    What it takes in is drawn with all other news, once all of them have been told.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._row: ListedRun | None = None
        self._detail: RunDetail | None = None
        self._waterfall: Waterfall | None = None
        self._log: LogWindow | None = None
        self._latest: tuple[PastRun, ...] = ()
        self._questions: list[Question[Any]] = []  # one of details, one of logs

    def look_at(self, row: ListedRun | None) -> None:
        """Read about another run."""
        if row is not None and self._row is not None and row.id == self._row.id:
            self._row = row
            return
        self._row = row
        self._detail = self._waterfall = self._log = None
        self._latest = ()
        self.ask()

    def ask(self) -> None:
        """Ask about the run that is looked at."""
        for question in self._questions:
            self._view.forget(question)
        self._questions.clear()
        row = self._row
        if row is None:
            return
        run_id = row.id
        if sum(row.run.task_counts.values()) <= _MOST_TASKS:
            self._questions.append(
                self._view.watch_store(lambda source: source.run_detail(run_id, self._known(run_id)), self._take)
            )
        self._questions.append(
            self._view.watch_store(
                lambda source: source.log_window(run_id, limit=_LOG_LINES), self._take_log, is_log=True
            )
        )
        flow = row.run.flow_name
        self._questions.append(self._view.watch_store(lambda source: source.latest_of(flow, LATEST), self._take_latest))

    @property
    def is_live(self) -> bool:
        """Whether it moves with the clock."""
        return self._row is not None and not self._row.run.is_final

    def title(self, glyphs: Glyphs, now: datetime, width: int) -> tuple[str, str]:
        """Name the run, and say how it is getting on; in a narrow frame by its sign alone."""
        if self._row is None:
            return "", ""
        run = self._row.run
        word, took = shown_word(self._row), run_took_s(run, now)
        name = f"{run.flow_name} / {run.name}"
        if width < _SPEAKERS_FROM:
            aside = glyphs.states[word] if took is None else f"{glyphs.states[word]} {short_duration(took)}"
            room = width - len(aside) - 4
            return (name if len(name) <= room else run.name if len(run.name) <= room else fit(name, room)), aside
        aside = word if took is None else f"{word} {short_duration(took)}"
        usual = None if self._detail is None else self._detail.typical_s
        if word in OPEN and took is not None and usual:
            aside += f" {glyphs.dot} " + (
                left_of(usual - took) if took <= usual else f"usually {round_duration(usual)}"
            )
        return name, aside

    def lines(self, width: int, height: int, now: datetime, glyphs: Glyphs, *, step: int) -> list[Line]:
        """Write as much as there is room for."""
        if self._row is None:
            return []
        run = self._row.run
        lines: list[Line] = []
        if height >= 10 and run.parameters:
            text = " ".join(f"{name}={value!r}" for name, value in run.parameters.items())
            lines += [((text, "quiet"),), ()]
        if self._waterfall is not None and height >= 10:
            lines += self._tree(width, height // 2, now, glyphs, step)
            lines.append(())
        elif self._waterfall is not None:
            lines.append(((" ", ""), *chain(self._waterfall, width - 1, now, glyphs=glyphs, step=step)))
        lines += self._trouble(now, glyphs, is_brief=width < _SPEAKERS_FROM)
        if height >= 10:
            lines.append(())
        past = (
            past_lines(self._latest, None if self._detail is None else self._detail.typical_s, glyphs)
            if height >= 20
            else []
        )
        lines += self._words(max(0, height - len(lines) - len(past)), glyphs, is_brief=width < _SPEAKERS_FROM)
        lines += [()] * (height - len(lines) - len(past))
        return lines + past

    def _known(self, run_id: str) -> RunDetail | None:
        known = self._detail
        return known if known is not None and known.run.id == run_id else None

    def _take(self, detail: RunDetail) -> None:
        if self._row is None or detail.run.id != self._row.id:
            return
        self._detail = detail
        if self._waterfall is None:
            self._waterfall = Waterfall(detail)
        else:
            self._waterfall.update(detail)

    def _take_latest(self, latest: tuple[PastRun, ...]) -> None:
        self._latest = latest

    def _take_log(self, log: LogWindow) -> None:
        self._log = log

    def _tree(self, width: int, height: int, now: datetime, glyphs: Glyphs, step: int) -> list[Line]:
        assert self._waterfall is not None
        picture = drawing(self._waterfall, width, now, glyphs=glyphs, step=step, is_brief=width < 60)
        rows = self._waterfall.rows[1:]
        lines: list[Line] = [row_line(self._waterfall, node, picture) for node in rows[:height]]
        if len(rows) > height:
            lines[-1] = ((f"  {glyphs.cut} {counted(len(rows) - height + 1, 'more row')}", "quiet"),)
        return lines

    def _trouble(self, now: datetime, glyphs: Glyphs, *, is_brief: bool) -> list[Line]:
        """Say what is wrong: the error of the run or of its first failed task, or the try that is due next."""
        assert self._row is not None
        run = self._row.run
        if shown_word(self._row) in ("retrying", "queued") and (run.due_at is not None or self._row.waits_for_slot):
            return [_waits(self._row, now, glyphs)]
        if run.error is not None:
            return [_error(run.flow_name, word_of_run(run), run.error.type_name, run.error.text, glyphs)]
        if self._detail is None:
            return []
        waiting = [task for task in self._detail.tasks.values() if task.due_at is not None and not task.is_final]
        if waiting:
            task = min(waiting, key=lambda each: each.due_at or now)
            assert task.due_at is not None
            last = next((each.error for each in reversed(task.attempts) if each.error), None)
            said = "" if last is None else f"  {last.type_name}: {_first(last.text)}"
            left = countdown((task.due_at - now).total_seconds())
            due = next_try_briefly(task, now) if is_brief else f"{next_try(task)} in {left}"
            return [((f" {glyphs.states['retrying']} {named(task)} {due}", "retrying"), (said, ""))]
        failed = next((task for task in self._detail.tasks.values() if task.error is not None), None)
        if failed is None or failed.error is None:
            return []
        return [_error(named(failed), "failed", failed.error.type_name, failed.error.text, glyphs)]

    def _words(self, height: int, glyphs: Glyphs, *, is_brief: bool) -> list[Line]:
        if self._log is None or height <= 0:
            return []
        lines: list[Line] = []
        for entry in self._log.entries[-height:]:
            level = entry.row.level
            look = "error" if level >= 40 else "warning" if level >= 30 else ""
            # Of a mapped task the index tells enough where there is little room.
            index = entry.speaker[entry.speaker.rfind("[") :] if entry.speaker.endswith("]") else ""
            who = f"{index} " if is_brief and index else "" if is_brief else f"{entry.speaker}  "
            sign = glyphs.states["failed"] if look == "error" else "!" if look else glyphs.dot
            said = f"{sign} " if is_brief else f"{level_of(level)[0]:<5} "
            lines.append(
                (
                    (f" {clock(entry.row.at)} ", "quiet"),
                    (said, look or "quiet"),
                    (who, "quiet"),
                    (_first(entry.row.message), look),
                )
            )
        return lines


def _waits(row: ListedRun, now: datetime, glyphs: Glyphs) -> Line:
    """Say what a run as a whole waits for: its own next try, or a slot of a limit."""
    word, due = shown_word(row), row.run.due_at
    said = why(row, now, None)
    if due is not None:
        left = countdown((due - now).total_seconds())
        return (
            (f" {glyphs.states[word]} {row.run.flow_name} {next_flow_try(row.run)} in {left}", word),
            (f"  {said}", ""),
        )
    return ((f" {glyphs.states[word]} ", word), (said, word))


def past_lines(latest: Sequence[PastRun], typical_s: float | None, glyphs: Glyphs) -> list[Line]:
    """Draw the latest runs of a flow: how they ended, and how long they took."""
    if not latest:
        return []
    usual = "" if typical_s is None else f"  p50 {round_duration(typical_s)}"
    return [
        ((f" last {counted(len(latest), 'run')}", "title"),),
        ((" ", ""), *strip(latest, len(latest), glyphs)),
        ((f" {durations(latest, len(latest), glyphs)}", "quiet"), (usual, "quiet")),
    ]


def _error(name: str, word: str, type_name: str, text: str, glyphs: Glyphs) -> Line:
    sign = glyphs.states[word if word in PROBLEMS else "failed"]
    return ((f" {sign} {name} ", "problem"), (f" {type_name}: ", "failed"), (_first(text), ""))


def _first(text: str) -> str:
    return text.split("\n", 1)[0]
