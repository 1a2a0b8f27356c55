"""Ready-made answers to how long to wait before each retry."""

from __future__ import annotations

from collections.abc import Callable

#: As many delays as a list may hold; further retries wait as long as the last.
MOST_DELAYS = 50


def exponential_backoff(backoff_factor: float) -> Callable[[int], list[float]]:
    """Wait `backoff_factor` seconds, then twice as long each time; to be given as `retry_delay_seconds`."""

    def delays(retries: int) -> list[float]:
        return [backoff_factor * 2**retry for retry in range(min(retries, MOST_DELAYS))]

    return delays
