"""The application: its looks, its main views, the bridge to the data, and the way from one screen to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from textual.app import App
from textual.theme import Theme as TextualTheme

from flowctl.store.home import Home
from flowctl.tui import signals
from flowctl.tui.actions import Actions
from flowctl.tui.bridge import EVERY_S, SSH_EVERY_S, Bridge, News
from flowctl.tui.data.source import Source
from flowctl.tui.model.snapshots import Counts
from flowctl.tui.model.themes import THEMES, Look, Theme
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.ink import Ink

#: Four times a second a spinner turns and a countdown is written anew.
TICK_S: Final = 0.25
_MODES: Final = ("runs", "deploys", "flows", "logs", "system")


def _view(name: str) -> Callable[[], View]:
    def make() -> View:
        # Only what is looked at is imported.
        from flowctl.tui.screens import main_view

        return main_view(name)

    return make


class FlowctlApp(App[int]):
    """The interface."""

    TITLE = "flowctl"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "flowctl.tcss"
    MODES: ClassVar[Any] = {name: _view(name) for name in _MODES}  # Textual's own type names its private ones
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-split"), (140, "-wide")]  # noqa: RUF012 - Textual's way
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-low"), (20, "-tall")]  # noqa: RUF012 - as above

    def __init__(
        self,
        home: Home,
        look: Look,
        *,
        opens_run: str | None = None,
        asks_daemon: bool = True,
        open_source: Callable[[Home], Source] = Source.open,
    ) -> None:
        self.look = look
        self.home = home
        self.ink = self._ink_of(THEMES[look.theme])
        super().__init__(ansi_color=not THEMES[look.theme].background)
        self.animation_level = "none"
        for theme in THEMES.values():
            self.register_theme(_textual_theme(theme))
        self.theme = f"flowctl-{look.theme}"
        every_s = SSH_EVERY_S if look.is_remote else EVERY_S
        self.bridge = Bridge(lambda: open_source(home), self, every_s=every_s)
        self.actions = Actions(home, is_allowed=asks_daemon)
        self.counts: Counts | None = None
        self._opens_run = opens_run
        self._ticks = 0
        #: The list of runs as it stood on the screen last, for the next first frame.
        self.last_list: list[str] = []

    @property
    def crash(self) -> Exception | None:
        """What broke the interface, if it broke."""
        return self._exception

    def delay_update(self, delay: float = 0.01) -> None:
        """Wait less than Textual would before a new screen is painted: ours are ready at once."""
        super().delay_update(min(delay, 0.01))

    def on_mount(self) -> None:
        """Begin: data, clock, signals."""
        signals.listen(self)
        self.bridge.start()
        self.bridge.watch(lambda source: source.counts(), self._take_counts, is_slow=True)
        self.switch_mode("runs")
        if self._opens_run is not None:
            self.open_run(self._opens_run)
        self.set_interval(TICK_S, self._tick)

    def on_unmount(self) -> None:
        self.bridge.stop()

    def on_news(self, _event: News) -> None:
        """Take what the bridge has read."""
        self.bridge.deliver()
        for screen in (self.screen,):
            if isinstance(screen, View):
                screen.show_health()

    @property
    def view(self) -> View | None:
        """The screen, if it is one of ours."""
        return self.screen if isinstance(self.screen, View) else None

    def open_run(self, run_id: str, task: int | None = None) -> None:
        """Open a run, or one of its tasks."""
        from flowctl.tui.screens.run import RunScreen
        from flowctl.tui.screens.task import TaskScreen

        self.push_screen(RunScreen(run_id) if task is None else TaskScreen(run_id, task))

    def restyle(self, name: str) -> None:
        """Change the theme."""
        theme = THEMES[name]
        self.ink = self._ink_of(theme)
        self.ansi_color = not theme.background
        self.theme = f"flowctl-{name}"
        for widget in self.screen.walk_children():
            widget.refresh()

    def _ink_of(self, theme: Theme) -> Ink:
        return Ink(theme, self.look.glyphs, is_ascii=self.look.is_ascii)

    def _take_counts(self, counts: Counts) -> None:
        self.counts = counts
        if self.view is not None:
            self.view.show_health()
            self.view.take_counts(counts)

    def _tick(self) -> None:
        self._ticks += 1
        view = self.view
        if view is not None and (view.is_live or self._ticks % round(1 / TICK_S) == 0):
            view.tick(self._ticks)

    def _print_error_renderables(self) -> None:
        """Print nothing: what broke is told once the terminal is back, in a sentence."""


def _textual_theme(theme: Theme) -> TextualTheme:
    """Make of a theme what Textual's own widgets, such as inputs, go by."""
    return TextualTheme(
        name=f"flowctl-{theme.name}",
        primary=theme.accent if theme.accent.startswith("#") else "ansi_cyan",
        accent=theme.accent if theme.accent.startswith("#") else "ansi_cyan",
        foreground=theme.foreground or "ansi_default",
        background=theme.background or "ansi_default",
        surface=theme.surface if theme.surface.startswith("#") else "ansi_default",
        dark=theme.is_dark,
        ansi=not theme.background,
    )
