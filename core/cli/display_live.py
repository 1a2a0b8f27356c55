"""The live display: a frame of the run's tree, redrawn at the bottom of the terminal and never taller than it."""

from __future__ import annotations

import json
import time
from typing import IO, TYPE_CHECKING, Final

from flowctl.core.cli.display_log import last_lines, log_rows
from flowctl.core.cli.display_model import RunModel
from flowctl.core.cli.display_region import Region
from flowctl.core.cli.display_tree import Row, retry_line, tree_rows
from flowctl.core.cli.display_words import Glyphs, Line, counts_line, duration
from flowctl.store.text import safe_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


#: The last frame stays in the terminal's history: it may show more than a screen, but not a whole program.
_LAST_FRAME_ROWS: Final = 60
#: A frame may take at most one part in so many of the time.
_SHARE: Final = 6
_FRAME_S: Final = 0.1


class Live:
    """Draws the model of a run until it ends."""

    #: It looks at the model alone, not at single records.
    observe = None

    def __init__(self, model: RunModel, stream: IO[str], glyphs: Glyphs) -> None:
        self.model = model
        self.glyphs = glyphs
        self.region = Region(stream)
        self.wait_s = _FRAME_S
        self._stream = stream
        self._console: Console | None = None

    def refresh(self, now: float) -> None:
        """Draw a frame; the next one comes later when drawing is dear."""
        started = time.perf_counter()
        self._draw(now)
        self.wait_s = max(_FRAME_S, (time.perf_counter() - started) * _SHARE)

    def end(self, now: float, summary: list[Line]) -> None:
        """Draw the last frame and leave it, with the last of the log and the summary under it."""
        if not self.model.root.total:  # nothing ever ran
            self.region.close()
            return
        from flowctl.core.cli.display_paint import ansi, folded

        console = self._ready()
        width, height = self.region.size()
        rows = tree_rows(self.model, self.glyphs, now, _LAST_FRAME_ROWS)
        texts = [self._text(row, width) for row in rows]
        # What stays is cut nowhere: log lines, tracebacks and results are folded.
        shown = [*last_lines(self.model, self.glyphs, height), *summary]
        if not rows and not shown[0]:
            shown = shown[1:]
        tail = [text for line in shown for text in folded(console, padded(line), width - 1)]
        self.region.finish([*ansi(console, texts), *ansi(console, tail)])

    def _draw(self, now: float) -> None:
        if self.region.is_lent:
            return
        from flowctl.core.cli.display_paint import ansi

        console = self._ready()
        width, height = self.region.size()
        rows = frame(self.model, self.glyphs, now, height - 1)
        texts = [self._text(row, width) for row in rows]
        self.region.draw(ansi(console, texts), [text.cell_len for text in texts])

    def _text(self, row: Row, width: int) -> Text:
        from flowctl.core.cli.display_paint import row_text

        return row_text(row, width, ellipsis=self.glyphs.plain("…"))

    def _ready(self) -> Console:
        if self._console is None:
            from flowctl.core.cli.display_paint import make_console

            self._console = make_console(self._stream)
        return self._console


def padded(line: Line) -> Line:
    """Put a line of the summary under the frame's margin."""
    return [(f" {line[0][0]}", line[0][1]), *line[1:]] if line else []


def frame(model: RunModel, glyphs: Glyphs, now: float, height: int) -> list[Row]:
    """Lay out the whole frame in at most `height` rows."""
    rows = [_title(model, glyphs, now)]
    footer = [_footer(model, glyphs)] if height >= 4 else []
    logs = log_rows(model, glyphs, height)
    room = height - len(rows) - len(footer) - len(logs)
    rows += [row._replace(depth=row.depth + 1) for row in tree_rows(model, glyphs, now, room)]
    return rows + logs + footer


def _title(model: RunModel, glyphs: Glyphs, now: float) -> Row:
    root = model.root
    word = root.word
    line: Line = [(glyphs.of(word, now), word), (" ", ""), (safe_text(root.name, keep_newlines=False), "title")]
    line.append((f"  {safe_text(root.run_name, keep_newlines=False)}", "dim"))
    if model.attempt > 1:
        line.append((f"  attempt {model.attempt}", "retrying"))
    if root.waiting:
        line += retry_line(next(iter(root.waiting.values())), now)
    elif parameters := parameters_text(model.parameters):
        line.append((f"  {parameters}", "dim"))
    elapsed = root.elapsed_s(now)
    return Row(0, line, "" if elapsed is None else duration(elapsed))


def parameters_text(parameters: str) -> str:
    """Write the parameters shortly: `day=2026-11-23 limit=20`."""
    try:
        given = json.loads(parameters)
    except ValueError:
        return ""
    pairs = (
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for name, value in given.items()
        if value is not None
    )
    return safe_text(" ".join(pairs)[:300], keep_newlines=False)


def _footer(model: RunModel, glyphs: Glyphs) -> Row:
    line = counts_line(model.counts, glyphs, with_words=False)
    return Row(0, line or [("no task yet", "dim")], "ctrl+c cancels" if model.spec == "-" else "ctrl+c leaves it alone")
