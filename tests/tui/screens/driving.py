"""The interface without a terminal: keys go in, the grid of letters comes out, and nothing waits for a fixed time."""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final
from unittest.mock import patch

from textual import keys as textual_keys
from textual.events import Key
from textual.message import Message
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.timer import Timer
from textual.worker import WorkerState

from flowctl.store.home import Home
from flowctl.tui import bridge
from flowctl.tui.app import FlowctlApp
from flowctl.tui.model.snapshots import ListedRun
from flowctl.tui.model.themes import choose_look
from flowctl.tui.screens.runs import RunsScreen
from flowctl.tui.screens.view import View
from tests.store.journals import NOON

NARROW: Final = (80, 24)
WIDE: Final = (140, 40)
NOW: Final = datetime.fromtimestamp(NOON / 1e6 + 60, UTC)
ENVIRONMENT: Final = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "FLOWCTL_CALM": "1"}
#: Only a machine that does nothing for us at all is slower.
PATIENCE_S: Final = 30.0
#: The longest rest after a key.
_REST_S: Final = 0.25
_ITS_SET_TIMER: Final = MessagePump.set_timer

Driven = Callable[[FlowctlApp, Pilot[int]], Awaitable[None]]


def drive(home: Home, scenario: Driven, *, size: tuple[int, int] = NARROW, **environment: str) -> FlowctlApp:
    """Open the interface, let a scenario use it, and close it; whatever breaks in it breaks the test."""
    app = FlowctlApp(home, choose_look({**ENVIRONMENT, **environment}), asks_daemon=False, clock=lambda: NOW)
    return drive_app(app, scenario, size=size)


def drive_app(app: FlowctlApp, scenario: Driven, *, size: tuple[int, int] = NARROW) -> FlowctlApp:
    """Let a scenario use an interface that was made otherwise, and close it."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await settled(app, pilot)
            await scenario(app, pilot)
            app.exit(app.return_code)

    async def rest(*_: object) -> None:
        await settled(app)

    with (
        patch.object(MessagePump, "_dispatch_message", _dispatch),
        patch.object(MessagePump, "set_timer", _set_timer),
        # Pilot's own way is to wait until the processor is idle: up to a second for each click on a busy machine.
        patch("textual.pilot.wait_for_idle", rest),
    ):
        asyncio.run(run())
    return app


async def settled(app: FlowctlApp, _pilot: Pilot[Any] | None = None) -> None:
    """Wait until every message is handled, all that was asked is answered, and all that was answered is painted."""
    loop, began_s = asyncio.get_running_loop(), time.monotonic()
    deadline = loop.time() + PATIENCE_S
    while not has_left(app):
        await asyncio.sleep(0)
        if not _has_messages(app):
            app.screen._on_timer_update()  # pyright: ignore[reportPrivateUsage] - as Pilot.pause does: paint now
            if not _has_messages(app) and not _is_busy(app, began_s):
                return
            await asyncio.sleep(0.001)
        assert loop.time() < deadline, "it does not come to rest"


async def until(app: FlowctlApp, pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Wait until something has come true; a condition that never does is a failure."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        # What has come true is looked at when it is painted, too.
        await settled(app, pilot)
        if condition():
            return
        assert asyncio.get_running_loop().time() < deadline, f"it did not come true; the screen is:\n{screen_text(app)}"
        await asyncio.sleep(0.005)


async def press(app: FlowctlApp, pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, each when what the one before it asked for is there."""
    for key in keys:
        app.post_message(_event(app, key))
        await settled(app, pilot)
        if has_left(app):
            return


def strike(app: FlowctlApp, *keys: str) -> None:
    """Press keys and wait for nothing: what comes next is looked at with `seen`."""
    for key in keys:
        app.post_message(_event(app, key))


