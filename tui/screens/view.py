"""What all screens have in common: the fixed lines around them, the keys that work everywhere, the way back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import BindingsMap
from textual.css.query import NoMatches
from textual.events import Key
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from flowctl.tui.actions import SILENT_S
from flowctl.tui.bridge import Bridge, Question
from flowctl.tui.history import Place
from flowctl.tui.keymap import mistakes_line
from flowctl.tui.model.snapshots import Counts
from flowctl.tui.model.texts import Line, Span, clock, grouped, round_duration, short_duration
from flowctl.tui.screens.bindings import bindings_map, living
from flowctl.tui.screens.filling_in import FillingIn
from flowctl.tui.screens.footer import Footer
from flowctl.tui.screens.moving import Moving
from flowctl.tui.screens.pointing import TABS, Pointing
from flowctl.tui.screens.taking import Taking
from flowctl.tui.screens.typing_line import TypingLine
from flowctl.tui.widgets.bar import Bar, ClockBar, Remark

if TYPE_CHECKING:
    from flowctl.tui.data.source import Source

T = TypeVar("T")

#: All that is shown below that size.
_TOO_SMALL: Final = "flowctl needs 40x8"
#: How long a remark stands above the keys.
_NOTE_S: Final = 6.0
#: For how long what is typed waits for a screen in the making, which takes some hundredths of a second.
_MAKING_S: Final = 1.0
#: What can be done to a screen that is in the making or in the going.
_LEAVING: Final = frozenset({"app_leave", "app_quit"})
#: Word -> how the health line counts it.
_COUNTED: Final = (
    ("running", "run"),
    ("retrying", "retry"),
    ("queued", "queue"),
    ("scheduled", "plan"),
    ("paused", "pause"),
)


class View(Moving, Footer, Taking, FillingIn, Pointing, TypingLine):
    """A screen with health and place above, remarks and keys below; the rest is up to each."""

    #: Which keys of the table work here.
    SCOPE: ClassVar[str] = ""
    #: Whether the key that starts the daemon does so here.
    CAN_RECONNECT: ClassVar[bool] = True
    #: Whether it is about the screen that it was opened on, and is of no use once that is left.
    IS_PASSING: ClassVar[bool] = False
    #: Where the history remembers it to be.
    AUTO_FOCUS = "#main"

    def __init__(self) -> None:
        super().__init__()
        self.bindings = living(self.flowctl.table, self.SCOPE, self)
        # Textual reads it at each key; what is made of a table cannot stand in a class.
        self._bindings = BindingsMap.merge([self._bindings, bindings_map(self.bindings)])
        self._questions: list[Question[object]] = []
        self._note: Line = ()
        self._note_until_s = 0.0
        self._choice: Choice | None = None
        self._is_filled = False
        #: Whether another screen is to come in front once it has its data.
        self.is_opening = False
        #: Whether keys are named where remarks stand otherwise.
        self.names_acts = False
        self.step = 0

    # What each screen says of itself.

    def body(self) -> Iterable[Widget]:
        """Make the widgets between the fixed lines."""
        return ()

    def ask(self) -> None:
        """Ask what this screen shows; called whenever it comes to the front."""

    def crumbs(self) -> tuple[Line, Line]:
        """Say where one is: to the left, and what goes to the right."""
        return (), ()

    def take_counts(self, counts: Counts) -> None:
        """Take the figures of the dashboard."""

    @property
    def is_live(self) -> bool:
        """Whether something on it moves with the clock."""
        return False

    @property
    def place(self) -> Place | None:
        """What the history remembers; None: it is not worth coming back to."""
        return None

    def refresh_rows(self) -> None:
        """Draw rows anew: what was asked of a run has changed."""

    def frame_lines(self) -> list[str]:
        """Give what the next first frame shows below its two lines; empty: nothing."""
        return []

    # What they have in common.

    @property
    def bridge(self) -> Bridge:
        return self.flowctl.bridge

    @property
    def stands(self) -> bool:
        """Whether it has its widgets: one that is left keeps getting what it asked for, and has lost them."""
        return self.is_mounted and self.query_one_optional("#where") is not None

    async def wait_until_made(self) -> None:
        """Wait until it has its widgets, or its making has failed."""
        made = cast("asyncio.Event", self._mounted_event)  # pyright: ignore[reportUnknownMemberType] - it has no type
        with suppress(TimeoutError):
            await asyncio.wait_for(made.wait(), _MAKING_S)

    @property
    def is_filled(self) -> bool:
        """Whether it shows what it asked for when it was opened."""
        if not self._is_filled:
            self._is_filled = all(question.is_told or question.is_slow for question in self._questions)
        return self._is_filled and not self.is_opening

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Do nothing on a screen without widgets but leave it."""
        return (self.stands or action in _LEAVING) and super().check_action(action, parameters)

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except NoMatches:
            if self.stands and not self.flowctl.is_over:
                raise  # else it is being left, and nobody sees what is missing

    def compose(self) -> ComposeResult:
        yield ClockBar(id="health")
        yield Bar(id="where")
        yield from self.body()
        yield Remark(id="note")
        yield Bar(id="keys")
        yield Static(_TOO_SMALL, id="small", markup=False)

    def watch_store(
        self,
        ask: Callable[[Source], T],
        tell: Callable[[T], None],
        *,
        is_slow: bool = False,
        is_log: bool = False,
    ) -> Question[T]:
        """Ask as long as this screen is in front."""
        question = self.bridge.watch(ask, tell, is_slow=is_slow, is_log=is_log)
        self._questions.append(cast("Question[object]", question))  # it is only dropped by way of this list
        return question

    def forget(self, question: Question[T]) -> None:
        """Ask this no more."""
        self.bridge.drop(question)
        if question in self._questions:
            self._questions.remove(cast("Question[object]", question))  # as above

    def on_screen_resume(self) -> None:
        if self.place is not None:
            self.flowctl.history.visit(self.place)
        self.on_screen_suspend()
        self.ask()
        self.show_health()
        self.refresh_lines()

    def on_screen_suspend(self) -> None:
        for question in self._questions:
            self.bridge.drop(question)
        self._questions.clear()

    def on_resize(self) -> None:
        self.call_after_refresh(self.refresh_lines)

    def tick(self, tick: int) -> None:
        """Let move what moves with the clock."""
        self.step = 0 if self.flowctl.look.is_calm else tick
        self.tick_lines()

    def tick_lines(self) -> None:
        """Let move what moves in the fixed lines."""
        if self._note and time.monotonic() > self._note_until_s:
            self._note = ()
            self.refresh_lines()
        elif self.flowctl.asked.undo is not None or self.flowctl.daemon.counts_down:
            self.query_one("#note", Bar).put(*self.note_line())
        self.show_health()

    def say(self, text: str, style: str = "") -> None:
        """Make a remark above the keys; it goes away by itself."""
        self._note = ((f" {text}", style),)
        self._note_until_s = time.monotonic() + _NOTE_S
        self.refresh_lines()

    def hush(self) -> None:
        """Take back what was said, and say what else there is to say."""
        self._note = ()
        self.refresh_lines()

    def refresh_lines(self) -> None:
        """Write the fixed lines anew."""
        if not self.stands:
            return
        left, right = self.crumbs()
        self.query_one("#where", Bar).put(left, right)
        note = self.note_line()
        keys, acts = self.key_lines(has_room=self.ACTS_APART and not any(note))
        self.query_one("#keys", Bar).put(keys)
        self.names_acts = bool(acts)
        self.query_one("#note", Bar).put(*((acts, ()) if acts else note))

    def note_line(self) -> tuple[Line, Line]:
        """Say what is to be said above the keys: a remark, else a problem."""
        undo = self.flowctl.asked.undo_text
        if self._note or undo:
            return self._note, ((f"{undo} ", "accent"),) if undo else ()
        problem = self.bridge.problem
        if problem:
            return ((f" {problem}", "warning"),), self._as_of()
        if (banner := self.flowctl.daemon.banner()) is not None:
            return banner[0], banner[1] if self.CAN_RECONNECT else ()
        if (pulse := self.bridge.pulse) is not None and pulse.remark is not None:
            return ((f" {pulse.remark}", "warning"),), ()
        return mistakes_line(self.flowctl.keymap_problems) if self.flowctl.tells_keymap else (), ()

    def _as_of(self) -> Line:
        """Tell from when that is which is shown, where it is not of now."""
        pulse = self.bridge.pulse
        return ((f"as of {clock(pulse.as_of)} ", "warning"),) if pulse is not None and pulse.as_of is not None else ()

    def show_health(self) -> None:
        """Write the first line anew."""
        if not self.stands:
            return
        app, pulse = self.flowctl, self.bridge.pulse
        glyphs, spans = app.ink.glyphs, [(" flowctl ", "title")]
        if pulse is None:
            spans.append((f"{glyphs.dot} opening", "quiet"))
        elif pulse.problem is not None or self.bridge.is_stuck:
            spans.append((f"! as of {clock(pulse.as_of)}" if pulse.as_of is not None else "! unreadable", "warning"))
        elif pulse.daemon_pid is None:
            spans.append((f"{glyphs.states['scheduled']} no daemon", "quiet"))
        else:
            minutes = 0 if pulse.daemon_since is None else (pulse.at - pulse.daemon_since).total_seconds() // 60
            # Whole minutes: what changes by itself all the time is looked at all the time.
            age = f" {round_duration(minutes * 60)}" if minutes else ""
            if app.actions.silent_s > SILENT_S:
                spans.append((f"! daemon silent for {short_duration(app.actions.silent_s)}", "warning"))
            else:
                spans += [(glyphs.alive, "completed"), (f" daemon{age}", "quiet")]
        spans.append((f" {glyphs.dot} read-only " if app.is_read_only else " ", "quiet"))
        if app.counts is not None:
            for word, said in _COUNTED:
                if count := app.counts.words.get(word, 0):
                    spans.append((f"  {glyphs.states[word]} {grouped(count)} {said}", word))
            if failed := len(app.attention.needs(app.counts)):
                spans.append((f"  {glyphs.states['failed']} {grouped(failed)} new", "failed"))
        frozen: Line = (("frozen (P) ", "warning"),) if app.is_frozen else ()
        self.query_one("#health", Bar).put(tuple(spans), (*frozen, (f"{clock(app.clock())} ", "quiet")))

    def tabs(self, here: str) -> Line:
        """Write the main views, with the one that one is in."""
        spans: list[Span] = [(" ", "")]
        for number, (name, title) in enumerate(TABS, 1):
            if name == here:
                spans += [(f"[{number} {title}]", "accent"), (" ", "")]
            else:
                spans += [(f" {number} {title} ", "quiet"), (" ", "")]
        return tuple(spans)

    def choose(self, text: str, choices: Mapping[str, Callable[[], None]], *, style: str = "warning") -> None:
        """Ask something above the keys; the next key answers, any other one takes the question back."""
        self._choice = Choice(text, choices)
        self._note, self._note_until_s = ((f" {text}", style),), float("inf")
        self.refresh_lines()

    @property
    def is_asking(self) -> bool:
        """Whether the next key answers a question."""
        return self._choice is not None

    def on_key(self, event: Key) -> None:
        """Take the answer to a question."""
        choice, self._choice = self._choice, None
        if choice is None:
            return
        event.stop()
        self._note = ()
        self.refresh_lines()
        answer = choice.answers.get(event.character or event.key) or choice.answers.get(event.key)
        if answer is not None:
            answer()


class Choice(NamedTuple):
    """A question above the keys, and what each key answers."""

    text: str
    answers: Mapping[str, Callable[[], None]]
