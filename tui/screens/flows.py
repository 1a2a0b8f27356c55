"""The Flows screen: flow files, which version of each serves, what is wrong where, and what became of each save."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final, cast

from textual import on
from textual.containers import Container
from textual.widget import Widget

from flowctl.tui.bridge import Question
from flowctl.tui.history import Place
from flowctl.tui.model import file_detail_lines, files_lines
from flowctl.tui.model.files import FilesPage, FileState, ListedFile, Watching
from flowctl.tui.model.keys import Binding
from flowctl.tui.model.texts import Line, counted
from flowctl.tui.screens.filtered_list import FilteredList
from flowctl.tui.screens.flow_shapes import FlowShapes
from flowctl.tui.screens.flows_acting import FlowsActing
from flowctl.tui.screens.taking import SourcePlace, Yank, as_json
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

_MOST_CHANGES: Final = 3
_NAMES: Final = 14
#: What is being looked into is told by the daemon alone, and not for long.
_AGAIN_S: Final = 1.0
_EMPTY: Final = (
    (),
    (("   No flow files are watched, and no flow has run here yet.", "title"),),
    (),
    (("   : new flow", "accent"), ("        writes a sample and opens it", "")),
    (("   : watch a folder", "accent"), ("  looks after the flows in it", "")),
    (("   flowctl run FILE.py:FLOW", "accent"), (", in another terminal, runs one at once", "")),
)


class FlowsScreen(FilteredList[ListedFile], FlowShapes, FlowsActing):
    """All flow files."""

    SCOPE = "flows"
    FILTER_HINT = "part of a file or flow"
    ALL_WELL = "every file is in force as it is"
    SORTS: ClassVar = files_lines.SORTS
    HEADINGS: ClassVar = files_lines.HEADINGS

    def __init__(self) -> None:
        super().__init__()
        self._page: FilesPage | None = None
        self._shows_diff = False
        self._told = Watching()
        self._asked: Question[Watching] | None = None
        self._asked_s = 0.0

    def body(self) -> Iterable[Widget]:
        with Container(id="files"):
            yield RowPane[ListedFile](
                "files",
                key_of=lambda file: file.key,
                draw=self._draw,
                head=lambda width: files_lines.file_head(files_lines.file_columns(width)),
                version_of=lambda file: (file, self._is_reloading(file)),
                is_ruled=False,
                id="main",
            )
            yield TextPane("flows", id="flows")
        with Container(id="detail"):
            yield TextPane("source", id="source")
            yield TextPane("shape", id="shape")
        yield TextPane("reload log", id="reloads")

    @property
    def rows(self) -> RowPane[ListedFile]:
        """The list."""
        return cast("RowPane[ListedFile]", self.query_one("#main"))  # as `body` makes it

    @property
    def place(self) -> Place:
        return Place("flows")

    @property
    def root(self) -> str:
        """The folder that paths are written from: what is watched lies in it, or is it."""
        places = () if self._page is None else self._page.places
        return files_lines.root_of(places)

    def ask(self) -> None:
        self.watch_store(lambda source: source.files_page(), self._take, is_slow=True)
        self._asked = self.watch_store(lambda source: source.watching(), self._take_watching, is_slow=True)

    def files(self) -> Sequence[ListedFile]:
        return () if self._page is None else self._page.files

    def _take(self, page: FilesPage) -> None:
        self._page = page
        looked = {file.key: file.checked_at for file in page.files}
        self.settle(looked)
        self.show_rows()

    def _take_watching(self, watching: Watching) -> None:
        before, self._told = self._told, watching
        if watching != before:
            self.show_rows()
            self.rows.repaint()

    def _is_reloading(self, file: ListedFile) -> bool:
        return file.key in self.reloading or file.key in self._told.reloading

    def show_rows(self) -> None:
        files = self.files()
        rows = self.rows
        if self._page is None:
            rows.empty = ((("   reading…", "quiet"),),)
        elif files:
            text = self.typed or "broken"
            rows.empty = ((), ((f"   None of {counted(len(files), 'file')} is ", ""), (text, "title")), ())
        else:
            rows.empty = _EMPTY
        for below in ("#detail", "#reloads"):
            self.query_one(below).set_class(not files, "-empty")
        self.put(files)
        rows.retitle("files", self._watching())
        self._show_detail()
        self.refresh_lines()

    def _watching(self) -> str:
        if self._page is None:
            return ""
        places = self._page.places
        if not places:
            return "nothing is watched"
        own = os.path.expanduser("~")  # noqa: PTH111 - pathlib breaks where the system knows none
        place = places[0].replace(own, "~", 1) if len(places) == 1 else f"{len(places)} places"
        return f"watching {place}"

    @on(RowPane.Moved, "#main")
    def _on_moved(self) -> None:
        self._shows_diff = False
        self.query_one("#source", TextPane).to_top()
        self._show_detail()
        self.refresh_lines()

    def _show_detail(self) -> None:
        source, flows = self.query_one("#source", TextPane), self.query_one("#flows", TextPane)
        shape, reloads = self.query_one("#shape", TextPane), self.query_one("#reloads", TextPane)
        file, page, glyphs, now = self.rows.row, self._page, self.flowctl.ink.glyphs, self.flowctl.clock()
        if file is None or page is None:
            for pane in (source, flows, shape, reloads):
                pane.put([])
            source.retitle("source", "")
            return
        name = files_lines.short_path(file.path, self.root)
        self.look_at_shapes(file)
        shapes = self.shape_lines()
        flows.retitle(f"flows in {name}", "o graph · ⏎" if shapes else "⏎")
        flows.put(
            [
                *file_detail_lines.flow_lines(file, now, glyphs, tasks=self.task_counts),
                *([(), *shapes] if shapes else []),
            ]
        )
        shape.retitle("parameters and tasks")
        shape.put(file_detail_lines.shape_lines(file, shape.body_width or 40, glyphs))
        is_wide, height = source.is_boxed, max(source.body_height, 4)
        if self._shows_diff:
            source.retitle(f"{name}  what changed since v{file.version}", "d back", "")
            source.put(file_detail_lines.diff_lines(file, glyphs) or [((" no difference is on record", "quiet"),)])
        elif file.problem is not None:
            source.retitle(
                file_detail_lines.problem_title(file, self.root),
                file_detail_lines.serves_text(file),
                f"e edit at line {file.problem_line}" if file.problem_line else "",
            )
            lines = file_detail_lines.problem_lines(file, source.body_width or self.size.width, height - 1, glyphs)
            if is_wide and file.diff:
                lines += [(), *file_detail_lines.diff_lines(file, glyphs, most=_MOST_CHANGES * 2)]
            source.put(lines)
        else:
            source.retitle(f"flows in {name}" if not is_wide else name, "⏎ opens them", "")
            source.put(self._sound(file, now, is_wide=is_wide))
        reloading = {each.key: each.version for each in page.files if self._is_reloading(each)}
        log = file_detail_lines.reload_lines(
            page.reloads, now, root=self.root, names=_NAMES, reloading=reloading, glyphs=glyphs
        )
        if is_wide or file.problem is None or not file.diff:
            left_out = self._told.left_out
            aside = f"{counted(len(left_out), 'file')} left out: flowctl watch ls says why · " if left_out else ""
            reloads.retitle("reload log", f"{aside}newest first")
            reloads.put(log)
        else:
            reloads.retitle(f"what changed since v{file.version}", "d diff")
            fires = file_detail_lines.fires_with(file, now)
            lines = file_detail_lines.diff_lines(file, glyphs, most=_MOST_CHANGES)
            reloads.put([*lines, *([((f" {fires}", "quiet"),)] if fires else [])])

    def _sound(self, file: ListedFile, now: datetime, *, is_wide: bool) -> list[Line]:
        glyphs = self.flowctl.ink.glyphs
        if not is_wide:
            return file_detail_lines.flow_lines(file, now, glyphs, tasks=self.task_counts)
        assert self._page is not None
        own = [each for each in self._page.reloads if each.path == file.path]
        return file_detail_lines.reload_lines(own, now, root=self.root, names=0, glyphs=glyphs)

    def note_line(self) -> tuple[Line, Line]:
        left, right = super().note_line()
        file = self.rows.row
        if not left and file is not None and file.problem is None:
            said = file.advice[0] if file.advice else self._told.warning
            return (((f" ! {said}", "warning"),) if said else ()), right
        if left or file is None:
            return left, right
        now = self.flowctl.clock()
        sign = self.flowctl.ink.glyphs.states["failed"]
        note = file_detail_lines.broken_note(file, now, self.root)
        fires = file_detail_lines.fires_with(file, now) if self.size.width >= 120 else ""
        style = "warning" if file.state is FileState.WARNING else "failed"
        return ((f" {sign} {note}{f' · {fires}' if fires else ''}", style),), ()

    def tick(self, tick: int) -> None:
        super().tick(tick)
        if self._asked is not None and time.monotonic() - self._asked_s > _AGAIN_S and self.flowctl.has_daemon:
            self._asked_s = time.monotonic()
            self.bridge.again(self._asked)
        if self.rows.row is not None and self.rows.row.problem is not None:
            self.refresh_lines()

    def shapes_changed(self) -> None:
        self._show_detail()
        self.refresh_lines()

    # Keys.

    @on(RowPane.Opened, "#main")
    def action_move_open(self) -> None:
        """Show the flows in the file."""
        file = self.rows.row
        if file is None or not file.flows:
            self.say("no flows stand in it" if file is not None else "nothing is chosen", "quiet")
            return
        from flowctl.tui.screens.file_flows import FileFlowsScreen

        self.flowctl.push_screen(FileFlowsScreen(file))

    def action_act_run(self) -> None:
        """Open the form for the flow of the file; of several, one has to be chosen."""
        file = self.rows.row
        if file is not None and len(file.flows) == 1 and file.state is not FileState.UNWATCHED:
            self.open_file_form(file.key, file.flows[0].attribute)
        else:
            self.action_move_open()

    def action_look_diff(self) -> None:
        """Show all that was changed since the version that serves; the same key shows the source again."""
        file = self.rows.row
        if file is None or not file.diff:
            self.say("what is in the file is what serves", "quiet")
            return
        self._shows_diff = not self._shows_diff
        self.query_one("#source", TextPane).to_top()
        self._show_detail()

    def clear_something(self) -> bool:
        if not self._shows_diff:
            return super().clear_something()
        self._shows_diff = False
        self.show_rows()
        return True

    def can_run(self, binding: Binding) -> bool:
        """Name only what can be done with the file under the cursor."""
        file = self.rows.row
        if file is not None and binding.id in ("look.diff", "act.reload", "move.open", "act.run", "act.edit"):
            is_watched = file.state not in (FileState.HELPER, FileState.UNWATCHED)
            return {
                "look.diff": bool(file.diff),
                "act.reload": is_watched,
                "act.edit": self.source_place() is not None,
            }.get(binding.id, bool(file.flows))
        return super().can_run(binding)

    def brief_of(self, binding: Binding) -> str:
        file = self.rows.row
        if binding.id != "act.edit" or file is None or not file.problem_line:
            return super().brief_of(binding)
        return f"edit {Path(file.problem_file).name}:{file.problem_line}"

    def words_of(self, row: ListedFile) -> str:
        return f"{row.path} {' '.join(flow.name for flow in row.flows)}"

    def is_problem(self, row: ListedFile) -> bool:
        return row.is_problem

    def yanks(self) -> dict[str, Yank]:
        file = self.rows.row
        if file is None:
            return {}
        line = file.problem_line or (file.flows[0].line if file.flows else 1)
        yanks = {"i": Yank("path", file.key), "l": Yank("place", f"{file.key}:{line}")}
        if file.flows:
            yanks["c"] = Yank("command", f"flowctl run {file.key}:{file.flows[0].attribute}")
        if file.problem is not None:
            yanks["t"] = Yank("error", str(file.problem.get("message", "")))
        return yanks

    def source_place(self) -> SourcePlace | None:
        file = self.rows.row
        if file is None or not file.key.startswith("/"):
            return None
        if file.problem is not None and file.problem_line:
            return SourcePlace(file.problem_file, file.problem_line)
        return SourcePlace(file.key, file.flows[0].line if file.flows else 1)

    def action_look_inspect(self) -> None:
        """Show how the import of a broken file went, before the record."""
        file = self.rows.row
        if file is None or file.problem is None:
            super().action_look_inspect()
            return
        from flowctl.tui.screens.inspect import InspectScreen

        text = f"{file_detail_lines.import_log(file)}\n\n{as_json(file)}"
        self.flowctl.push_screen(InspectScreen(f"import of {file.path}", text))

    def inspected(self) -> tuple[str, object] | None:
        file = self.rows.row
        return None if file is None else (file.path, file)

    def crumbs(self) -> tuple[Line, Line]:
        said = counted(len(self.files()), "file")
        if 90 <= self.size.width < 120:
            said = f"{self._watching()} · {said}"
        elif self.size.width >= 120 and self.files():
            said = f"{said} · {self.order}"
        return self.tabs("flows"), ((f"{said} ", "quiet"),)

    def _draw(self, file: ListedFile, look: RowLook) -> Line:
        return files_lines.file_line(
            file,
            files_lines.file_columns(look.width),
            self.flowctl.clock(),
            root=self.root,
            glyphs=self.flowctl.ink.glyphs,
            is_cursor=look.is_cursor,
            is_reloading=self._is_reloading(file),
        )
