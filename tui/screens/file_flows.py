"""The flows of one file: where each stands, how its latest runs went; from here one is run, edited, looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any, ClassVar, Final, cast

from textual import on
from textual.widget import Widget

from flowctl.tui.model import runs_lines
from flowctl.tui.model.files import FileState, ListedFile
from flowctl.tui.model.glyphs import PROBLEMS, word_of
from flowctl.tui.model.snapshots import FlowSummary
from flowctl.tui.model.texts import Line, Span, counted, fit, round_duration, short_duration, when
from flowctl.tui.screens.filtered_list import FilteredList
from flowctl.tui.screens.taking import SourcePlace, Yank
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

_STRIP: Final = 20

_SORTS: Final[dict[str, Callable[[FlowSummary], Any]]] = {  # what sorts is text or a number
    "name": lambda flow: flow.name.lower(),
    "newest": lambda flow: -flow.latest[-1].created_at.timestamp() if flow.latest else 0.0,
    "ok": lambda flow: 2.0 if flow.ok_ratio is None else flow.ok_ratio,
    "typical": lambda flow: -(flow.typical_s or 0.0),
}
#: How the heading of a column begins -> the order that goes by it.
_HEADINGS: Final = {"FLOW": "name", "TYPICAL": "typical", "OK": "ok", "LATEST": "newest"}


class FileFlowsScreen(FilteredList[FlowSummary]):
    """The flows of a file that is watched, or that runs are on record of."""

    SCOPE = "file"
    FILTER_HINT = "part of a name or file"
    ALL_WELL = "the latest run of each flow went well"
    SORTS: ClassVar = _SORTS
    HEADINGS: ClassVar = _HEADINGS

    def __init__(self, file: ListedFile) -> None:
        super().__init__()
        self._file = file
        self._flows: tuple[FlowSummary, ...] = ()

    def body(self) -> Iterable[Widget]:
        yield RowPane[FlowSummary](
            "flows",
            key_of=lambda flow: flow.name,
            draw=self._draw,
            head=self._head,
            version_of=lambda flow: flow,
            is_ruled=False,
            id="main",
        )
        yield TextPane("latest runs", id="latest")

    @property
    def rows(self) -> RowPane[FlowSummary]:
        """The list."""
        return cast("RowPane[FlowSummary]", self.query_one("#main"))  # as `body` makes it

    def ask(self) -> None:
        self.watch_store(lambda source: source.flows(), self._take, is_slow=True)

    def _take(self, flows: tuple[FlowSummary, ...]) -> None:
        self._flows = _of_file(self._file, flows)
        self.rows.empty = [(), (("   No flows stand in it.", "title"),)]
        self.show_rows()

    def show_rows(self) -> None:
        self.put(self._flows)
        self._show_latest()
        self.refresh_lines()

    @on(RowPane.Moved, "#main")
    def _show_latest(self) -> None:
        pane, flow = self.query_one("#latest", TextPane), self.rows.row
        glyphs, now = self.flowctl.ink.glyphs, self.flowctl.clock()
        if flow is None:
            pane.retitle("latest runs", "")
            pane.put([])
            return
        pane.retitle(flow.name, "" if flow.file is None else f"{_short(flow.file)}:{flow.line or 1}")
        lines: list[Line] = [
            (
                (f" {runs_lines.durations(flow.latest, _STRIP, glyphs).strip()} ", "quiet"),
                (f" usually {round_duration(flow.typical_s, dash=glyphs.dash)}", "quiet"),
            )
        ]
        for run in reversed(flow.latest):
            word = word_of(run.state_type, run.state_name)
            took = short_duration(run.took_s, dash=glyphs.dash)
            lines.append(
                (
                    (f" {glyphs.states[word]} {fit(word, 11)}", word),
                    (fit(took, 7, align="right"), ""),
                    (f"   {when(run.created_at, now)}   ", "quiet"),
                    (run.id[:8], "quiet"),
                )
            )
        pane.put(lines)

    @on(RowPane.Opened, "#main")
    def action_move_open(self) -> None:
        """Show the runs of the flow."""
        if (flow := self.rows.row) is not None:
            self.flowctl.show_runs(f'flow:"{flow.name}"')

    def action_act_run(self) -> None:
        """Open the form for the flow: of the file as it is watched, else of its latest run."""
        flow = self.rows.row
        if flow is None:
            self.say("nothing is chosen", "quiet")
            return
        known = next((each for each in self._file.flows if each.name == flow.name), None)
        if known is not None and self._file.state is not FileState.UNWATCHED:
            self.open_file_form(self._file.key, known.attribute)
        elif flow.latest:
            self.open_run_form(flow.latest[-1].id)

    def words_of(self, row: FlowSummary) -> str:
        return f"{row.name} {row.file or ''}"

    def is_problem(self, row: FlowSummary) -> bool:
        latest = row.latest[-1] if row.latest else None
        return latest is not None and word_of(latest.state_type, latest.state_name) in PROBLEMS

    def yanks(self) -> dict[str, Yank]:
        flow = self.rows.row
        if flow is None:
            return {}
        yanks = {"i": Yank("name", flow.name)}
        if flow.file is not None:
            yanks |= {
                "l": Yank("place", f"{flow.file}:{flow.line or 1}"),
                "c": Yank("command", f"flowctl run {flow.file}:{flow.name}"),
            }
        return yanks

    def source_place(self) -> SourcePlace | None:
        flow = self.rows.row
        return None if flow is None or flow.file is None else SourcePlace(flow.file, flow.line or 1)

    def inspected(self) -> tuple[str, object] | None:
        flow = self.rows.row
        return None if flow is None else (flow.name, flow)

    def crumbs(self) -> tuple[Line, Line]:
        place = (" Flows › ", "quiet"), (_short(self._file.path), "title")
        return place, ((f"{counted(len(self.rows.rows), 'flow')} · {self.order} ", "quiet"),)

    def _head(self, width: int) -> Line:
        name, file = _columns(width)
        text = f"  {fit('FLOW', name)}{fit('FILE', file)}{'TYPICAL':>8}{'OK':>6}  LATEST"
        return ((text, "quiet"),)

    def _draw(self, flow: FlowSummary, look: RowLook) -> Line:
        name, file = _columns(look.width)
        glyphs = self.flowctl.ink.glyphs
        place = "" if flow.file is None else f"{_short(flow.file)}:{flow.line or 1}"
        ok = "" if flow.ok_ratio is None else f"{flow.ok_ratio:.0%}"
        spans: list[Span] = [
            (f"{glyphs.cursor if look.is_cursor else ' '} ", "accent"),
            (fit(flow.name, name - 1, cut=glyphs.cut) + " ", "title" if look.is_cursor else ""),
            (fit(place, file - 1, cut=glyphs.cut) + " " if file else "", "quiet"),
            (fit(round_duration(flow.typical_s, dash=glyphs.dash), 8, align="right"), ""),
            (fit(ok, 6, align="right"), "failed" if flow.ok_ratio is not None and flow.ok_ratio < 0.5 else ""),
            ("  ", ""),
        ]
        return (*spans, *runs_lines.strip(flow.latest, _STRIP, glyphs))


def _of_file(file: ListedFile, ran: Iterable[FlowSummary]) -> tuple[FlowSummary, ...]:
    """Give the flows that stand in a file, those that never ran too."""
    known = {flow.name: flow for flow in ran if file.state is FileState.UNWATCHED or flow.file == file.path}
    return tuple(
        known.get(flow.name)
        or FlowSummary(name=flow.name, file=file.path, line=flow.line, latest=(), typical_s=None, ok_ratio=None)
        for flow in file.flows
    )


def _columns(width: int) -> tuple[int, int]:
    room = max(width - 2 - 14 - 2 - _STRIP, 10)
    if room < 30:
        return room, 0
    name = min(max(room // 2, 14), 32)
    return name, min(room - name, 48)


def _short(file: str) -> str:
    return "/".join(PurePath(file).parts[-2:])
