"""The pass that keeps the home small and sound: old runs go, the database is checkpointed and copied aside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowctl.core.daemon.daemon import Daemon


def plug(daemon: Daemon) -> Callable[[datetime], float | None]:
    """Take part in the daemon's loop."""

    def turn(now: datetime) -> float | None:
        return 1.0

    return turn
