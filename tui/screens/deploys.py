"""The Deploys screen: deployments and their schedules, when each fires next, and what could go wrong about it."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap
from typing import ClassVar, Final, cast

from textual import on
from textual.containers import Container
from textual.widget import Widget

from flowctl.tui.bridge import Question
from flowctl.tui.history import Place
from flowctl.tui.model import deploys_lines, outlook_lines
from flowctl.tui.model.keys import Binding
from flowctl.tui.model.plans import ListedDeployment, Outlook
from flowctl.tui.model.texts import Line, counted
from flowctl.tui.screens.deploys_acting import DeploysActing
from flowctl.tui.screens.filtered_list import FilteredList
from flowctl.tui.screens.taking import Yank
from flowctl.tui.widgets.pane import TextPane
from flowctl.tui.widgets.rows import RowLook, RowPane

#: A held key passes many deployments; what is worked out waits until it rests.
_REST_S: Final = 0.08
_MOST_DEFAULTS: Final = 4
_EMPTY: Final = (
    (),
    (("   No deployments yet.", "title"),),
    (),
    (("   A flow with a schedule in a file that is watched becomes one:", ""),),
    (("   flowctl watch add FOLDER", "accent"),),
    (),
    (("   Or deploy one by hand:", ""),),
    (("   flowctl deploy FILE.py:FLOW --cron '0 9 * * *'", "accent"),),
    (),
    (("   : new flow", "accent"), ("   writes a sample and opens it", "")),
)


class DeploysScreen(FilteredList[ListedDeployment], DeploysActing):
    """All deployments."""

    SCOPE = "deploys"
    FILTER_HINT = "part of a name, a flow, a tag"
    ALL_WELL = "every deployment fires, and its latest run went well"
    SORTS: ClassVar = deploys_lines.SORTS
    HEADINGS: ClassVar = deploys_lines.HEADINGS

    def __init__(self) -> None:
        super().__init__()
        self._all: tuple[ListedDeployment, ...] = ()
        self._is_read = False
        self._outlook: Outlook | None = None
        #: How deployments come back that went with a deleted database.
        self._lost: str | None = None
        self._asked: Question[Outlook | None] | None = None

    def body(self) -> Iterable[Widget]:
        yield RowPane[ListedDeployment](
            "deployments",
            key_of=lambda row: row.key,
            draw=self._draw,
            head=lambda width: deploys_lines.deploy_head(deploys_lines.deploy_columns(width)),
            is_live=lambda row: row.next_at is not None,
            version_of=lambda row: (row, self.pending.get(row.key)),
            is_ruled=False,
            id="main",
        )
        with Container(id="below"):
            yield TextPane("next fires", id="fires")
            yield TextPane("defaults", id="defaults")

    @property
    def rows(self) -> RowPane[ListedDeployment]:
        """The list."""
        return cast("RowPane[ListedDeployment]", self.query_one("#main"))  # as `body` makes it

    @property
    def place(self) -> Place:
        return Place("deploys")

    # What is read.

    def ask(self) -> None:
        self.watch_store(lambda source: source.deployments(), self._take, is_slow=True)
        self.watch_store(lambda source: source.lost_plans(), self._take_lost, is_slow=True)
        self._asked = self.watch_store(
            lambda source: None if self._key is None else source.outlook(self._key), self._take_outlook, is_slow=True
        )

    def _take_lost(self, sentence: str | None) -> None:
        if sentence != self._lost:
            self._lost = sentence
            self.show_rows()

    def _lost_lines(self) -> list[Line]:
        lines = wrap(self._lost or "", max(self.size.width - 8, 20))
        return [(), *(((f"   {line}", "warning"),) for line in lines)] if lines else []

    @property
    def _key(self) -> str | None:
        row = self.rows.row
        return None if row is None else row.key

    def _take(self, deployments: tuple[ListedDeployment, ...]) -> None:
        self._all, self._is_read = deployments, True
        self.settle(deployments)
        self.show_rows()
        if self._outlook is None and self._asked is not None:
            self.bridge.again(self._asked)

    def _take_outlook(self, outlook: Outlook | None) -> None:
        self._outlook = outlook
        self._show_below()

    def show_rows(self) -> None:
        rows = self.rows
        rows.marks = self.marks
        if not self._is_read:
            rows.empty = ((("   reading…", "quiet"),),)
        elif self._all:
            what = "has a problem" if self.has_problems_only and not self.typed else "matches"
            rows.empty = (
                (),
                ((f"   None of {counted(len(self._all), 'deployment')} {what} ", ""), (self.typed, "title")),
                (),
                (("   esc", "accent"), (" shows all again", "")),
            )
        else:
            rows.empty = (*self._lost_lines(), *_EMPTY)
        self.query_one("#below").set_class(not self._all, "-empty")
        self.put(self._all)
        rows.retitle("deployments", deploys_lines.tally(self._all), "p on/off · t run… · e edit · B backfill…")
        self._show_below()
        self.refresh_lines()

    @on(RowPane.Moved, "#main")
    def _on_moved(self) -> None:
        key = self._key
        self._show_below()
        self.refresh_lines()
        self.set_timer(_REST_S, lambda: self._rest(key))

    def _rest(self, key: str | None) -> None:
        if key == self._key and self._asked is not None:
            self.bridge.again(self._asked)

    def _show_below(self) -> None:
        fires, defaults, row = self.query_one("#fires", TextPane), self.query_one("#defaults", TextPane), self.rows.row
        glyphs = self.flowctl.ink.glyphs
        if row is None:
            fires.retitle("next fires", "")
            fires.put([])
            defaults.put([])
            return
        outlook = self._outlook
        if outlook is not None and outlook.deployment_id != row.row.id:
            outlook = None
        zone = "" if outlook is None else f" ({outlook.timezone})"
        is_boxed = fires.is_boxed
        title = "next fires" if is_boxed else f"{row.name}  next fires{zone}"
        fires.retitle(title, outlook_lines.late_text(row))
        fires.put(self._fires(row, outlook, fires.body_width or self.size.width, is_boxed=is_boxed))
        if is_boxed:
            defaults.styles.height = None
            defaults.retitle(row.name, "t run…")
            defaults.put(outlook_lines.defaults_table(row, glyphs))
        else:
            defaults.retitle("defaults", "t run…")
            lines = outlook_lines.defaults_lines(row, defaults.body_width or self.size.width, glyphs)
            # What it may do wrong takes more room than what it is given.
            height = min(len(lines), _MOST_DEFAULTS) + 1
            if defaults.styles.height is None or defaults.styles.height.value != height:
                defaults.styles.height = height
            defaults.put(lines)

    def _fires(self, row: ListedDeployment, outlook: Outlook | None, width: int, *, is_boxed: bool) -> list[Line]:
        now, glyphs = self.flowctl.clock(), self.flowctl.ink.glyphs
        is_quiet = outlook is not None and not outlook.fires
        lines = outlook_lines.schedule_lines(row, glyphs) if is_boxed or is_quiet or not row.row.schedules else []
        checks = outlook_lines.folded_checks(outlook_lines.check_lines(row, outlook, glyphs), width)
        if is_quiet and row.is_on is False:
            lines += [(), (("p", "accent"), (" switches it on; what it missed meanwhile is not made up for", "quiet"))]
        if outlook is None or not outlook.fires:
            return [*lines, *([()] if lines and checks else []), *checks]
        day = outlook_lines.ribbon(outlook.hours, now, outlook.timezone, width=width - 8, glyphs=glyphs)
        if not is_boxed:
            return [outlook_lines.fires_line(outlook, now, width), ((" today ", "quiet"), *day), *checks]
        return [*lines, (), *outlook_lines.fires_list(outlook, now, 5), (), day, (), *checks]

    def tick(self, tick: int) -> None:
        super().tick(tick)
        self.rows.tick(int(self.flowctl.clock().timestamp()))
        self._show_below()

    # Keys.

    @on(RowPane.Opened, "#main")
    def action_move_open(self) -> None:
        """Show the runs of the deployment."""
        if (row := self.rows.row) is not None:
            self.flowctl.show_runs(f'deployment:"{row.name}"')

    def clear_something(self) -> bool:
        if not self.marks:
            return super().clear_something()
        self.marks = frozenset()
        self.show_rows()
        self.rows.repaint()
        return True

    def can_run(self, binding: Binding) -> bool:
        """Name only what can be done with the deployment under the cursor."""
        row = self.rows.row
        if row is not None and binding.id in ("act.schedule_on_off", "act.backfill"):
            return bool(row.row.schedules)
        return super().can_run(binding)

    def words_of(self, row: ListedDeployment) -> str:
        return f"{row.name} {row.row.flow_name} {' '.join(row.row.tags)} {' '.join(row.words)}"

    def is_problem(self, row: ListedDeployment) -> bool:
        return deploys_lines.is_problem(row)

    def yanks(self) -> dict[str, Yank]:
        row = self.rows.row
        if row is None:
            return {}
        yanks = {"i": Yank("name", row.key), "c": Yank("command", f"flowctl deployment run {row.key}")}
        if row.row.schedules:
            yanks["s"] = Yank("schedule", row.row.schedules[0].expression)
        if row.row.reference.file is not None:
            yanks["l"] = Yank("file", row.row.reference.file)
        return yanks

    def inspected(self) -> tuple[str, object] | None:
        row = self.rows.row
        return None if row is None else (row.name, row.row)

    def crumbs(self) -> tuple[Line, Line]:
        if self.marks:
            return self.tabs("deploys"), ((f"{len(self.marks)} marked ", "mark"),)
        said = deploys_lines.tally(self._all) if self._all else ""
        what = f"{said} · {self.order} " if said and self.size.width >= 100 else f"{said} "
        return self.tabs("deploys"), ((what, "quiet"),)

    def _draw(self, row: ListedDeployment, look: RowLook) -> Line:
        return deploys_lines.deploy_line(
            row,
            deploys_lines.deploy_columns(look.width),
            self.flowctl.clock(),
            glyphs=self.flowctl.ink.glyphs,
            is_cursor=look.is_cursor,
            is_marked=look.is_marked,
            pending=self.pending.get(row.key),
        )
