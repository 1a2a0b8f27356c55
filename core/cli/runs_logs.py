"""`flowctl runs logs`: the lines of a run, its subflows and tasks, and the new ones as they come."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from flowctl.core.cli.display_words import level_word
from flowctl.core.cli.exits import Exit
from flowctl.core.cli.faults import CommandError
from flowctl.core.cli.looking_back import open_reader
from flowctl.core.cli.naming import SourceNames, find_tasks
from flowctl.core.cli.output import make_console, to_json
from flowctl.core.cli.palette import ACCENT, PROBLEM, QUIET, WARNING
from flowctl.core.cli.safe_text import safe
from flowctl.core.cli.wording import clock, iso
from flowctl.core.engine.settings import LEVELS, nearest
from flowctl.store.catchup import catch_up
from flowctl.store.home import Home
from flowctl.store.queries import Reader
from flowctl.store.records import FlowRunRow, LogRow
from flowctl.store.states import FINAL
from flowctl.store.text import safe_text

#: How often a follower looks for new lines.
_LOOK_EVERY_S: Final = 0.2
#: Lines read at once, so that a run with millions of them needs no more memory than a small one.
_WINDOW: Final = 5_000
_STYLES: Final = {"DEBUG": QUIET, "INFO": ACCENT, "WARNING": WARNING, "ERROR": PROBLEM, "CRITICAL": f"bold {PROBLEM}"}
_SOURCE_WIDTH: Final = 20
#: Loggers through which flows and tasks speak themselves; others are named before their lines.
_OWN_LOGGERS: Final = "flowctl."


def print_logs(spec: str, *, follow: bool, level: str, task: str | None, as_json: bool) -> Exit:
    """Print log lines; with `follow`, until the run has ended or Ctrl-C."""
    least = LEVELS.get(level.upper(), int(level) if level.isdigit() else None)
    if least is None:
        raise CommandError(f"--level {level!r} is no level.{nearest(level.upper(), LEVELS)}")
    home = Home.default()
    with open_reader(home) as reader:
        run = reader.find_run(spec)
        tasks = None if task is None else {each.id for each in find_tasks(reader, run, task)}
        write = _json_line if as_json else Lines(SourceNames(reader, run), make_console()).write
        try:
            for line in log_lines(reader, run, least=least, pause=_pause(home) if follow else None):
                if tasks is None or line.task_run_id in tasks:
                    write(line)
        except KeyboardInterrupt:
            pass
    return Exit.OK


def log_lines(
    reader: Reader, run: FlowRunRow, *, least: int, pause: Callable[[], None] | None = None
) -> Iterator[LogRow]:
    """Yield a run's lines in order; with a `pause` between two looks, also those to come until the run has ended."""
    seq = 0
    while True:
        # Asked before the lines are read: what an ended run wrote is all there.
        is_final = pause is None or reader.flow_run(run.id).state_type in FINAL
        while window := reader.logs(run.id, tree=True, after_seq=seq, level=least, limit=_WINDOW):
            yield from window
            seq = window[-1].seq
        if is_final or pause is None:
            return
        pause()


class Lines:
    """Writes lines for people: time, level, whose it is, and the message with its further lines indented."""

    def __init__(self, names: SourceNames, console: Console) -> None:
        self._names = names
        self._console = console
        self._width = 0

    def write(self, line: LogRow) -> None:
        """Write one line of the log."""
        level = level_word(line.level)
        source = safe(self._names.of(line))
        # Grows with the longest name so far: a column that need not be known beforehand.
        self._width = min(max(self._width, source.cell_len), _SOURCE_WIDTH)
        source.truncate(self._width, overflow="ellipsis", pad=True)
        head = Text.assemble(
            (f"{clock(line.at)} ", QUIET), (f"{level:<8} ", _STYLES[level]), (source.plain, QUIET), "  "
        )
        first, *further = safe_text(line.message).split("\n")
        if not line.logger.startswith(_OWN_LOGGERS):
            head.append_text(safe(f"{line.logger}: ", QUIET))
        style = _STYLES[level] if line.level >= LEVELS["WARNING"] else ""
        self._console.print(head.append(first, style), soft_wrap=True)
        for rest in further:
            self._console.print(Text(" " * 13).append(rest, style), soft_wrap=True)
        if self._console.is_terminal:
            self._console.file.flush()


def _json_line(line: LogRow) -> None:
    sys.stdout.write(
        to_json(
            {
                "at": iso(line.at),
                "level": level_word(line.level),
                "level_number": line.level,
                "logger": line.logger,
                "message": line.message,
                "flow_run_id": line.flow_run_id,
                "task_run_id": line.task_run_id,
            },
            indent=None,
        )
        + "\n"
    )
    sys.stdout.flush()


def _pause(home: Home) -> Callable[[], None]:
    def pause() -> None:
        sys.stdout.flush()
        time.sleep(_LOOK_EVERY_S)
        catch_up(home)

    return pause
