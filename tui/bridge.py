"""The one way by which data reaches the screens: a thread that reads the store, and one message when there is news.

A screen asks a *question*, a function of the source; it is answered at once and again whenever the store has changed.
Answers wait in their question until the loop takes them, so that of several only the latest is ever drawn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from textual.message import Message

from flowctl.store.problems import StoreError

if TYPE_CHECKING:
    from textual.app import App

    from flowctl.tui.data.source import Source
    from flowctl.tui.model.snapshots import Pulse

T = TypeVar("T")

#: Ten times a second is more than an eye follows.
EVERY_S: Final = 0.1
#: Over a slow line every change costs bytes.
SSH_EVERY_S: Final = 0.25
#: Of the time, this share at most goes into reading: the screen shares the interpreter with it.
_SHARE: Final = 0.3
_NOTHING: Final = object()


class News(Message):
    """There are answers to take, or the pulse has changed."""


class Question(Generic[T]):
    """What a screen wants to know, and to whom it is told."""

    def __init__(self, ask: Callable[[Source], T], tell: Callable[[T], None], *, is_once: bool) -> None:
        self.ask = ask
        self.tell = tell
        self.is_once = is_once
        self.is_due = True
        self.answer: Any = _NOTHING  # one of T, or nothing yet

    def deliver(self) -> None:
        """Tell the answer, if there is a new one."""
        answer, self.answer = self.answer, _NOTHING
        if answer is not _NOTHING:
            self.tell(answer)


class Bridge:
    """Reads in a thread of its own; everything but that thread runs on the loop."""

    def __init__(self, open_source: Callable[[], Source], app: App[Any], *, every_s: float = EVERY_S) -> None:
        self._open = open_source
        self._app = app
        self._every_s = every_s
        self._questions: list[Question[Any]] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._is_over = False
        self._is_posted = False
        self._thread = threading.Thread(target=self._read, name="flowctl-tui-bridge", daemon=True)
        self.pulse: Pulse | None = None
        #: Why the last question has no answer.
        self.problem: str | None = None
        #: How many seconds the last round of reading took; shown among the budgets.
        self.took_s = 0.0
        self._rounds = 0
        self._is_idle = threading.Event()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; wait for what it is reading just now, but not for ever."""
        self._is_over = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def watch(self, ask: Callable[[Source], T], tell: Callable[[T], None]) -> Question[T]:
        """Ask now, and again whenever the store has changed, until it is dropped."""
        return self._add(Question(ask, tell, is_once=False))

    def once(self, ask: Callable[[Source], T], tell: Callable[[T], None]) -> Question[T]:
        """Ask one time."""
        return self._add(Question(ask, tell, is_once=True))

    def again(self, question: Question[Any]) -> None:
        """Have a question answered anew although the store is the same: it asks for something else now."""
        question.is_due = True
        self._is_idle.clear()
        self._wake.set()

    def drop(self, question: Question[Any]) -> None:
        question.answer = _NOTHING
        with self._lock:
            if question in self._questions:
                self._questions.remove(question)

    def is_idle(self) -> bool:
        """Tell whether every question has its answer, and every answer has been told."""
        return self._is_idle.is_set() and not self._is_posted

    def deliver(self) -> None:
        """Tell all answers there are; called on the loop when there is news."""
        self._is_posted = False
        with self._lock:
            questions = list(self._questions)
        for question in questions:
            question.deliver()
            if question.is_once and not question.is_due:
                self.drop(question)

    def _add(self, question: Question[T]) -> Question[T]:
        with self._lock:
            self._questions.append(question)
        self._is_idle.clear()
        self._wake.set()
        return question

    def _read(self) -> None:
        source: Source | None = None
        version = -1
        while not self._is_over:
            began = time.perf_counter()
            self._wake.clear()
            try:
                source = source or self._open()
                version = self._round(source, version)
                problem = None
            except (StoreError, OSError) as error:
                problem = str(error)
            if problem != self.problem:
                self.problem = problem
                self._post()
            self.took_s = time.perf_counter() - began
            self._wake.wait(max(self._every_s, self.took_s / _SHARE - self.took_s))
        if source is not None:
            source.close()

    def _round(self, source: Source, version: int) -> int:
        pulse = source.pulse()
        before, self.pulse = self.pulse, pulse
        has_changed = pulse.version != version
        with self._lock:
            due = [question for question in self._questions if question.is_due or (has_changed and not question.is_once)]
        for question in due:
            question.is_due = False
            question.answer = question.ask(source)
        if not due and not self._wake.is_set():
            self._is_idle.set()
        if due or before is None or _standing(before) != _standing(pulse):
            self._post()
        return pulse.version

    def _post(self) -> None:
        if not self._is_posted:
            self._is_posted = True
            self._app.post_message(News())


def _standing(pulse: Pulse) -> tuple[object, ...]:
    return pulse.daemon_pid, pulse.problem, pulse.version
