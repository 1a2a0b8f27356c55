"""How long keys take: from when one arrives until what it changed has been painted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

_LATEST: Final = 40


class KeyPace:
    """The latest keys, and how long each took."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._took: deque[float] = deque(maxlen=_LATEST)

    def painted(self, since: float) -> None:
        """Note that what a key changed, which arrived then, is on the screen."""
        self._took.append(max(self._now() - since, 0.0))

    @property
    def slow_s(self) -> float | None:
        """How long all but the slowest twentieth took at most; None before the first one."""
        took = sorted(self._took)
        return took[int(0.95 * (len(took) - 1))] if took else None
