"""Keys that work on every screen: moving in the pane in front, going from one screen to another, leaving."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from textual.screen import Screen

from flowctl.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from flowctl.tui.app import FlowctlApp
    from flowctl.tui.history import Place
    from flowctl.tui.screens.view import View

#: Pressed twice within it, ctrl+c leaves.
_TWICE_S: Final = 1.0


class Moving(Screen[None]):
    """What every view can do."""

    _asked_to_leave_s = float("-inf")

    @property
    def pane(self) -> Pane:
        """The pane that keys go to."""
        focused = self.focused
        return focused if isinstance(focused, Pane) else self.query_one("#main", Pane)

    @property
    def _app(self) -> FlowctlApp:
        return cast("FlowctlApp", self.app)  # no other app shows it

    @property
    def _self(self) -> View:
        return cast("View", self)  # which is what everything that derives from this is

    def action_down(self) -> None:
        self.pane.move_by(1)

    def action_up(self) -> None:
        self.pane.move_by(-1)

    def action_first(self) -> None:
        self.pane.move_first()

    def action_last(self) -> None:
        self.pane.move_last()

    def action_half_down(self) -> None:
        self.pane.move_by(max(1, self.pane.page // 2))

    def action_half_up(self) -> None:
        self.pane.move_by(-max(1, self.pane.page // 2))

    def action_page_down(self) -> None:
        self.pane.move_by(self.pane.page)

    def action_page_up(self) -> None:
        self.pane.move_by(-self.pane.page)

    def action_next_pane(self) -> None:
        self.focus_next(Pane)

    def action_previous_pane(self) -> None:
        self.focus_previous(Pane)

    def action_zoom_pane(self) -> None:
        if self.maximized is not None:
            self.minimize()
        else:
            self.maximize(self.pane, container=False)

    def action_back(self) -> None:
        """Close, clear, or go back, whichever is nearest; at the top there is nothing behind."""
        if self.maximized is not None:
            self.minimize()
        elif not self.clear_something():
            self.leave()

    def clear_something(self) -> bool:
        """Take back what stands before the way back: marks, a filter. Tell whether there was something."""
        return False

    def leave(self) -> None:
        """Go to the screen under this one, if there is one."""
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    def action_leave(self) -> None:
        """Go back; at the top, quit."""
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        else:
            self._app.exit(0)

    def action_quit(self) -> None:
        self._app.exit(0)

    def action_copy_or_quit(self) -> None:
        """Copy what the mouse has selected; else leave when it comes twice."""
        selected = self.get_selected_text()
        if selected:
            self._app.yank(selected, "the selection")
            return
        now = time.monotonic()
        if now - self._asked_to_leave_s < _TWICE_S:
            self._app.exit(0)
        self._asked_to_leave_s = now
        self._self.say("once more to quit; runs go on", "warning")

    def action_runs(self) -> None:
        self._app.go_to_mode("runs")

    def action_deploys(self) -> None:
        self._app.go_to_mode("deploys")

    def action_flows(self) -> None:
        self._app.go_to_mode("flows")

    def action_logs(self) -> None:
        self._app.go_to_mode("logs")

    def action_system(self) -> None:
        self._app.go_to_mode("system")

    def action_history_back(self) -> None:
        self._go(self._app.history.back(), "nothing farther back")

    def action_history_forward(self) -> None:
        self._go(self._app.history.forward(), "nothing farther on")

    def action_last_view(self) -> None:
        self._go(self._app.history.last(), "there was no other view yet")

    def _go(self, place: Place | None, otherwise: str) -> None:
        if place is None:
            self._self.say(otherwise, "quiet")
        else:
            self._app.go(place)

    def action_help(self) -> None:
        from flowctl.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self._self))

    def action_palette(self) -> None:
        from flowctl.tui.screens.palette import PaletteScreen

        self.app.push_screen(PaletteScreen(self._self))

    def action_freeze(self) -> None:
        """Let the screen stand still while data goes on; the same key lets it go again."""
        self._app.is_frozen = not self._app.is_frozen
        self._self.say("frozen: P lets it go on" if self._app.is_frozen else "live again", "warning")

    def action_export(self) -> None:
        """Save a picture of the screen in the current folder."""
        path = Path.cwd() / f"flowctl-{time.strftime('%Y%m%d-%H%M%S')}.svg"
        try:
            path.write_text(self._app.export_screenshot(), encoding="utf-8")
        except OSError as error:
            self._self.say(f"cannot save {path}: {error.strerror}", "error")
            return
        self._self.say(f"saved {path}")

    def action_redraw(self) -> None:
        self.app.refresh(repaint=True, layout=True)

    def action_reconnect(self) -> None:
        self._app.start_daemon()

    def action_suspend(self) -> None:
        self.app.action_suspend_process()
