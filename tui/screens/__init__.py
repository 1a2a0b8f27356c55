"""What a person sees at one time: each screen says what it wants to know, and puts the answers into panes."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from flowctl.tui.screens.view import View

_PLACES: Final = {
    "runs": ("runs", "RunsScreen"),
    "deploys": ("deploys", "DeploysScreen"),
    "flows": ("flows", "FlowsScreen"),
    "logs": ("logs", "LogsScreen"),
    "system": ("system", "SystemScreen"),
}


def main_view(name: str) -> View:
    """Make one of the main views; the others are not imported for it."""
    module, class_name = _PLACES[name]
    made = getattr(import_module(f"flowctl.tui.screens.{module}"), class_name)()
    assert isinstance(made, View)
    return made
