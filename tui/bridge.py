"""The one way by which data reaches the screens: a thread that reads the store, and one message when there is news.

A screen asks a *question*, a function of the source; it is answered at once and again whenever the store has changed.
Answers wait in their question until the loop takes them, so that of several only the latest is ever drawn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from textual.message import Message

from flowctl.store.home import HomeUnusable
from flowctl.store.problems import StoreError
from flowctl.tui.data.alarm import Alarm

if TYPE_CHECKING:
    from textual.app import App

    from flowctl.tui.data.source import Source
    from flowctl.tui.model.snapshots import Pulse

T = TypeVar("T")

EVERY_S: Final = 0.1
#: Where every change wakes it, it still looks so often: a daemon that dies changes no file.
_AGAIN_S: Final = 2.0
#: A log that scrolls is drawn whole each time: nearly all that following one costs.
LOG_EVERY_S: Final = 0.25
#: Of the time, this share at most goes into reading: the screen shares the interpreter with it.
_SHARE: Final = 0.3
#: What takes long is asked for again after so long at the latest, while the store changes all the time.
_SLOW_EVERY_S: Final = 1.0
#: Figures that change more often than this cannot be read.
_FIGURES_EVERY_S: Final = 0.25
_PATIENCE_S: Final = 1.0
#: What could not be answered is asked again after so long, though the store seems the same.
_RETRY_EVERY_S: Final = 1.0
_STUCK_S: Final = 5.0
_NOTHING: Final = object()
#: What a store that is busy, damaged, newer or gone says; the screens keep what they have and say so.
_EXPECTED: Final = (StoreError, HomeUnusable, OSError, CancelledError)


class News(Message):
    """There are answers to take, or the pulse has changed."""


class Broken(Message):
    """What reads has a defect; without it the screens would stand still and say nothing."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Question(Generic[T]):
    """What a screen wants to know, and to whom it is told."""

    def __init__(
        self,
        ask: Callable[[Source], T],
        tell: Callable[[T], None],
        *,
        is_once: bool,
        is_slow: bool,
        apart_s: float = 0.0,
    ) -> None:
        self.ask = ask
        self.tell = tell
        self.is_once = is_once
        #: It may take long, so that others must not wait behind it.
        self.is_slow = is_slow
        #: So long after an answer it is not asked for again.
        self.apart_s = apart_s
        self.is_due = True
        self.is_asked = False
        self.asked_s = float("-inf")
        self.took_s = 0.0
        #: It has been answered and told once, or cannot be.
        self.is_told = False
        #: Why there is no newer answer, and when it is asked for again.
        self.problem: str | None = None
        self.again_s = float("inf")
        self.answer: Any = _NOTHING  # one of T, or nothing yet
        #: The latest answer, told or not: what is the same is no news.
        self.latest: Any = _NOTHING  # as above

    @property
    def is_open(self) -> bool:
        """Whether something of it is still to be done or told."""
        return self.is_due or self.is_asked or self.answer is not _NOTHING

    def may_be_asked(self, now_s: float) -> bool:
        """Tell whether its turn has come again."""
        long_s = min(max(self.took_s / _SHARE, _FIGURES_EVERY_S), _SLOW_EVERY_S) if self.is_slow else 0.0
        return not self.is_asked and now_s - self.asked_s > max(self.apart_s, long_s)

    def deliver(self) -> bool:
        """Tell the answer, if there is a new one."""
        answer, self.answer = self.answer, _NOTHING
        if answer is _NOTHING:
            self.is_told = self.is_told or self.problem is not None
            return False
        self.is_told = True
        self.tell(answer)
        return True


