"""The pass that brings saved flow files into force: see `watcher` for the way that a save goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from flowctl.core.daemon.inspection import Inspectors
from flowctl.core.daemon.watcher import Watcher

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon
    from flowctl.store.writer import Store


def plug(daemon: Daemon) -> Callable[[datetime], float | None]:
    """Make the pass for a daemon."""
    loop = asyncio.get_running_loop()

    def wake() -> None:
        daemon.poke("watch")

    def deliver(action: Callable[[], None]) -> None:
        try:
            loop.call_soon_threadsafe(lambda: daemon.guarded("watch", action))
        except RuntimeError:
            pass  # the loop has ended, and nobody wants to know any more

    def unwatch(descriptor: int) -> None:
        loop.remove_reader(descriptor)

    inspectors = Inspectors(watch=lambda descriptor: loop.add_reader(descriptor, wake), unwatch=unwatch)
    watcher = Watcher(inspectors, wake=wake, deliver=deliver, log=daemon.log.write, clock_s=time.monotonic)
    daemon.watcher = watcher

    def settle() -> None:
        inspectors.seconds = daemon.settings.inspect_seconds
        inspectors.memory = daemon.settings.inspect_memory
        watcher.refresh()

    settle()
    daemon.on_reload.append(settle)
    daemon.on_stop.append(watcher.close)
    return lambda now: step(daemon.store, watcher, now)


def step(store: Store, watcher: Watcher, now: datetime) -> float | None:
    """Take in what was found out about files since the last turn; say when to come again."""
    return watcher.step(store, now)
