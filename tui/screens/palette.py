"""The command palette: all that a key does here, themes, and what there is by name, found by typing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple, cast

from textual import on
from textual.widget import Widget

from flowctl.tui.model.files import FilesPage
from flowctl.tui.model.keys import keys_of, palette_of
from flowctl.tui.model.plans import ListedDeployment
from flowctl.tui.model.snapshots import FlowSummary, RunsPage
from flowctl.tui.model.texts import Line, fit
from flowctl.tui.model.themes import THEMES
from flowctl.tui.screens.beginning import entries
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.bar import Bar
from flowctl.tui.widgets.rows import RowLook, RowPane

#: Older ones are opened by typing their names whole.
_LATEST_RUNS: Final = 50


class Entry(NamedTuple):
    """One thing to do."""

    title: str
    keys: str
    do: Callable[[], object]
    #: Its id in the table of keys, and the command that does the same.
    id: str = ""
    command: str = ""

    @property
    def words(self) -> str:
        """What is searched."""
        return f"{self.title} {self.keys} {self.id} {self.command}".lower()


class PaletteScreen(View):
    """Commands for another screen."""

    SCOPE = "system"
    IS_PASSING = True

    def __init__(self, of: View) -> None:
        super().__init__()
        self._of = of
        self._typed = ""
        app = of.flowctl
        targets = of.targets()
        name = targets[0].name if targets else "RUN"
        self._entries = [
            Entry(
                title=each.title,
                keys=keys_of(each, is_ascii=app.ink.is_ascii),
                do=partial(of.call_later, of.run_action, each.action),
                id=each.id,
                command=each.command.replace("{run}", name),
            )
            for each in palette_of(of.bindings, of.SCOPE)
        ]
        self._entries += commands_of(of)

    def body(self) -> Iterable[Widget]:
        yield Bar(id="query")
        yield RowPane[Entry]("commands", key_of=lambda row: row.title, draw=self._draw, is_ruled=False, id="main")

    def ask(self) -> None:
        """Ask what there is to go to; each thing is found by its name."""
        self.bridge.once(lambda source: source.deployments(), self._take_deployments, is_slow=True)
        self.bridge.once(lambda source: source.flows(1), self._take_flows, is_slow=True)
        self.bridge.once(lambda source: source.files_page(), self._take_files, is_slow=True)
        self.bridge.once(lambda source: source.runs_page(limit=_LATEST_RUNS), self._take_runs)

    def _take_deployments(self, deployments: Sequence[ListedDeployment]) -> None:
        app = self._of.flowctl
        self._add(Entry(f"deployment {each.name}", "", partial(app.open_deployment, each.key)) for each in deployments)

    def _take_flows(self, flows: Sequence[FlowSummary]) -> None:
        app = self._of.flowctl
        self._add(
            Entry(f"flow {each.name}: its runs", "", partial(app.show_runs, f'flow:"{each.name}"')) for each in flows
        )

    def _take_files(self, page: FilesPage) -> None:
        app = self._of.flowctl
        self._add(Entry(f"file {each.path}", "", partial(app.open_file, each.key)) for each in page.files)

    def _take_runs(self, page: RunsPage) -> None:
        app = self._of.flowctl
        self._add(
            Entry(f"run {row.run.name} of {row.run.flow_name}", row.id[:8], partial(app.open_run, row.id))
            for row in page.rows
        )

    def _add(self, entries: Iterable[Entry]) -> None:
        """Offer more, without moving the cursor from what it is on."""
        self._entries += entries
        if self.stands:
            self._put()

    @property
    def is_filled(self) -> bool:
        """Whether it can be typed into: that is all it is for."""
        return self.is_typing

    def on_mount(self) -> None:
        self._filter("")
        self.call_after_refresh(self.action_find_search)

    @property
    def rows(self) -> RowPane[Entry]:
        """The commands."""
        return cast("RowPane[Entry]", self.query_one("#main"))  # as `body` makes it

    def action_find_search(self) -> None:
        self.type_into(
            "#query", "", placeholder="what to do; the name of a run, a flow, a deployment", typed=self._filter,
            entered=self._entered, dropped=self.leave,
        )  # fmt: skip

    def _filter(self, text: str) -> None:
        self._typed = text
        self._put()
        self.rows.move_to(0)

    def _put(self) -> None:
        text = self._typed
        rows = best_of(self._entries, text.lower())
        if len(text) >= 2:
            rows.append(Entry(f"open the run {text!r}", "", lambda: self._of.flowctl.open_by_name(text)))
        self.rows.put(rows)

    def _entered(self, _text: str) -> None:
        self.action_move_open()

    @on(RowPane.Opened, "#main")
    def action_move_open(self) -> None:
        """Close the palette and do it."""
        row = self.rows.row
        self.flowctl.pop_screen()
        if row is not None:
            row.do()

    def crumbs(self) -> tuple[Line, Line]:
        return ((" Commands", "title"),), ((" esc closes ", "quiet"),)

    def _draw(self, row: Entry, look: RowLook) -> Line:
        glyphs = self.flowctl.ink.glyphs
        command = 34 if look.width >= 90 else 0
        width = max(10, look.width - 19 - command)
        return (
            (f"{glyphs.cursor if look.is_cursor else ' '} ", "accent"),
            (fit(row.title, width, cut=glyphs.cut), "title" if look.is_cursor else ""),
            (fit(row.command, command - 1, cut=glyphs.cut) + " " if command else "", "quiet"),
            (fit(row.keys, 16, cut=glyphs.cut), "accent"),
        )


def commands_of(of: View) -> list[Entry]:
    """Give what can be done on a screen without a key of its own."""
    app = of.flowctl
    return [
        *(Entry(title, "", partial(of.call_later, do)) for title, do in entries(of)),
        *(Entry(f"theme: {theme.title}", name, partial(app.restyle, name)) for name, theme in THEMES.items()),
    ]


def best_of(entries: Sequence[Entry], typed: str) -> list[Entry]:
    """Find what fits: what has every word, titles that begin so first; then what has the letters in their order."""
    words, letters = typed.split(), typed.replace(" ", "")
    whole: list[Entry] = []
    others: list[Entry] = []
    for each in entries:
        (whole if all(word in each.words for word in words) else others).append(each)
    whole.sort(key=lambda each: not each.title.lower().startswith(typed))
    if len(letters) < 2:
        return whole
    # Up to the next of each letter there is one way only: nothing to try again, however long a title is.
    in_order = re.compile("".join(f"[^{re.escape(letter)}]*{re.escape(letter)}" for letter in letters))
    return [*whole, *(each for each in others if in_order.match(each.title.lower()))]
