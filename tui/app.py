"""The application: its looks, its main views, the bridge to the data, and what all screens ask of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from textual.filter import LineFilter

from flowctl.store.home import Home
from flowctl.tui import clipboard, signals
from flowctl.tui.actions import Actions
from flowctl.tui.attention import Attention
from flowctl.tui.bell import Bells
from flowctl.tui.bridge import Bridge, Broken, News
from flowctl.tui.daemon_life import DaemonLife
from flowctl.tui.data.source import Clock, Source, utc_now
from flowctl.tui.keymap import load_keymap
from flowctl.tui.model.asked import Asked
from flowctl.tui.model.help_rows import HelpRow
from flowctl.tui.model.keys import Binding
from flowctl.tui.model.snapshots import Counts
from flowctl.tui.model.themes import THEMES, Look, Theme
from flowctl.tui.screens import main_view
from flowctl.tui.screens.pointing import TABS
from flowctl.tui.ticking import QUICK, Ticking
from flowctl.tui.typed import Typed
from flowctl.tui.widgets.colourless import COLOURLESS
from flowctl.tui.widgets.ink import Ink, textual_theme
from flowctl.tui.widgets.pane import BOX_WIDTH, SPLIT_FROM


class FlowctlApp(Typed):
    """The interface."""

    TITLE = "flowctl"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "flowctl.tcss"
    MODES: ClassVar[Any] = {name: partial(main_view, name) for name, _ in TABS}  # Textual's type names private ones
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-narrow"), (SPLIT_FROM, "-split"), (BOX_WIDTH, "-boxed")]  # noqa: RUF012 - as in Textual
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (8, "-short"), (14, "-low"), (20, "-tall"), (34, "-high")]  # noqa: RUF012

    def __init__(
        self,
        home: Home,
        look: Look,
        *,
        opens_run: str | None = None,
        asks_daemon: bool = True,
        is_read_only: bool = False,
        starts_daemon: bool = False,
        clock: Clock = utc_now,
    ) -> None:
        self.clock = clock
        self.look = look
        self.home = home
        self.ink = self._ink_of(THEMES[look.theme])
        super().__init__(ansi_color=not THEMES[look.theme].background)
        self.animation_level = "none"
        for theme in THEMES.values():
            self.register_theme(textual_theme(theme))
        self.theme = f"flowctl-{look.theme}"
        self.bridge = Bridge(lambda: Source.open(home, clock=clock), self, every_s=1 / look.fps)
        #: Nothing may be changed from here, neither by the daemon nor by an editor.
        self.is_read_only = is_read_only
        self.actions = Actions(
            home, is_allowed=asks_daemon and not is_read_only, option="--read-only" if is_read_only else "--no-daemon"
        )
        self.daemon = DaemonLife(self, may_start=asks_daemon, starts=starts_daemon)
        self.table, self.keymap_problems = load_keymap()
        self.tells_keymap = bool(self.keymap_problems)
        self.counts: Counts | None = None
        self._ticking = Ticking(self._tick, self._turns, self._handle_exception)
        self.asked = Asked()
        self.attention = Attention(home)
        self.bells = Bells()
        #: What is to be said once the terminal is back.
        self.parting: list[str] = []
        self._opens_run = opens_run
        #: The list of runs as it stood when the interface was left: the next first frame.
        self.last_frame: list[str] = []

    def exit(self, *words: Any, **options: Any) -> None:  # Textual's own, handed through
        """Leave; what the list of runs looks like is kept for the next time."""
        # Nothing may keep anybody from leaving, least of all a picture for the next time.
        with suppress(Exception):
            if self.view is not None:
                self.last_frame = self.view.frame_lines() or self.last_frame
        self.is_over = True
        super().exit(*words, **options)

    @property
    def crash(self) -> Exception | None:
        """What broke the interface, if it broke."""
        return self._exception

    @property
    def has_daemon(self) -> bool:
        """Whether anything can be asked of the daemon."""
        pulse = self.bridge.pulse
        return self.actions.is_allowed and pulse is not None and pulse.daemon_pid is not None

    def why_not(self, key: Binding | HelpRow) -> str:
        """Say in a few words why a key that has a meaning cannot be carried out now; empty: it can."""
        if self.is_read_only and key.changes:
            return "not with --read-only"
        return "needs the daemon" if key.needs_daemon and not self.has_daemon else ""

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Let no colour through in a theme that has none: Textual's own filter writes the terminal's."""
        return super().get_line_filters() if self.ink.theme.has_colours else [COLOURLESS]

    def delay_update(self, delay: float = 0.05) -> None:
        """Wait less than Textual would before a new screen is painted: ours are ready at once."""
        super().delay_update(min(delay, 0.01))

    def on_mount(self) -> None:
        """Begin: data, clock, signals."""
        signals.listen(self)
        self.bridge.watch(lambda source: source.counts(), self._take_counts, is_slow=True)
        self.bridge.watch(lambda source: source.standing(self.bells.ids), partial(self.bells.ring, self))
        self.bridge.start()
        self.switch_mode("runs")
        if self._opens_run is not None:
            self.open_run(self._opens_run)
        self._ticking.start()
        self.daemon.begin()

    def on_unmount(self) -> None:
        self._ticking.stop()
        self.actions.hurry()
        for each in self.asked.rest():
            each()
        self.actions.close()
        self.bridge.stop()

    async def on_news(self, _event: News) -> None:
        """Take what the bridge has read."""
        self.daemon.note(self.bridge.pulse)
        # What is opened from a frozen screen is to show something; it stands still from then on.
        self.bridge.deliver(is_first=self.is_frozen)
        await self.catch_up()
        if self.is_frozen:
            return
        if self.view is not None:
            self.view.show_health()
            self.view.refresh_lines()
        self._ticking.hurry()

    def on_broken(self, event: Broken) -> None:
        """End as with any other defect: with the terminal restored and a report."""
        raise event.error

    def restyle(self, name: str) -> None:
        """Change the theme."""
        theme = THEMES[name]
        self.ink = self._ink_of(theme)
        self.ansi_color = not theme.background
        self.theme = f"flowctl-{name}"
        for widget in self.screen.walk_children():
            widget.refresh()

    def yank(self, text: str | Callable[[], str], name: str) -> None:
        """Copy a text, and say by which way."""
        clipboard.copy_apart(self, text, name)

    def _ink_of(self, theme: Theme) -> Ink:
        return Ink(theme, self.look.glyphs, is_ascii=self.look.is_ascii)

    def _take_counts(self, counts: Counts) -> None:
        self.counts = counts
        if self.view is not None:
            self.view.take_counts(counts)

    def _turns(self) -> bool:
        is_still = self.is_frozen or self.look.is_calm or self.look.fps < QUICK or self._is_stale()
        return self.view is not None and self.view.is_live and not is_still

    def _is_stale(self) -> bool:
        """Tell whether what is shown is not of now, so that nothing of it may move as if it were."""
        return self.bridge.problem is not None or self.bridge.is_stuck

    def _tick(self, tick: int) -> None:
        self.hurry_up()
        for each in self.asked.due():
            self.run_worker(each, thread=True, group="requests", exit_on_error=False)
        self.daemon.tick()
        if self.view is None or self.is_frozen:
            return
        if self._is_stale():
            self.view.tick_lines()
        else:
            self.view.tick(tick)
