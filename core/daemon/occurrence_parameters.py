"""Parameters that name the occurrence they are for: `{{ scheduled_time }}`, `{{ scheduled_time:%Y-%m-%d }}`."""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# Parameters are whatever JSON has words for.

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

_PLACE: Final = re.compile(r"\{\{\s*scheduled_time\s*(?::([^}]*?))?\s*\}\}")
_DEEPEST: Final = 20


def filled_in(parameters: Mapping[str, object], at: datetime) -> dict[str, object]:
    """Put a time, in its zone, in the place of every `{{ scheduled_time }}`."""
    return {name: _filled(value, at, 0) for name, value in parameters.items()}


def _filled(value: Any, at: datetime, depth: int) -> Any:  # what JSON has words for
    if isinstance(value, str):
        return _PLACE.sub(lambda found: at.strftime(found[1]) if found[1] else at.isoformat(), value)
    if depth > _DEEPEST:
        return value
    if isinstance(value, list):
        return [_filled(each, at, depth + 1) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, at, depth + 1) for key, each in value.items()}
    return value
