"""What a run's screen shows: the run as it is, or as it stood at an instant; of many tasks, worked out in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from flowctl.tui.bridge import Question
from flowctl.tui.model.snapshots import RunDetail
from flowctl.tui.model.time_scale import TimeWindow
from flowctl.tui.model.travel import detail_at, moments_of
from flowctl.tui.model.waterfall import Waterfall
from flowctl.tui.model.waterfall_lines import window_of
from flowctl.tui.screens.travelling import Travelling
from flowctl.tui.screens.tree_screen import TreeScreen

T = TypeVar("T")

#: Of more tasks an instant takes longer than a key may wait.
_MANY: Final = 2000


class RunPast(Travelling, TreeScreen):
    """A run's tree, now or in the past; how it is drawn is up to who derives from it."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        #: What is drawn: the detail, or what it was at an instant; and the axis of the whole run, while one travels.
        self.shown: RunDetail | None = None
        self.axis: TimeWindow | None = None
        #: The tree of an instant, or of now, that is being worked out.
        self._passing: Question[Waterfall] | None = None
        #: While that is the one of now: what was read meanwhile.
        self._later: list[RunDetail] | None = None

    def show_detail(self, detail: RunDetail) -> None:
        """Show what was read, unless another instant is shown, or is on its way."""
        if self._later is not None:
            self._later.append(detail)
        elif self.instant is None:
            self._show(detail)

    def _show(self, detail: RunDetail) -> None:
        self.shown = detail
        if self.waterfall is None:
            self.waterfall = Waterfall(detail)
        elif self.waterfall.detail is not detail:
            self.waterfall.update(detail)
        self.repaint()

    def moments(self) -> list[datetime]:
        return [] if self.detail is None else moments_of(self.detail)

    def find_moments(self, take: Callable[[Sequence[datetime]], None]) -> None:
        detail = self.detail
        if detail is None or len(detail.tasks) <= _MANY:
            take(self.moments())
        else:
            self.bridge.once(lambda _source: moments_of(detail), self._unless_left(take), is_slow=True)

    def _unless_left(self, take: Callable[[T], None]) -> Callable[[T], None]:
        """Take what was worked out in a thread, if it is still wanted then."""
        return lambda answer: take(answer) if self.is_current and self.stands else None

    def show_instant(self) -> None:
        """Let tree, bars and log stand as they did; the axis stays that of the whole run."""
        detail, at, tree = self.detail, self.instant, self.waterfall
        if self._passing is not None:
            self.bridge.drop(self._passing)
        self._passing = self._later = None
        if detail is None or tree is None:
            return
        self.feed.show_until(at)
        is_many = len(detail.tasks) > _MANY
        if at is None:
            if is_many:
                self._later = []
                self._pass_to(lambda: Waterfall(detail, like=tree), self._take_now)
            else:
                # The tree is of the past: what it has is no beginning for an update.
                self._show(replace(detail, is_update=False))
            return
        self.axis = self.axis or window_of(tree, self.flowctl.clock())
        if is_many:
            self._pass_to(lambda: Waterfall(detail_at(detail, at), like=tree), self._take_past)
        else:
            self._show(detail_at(detail, at))

    def _pass_to(self, build: Callable[[], Waterfall], take: Callable[[Waterfall], None]) -> None:
        self._passing = self.bridge.once(lambda _source: build(), take, is_slow=True)

    def _take_past(self, tree: Waterfall) -> None:
        if self.instant is not None:
            self._put_tree(tree)

    def _take_now(self, tree: Waterfall) -> None:
        for detail in self._later or ():
            tree.update(detail)
        self._later = None
        self._put_tree(tree)

    def _put_tree(self, tree: Waterfall) -> None:
        self._passing = None
        before, self.waterfall, self.shown = self.waterfall, tree, tree.detail
        if self.stands:
            self.repaint()
        # A screen above may show it.
        if before is not None and before is not tree and self.is_current:
            before.take_apart()

    def on_unmount(self) -> None:
        self._passing = self._later = None
        tree, self.waterfall, self.detail, self.shown, self._waiting = self.waterfall, None, None, None, None
        if tree is not None:
            tree.take_apart()
