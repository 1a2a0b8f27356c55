"""A list of rows with a cursor: only the rows in the window are drawn, each once until it changes."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Sequence
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from textual.events import Click
from textual.message import Message
from textual.strip import Strip

from flowctl.tui.model.filtered import heading_at
from flowctl.tui.model.texts import Line
from flowctl.tui.widgets.pane import Pane

T = TypeVar("T")

#: More strips than any window has rows; beyond it all are forgotten, which costs one repaint.
_MOST_STRIPS: Final = 1000


@runtime_checkable
class Placing(Protocol):
    """Rows that can tell where a key is without being gone through, since most of them are not read."""

    def place_of(self, key: Any, near: int = 0) -> int | None: ...


class RowLook(NamedTuple):
    """What a row is drawn for."""

    width: int
    is_cursor: bool
    is_marked: bool


class RowPane(Pane, Generic[T]):
    """Rows under an optional head line; the cursor stays on its row, wherever that moves."""

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, pane: RowPane[Any]) -> None:  # whoever listens knows of what its rows are
            super().__init__()
            self.pane = pane

        @property
        def control(self) -> RowPane[Any]:
            return self.pane

    class Opened(Message):
        """A row was clicked twice."""

        def __init__(self, pane: RowPane[Any]) -> None:
            super().__init__()
            self.pane = pane

        @property
        def control(self) -> RowPane[Any]:
            return self.pane

    class HeadingClicked(Message):
        """The heading of a column was clicked."""

        def __init__(self, pane: RowPane[Any], heading: str) -> None:
            super().__init__()
            self.pane = pane
            self.heading = heading

        @property
        def control(self) -> RowPane[Any]:
            return self.pane

    def __init__(
        self,
        title: str = "",
        *,
        key_of: Callable[[T], Hashable],
        draw: Callable[[T, RowLook], Line],
        head: Callable[[int], Line] | None = None,
        is_live: Callable[[T], bool] = lambda _row: False,
        version_of: Callable[[T], Hashable] = id,
        is_ruled: bool = True,
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(title, is_ruled=is_ruled, id=id)
        self._key_of = key_of
        self._draw = draw
        self._head = head
        self._is_live = is_live
        self._version_of = version_of
        self._rows: Sequence[T] = ()
        self._place = 0
        self._top = 0
        self._strips: dict[Hashable, tuple[Hashable, T, Strip]] = {}
        #: What is on the screen, by its line in the body.
        self._painted: dict[int, Strip] = {}
        #: Shown where there are no rows: what that means, and what to do next.
        self.empty: Sequence[Line] = ()
        #: Goes up with whatever changes how rows look, beside the rows themselves: the clock's tick, a column set.
        self.look_version: Hashable = 0
        self.marks: Container[Hashable] = frozenset()

    @property
    def rows(self) -> Sequence[T]:
        return self._rows

    @property
    def row(self) -> T | None:
        """The row under the cursor."""
        return self._rows[self._place] if self._place < len(self._rows) else None

    @property
    def place(self) -> int:
        return self._place

    def put(self, rows: Sequence[T]) -> None:
        """Show other rows; the cursor stays on its row, and that row in its place on the screen, if it is there."""
        before = self.row
        self._rows = rows
        if before is not None and rows:
            wanted = self._key_of(before)
            if not (self._place < len(rows) and self._key_of(rows[self._place]) == wanted):
                found = self._place_of(wanted)
                # One that is at the very top shows what is newest; it need not scroll along.
                if found is not None and self._top:
                    self._top += found - self._place
                self._place = min(self._place, len(rows) - 1) if found is None else found
        else:
            self._place = 0
        self._keep_in_window()
        self._refresh_others()
        now = self.row
        if (None if before is None else self._key_of(before)) != (None if now is None else self._key_of(now)):
            self.post_message(self.Moved(self))

    def move_to(self, place: int) -> None:
        """Put the cursor on another row."""
        place = max(0, min(place, len(self._rows) - 1))
        if place == self._place:
            return
        self._place = place
        self._keep_in_window()
        self.refresh()
        self.post_message(self.Moved(self))

    def move_by(self, lines: int) -> None:
        self.move_to(self._place + lines)

    def move_to_key(self, key: Hashable) -> bool:
        """Put the cursor on the row of a key; tell whether there is one."""
        place = self._place_of(key)
        if place is not None:
            self.move_to(place)
        return place is not None

    def _place_of(self, key: Hashable) -> int | None:
        if isinstance(self._rows, Placing):
            return self._rows.place_of(key, self._place)
        return next((place for place, row in enumerate(self._rows) if self._key_of(row) == key), None)

    @property
    def window(self) -> Sequence[T]:
        """The rows that are seen."""
        return self._rows[self._top : self._top + self.page]

    @property
    def page(self) -> int:
        """How many rows the window holds."""
        return max(1, self.body_height - (self._head is not None))

    def tick(self, look_version: Hashable) -> None:
        """Let what moves with the clock be drawn anew: only rows in the window, and only the live ones."""
        self.look_version = look_version
        for y, row in enumerate(self.window, int(self._head is not None)):
            if self._is_live(row):
                self.refresh_body_line(y)

    def repaint(self) -> None:
        """Draw every row anew, and paint those that look otherwise."""
        self._strips.clear()
        self._refresh_others()

    def _refresh_others(self) -> None:
        """Have drawn anew what is not as it is painted; a list that is read again is mostly the same."""
        painted, width = self._painted.copy(), self.body_width
        for y in range(self.body_height):
            if painted.get(y) != self.body_line(y, width):
                self.refresh_body_line(y)

    def body_line(self, y: int, width: int) -> Strip:
        strip = self._painted[y] = self._line(y, width)
        return strip

    def _line(self, y: int, width: int) -> Strip:
        if self._head is not None:
            if y == 0:
                return self.ink.strip(self._head(width), width)
            y -= 1
        place = y + self._top
        if place >= len(self._rows):
            if not self._rows and y < len(self.empty):
                return self.ink.strip(self.empty[y], width)
            return self.ink.strip((), width)
        row = self._rows[place]
        key = self._key_of(row)
        look = RowLook(width, place == self._place, key in self.marks)
        version = (self._version_of(row), look, self.ink.name, self.look_version if self._is_live(row) else 0)
        known = self._strips.get(key)
        if known is not None and known[0] == version and known[1] is row:
            return known[2]
        if len(self._strips) > _MOST_STRIPS:
            self._strips.clear()
        strip = self.ink.strip(self._draw(row, look), width, "cursor" if look.is_cursor else "")
        # The row is kept with its strip, so that no other one can be given its identity.
        self._strips[key] = (version, row, strip)
        return strip

    def _keep_in_window(self) -> None:
        if not self.size.height:
            return  # not laid out yet
        page = self.page
        self._top = max(self._place - page + 1, min(self._top, self._place))
        self._top = max(0, min(self._top, len(self._rows) - page))

    def on_resize(self) -> None:
        self._keep_in_window()
        # Textual keeps lines of the same width, and they may be others now.
        self.refresh()

    def on_click(self, event: Click) -> None:
        event.stop()
        top = int(self._head is not None) + (1 if self.is_boxed or self._is_ruled else 0)
        place = event.y - top + self._top
        if self._head is not None and event.y == top - 1:
            inset = 2 if self.is_boxed else 0
            heading = heading_at(self._head(self.size.width - 2 * inset), event.x - inset)
            if heading:
                self.post_message(self.HeadingClicked(self, heading))
        elif event.y >= top and place < len(self._rows):
            self.move_to(place)
            if event.chain == 2:
                self.post_message(self.Opened(self))
