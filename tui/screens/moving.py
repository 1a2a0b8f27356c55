"""Keys that work on every screen: moving in the pane in front, going from one screen to another, leaving."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

from flowctl.tui.screens.screen import FlowctlScreen
from flowctl.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from flowctl.tui.history import Place

#: Pressed twice within it, ctrl+c leaves.
_TWICE_S: Final = 1.0


class Moving(FlowctlScreen):
    """What every view can do."""

    _asked_to_leave_s = float("-inf")

    @property
    def pane(self) -> Pane:
        """The pane that keys go to."""
        focused = self.focused
        return focused if isinstance(focused, Pane) else self.query_one("#main", Pane)

    def action_move_down(self) -> None:
        self.pane.move_by(1)

    def action_move_up(self) -> None:
        self.pane.move_by(-1)

    def action_move_first(self) -> None:
        self.pane.move_first()

    def action_move_last(self) -> None:
        self.pane.move_last()

    def action_move_half_down(self) -> None:
        self.pane.move_by(max(1, self.pane.page // 2))

    def action_move_half_up(self) -> None:
        self.pane.move_by(-max(1, self.pane.page // 2))

    def action_move_page_down(self) -> None:
        self.pane.move_by(self.pane.page)

    def action_move_page_up(self) -> None:
        self.pane.move_by(-self.pane.page)

    def action_move_next_pane(self) -> None:
        self.focus_next(Pane)

    def action_move_previous_pane(self) -> None:
        self.focus_previous(Pane)

    def action_look_zoom_pane(self) -> None:
        if self.maximized is not None:
            self.minimize()
        else:
            self.maximize(self.pane, container=False)

    def action_move_back(self) -> None:
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
        if len(self.flowctl.screen_stack) > 1:
            self.flowctl.pop_screen()

    def action_app_leave(self) -> None:
        """Go back; at the top, quit."""
        if len(self.flowctl.screen_stack) > 1:
            self.flowctl.pop_screen()
        else:
            self.flowctl.exit(0)

    def action_app_quit(self) -> None:
        self.flowctl.exit(0)

    def action_app_copy_or_quit(self) -> None:
        """Copy what the mouse has selected; else leave when it comes twice."""
        selected = self.get_selected_text()
        if selected:
            self.flowctl.yank(selected, "the selection")
            return
        now = time.monotonic()
        if now - self._asked_to_leave_s < _TWICE_S:
            self.flowctl.exit(0)
        self._asked_to_leave_s = now
        self.whole.say("once more to quit; runs go on", "warning")

    def action_view_runs(self) -> None:
        self.flowctl.go_to_mode("runs")

    def action_view_deploys(self) -> None:
        self.flowctl.go_to_mode("deploys")

    def action_view_flows(self) -> None:
        self.flowctl.go_to_mode("flows")

    def action_view_logs(self) -> None:
        self.flowctl.go_to_mode("logs")

    def action_view_system(self) -> None:
        self.flowctl.go_to_mode("system")

    def action_move_history_back(self) -> None:
        self._go(self.flowctl.history.back(), "nothing farther back")

    def action_move_history_forward(self) -> None:
        self._go(self.flowctl.history.forward(), "nothing farther on")

    def action_move_last_view(self) -> None:
        self._go(self.flowctl.history.last(), "there was no other view yet")

    def _go(self, place: Place | None, otherwise: str) -> None:
        if place is None:
            self.whole.say(otherwise, "quiet")
        else:
            self.flowctl.go(place)

    def action_app_help(self) -> None:
        from flowctl.tui.screens.help import HelpScreen

        self.flowctl.push_screen(HelpScreen(self.whole))

    def action_app_palette(self) -> None:
        from flowctl.tui.screens.palette import PaletteScreen

        self.flowctl.push_screen(PaletteScreen(self.whole))

    def action_look_freeze(self) -> None:
        """Let the screen stand still while data goes on; the same key lets it go again."""
        self.flowctl.is_frozen = not self.flowctl.is_frozen
        self.whole.show_health()
        self.whole.say("frozen: P lets it go on" if self.flowctl.is_frozen else "live again", "warning")

    def action_app_export(self) -> None:
        """Save the screen in the current folder, as one chooses."""
        view = self.whole
        answers = {"s": partial(self._export, "svg"), "t": partial(self._export, "txt")}
        offered = "export: s picture (SVG)   t text"
        if view.inspected() is not None:
            answers["j"] = partial(self._export, "json")
            offered += "   j record (JSON)"
        view.choose(offered, answers, style="accent")

    def _export(self, kind: str) -> None:
        from flowctl.tui.screens import export
        from flowctl.tui.screens.taking import as_json

        view, record = self.whole, self.whole.inspected()
        try:
            if kind == "svg":
                path = export.save(export.self_contained(self.flowctl.export_screenshot()), kind)
            elif kind == "txt" or record is None:
                path = export.save(export.as_text(view), "txt")
            else:
                path = export.save(as_json(record[1]) + "\n", kind)
        except OSError as error:
            view.say(f"cannot save in the folder you started in: {error.strerror}", "error")
            return
        view.say(f"saved {path}")

    def action_app_redraw(self) -> None:
        self.flowctl.refresh(repaint=True, layout=True)

    def action_app_reconnect(self) -> None:
        self.flowctl.daemon.start()

    def action_app_suspend(self) -> None:
        self.flowctl.action_suspend_process()
