"""Time travel: `T` stops the clock, left and right go from event to event, escape comes back to now."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from textual.events import Key

from flowctl.tui.model.keys import footer_of, shown_key
from flowctl.tui.model.texts import Line, Span, clock, grouped
from flowctl.tui.screens.view import View

#: Far steps, for runs with thousands of events.
_FAR: Final = 20


class Travelling(View):
    """A screen that can show how things stood."""

    _moments: Sequence[datetime] = ()
    _instant: datetime | None = None

    def moments(self) -> list[datetime]:
        """Give the instants at which something here changed, in order."""
        return []

    def find_moments(self, take: Callable[[Sequence[datetime]], None]) -> None:
        """Find them; where there are very many, the answer comes later."""
        take(self.moments())

    def show_instant(self) -> None:
        """Show how things stood at `instant`; None: how they stand."""

    @property
    def instant(self) -> datetime | None:
        """The instant that is shown; None: now."""
        return self._instant

    def action_look_travel(self) -> None:
        """Stop at the last event; the same key, or escape, comes back to now."""
        if not self.return_to_now():
            self.find_moments(self._stop_at_last)

    def _stop_at_last(self, moments: Sequence[datetime]) -> None:
        self._moments = moments
        if moments:
            self._go_to(len(moments) - 1)
        else:
            self.say("nothing has happened here yet", "quiet")

    def return_to_now(self) -> bool:
        """Come back to now; False where one is there."""
        if self._instant is None:
            return False
        self._instant = None
        self.say("now", "quiet")
        self.show_instant()
        return True

    def clear_something(self) -> bool:
        return self.return_to_now() or super().clear_something()

    def why_not(self, verb: str) -> str | None:
        if self._instant is not None:
            return f"{verb} would be about the past: esc comes back to now"
        return super().why_not(verb)

    def on_key(self, event: Key) -> None:
        """Go from event to event, where left and right would fold and open."""
        steps = {
            **dict.fromkeys(self._keys_of("travel.earlier"), -1),
            **dict.fromkeys(self._keys_of("travel.later"), 1),
            **dict.fromkeys(self._keys_of("travel.far_earlier"), -_FAR),
            **dict.fromkeys(self._keys_of("travel.far_later"), _FAR),
        }
        if self._instant is None or self.is_typing or event.key not in steps:
            return
        event.stop()
        event.prevent_default()
        here = bisect_right(self._moments, self._instant) - 1
        self._go_to(max(0, min(here + steps[event.key], len(self._moments) - 1)))

    def travel_line(self) -> Line:
        """Say at which instant one is."""
        at, dot = self._instant, self.flowctl.ink.glyphs.dot
        if at is None:
            return ()
        place = bisect_right(self._moments, at)
        return (
            (f"{clock(at, has_millis=True)} ", "bold warning"),
            (f"{dot} event {grouped(place)} of {grouped(len(self._moments))} {dot} ", "warning"),
            ("esc", "accent"),
            (" now ", "quiet"),
        )

    def key_lines(self, *, has_room: bool) -> tuple[Line, Line]:
        """Name the keys of travelling while one travels."""
        if self._instant is None:
            return super().key_lines(has_room=has_room)
        glyphs = self.flowctl.ink
        spans: list[Span] = []
        for each in footer_of(self.flowctl.table, "travel"):
            if "travel" in each.scopes or each.id == "app.help":
                key = shown_key(each.keys[0], is_ascii=glyphs.is_ascii)
                spans += [(f" {key}", "accent"), (f" {each.brief} ", "")]
        return (*spans, (" shift", "accent"), (" 20 at once ", ""), (" esc", "accent"), (" now", "")), ()

    def _go_to(self, place: int) -> None:
        self._instant = self._moments[place]
        self.show_instant()

    def _keys_of(self, id_: str) -> tuple[str, ...]:
        return next((each.keys for each in self.flowctl.table if each.id == id_), ())
