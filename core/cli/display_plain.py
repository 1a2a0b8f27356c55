"""The display of a pipe or a file: one line for each event that matters, none that a line of the flow's could forge."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Final

from flowctl.core.cli.display_groups import Group, Run
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_problems import problem_text
from flowctl.core.cli.display_tree import retry_words
from flowctl.core.cli.display_words import (
    PROBLEMS,
    Glyphs,
    Line,
    clock,
    counts_line,
    duration,
    is_narration,
    level_word,
    number,
)
from flowctl.store.journal import FlowRunCreated, FlowRunState, LogLine, Record, TaskRunState
from flowctl.store.text import safe_text

#: Runs of one task that get a line each, unless a map makes them; after these come lines of progress.
_OWN_LINES: Final = 10
#: Problems of one group that get a line each.
_PROBLEM_LINES: Final = 20
_PROGRESS_S: Final = 1.0

Paint = Callable[[Line], str]


def bare(line: Line) -> str:
    """Write a line without colours."""
    return "".join(text for text, _ in line)


class Plain:
    """Writes lines as the run goes; `quiet` leaves only problems and the end."""

    wait_s = 0.1

    def __init__(
        self, model: RunModel, stream: IO[str], glyphs: Glyphs, *, is_quiet: bool = False, paint: Paint = bare
    ) -> None:
        self.model = model
        self.glyphs = glyphs
        self.is_quiet = is_quiet
        self.stream = stream
        self._paint = paint
        self._lines: list[str] = []
        #: Folded groups that moved since their last line of progress, and when that was.
        self._moved: dict[Group, int] = {}
        self._told: dict[Group, float] = {}
        self._shown_done: dict[Group, int] = {}

    def observe(self, record: Record, run: Run | None) -> None:
        """Write what one record is worth."""
        if isinstance(record, TaskRunState):
            if run is not None:
                self._task(record, run)
        elif isinstance(record, LogLine):
            self._log(record, run)
        elif isinstance(record, FlowRunState) and run is not None:
            self._flow(record, run)
        elif isinstance(record, FlowRunCreated) and record.run == 0 and not self.is_quiet:
            again = f", attempt {self.model.attempt}" if self.model.attempt > 1 else ""
            self.line(
                record.at, [("flow ", ""), *_named(run), (f" started  (run {record.id[:8]}{again})", "dim")], "running"
            )

    def refresh(self, now: float) -> None:
        """Tell the progress of folded groups, at most once a second each; write it all out."""
        due = [group for group in self._moved if now - self._told.get(group, group.started_at / 1e6) >= _PROGRESS_S]
        for group in due:
            self._progress(group, now)
        self.flush()

    def end(self, now: float, summary: list[Line]) -> None:
        for group in list(self._moved):
            self._progress(group, now)
        for line in summary:
            self.write(line)
        self.flush()

    def line(self, at: int, line: Line, word: str) -> None:
        self.write([(f"{clock(at)} ", "dim"), (f"{self.glyphs.of(word)} ", word), *line])

    def write(self, line: Line) -> None:
        self._lines.append(self._paint(line) + "\n")

    def flush(self) -> None:
        if self._lines:
            text, self._lines = "".join(self._lines), []
            self.stream.write(text)
            self.stream.flush()

    def _task(self, record: TaskRunState, run: Run) -> None:
        group, word = run.group, run.word
        if word == "retrying":
            if not self.is_quiet:
                self._retry(record, run)
            return
        if run.number in self.model.tasks:  # still open
            return
        is_problem = word in PROBLEMS
        is_folded = group.is_mapped or group.done > _OWN_LINES
        if is_folded and not self.is_quiet:
            self._moved[group] = record.at
        if is_problem and group.problem_count <= _PROBLEM_LINES:
            text = safe_text(problem_text(record.error, record.message), keep_newlines=False)
            tries = f" after {record.run_count} attempts" if record.run_count > 1 else ""
            self.line(record.at, [*_named(run), (f" {word}{tries}", word), (f"  {text}" if text else "", "")], word)
        elif not is_folded and not self.is_quiet and not is_problem:
            took = duration((record.at - run.started_at) / 1e6) if run.started_at else word
            self.line(record.at, [*_named(run), (f"  {took}", "dim")], word)

    def _retry(self, record: TaskRunState | FlowRunState, run: Run) -> None:
        wait = duration((run.due - record.at) / 1e6)
        text = safe_text(run.message, keep_newlines=False)
        self.line(
            record.at, [*_named(run), (f" {retry_words(run)} in {wait}", "retrying"), (f"  {text}", "")], "retrying"
        )

    def _flow(self, record: FlowRunState, run: Run) -> None:
        if self.is_quiet or (record.run == 0 and run.word != "retrying"):
            return  # the end of the root run is in the summary
        if run.word == "retrying":
            self._retry(record, run)
        elif run.word == "running":
            self.line(record.at, [("flow ", ""), *_named(run), (" started", "dim")], "running")
        else:
            took = duration((record.at - run.started_at) / 1e6) if run.started_at else ""
            error = problem_text(record.error, record.message) if run.word in PROBLEMS else ""
            text = safe_text(error, keep_newlines=False)
            self.line(
                record.at,
                [("flow ", ""), *_named(run), (f" {run.word}  {took}", run.word), (f"  {text}", "")],
                run.word,
            )

    def _log(self, record: LogLine, run: Run | None) -> None:
        if record.level < (30 if self.is_quiet else self.model.least_level) or is_narration(record):
            return
        level = level_word(record.level)
        source: Line = [] if run is None or run.number == 0 else [*_named(run), (" ", "")]
        first, *others = safe_text(record.message).split("\n")
        self.write([(f"{clock(record.at)} ", "dim"), (f"{level:<7} ", level), *source, (f"{self.bar} {first}", "")])
        for other in others:
            self.write([(" " * 9, ""), (f"{self.bar} {other}", "")])

    @property
    def bar(self) -> str:
        return self.glyphs.plain("│")

    def _progress(self, group: Group, now: float) -> None:
        del self._moved[group]
        if self._shown_done.get(group) == group.done:
            return
        self._shown_done[group] = group.done
        self._told[group] = now
        elapsed = group.elapsed_s(now)
        counts = counts_line(group.counts, self.glyphs, with_words=True)
        line: Line = [
            (safe_text(group.name, keep_newlines=False), "name"),
            (f"  {number(group.done)}/{number(group.total)}  ", ""),
        ]
        line += [*counts, (f"  {duration(elapsed or 0)}", "dim")]
        self.line(int(now * 1e6), line, group.word)


def _named(run: Run | None) -> Line:
    if run is None:
        return []
    name = safe_text(run.run_name, keep_newlines=False)
    group = safe_text(run.group.name, keep_newlines=False)
    return [(name if name.startswith(group) else f"{group}/{name}", "name")]
