"""What comes from the terminal: keys, kept for the screen that they are typed at, and changes of its size."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

from textual.css.query import NoMatches
from textual.driver import Driver
from textual.events import Event, InputEvent, Key, Paste, Resize
from textual.message_pump import MessagePump

from flowctl.tui.navigation import Navigation
from flowctl.tui.screens.view import View

if TYPE_CHECKING:
    from flowctl.tui.driver import TerminalDriver

#: For how long what is typed waits for what a screen shows.
_FILLING_S: Final = 1.0
#: For how long it waits for the key before it; one that a widget took with it into its end never arrives.
_FOLLOWING_S: Final = 0.3
#: After a change of its size a terminal is drawn whole once more: what went while it was smaller is gone for it, and
#: Textual draws nothing where it is as large as before.
_RESIZED_S: Final = 0.05


class Typed(Navigation):
    """What the application knows of its terminal."""

    def __init__(self, *words: Any, **options: Any) -> None:  # Textual's own, handed through
        super().__init__(*words, **options)
        #: Data goes on, and the screen stands still.
        self.is_frozen = False
        #: What was typed before there was anything to do it to, and when.
        self._early: list[tuple[float, Event]] = []
        self._is_sized = self._is_resized = False
        #: Since when a key is on its way through the widgets.
        self._followed_s: float | None = None

    def get_driver_class(self) -> type[Driver]:
        """Drive a terminal in our own way; in a browser there is none."""
        if "TEXTUAL_DRIVER" in os.environ:
            return super().get_driver_class()
        from flowctl.tui.driver import TerminalDriver

        return TerminalDriver

    @property
    def terminal(self) -> TerminalDriver | None:
        """What drives the terminal; None: it is a browser, or a test."""
        from flowctl.tui.driver import TerminalDriver

        return self._driver if isinstance(self._driver, TerminalDriver) else None

    async def on_event(self, event: Event) -> None:
        """Keep what is typed for the screen that it is typed at, which may still be in the making."""
        if isinstance(event, InputEvent | Paste):
            if self.is_over:
                return  # what is still in the queue stands before the end, and is meant for nobody
            if isinstance(event, Key | Paste) and not event.is_forwarded and isinstance(self.screen, View):
                await self.screen.wait_until_made()
                if self._early or self._is_following or not self._takes_keys(self.screen):
                    if not self._early:
                        self.set_timer(_FOLLOWING_S, self.catch_up)
                    self._early.append((time.monotonic(), event))
                    return
                await self._carry_out(event)
                return
        if isinstance(event, Resize):
            self._follow_size()
        await super().on_event(event)

    def _follow_size(self) -> None:
        # The first one tells how large it is, before anything is drawn.
        if self._is_sized and not self._is_resized:
            self._is_resized = True
            self.set_timer(_RESIZED_S, self._draw_whole)
        self._is_sized = True

    def _draw_whole(self) -> None:
        self._is_resized = False
        if not self.is_over:
            self.refresh(repaint=True, layout=True)

    async def _carry_out(self, event: Event) -> None:
        """Hand on what is typed, and follow a key: what comes behind it may be meant for what it opens, and waits."""
        node = self.focused or self.screen
        if isinstance(event, Key):
            self._followed_s = time.monotonic()
        await super().on_event(event)
        if isinstance(event, Key) and not self.is_over:
            self.screen.call_after_refresh(self.key_pace.painted, event.time)
            self._follow(node)

    def _follow(self, node: MessagePump) -> None:
        def passed() -> None:
            if node is self:
                self._followed_s = None
                self.call_later(self.catch_up)
            else:
                # Whether somebody has stopped it, it does not tell: its sender, who is at the end, stops it too.
                self._follow(node._parent or self)  # pyright: ignore[reportPrivateUsage] - where it goes next

        # Its place is behind the key in the queue of each.
        if not node.call_later(passed):
            self._followed_s = None

    @property
    def _is_following(self) -> bool:
        return self._followed_s is not None and time.monotonic() - self._followed_s < _FOLLOWING_S

    def _takes_keys(self, view: View) -> bool:
        # A store that cannot be read fills no screen, and nobody is to wait for it.
        return view.is_filled or self.is_frozen or self.bridge.problem is not None

    async def catch_up(self) -> None:
        """Carry out what was typed at a screen before it showed anything, once it does, or does not for long."""
        while self._early and isinstance(self.screen, View) and not self._is_following:
            typed_s, event = self._early[0]
            await self.screen.wait_until_made()
            if not self._takes_keys(self.screen) and time.monotonic() - typed_s < _FILLING_S and not self.is_over:
                return
            if self._early[:1] != [(typed_s, event)]:
                continue  # another one was faster
            del self._early[0]
            await self._carry_out(event)

    def _handle_exception(self, error: Exception) -> None:
        # Screens that come while all are being left get no widgets.
        if not (self.is_over and isinstance(error, NoMatches)):
            self.is_over = True
            super()._handle_exception(error)

    def hurry_up(self) -> None:
        """Look whether what was typed early has waited for long enough."""
        if self._early:
            self.call_later(self.catch_up)

    def _fatal_error(self) -> None:
        """Draw no traceback: what broke is told once the terminal is back, in a sentence."""
        self._close_messages_no_wait()
