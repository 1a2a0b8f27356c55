"""A list that a query filters: typed above the list, with offers of what may come next, it takes effect at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import on

from flowctl.store.query_language import EVERYTHING, Query, QueryError, parse
from flowctl.tui.model.completion import Offer, Vocabulary, apply, complete
from flowctl.tui.model.texts import Line, Span
from flowctl.tui.screens.saved import SavedViews
from flowctl.tui.widgets.prompt import Prompt

#: Each letter changes a query: what is read waits until they rest.
REST_S: Final = 0.08
_MOST_OFFERS: Final = 6


class QueryLine(SavedViews):
    """What such a list has in common; what is read is up to each."""

    _query: Query = EVERYTHING
    _before = ""
    _complaint = ""
    _offers: Sequence[Offer] = ()
    #: What there was to ask for when one began to type: the list itself knows less with each letter.
    _known = Vocabulary()

    def vocabulary(self) -> Vocabulary:
        """Say which flows, tags and so on there are to ask for."""
        return Vocabulary()

    def query_changed(self) -> None:
        """Read what fits the query that is in force now."""

    @property
    def query_text(self) -> str:
        return self._query.text

    def action_find_search(self) -> None:
        self._before = self._query.text
        self._known = self.vocabulary()
        self._offers = self._offered(self._before, len(self._before))
        self.type_into(
            "#query",
            self._before,
            placeholder="state:problem age<1d flow:etl* took>1.5x text",
            typed=self._on_typed_query,
            entered=self._on_query,
            dropped=lambda: self.requery(self._before),
        )
        self.refresh_lines()

    def action_find_problems(self) -> None:
        """Show only what failed or crashed; the same key shows all again."""
        self.requery("" if self._query.text == "state:problem" else "state:problem")

    def requery(self, text: str) -> None:
        """Show what fits a query."""
        self._on_query(text)

    @on(Prompt.Completes)
    def _on_completes(self, event: Prompt.Completes) -> None:
        """Take the first offer."""
        prompt = event.prompt
        self._offers = self._offered(prompt.value, prompt.cursor_position)
        if self._offers:
            prompt.value, prompt.cursor_position = apply(prompt.value, self._offers[0])

    def _on_typed_query(self, text: str) -> None:
        prompt = self.query_one(Prompt)
        self._offers = self._offered(text, prompt.cursor_position)
        self._on_query(text)
        self.refresh_lines()

    def _offered(self, text: str, cursor: int) -> Sequence[Offer]:
        return complete(text, cursor, self._known.with_(self.vocabulary()))

    def _on_query(self, text: str) -> None:
        try:
            query = parse(text)
        except QueryError as error:
            # What is half typed is half wrong: then it stands beside what one can go on with.
            self._complaint = str(error)
            if not (self.is_typing and self._offers):
                self.say(self._complaint, "warning")
            return
        self._complaint = ""
        if query == self._query:
            return
        self._query = query
        if self._note:
            self.hush()
        self.set_timer(REST_S, lambda: self._reask(query))

    def _reask(self, query: Query) -> None:
        if query == self._query and self.is_current:
            self.query_changed()

    def note_line(self) -> tuple[Line, Line]:
        if not (self.is_typing and self._offers):
            return super().note_line()
        first = self._offers[0]
        spans: list[Span] = [(" tab ", "accent"), (first.text, "title"), (f" {first.meaning}".rstrip(), "quiet")]
        for offer in self._offers[1:_MOST_OFFERS]:
            spans += [("   ", ""), (offer.text, "")]
        return tuple(spans), ((f"{self._complaint} ", "warning"),) if self._complaint else ()
