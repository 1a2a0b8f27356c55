"""What a task run is granted, as it stands on record: tries and the time between them, its timeout, its cache."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of one task run."""

    #: How often it may be tried again.
    retries: int = 0
    #: Seconds before each retry; the last of them repeats.
    delays: tuple[float, ...] = ()
    #: By which part of itself a delay may be shorter or longer.
    jitter: float = 0.0
    #: Name of the function that says whether to try again at all.
    condition: str | None = None
    timeout_s: float | None = None
    #: The cache policy, in the words of its repr.
    cache: str | None = None

    @property
    def tries(self) -> int:
        """How many tries there may be in all."""
        return self.retries + 1

    def delay_s(self, tries: int) -> float:
        """Give the seconds after so many failed tries, without jitter."""
        return self.delays[min(tries, len(self.delays)) - 1] if self.delays else 0.0


@lru_cache(maxsize=1000)
def read_terms(text: str) -> Terms | None:
    """Read what `core.engine.task_terms` wrote; what is damaged or missing is left out."""
    try:
        plain: Any = json.loads(text)
        return Terms(
            retries=int(plain.get("retries", 0)),
            delays=tuple(float(each) for each in plain.get("delays", ())),
            jitter=float(plain.get("jitter", 0)),
            condition=_text(plain.get("condition")),
            timeout_s=None if plain.get("timeout_s") is None else float(plain["timeout_s"]),
            cache=_text(plain.get("cache")),
        )
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
