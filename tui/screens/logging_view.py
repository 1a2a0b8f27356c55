"""The keys of a screen with a log on it: follow, wrap, level, search, times."""

from __future__ import annotations

from textual import on

from flowctl.tui.model.keys import Binding
from flowctl.tui.screens.log_feed import LogFeed
from flowctl.tui.screens.view import View
from flowctl.tui.widgets.log import LogPane


class LoggingView(View):
    """A screen with a pane `#log`."""

    _feed: LogFeed | None = None

    @property
    def log_pane(self) -> LogPane:
        return self.query_one("#log", LogPane)

    @property
    def feed(self) -> LogFeed:
        """What fills the log."""
        if self._feed is None:
            self._feed = LogFeed(self, self.log_pane)
        return self._feed

    def brief_of(self, binding: Binding) -> str:
        return "search" if binding.id == "find.search" else super().brief_of(binding)

    @property
    def is_in_log(self) -> bool:
        """Whether keys go to the log."""
        return isinstance(self.focused, LogPane)

    @on(LogPane.Nears)
    def _on_nears(self, event: LogPane.Nears) -> None:
        self.feed.read_more(is_before=event.is_before)

    def action_look_follow(self) -> None:
        self.say("following the end" if self.feed.follow() else "standing still: F follows again", "quiet")

    def action_look_wrap(self) -> None:
        self.log_pane.toggle_wrap()
        self.feed.retitle()

    def action_find_level(self) -> None:
        self.say(f"log: {self.feed.next_level()}", "quiet")

    def action_find_search(self) -> None:
        pane = self.log_pane
        pane.focus()
        self.type_into(
            "#note",
            "",
            placeholder="search in the log; n and N go to the next and previous match",
            typed=self.feed.search,
            entered=self._search,
            dropped=lambda: self.feed.search(""),
        )

    def _search(self, text: str) -> None:
        self.feed.search(text)
        self.log_pane.focus()
        if text:
            self.feed.count_matches()
            self.feed.find(-1 if self.log_pane.log_view.follows else 1)

    def action_find_next_match(self) -> None:
        self.feed.find(1)

    def action_find_previous_match(self) -> None:
        self.feed.find(-1)

    def clear_something(self) -> bool:
        if self.log_pane.search:
            self.feed.search("")
            return True
        return False