async def seen(app: FlowctlApp, condition: Callable[[], bool]) -> None:
    """Wait until something stands on the screen, although answers may be missing."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"it did not come true; the screen is:\n{screen_text(app)}"
        await asyncio.sleep(0.005)


def has_left(app: FlowctlApp) -> bool:
    """Tell whether the interface has been left, by a key or by a defect."""
    return not app.is_running or app._exit or app.crash is not None  # pyright: ignore[reportPrivateUsage] - not told else


def grid(app: FlowctlApp) -> list[str]:
    """Read the screen as lines of text."""
    strips = app.screen._compositor.render_strips()  # pyright: ignore[reportPrivateUsage] - what is painted
    return ["".join(segment.text for segment in strip) for strip in strips]


def screen_text(app: FlowctlApp) -> str:
    """Read the screen as one text."""
    return "\n".join(grid(app))


def sentence(app: FlowctlApp) -> str:
    """Read the screen as one line of words: a sentence above the keys may take several lines."""
    return " ".join(line.strip() for line in grid(app))


def note(app: FlowctlApp) -> str:
    """Read the line above the keys."""
    return grid(app)[-2]


def footer(app: FlowctlApp) -> str:
    """Read the line that names the keys, with the one above it where those that act stand there."""
    lines = grid(app)[-2:]
    return " ".join(lines) if shown(app).names_acts else lines[-1]


def cursor_line(app: FlowctlApp) -> str:
    """Read the line that the cursor is on."""
    return next(line for line in grid(app) if "▸" in line[:4])


def listed_runs(app: FlowctlApp) -> list[ListedRun]:
    """Give the runs of the list, which are all read where they are few."""
    assert isinstance(app.screen, RunsScreen)
    rows = [row for row in app.screen.rows.rows if isinstance(row, ListedRun)]
    assert len(rows) == len(app.screen.rows.rows)
    return rows


def shown(app: FlowctlApp) -> View:
    """Give the screen in front, which is one of ours."""
    assert isinstance(app.screen, View)
    return app.screen


def _event(app: FlowctlApp, key: str) -> Key:
    name = textual_keys.REPLACED_KEYS.get(key, key)
    character: str | None
    try:
        character = unicodedata.lookup(textual_keys.KEY_TO_UNICODE_NAME.get(name, name))
    except KeyError:
        character = key if len(key) == 1 else None
    event = Key(key, character)
    event.set_sender(app)
    return event


def _set_timer(pump: MessagePump, delay: float, *arguments: Any, **options: Any) -> Timer:
    # Between two keys of a person a list waits for a while before it reads more; here the next key waits for that.
    return _ITS_SET_TIMER(pump, 0.01 if delay <= _REST_S else delay, *arguments, **options)


class _Handling:
    """How many messages are being handled just now; nothing of Textual tells it."""

    def __init__(self) -> None:
        self.count = 0
        self._dispatch = MessagePump._dispatch_message  # pyright: ignore[reportPrivateUsage] - see above

    async def dispatch(self, pump: MessagePump, message: Message) -> None:
        self.count += 1
        try:
            await self._dispatch(pump, message)
        finally:
            self.count -= 1


_handling = _Handling()


async def _dispatch(pump: MessagePump, message: Message) -> None:
    await _handling.dispatch(pump, message)


def _has_messages(app: FlowctlApp) -> bool:
    # Textual's Pilot waits for idle processor time instead, a tenth of a second for each key and more under load.
    pumps: list[Any] = [app, *app._registry]  # pyright: ignore[reportPrivateUsage] - as above
    return _handling.count > 0 or any(pump._next_callbacks or pump.message_queue_size for pump in pumps)


def _is_answered(app: FlowctlApp, since_s: float) -> bool:
    # Where runs are at work there is always something to ask again: what was asked and told since is enough.
    with app.bridge._lock:  # pyright: ignore[reportPrivateUsage] - as above
        questions = list(app.bridge._questions)  # pyright: ignore[reportPrivateUsage]
    told = bridge._NOTHING  # pyright: ignore[reportPrivateUsage]
    return app.bridge.pulse is not None and all(
        not each.is_open or (each.asked_s > since_s and not each.is_asked and each.answer is told) for each in questions
    )


def _is_busy(app: FlowctlApp, since_s: float) -> bool:
    screen = app.screen
    waits_for_paint = (
        not screen.is_mounted
        or app._resize_event  # pyright: ignore[reportPrivateUsage] - as above
        or app._batch_count  # pyright: ignore[reportPrivateUsage] - as above
        or screen._callbacks  # pyright: ignore[reportPrivateUsage]
        or screen._layout_required  # pyright: ignore[reportPrivateUsage]
        or screen._dirty_widgets  # pyright: ignore[reportPrivateUsage]
    )
    timers: list[Any] = list(screen._timers)  # pyright: ignore[reportPrivateUsage]
    rests = any(timer._repeat == 0 and timer._task is not None and not timer._task.done() for timer in timers)
    works = any(worker.state in (WorkerState.PENDING, WorkerState.RUNNING) for worker in app.workers)
    return (
        bool(waits_for_paint)
        or rests
        or works
        or not (app.bridge.is_idle() or app.is_frozen or _is_answered(app, since_s))
    )
