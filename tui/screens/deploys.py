"""The Deploys screen: deployments and their schedules; while there are none it says how they come about."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from flowctl.tui.history import Place
from flowctl.tui.model.texts import Line
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.pane import TextPane


class DeploysScreen(View):
    """All deployments."""

    SCOPE = "deploys"

    def body(self) -> Iterable[Widget]:
        yield TextPane("deployments", is_ruled=False, is_bare=True, id="main")

    def on_mount(self) -> None:
        self.query_one("#main", TextPane).put(
            [
                (),
                (("   No deployments.", "title"),),
                (),
                (("   A deployment is a flow in a file that the daemon knows,", ""),),
                (("   with parameters and schedules of its own.", ""),),
                (),
                (("   Flows run without one:", ""), (" flowctl run FILE.py:FLOW", "accent")),
            ]
        )

    @property
    def place(self) -> Place:
        return Place("deploys")

    def crumbs(self) -> tuple[Line, Line]:
        return self.tabs("deploys"), ()
