"""The linear display: one sentence for each change of state, without signs, for screen readers and for scripts."""

from __future__ import annotations

from typing import IO, Final

from flowctl.core.cli.display_groups import Run
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_plain import Paint, Plain, bare
from flowctl.core.cli.display_problems import problem_text
from flowctl.core.cli.display_words import OPEN, PROBLEMS, WORDS, Glyphs, Line, clock, is_narration, level_word, plural
from flowctl.store.journal import FlowRunCreated, FlowRunState, LogLine, Record, TaskRunState
from flowctl.store.text import safe_text

#: A wait is spoken of when it begins, and again when so many seconds are left.
_REMINDERS_S: Final = (3600, 600, 300, 60, 30, 10)
#: Waits that are spoken of again; a thousand of them would drown all else.
_MOST_REMINDED: Final = 5
_VERBS: Final = {
    "queued": "waits",
    "running": "is running",
    "paused": "is paused",
    "cached": "is taken from the cache",
    "cancelled": "is cancelled",
    "blocked": "does not run",
}
_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"))


class Linear(Plain):
    """Writes sentences; nothing is folded, and no sign stands for a word."""

    def __init__(
        self, model: RunModel, stream: IO[str], glyphs: Glyphs, *, is_quiet: bool = False, paint: Paint = bare
    ) -> None:
        super().__init__(model, stream, glyphs, is_quiet=is_quiet, paint=paint)
        #: Runs that wait for their next try, and how many seconds they were last said to wait.
        self._waits: dict[Run, float] = {}

    def observe(self, record: Record, run: Run | None) -> None:
        if run is None:
            return
        if isinstance(record, LogLine):
            if record.level >= (30 if self.is_quiet else self.model.least_level) and not is_narration(record):
                said = "; ".join(safe_text(record.message).split("\n"))
                source = f" from {_who(run)}" if run.number else ""
                self._say(record.at, f"{level_word(record.level).capitalize()}{source}: {said}")
        elif isinstance(record, (TaskRunState, FlowRunState)):
            self._state(record, run)
        elif isinstance(record, FlowRunCreated) and record.run == 0 and not self.is_quiet:
            again = f", attempt {self.model.attempt}" if self.model.attempt > 1 else ""
            self._say(record.at, f"{_begun(run)}, id {record.id[:8]}{again}")

    def refresh(self, now: float) -> None:
        """Say of long waits how long they still are."""
        for run, told_s in list(self._waits.items())[:_MOST_REMINDED]:
            left_s = run.due / 1e6 - now
            due = [reminder for reminder in _REMINDERS_S if left_s <= reminder <= told_s / 2]
            if due and left_s > 1:
                self._waits[run] = due[-1]
                self._say(int(now * 1e6), f"{_begun(run)} tries again in {spoken(left_s)}")
        self.flush()

    def end(self, now: float, summary: list[Line]) -> None:  # noqa: ARG002 - the shape of a display
        """Write the summary, its signs left out."""
        signs = {self.glyphs.of(word) for word in WORDS}
        for line in summary:
            spans = [span for span in line if span[0].strip() not in signs]
            if spans:
                text, style = spans[0]
                is_label = style == "dim" and text.startswith("  ") and text.strip()
                spans[0] = (f"{text.strip()}: " if is_label else text.lstrip(), style)
            self.write(spans)
        self.flush()

    def _state(self, record: TaskRunState | FlowRunState, run: Run) -> None:
        word = run.word
        self._waits.pop(run, None)
        if self.is_quiet and word not in PROBLEMS:
            return
        if isinstance(record, FlowRunState) and record.run == 0 and word not in OPEN:
            return  # the end of the root run is in the summary
        text = safe_text(problem_text(record.error, record.message), keep_newlines=False)
        why = f": {text}" if text and word not in ("running", "completed", "cached") else ""
        if word == "retrying":
            wait_s = (run.due - record.at) / 1e6
            self._waits[run] = wait_s
            tries = f"{run.run_count + 1} of {run.retries + 1}" if run.retries else f"{run.run_count + 1}"
            self._say(record.at, f"{_begun(run)} tries again in {spoken(wait_s)}, try {tries}{why}")
            return
        more = ""
        if word == "running" and record.run_count > 1:
            more = f", try {record.run_count}"
        elif word not in OPEN and run.started_at:
            more = f" after {spoken((record.at - run.started_at) / 1e6)}"
        self._say(record.at, f"{_begun(run)} {_VERBS.get(word, word)}{more}{why}")

    def _say(self, at: int, sentence: str) -> None:
        self.write([(f"{clock(at)} {sentence}{'' if sentence.endswith(('.', '!', '?')) else '.'}", "")])


def spoken(seconds: float) -> str:
    """Write a duration in words: `0.4 seconds`, `41 seconds`, `1 minute 40 seconds`, `2 hours 5 minutes`."""
    if seconds < 9.95:
        tenths = f"{max(seconds, 0.0):.1f}".removesuffix(".0")
        return "1 second" if tenths == "1" else "less than 0.1 seconds" if tenths == "0" else f"{tenths} seconds"
    whole = round(seconds)
    for place, (length, unit) in enumerate(_UNITS):
        if whole >= length:
            smaller, name = _UNITS[place + 1] if place + 1 < len(_UNITS) else (1, "second")
            rest = whole % length // smaller
            return plural(whole // length, unit) + (f" {plural(rest, name)}" if rest else "")
    return plural(whole, "second")


def _who(run: Run) -> str:
    group = safe_text(run.group.name, keep_newlines=False)
    name = safe_text(run.run_name, keep_newlines=False)
    kind = "flow" if run.group.is_flow else "task"
    return f"{kind} {name}" if name.startswith(group) else f"{kind} {group} ({name})"


def _begun(run: Run) -> str:
    who = _who(run)
    return who[0].upper() + who[1:]
