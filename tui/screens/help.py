"""The Help screen: the keys that work on the screen one came from, found by typing; enter does what a key would do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Final

from textual import on
from textual.containers import Container
from textual.events import Key, Paste
from textual.widget import Widget

import flowctl
from flowctl.store.text import safe_text
from flowctl.tui.keymap import keys_file
from flowctl.tui.model import help_words
from flowctl.tui.model.help_rows import (
    Cell,
    HelpRow,
    Spot,
    beside,
    cell_line,
    columns_for,
    columns_of,
    first_spot,
    found_column,
    last_spot,
    next_spot,
    widths_of,
)
from flowctl.tui.model.help_words import SECTIONS
from flowctl.tui.model.keys import Binding, help_of, is_typed
from flowctl.tui.model.texts import Line
from flowctl.tui.screens.palette import commands_of
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.column import ColumnPane
from flowctl.tui.widgets.pane import BOX_WIDTH, TextPane

_IDS: Final = ("main", "column1", "column2")
_PAGE: Final = 10
_LONGEST: Final = 200


class HelpScreen(View):
    """The keys of another screen."""

    SCOPE = "help"
    IS_PASSING = True
    CAN_RECONNECT = False  # what is typed is searched

    def __init__(self, of: View) -> None:
        super().__init__()
        self._of = of
        self._search = ""
        self._section = 0
        self._columns: list[list[Cell]] = []
        #: The group that each column begins with.
        self._titles: list[str] = []
        self._spot = Spot(0, -1)
        #: Words of a command -> what does it.
        self._commands: dict[str, Callable[[], object]] = {each.title: each.do for each in commands_of(of)}

    def body(self) -> Iterable[Widget]:
        with Container(id="columns"):
            for id_ in _IDS:
                yield ColumnPane(is_ruled=False, id=id_)
        with Container(id="words"):
            yield TextPane("query", is_ruled=False, id="queries")
            yield TextPane("states", is_ruled=False, id="states")
        yield TextPane("about", is_ruled=False, id="about")

    def on_mount(self) -> None:
        self._show()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._show)

    @property
    def row(self) -> HelpRow | None:
        """The row under the cursor."""
        spot = self._spot
        is_there = spot.column < len(self._columns) and 0 <= spot.line < len(self._columns[spot.column])
        cell = self._columns[spot.column][spot.line] if is_there else None
        return cell if isinstance(cell, HelpRow) else None

    # What is shown.

    @property
    def _is_boxed(self) -> bool:
        return self.flowctl.size.width >= BOX_WIDTH

    @property
    def _has_all(self) -> bool:
        """Whether every section is seen at once."""
        return self._is_boxed and bool(self.query_one("#words").display)

    def _show(self) -> None:
        """Show the keys, what was found, or one section alone, each in the columns it needs."""
        if not self.stands:
            return
        self._show_words()
        if self._section:
            self._columns = []
        elif self._search:
            self._columns = [self._found()]
        else:
            found = help_of(self._of.bindings, self._of.SCOPE)
            height = self.query_one("#main", ColumnPane).body_height
            self._columns = columns_for(found, columns_of(self.flowctl.size.width), height + self._is_boxed)
            self._titles = [str(column[0]) for column in self._columns]
            if self._is_boxed:
                # The box is called after its first group.
                self._columns = [column[1:] for column in self._columns]
        if self.row is None:
            self._spot = first_spot(self._columns) or Spot(0, -1)
        self._draw()
        self.refresh_lines()

    def _found(self) -> list[Cell]:
        # Who is used to it begins a search with a slash.
        text = self._search.removeprefix("/") or self._search
        targets = self._of.targets()
        found = help_of(self._of.bindings, self._of.SCOPE, text)
        return found_column(found, self._commands, text, targets[0].name if targets else "RUN")

    def _draw(self) -> None:
        is_boxed, count = self._is_boxed, max(len(self._columns), 1)
        frame = 4 * is_boxed
        widths = widths_of(self._columns, self.flowctl.size.width - frame * count, is_brief=not is_boxed)
        for place, id_ in enumerate(_IDS):
            pane = self.query_one(f"#{id_}", ColumnPane)
            pane.display = place < count
            if place >= count:
                continue
            pane.styles.width = widths[place] + frame
            cells = self._columns[place] if self._columns else []
            if self._search or self._section:
                pane.retitle("found" if self._search else SECTIONS[self._section], "")
            else:
                is_act = self._titles[place] == "Act" and self._has_marks
                pane.retitle(self._titles[place].lower(), "marked rows, else the cursor" if is_act else "")
            pane.show(
                [self._cell_line(cell, cells, widths[place]) for cell in cells] or self._other_lines(widths[0]),
                self._spot.line if self._spot.column == place and self.row is not None else None,
            )

    @property
    def _has_marks(self) -> bool:
        return any(each.id == "mark.toggle" for each in self._of.bindings)

    def _cell_line(self, cell: Cell, column: list[Cell], width: int) -> Line:
        ink = self.flowctl.ink
        return cell_line(
            cell,
            column,
            width,
            aside="on marked rows or cursor" if cell == "Act" and self._has_marks else "",
            is_brief=not self._is_boxed,
            is_ascii=ink.is_ascii,
            why_not=self.flowctl.why_not(cell) if isinstance(cell, HelpRow) else "",
            has_command=bool(self._search),
            cut=ink.glyphs.cut,
        )

    def _other_lines(self, width: int) -> list[Line]:
        if self._section:
            about = self._about(width - 2)
            return help_words.section_lines(SECTIONS[self._section], width, about, self.flowctl.ink.glyphs)
        nothing = f"   Nothing here is about {self._search!r}."
        return [(), ((nothing, ""),), (("   esc", "accent"), (" shows all", ""))]

    def _show_words(self) -> None:
        glyphs = self.flowctl.ink.glyphs
        about = self.query_one("#about", TextPane)
        if self._has_all:
            queries, states = self.query_one("#queries", TextPane), self.query_one("#states", TextPane)
            queries.retitle("query", "/")
            queries.put(help_words.query_lines(queries.body_width or 66))
            states.retitle("states", self.flowctl.ink.theme.title)
            states.put(help_words.state_lines(states.body_width or 66, glyphs))
            about.retitle("about")
            about.put(self._about(about.body_width or 136))
        else:
            lines = help_words.brief_lines(about.body_width or self.flowctl.size.width, glyphs)
            about.retitle("query and states")
            about.styles.height = len(lines) + 2 * about.is_boxed
            about.put(lines)
            # A section of its own has the whole height.
            about.set_class(bool(self._section), "-empty")

    def _about(self, width: int) -> list[Line]:
        home = os.path.expanduser("~")  # noqa: PTH111 - pathlib breaks where the system knows none
        file = safe_text(str(keys_file()), keep_newlines=False)
        return help_words.about_lines(flowctl.__version__, file.replace(home, "~", 1), width)

    # Keys.

    def on_key(self, event: Key) -> None:
        """Search for what is typed; go where the arrows point."""
        if self.is_asking:
            super().on_key(event)
            return
        if event.key == "tab":
            # Textual would give the focus to the next pane before any key of ours is looked up.
            self.action_help_section()
        elif not (self._move(event.key) or self._type(event)):
            return
        event.stop()
        event.prevent_default()

    def _move(self, key: str) -> bool:
        columns, spot = self._columns, self._spot
        if not columns:
            steps = {"down": 1, "up": -1, "pagedown": _PAGE, "pageup": -_PAGE}
            self.query_one("#main", ColumnPane).move_by(steps.get(key, 0))
            return key in steps
        found: Spot | None
        match key:
            case "down" | "up":
                found = next_spot(columns, spot, 1 if key == "down" else -1)
            case "left" | "right":
                found = beside(columns, spot, 1 if key == "right" else -1)
            case "home":
                found = first_spot(columns)
            case "end":
                found = last_spot(columns)
            case "pagedown" | "pageup":
                found = spot
                for _ in range(_PAGE):
                    found = next_spot(columns, found, 1 if key == "pagedown" else -1) or found
            case _:
                return False
        self._put_cursor(found)
        return True

    def _put_cursor(self, spot: Spot | None) -> None:
        if spot is not None and spot != self._spot:
            self._spot = spot
            self.set_focus(self.query_one(f"#{_IDS[spot.column]}"))
            self._draw()

    def _type(self, event: Key) -> bool:
        text, character = self._search, event.character
        if event.key == "backspace":
            self._put(text[:-1])
        elif event.key == "ctrl+u":
            self._put("")
        elif event.key == "ctrl+w":
            self._put(text.rstrip().rpartition(" ")[0])
        elif event.key == "question_mark" and not text:
            self.leave()
        elif character is not None and character.isprintable():
            self._put(text + character)
        else:
            return False
        return True

    def on_paste(self, event: Paste) -> None:
        event.stop()
        self._put(self._search + safe_text(next(iter(event.text.splitlines()), ""), keep_newlines=False))

    def _put(self, search: str) -> None:
        self._search, self._section = search.lstrip()[:_LONGEST], 0
        self._spot = Spot(0, -1)
        self._show()
        self.set_focus(self.query_one("#main"))

    @on(ColumnPane.Picked)
    def _on_picked(self, event: ColumnPane.Picked) -> None:
        spot = Spot(_IDS.index(event.pane.id or "main"), event.line)
        # What was clicked may be gone: one types and clicks faster than is drawn.
        column = self._columns[spot.column] if spot.column < len(self._columns) else ()
        if spot.line < len(column) and isinstance(column[spot.line], HelpRow):
            self._put_cursor(spot)
            if event.is_double:
                self.action_help_do()

    def action_help_do(self) -> None:
        """Close the help and do what the row says."""
        row = self.row
        if row is None:
            return
        self.flowctl.pop_screen()
        if row.action:
            self._of.call_later(self._of.run_action, row.action)
        else:
            self._commands[row.words]()

    def action_help_section(self) -> None:
        """Go to the next section; where all are seen, to the next column of keys."""
        if self._has_all:
            spot = Spot((self._spot.column + 1) % max(len(self._columns), 1), -1)
            self._put_cursor(next_spot(self._columns, spot, 1))
            return
        self._search, self._section = "", (self._section + 1) % len(SECTIONS)
        self._show()

    def action_help_close(self) -> None:
        """Clear the search, come back to the keys, or close."""
        if self._search or self._section:
            self._section = 0
            self._put("")
        else:
            self.leave()

    def clear_something(self) -> bool:
        had = bool(self._search or self._section)
        if had:
            self.action_help_close()
        return had

    # The fixed lines.

    def crumbs(self) -> tuple[Line, Line]:
        here = f"keys for {self._of.SCOPE}" if not self._section else SECTIONS[self._section]
        left: Line = ((f" Help {self.flowctl.ink.glyphs.crumb} ", "quiet"), (here, "title"))
        if self._search:
            return (*left, (" / ", "accent"), (self._search, "title"), ("▏", "accent")), ((" esc shows all ", "quiet"),)
        return left, (("type to search · esc closes ", "quiet"),)

    def note_line(self) -> tuple[Line, Line]:
        left, right = super().note_line()
        if left or right or self._has_all:
            return left, right
        said = help_words.SAFE if self.size.width > len(help_words.SAFE) else help_words.SAFE.partition(". ")[2]
        return ((f" {said}", "quiet"),), ()

    def can_run(self, binding: Binding) -> bool:
        """Name no key that would be typed into the search."""
        if binding.id == "help.do":
            return self.row is not None
        return any(not is_typed(key) for key in binding.keys)

    def key_of(self, binding: Binding) -> str:
        return next(key for key in binding.keys if not is_typed(key))

    def brief_of(self, binding: Binding) -> str:
        if binding.id != "help.section":
            return super().brief_of(binding)
        if self._has_all:
            return "next column"
        return SECTIONS[(self._section + 1) % len(SECTIONS)] if self._section else "query, states, about"
