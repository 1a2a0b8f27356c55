"""A Textual screen that knows whose screen it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen

if TYPE_CHECKING:
    from flowctl.tui.app import FlowctlApp
    from flowctl.tui.screens.view import View


class FlowctlScreen(Screen[None]):
    """What the parts of a view are made of."""

    @property
    def flowctl(self) -> FlowctlApp:
        """The application: no other one shows these screens."""
        return cast("FlowctlApp", self.app)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open

    @property
    def whole(self) -> View:
        """This screen as the view that it is a part of."""
        return cast("View", self)  # nothing else is made of the parts