class Bridge:
    """Reads in threads of its own; all but those threads is called on the loop."""

    def __init__(self, open_source: Callable[[], Source], app: App[Any], *, every_s: float = EVERY_S) -> None:
        self._open = open_source
        self._app = app
        self.every_s = every_s
        self._questions: list[Question[Any]] = []
        self._lock = threading.Lock()
        self._alarm = Alarm()
        self._is_over = False
        self._is_posted = False
        self._thread = threading.Thread(target=self._read, name="flowctl-tui-bridge", daemon=True)
        self._slow = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flowctl-tui-slow")
        self.pulse: Pulse | None = None
        #: Since when it is reading; None while it rests.
        self._began_s: float | None = None
        #: How many seconds the last round of reading took; shown among the budgets.
        self.took_s = 0.0

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the threads; what is being read just now is waited for, but not for ever."""
        self._is_over = True
        self._alarm.ring()
        if self._thread.is_alive():
            self._thread.join(timeout=_PATIENCE_S)
        if not self._thread.is_alive():
            self._alarm.close()
        self._slow.shutdown(wait=False, cancel_futures=True)

    def watch(
        self,
        ask: Callable[[Source], T],
        tell: Callable[[T], None],
        *,
        is_slow: bool = False,
        is_log: bool = False,
    ) -> Question[T]:
        """Ask now, and again whenever the store has changed, until it is dropped; for a log that grows, less often."""
        apart_s = max(LOG_EVERY_S, 2 * self.every_s) if is_log else 0.0
        return self._add(Question(ask, tell, is_once=False, is_slow=is_slow, apart_s=apart_s))

    def once(self, ask: Callable[[Source], T], tell: Callable[[T], None], *, is_slow: bool = False) -> Question[T]:
        """Ask one time."""
        return self._add(Question(ask, tell, is_once=True, is_slow=is_slow))

    def again(self, question: Question[Any]) -> None:
        """Have a question answered anew although the store is the same: it asks for something else now."""
        question.is_due, question.is_told = True, False
        question.answer = question.latest = _NOTHING
        question.asked_s = float("-inf")
        self._alarm.ring()

    def drop(self, question: Question[Any]) -> None:
        """Ask no more."""
        with self._lock:
            question.answer = question.latest = _NOTHING
            if question in self._questions:
                self._questions.remove(question)

    def is_idle(self) -> bool:
        """Tell whether every question has its answer, and every answer has been told."""
        with self._lock:
            is_open = any(question.is_open for question in self._questions)
        is_readable = self.pulse is not None and self.pulse.is_readable
        return self.pulse is not None and not (is_open and is_readable) and not self._is_posted

    def deliver(self, *, is_first: bool = False) -> None:
        """Tell all answers there are, or only to who has none yet; called on the loop when there is news."""
        self._is_posted = False
        with self._lock:
            questions = [each for each in self._questions if not (is_first and each.is_told)]
        for question in questions:
            is_told = question.deliver()
            if is_told and question.is_once:
                self.drop(question)

    @property
    def problem(self) -> str | None:
        """Why what is shown is not what is so now."""
        if self.pulse is not None and self.pulse.problem:
            return self.pulse.problem
        return next((question.problem for question in list(self._questions) if question.problem), None)

    @property
    def is_stuck(self) -> bool:
        """Whether the store is being read for so long that what is shown may be old: a disk that hangs."""
        began_s = self._began_s
        return began_s is not None and time.monotonic() - began_s > _STUCK_S

    def _add(self, question: Question[T]) -> Question[T]:
        with self._lock:
            self._questions.append(question)
        self._alarm.ring()
        return question

    def _read(self) -> None:
        source: Source | None = None
        version = -1
        is_woken = True
        try:
            while not self._is_over:
                self._began_s = began_s = time.monotonic()
                source = source or self._open()
                # First watched, then read: what is written from now on is not missed.
                is_watched = self._alarm.watch(source.home)
                version = self._round(source, version)
                self.took_s, self._began_s = time.monotonic() - began_s, None
                # Where it only looked again, nothing comes in a hurry that would have to be slowed down.
                is_asked = is_woken and self._alarm.rest(max(self.every_s, self.took_s / _SHARE - self.took_s))
                is_settled = is_watched and not is_asked and self._is_settled()
                is_woken = self._alarm.wait(_AGAIN_S) if is_settled else True
        except Exception as error:  # noqa: BLE001 - it is raised again on the loop
            self._send(Broken(error))
        finally:
            if source is not None:
                source.close()

    def _is_settled(self) -> bool:
        with self._lock:
            is_due = any(question.is_due for question in self._questions)
        return not is_due and self.pulse is not None and self.pulse.is_told

    def _round(self, source: Source, version: int) -> int:
        pulse = source.pulse()
        before, self.pulse = self.pulse, pulse
        with self._lock:
            questions = list(self._questions)
        if pulse.version != version:
            for question in questions:
                question.is_due = question.is_due or not question.is_once
        is_quiet = True
        for question in questions:
            now_s = time.monotonic()
            if now_s > question.again_s:
                question.is_due, question.again_s = True, float("inf")
            # What cannot be read is not asked for one by one, each with a wait of its own.
            if not question.is_due or not pulse.is_readable or not question.may_be_asked(now_s):
                continue
            if question.is_slow:
                question.is_asked = True
                self._slow.submit(self._ask_slowly, question, source)
            elif self._ask(question, source):
                is_quiet = False
        if not is_quiet or before is None or _standing(before) != _standing(pulse):
            self._post()
        return pulse.version

    def _ask(self, question: Question[Any], source: Source) -> bool:
        """Have a question answered; tell whether there is another answer than before, or another problem."""
        question.is_asked, question.is_due = True, False
        began, problem, is_news = time.monotonic(), question.problem, False
        try:
            answer = question.ask(source)
            if answer != question.latest:
                question.answer = question.latest = answer
                is_news = True
            question.problem, question.again_s = None, float("inf")
        except _EXPECTED as error:
            question.problem, question.again_s = str(error), time.monotonic() + _RETRY_EVERY_S
        question.asked_s = time.monotonic()
        question.took_s = question.asked_s - began
        question.is_asked = False
        return is_news or question.problem != problem

    def _ask_slowly(self, question: Question[Any], source: Source) -> None:
        with self._lock:
            if question not in self._questions:
                return  # dropped while it waited its turn, as each letter of a query drops the one before
        try:
            if self._ask(question, source):
                self._post()
        except Exception as error:  # noqa: BLE001 - it is raised again on the loop
            self._send(Broken(error))

    def _post(self) -> None:
        if not self._is_posted:
            self._is_posted = True
            self._send(News())

    def _send(self, message: Message) -> None:
        try:
            if not self._is_over:
                self._app.post_message(message)
        except RuntimeError:
            self._is_over = True  # there is no loop any more, so there is nobody to tell


def _standing(pulse: Pulse) -> tuple[object, ...]:
    return pulse.daemon_pid, pulse.problem, pulse.is_readable, pulse.remark
