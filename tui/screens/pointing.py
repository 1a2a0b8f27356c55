"""What a click on one of the fixed lines means: a main view, a key that is named there, the line to type into."""

from __future__ import annotations

import re
from typing import Final

from textual import on
from textual.events import Key

from flowctl.tui.model.filtered import heading_at
from flowctl.tui.model.keys import key_named
from flowctl.tui.model.texts import Line, width_of
from flowctl.tui.screens.screen import FlowctlScreen
from flowctl.tui.widgets.bar import Bar

TABS: Final = (("runs", "Runs"), ("deploys", "Deploys"), ("flows", "Flows"), ("logs", "Logs"), ("system", "System"))
#: A key and what it does are two spans, with one between them and the next.
_NEAR: Final = 2
#: `undo: paused brave-otter (u, 6 s)`
_IN_BRACKETS: Final = re.compile(r"\((\S), ")


class Pointing(FlowctlScreen):
    """What the mouse can do on every view, beside what is in the panes."""

    @on(Bar.Pressed, "#where")
    def _on_where(self, event: Bar.Pressed) -> None:
        """Go to a main view; the place one is in below it is the way back."""
        text = event.line[event.span][0].strip(" []")
        name = next((name for place, (name, title) in enumerate(TABS, 1) if text == f"{place} {title}"), None)
        if name is not None:
            self.flowctl.go_to_mode(name)
        elif event.span == 0 and text:
            self.whole.leave()

    @on(Bar.Pressed, "#keys")
    @on(Bar.Pressed, "#note")
    def _on_key_named(self, event: Bar.Pressed) -> None:
        """Press the key that is named there."""
        key = pressed_in(event.line, event.span, event.column)
        if key is not None and (not self.whole.is_typing or key[0] == "escape"):
            self.flowctl.post_message(Key(*key).set_sender(self.flowctl))

    @on(Bar.Pressed, "#query")
    def _on_query_line(self) -> None:
        if not self.whole.is_typing:
            self.run_worker(self.run_action("find_search"), exit_on_error=False)


def pressed_in(line: Line, span: int, column: int) -> tuple[str, str | None] | None:
    """Find the key that a place in a line names: in the span that was hit, or shortly before it."""
    for place in range(span, max(-1, span - _NEAR - 1), -1):
        text, style = line[place]
        if place == span and (named := _IN_BRACKETS.search(text)) is not None:
            return key_named(named[1])
        if style in ("accent", "quiet", "warning"):
            # Several may stand in one span, with spaces between them.
            at = column - width_of(line[:place]) if place == span else 0
            words = (heading_at(((text, ""),), at) if place == span else text).split()
            if words and (key := key_named(words[0])) is not None:
                return key
    return None
