"""The keys that are named below a screen: those that work now; on some screens those that act stand by themselves."""

from __future__ import annotations

from operator import attrgetter
from typing import ClassVar, Final

from flowctl.tui.model.keys import Binding, shown_key
from flowctl.tui.model.texts import Line, Span, width_of
from flowctl.tui.screens.acting import Acting

#: From this width on it is said what actions are about.
_NAMES_FROM: Final = 120
_in_order: Final = attrgetter("footer")


class Footer(Acting):
    """A screen that names its keys; which of them can run is up to each."""

    #: Whether the keys that act may stand above the others, where nothing else has to be said there.
    ACTS_APART: ClassVar[bool] = False

    bindings: tuple[Binding, ...]

    def key_of(self, binding: Binding) -> str:
        """Say which of its keys the footer names."""
        return binding.keys[0]

    def acts_on(self) -> str:
        """Name what actions are about, where there is room to say it."""
        return ""

    def key_lines(self, *, has_room: bool) -> tuple[Line, Line]:
        """Name the keys that work now; with room above them, those that act there, where one line is too short."""
        shown = sorted((each for each in self.bindings if each.footer and self.can_run(each)), key=_in_order)
        named = [(each.group == "Act", self._named(each)) for each in shown]
        whole = [span for _, spans in named for span in spans]
        if not has_room or width_of(whole) <= self.flowctl.size.width:
            return self._cut_keys(whole), ()
        acts = [span for is_act, spans in named if is_act for span in spans]
        name = self.acts_on() if self.flowctl.size.width >= _NAMES_FROM else ""
        lead: list[Span] = [(f" {name}:", "quiet")] if name and acts else []
        rest = [span for is_act, spans in named if not is_act for span in spans]
        return self._cut_keys(rest), self._cut_keys([*lead, *acts])

    def key_line(self) -> Line:
        """Name the keys that work now on one line."""
        return self.key_lines(has_room=False)[0]

    def _named(self, binding: Binding) -> list[Span]:
        key = shown_key(self.key_of(binding), is_ascii=self.flowctl.ink.is_ascii)
        is_grey = bool(self.flowctl.why_not(binding))
        return [
            (" ", ""),
            (key, "quiet" if is_grey else "accent"),
            (f" {self.brief_of(binding)} ", "quiet" if is_grey else ""),
        ]

    def _cut_keys(self, spans: list[Span]) -> Line:
        width = self.flowctl.size.width
        if width_of(spans) <= width:
            return tuple(spans)
        # The way to all other keys must not be cut off.
        tail = spans[-3:] if spans[-1][0].strip() == "help" else []
        while spans and width_of([*spans, *tail]) > width:
            del spans[-3:]
        return (*spans, *tail)
