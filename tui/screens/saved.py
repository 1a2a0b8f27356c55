"""Saved views: a query under a name, chosen by a number."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flowctl.store.query_language import QueryError
from flowctl.tui.data.saved_views import load_views, save_views
from flowctl.tui.model.views import BUILT_IN, with_view
from flowctl.tui.model.views import View as SavedView
from flowctl.tui.screens.view import View


class SavedViews(View):
    """A list that can be filtered by views."""

    def requery(self, text: str) -> None:
        """Show what fits a query."""

    @property
    def query_text(self) -> str:
        """The query in force."""
        return ""

    @property
    def order(self) -> tuple[str, bool]:
        """By what the list is sorted, and whether the other way round."""
        return "age", False

    def reorder(self, sort: str, *, is_reversed: bool) -> None:
        """Sort the list."""

    def action_find_views(self) -> None:
        """Offer the views that there are; `+` keeps the query in force as another one."""
        saved, problems = load_views(self.flowctl.home)
        views = (*BUILT_IN, *saved)[:9]
        answers: dict[str, Callable[[], None]] = {
            str(number): partial(self._show, view) for number, view in enumerate(views, 1)
        }
        offered = "  ".join(f"{number} {view.name}" for number, view in enumerate(views, 1))
        if self.query_text:
            answers["+"] = self._keep
            offered += "  + keep this one"
        self.choose(problems[0] if problems else offered, answers, style="warning" if problems else "accent")

    def _show(self, view: SavedView) -> None:
        self.reorder(view.sort, is_reversed=view.is_reversed)
        self.requery(view.query)

    def _keep(self) -> None:
        self.type_into("#note", "", placeholder="a name for this view", entered=self._save)

    def _save(self, name: str) -> None:
        if not name.strip():
            return
        saved, problems = load_views(self.flowctl.home)
        if problems:
            self.say(problems[0], "warning")
            return
        try:
            views = with_view(saved, SavedView(name.strip(), self.query_text, *self.order))
        except QueryError as error:
            self.say(str(error), "error")
            return
        self.say(save_views(self.flowctl.home, views) or f"kept as {name.strip()}: f offers it")
