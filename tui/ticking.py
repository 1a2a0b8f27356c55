"""The clock that moves what moves on the screen: at each full second, and only for what turns four times as often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

#: What turns is drawn so many times a second; all else changes with the second.
QUICK: Final = 4


class Ticking:
    """Calls something on the loop, in step with the clock on the wall; between two ticks nothing wakes up."""

    def __init__(
        self, tick: Callable[[int], None], is_quick: Callable[[], bool], fail: Callable[[Exception], None]
    ) -> None:
        self._tick = tick
        self._is_quick = is_quick
        self._fail = fail
        self._was_quick = False
        self._count = 0
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Tick from now on."""
        self._plan()

    def stop(self) -> None:
        """Tick no more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def hurry(self) -> None:
        """Something else is shown: what turns now need not wait for the full second."""
        if self._next is not None and not self._was_quick and self._is_quick():
            self._next.cancel()
            self._plan()

    def _plan(self) -> None:
        self._was_quick = self._is_quick()
        step_s = 1 / QUICK if self._was_quick else 1.0
        # A moment behind the second, for a timer may come a little early.
        wait_s = step_s - time.time() % step_s + 0.002
        self._next = asyncio.get_running_loop().call_later(wait_s, self._go)

    def _go(self) -> None:
        # Four to the second, also where three of them are left out.
        self._count += 1 if self._was_quick else QUICK - self._count % QUICK
        self._plan()
        try:
            self._tick(self._count)
        except Exception as error:  # noqa: BLE001 - a loop would only note it down
            self._fail(error)
