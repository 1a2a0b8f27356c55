"""A pane: lines under a rule with a title where the screen is narrow, in a box where it is wide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from textual.events import Blur, Focus, MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from flowctl.tui.model.texts import Line, Span, fit, width_of
from flowctl.tui.widgets.ink import Ink

if TYPE_CHECKING:
    from flowctl.tui.app import FlowctlApp

#: Below it, a rule takes the place of a box: a box costs two rows and two columns.
BOX_WIDTH: Final = 120
#: From here on things stand beside each other.
SPLIT_FROM: Final = 100
_SCROLL_LINES: Final = 3
_FAR: Final = 1 << 40


class Pane(Widget, can_focus=True):
    """Lines with a frame; who derives from it draws the lines of the body."""

    DEFAULT_CSS = "Pane { height: 1fr; width: 1fr; } Pane:focus { border: none; }"

    def __init__(self, title: str = "", *, is_ruled: bool = True, is_bare: bool = False, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.title: str = title
        #: Said at the right end of the rule, and at the foot of the box.
        self.aside: str = ""
        self.foot: str = ""
        #: It has no frame at any width.
        self._is_bare = is_bare
        #: Without it, a narrow screen shows the body alone.
        self._is_ruled = is_ruled

    @property
    def flowctl(self) -> FlowctlApp:
        """The application: no other one mounts it."""
        return cast("FlowctlApp", self.app)  # pyright: ignore[reportUnknownMemberType] - Textual leaves it open

    @property
    def ink(self) -> Ink:
        """The styles in force."""
        return self.flowctl.ink

    @property
    def is_boxed(self) -> bool:
        return not self._is_bare and self.flowctl.size.width >= BOX_WIDTH

    @property
    def body_width(self) -> int:
        return max(0, self.size.width - (4 if self.is_boxed else 0))

    @property
    def body_height(self) -> int:
        return max(0, self.size.height - (2 if self.is_boxed else int(self._is_ruled)))

    def retitle(self, title: str, aside: str | None = None, foot: str | None = None) -> None:
        """Change what the frame says, and have that drawn anew if it changes."""
        now = (title, self.aside if aside is None else aside, self.foot if foot is None else foot)
        if now != (self.title, self.aside, self.foot):
            self.title, self.aside, self.foot = now
            self.refresh(Region(0, 0, self.size.width, 1), Region(0, max(0, self.size.height - 1), self.size.width, 1))

    def body_line(self, y: int, width: int) -> Strip:
        """Draw one line of the body, counted from its top."""
        raise NotImplementedError

    def refresh_body_line(self, y: int) -> None:
        """Have one line of the body drawn anew, counted from its top."""
        above = 1 if self.is_boxed else int(self._is_ruled)
        self.refresh(Region(0, y + above, self.size.width, 1))

    def move_by(self, lines: int) -> None:
        """Move the cursor, or where there is none the window."""

    def move_first(self) -> None:
        """Go to the beginning."""
        self.move_by(-_FAR)

    def move_last(self) -> None:
        """Go to the end."""
        self.move_by(_FAR)

    @property
    def page(self) -> int:
        """How many lines a page is."""
        return max(1, self.body_height)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the pane."""
        ink, width, height = self.ink, self.size.width, self.size.height
        if not self.is_boxed:
            if self._is_ruled and y == 0:
                return ink.strip(self._between("──", "──", self.title, self.aside, width), width)
            return self.body_line(y - self._is_ruled, width)
        if y == 0:
            return ink.strip(self._between("╭─", "─╮", self.title, self.aside, width), width)
        if y == height - 1:
            return ink.strip(self._between("╰─", "─╯", "", self.foot, width), width)
        look, body = self._frame_look(), self.body_line(y - 1, width - 4)
        return Strip.join([ink.strip([("│ ", look)], 2), body, ink.strip([(" │", look)], 2)])

    def _frame_look(self) -> str:
        return "accent" if self.has_focus and self.is_boxed else "rule"

    def _between(self, left: str, right: str, title: str, aside: str, width: int) -> list[Span]:
        room, look = max(0, width - 4), self._frame_look()
        # A title is cut before what stands aside, which is short and tells more.
        said = f" {aside} " if aside and width_of([(aside, "")]) + 8 <= room else ""
        said_cells = width_of([(said, "")])
        name_cells = min(width_of([(title, "")]), max(0, room - said_cells - 3))
        name = f" {fit(title, name_cells, cut=self.ink.glyphs.cut)} " if title and name_cells else ""
        bar = "─" * max(0, room - width_of([(name, "")]) - said_cells)
        name_look = "focus" if self.has_focus else "title"
        return [(left, look), (name, name_look), (bar, look), (said, "quiet"), (right, look)]

    def on_focus(self, _event: Focus) -> None:
        self.refresh()

    def on_blur(self, _event: Blur) -> None:
        self.refresh()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.move_by(_SCROLL_LINES)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.move_by(-_SCROLL_LINES)


class TextPane(Pane):
    """A pane of lines that are only looked at; it scrolls, and has no cursor."""

    class Resized(Message):
        """It has another size now, and what it shows may have been written for the one before."""

    def __init__(self, title: str = "", *, is_ruled: bool = True, is_bare: bool = False, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(title, is_ruled=is_ruled, is_bare=is_bare, id=id)
        self._lines: list[Line] = []
        self._top = 0

    @property
    def lines(self) -> list[Line]:
        return self._lines

    def put(self, lines: list[Line]) -> None:
        """Show other lines, from where the window is; only those that differ are drawn."""
        before, self._lines = self._lines, lines
        top = max(0, min(self._top, len(lines) - self.body_height))
        if top != self._top:
            self._top = top
            self.refresh()
            return
        for y in range(self.body_height):
            place = top + y
            if before[place : place + 1] != lines[place : place + 1]:
                self.refresh_body_line(y)

    def move_by(self, lines: int) -> None:
        top = max(0, min(self._top + lines, len(self._lines) - self.body_height))
        if top != self._top:
            self._top = top
            self.refresh()

    def on_resize(self) -> None:
        self.move_by(0)
        self.refresh()
        self.post_message(self.Resized())

    def to_top(self) -> None:
        """Show the first line."""
        self._top = 0
        self.refresh()

    def body_line(self, y: int, width: int) -> Strip:
        place = y + self._top
        return self.ink.strip(self._lines[place] if place < len(self._lines) else (), width)
