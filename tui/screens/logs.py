"""The Logs screen: what all runs say, as it comes; and the log of one run on the whole screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from flowctl.tui.history import Place
from flowctl.tui.model.texts import Line
from flowctl.tui.screens.logging_view import LoggingView
from flowctl.tui.screens.taking import Yank
from flowctl.tui.widgets.log import LogPane


class LogsScreen(LoggingView):
    """The log of all runs."""

    SCOPE = "logs"
    AUTO_FOCUS = "#log"

    def body(self) -> Iterable[Widget]:
        yield LogPane("log of all runs", id="log")

    def on_mount(self) -> None:
        self.log_pane.empty = (
            (),
            (("   Nothing has been logged yet.", "title"),),
            (),
            (("   get_run_logger().info(…)", "accent"), (" in a flow or task writes here, as it happens.", "")),
            (("   print() does with ", ""), ("log_prints=True", "accent")),
        )

    @property
    def pane(self) -> LogPane:
        return self.log_pane

    @property
    def place(self) -> Place | None:
        return Place("logs")

    def ask(self) -> None:
        self.feed.look_at(None, (), "log of all runs")
        self.feed.ask()

    def crumbs(self) -> tuple[Line, Line]:
        return self.tabs("logs"), ()

    def action_move_open(self) -> None:
        """Open the run that said the line."""
        if (line := self.log_pane.line) is not None:
            self.flowctl.open_run(line.entry.row.flow_run_id, log_at=line.place)

    def action_move_next_problem(self) -> None:
        self.feed.next_problem(1)

    def action_move_previous_problem(self) -> None:
        self.feed.next_problem(-1)

    def action_find_problems(self) -> None:
        """Show only errors; the same key shows all again."""
        self.say(f"log: {self.feed.only_problems()}", "quiet")

    def action_look_times(self) -> None:
        """Count times from the first line that is here, or give the time of day."""
        pane = self.log_pane
        first = pane.log_view.lines[0].entry.row.at if pane.log_view.lines else None
        pane.since = None if pane.since is not None else first
        pane.refresh()

    def yanks(self) -> dict[str, Yank]:
        line = self.log_pane.line
        if line is None:
            return {}
        row = line.entry.row
        return {
            "l": Yank("line", line.text),
            "m": Yank("message", row.message),
            "i": Yank("run id", row.flow_run_id),
            "c": Yank("command", f"flowctl runs logs {row.flow_run_id[:8]}"),
        }

    def inspected(self) -> tuple[str, object] | None:
        line = self.log_pane.line
        return None if line is None else (f"log record {line.entry.seq}", line.entry.row)


class LogScreen(LogsScreen):
    """The log of one run, or of some of its tasks."""

    SCOPE = "log"

    def __init__(self, run_id: str, name: str, tasks: Sequence[int] = ()) -> None:
        super().__init__()
        self._run_id = run_id
        self._run_name = name
        self._tasks = tasks

    @property
    def place(self) -> Place | None:
        return None

    def ask(self) -> None:
        self.feed.look_at(self._run_id, self._tasks, f"log  {self._run_name}")
        self.feed.ask()

    def crumbs(self) -> tuple[Line, Line]:
        crumb = self.flowctl.ink.glyphs.crumb
        return ((f" Runs {crumb} {self._run_name} {crumb} ", "quiet"), ("log", "title")), ((" esc back ", "quiet"),)
