"""Which failed runs somebody has opened already: the file `looked-at.json` of a home; without it all are new."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from flowctl.store.home import Home, HomeUnusable
from flowctl.tui.data.own_file import OwnFile

#: Only failures of the last day are told of: no machine has more.
_MOST: Final = 1000
_NAME: Final = "looked-at.json"


def load_looked_at(home: Home) -> dict[str, int]:
    """Read it: id of a run -> version of the state in which it was looked at."""
    with suppress(OSError, ValueError, RecursionError):
        read: Any = json.loads(OwnFile(home, _NAME).read() or "{}")
        if isinstance(read, dict):
            return {str(run_id): each for run_id, each in read.items() if type(each) is int}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - it is looked at here
    return {}


def save_looked_at(home: Home, looked_at: Mapping[str, int]) -> None:
    """Write the latest of it; where that is not possible they are new again the next time."""
    with suppress(OSError, HomeUnusable):
        OwnFile(home, _NAME).write(json.dumps(dict(list(looked_at.items())[-_MOST:])))
