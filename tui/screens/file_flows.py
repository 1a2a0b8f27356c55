"""The flows of one file: where each stands, how its latest runs went; from here one is run, edited, looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any, Final, cast

from textual import on
from textual.widget import Widget

from flowctl.tui.model import runs_lines
from flowctl.tui.model.files import FileState, ListedFile
from flowctl.tui.model.glyphs import word_of
from flowctl.tui.model.snapshots import FlowSummary
from flowctl.tui.model.texts import Line, Span, counted, fit, round_duration, short_duration, when
from flowctl.tui.screens.taking import SourcePlace, Yank
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

_STRIP: Final = 20


class FileFlowsScreen(View):
    """The flows of a file that is watched, or that runs are on record of."""

    SCOPE = "file"

    def __init__(self, file: ListedFile) -> None:
        super().__init__()
        self._file = file
        self._flows: tuple[FlowSummary, ...] = ()
        self._text = ""
        self._sort = "name"
        self._is_reversed = False

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
        self._show()

    def _show(self) -> None:
        folded = self._text.lower()
        shown = [flow for flow in self._flows if folded in f"{flow.name} {flow.file or ''}".lower()]
        shown.sort(key=_SORTS[self._sort], reverse=self._is_reversed)
        self.rows.put(shown)
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

    def action_find_search(self) -> None:
        before = self._text
        self.type_into(
            "#note",
            before,
            placeholder="part of a name or file",
            typed=self._filter,
            dropped=lambda: self._filter(before),
        )

    def _filter(self, text: str) -> None:
        self._text = text
        self._show()

    def clear_something(self) -> bool:
        had, self._text = bool(self._text), ""
        if had:
            self._show()
        return had

    def action_find_sort(self) -> None:
        names = list(_SORTS)
        self._sort = names[(names.index(self._sort) + 1) % len(names)]
        self._show()

    def action_find_reverse(self) -> None:
        self._is_reversed = not self._is_reversed
        self._show()

    def action_move_next_problem(self) -> None:
        self._to_problem(1)

    def action_move_previous_problem(self) -> None:
        self._to_problem(-1)

    def _to_problem(self, step: int) -> None:
        rows, here = self.rows.rows, self.rows.place
        for distance in range(1, len(rows) + 1):
            place = (here + step * distance) % len(rows)
            if rows[place].latest and word_of(rows[place].latest[-1].state_type, rows[place].latest[-1].state_name) in (
                "failed",
                "crashed",
            ):
                self.rows.move_to(place)
                return
        self.say("the latest run of each flow went well", "quiet")

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
        return place, ((f"{counted(len(self.rows.rows), 'flow')} · sort {self._sort} ", "quiet"),)

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


_SORTS: Final[dict[str, Callable[[FlowSummary], Any]]] = {  # what sorts is text or a number
    "name": lambda flow: flow.name.lower(),
    "newest": lambda flow: -flow.latest[-1].created_at.timestamp() if flow.latest else 0.0,
    "ok": lambda flow: 2.0 if flow.ok_ratio is None else flow.ok_ratio,
    "typical": lambda flow: -(flow.typical_s or 0.0),
}


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
