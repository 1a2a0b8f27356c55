"""`flowctl daemon logs`: what the daemon says of itself."""

from __future__ import annotations

import sys
import time
from collections import deque
from pathlib import Path

from flowctl.core.cli.exits import Exit
from flowctl.core.daemon.paths import log_path
from flowctl.store.home import Home
from flowctl.store.text import safe_text

_LOOK_EVERY_S = 0.2


def print_logs(*, lines: int, follow: bool) -> Exit:
    """Print the last lines of the log, then with `follow` those that come."""
    path = Path(log_path(Home.default()))
    if not path.exists() and not follow:
        sys.stdout.write("The daemon has said nothing yet: it was never started for this home.\n")
        return Exit.OK
    place = _print_last(path, lines)
    while follow:
        try:
            time.sleep(_LOOK_EVERY_S)
            place = _print_new(path, place)
        except KeyboardInterrupt:
            break
    return Exit.OK


def _print_last(path: Path, lines: int) -> int:
    try:
        with path.open("rb") as file:
            for line in deque(file, maxlen=lines):
                _print(line)
            return file.tell()
    except FileNotFoundError:
        return 0


def _print_new(path: Path, place: int) -> int:
    try:
        with path.open("rb") as file:
            if file.seek(0, 2) < place:
                place = 0  # the older lines were moved aside
            file.seek(place)
            for line in file:
                _print(line)
            return file.tell()
    except FileNotFoundError:
        return 0


def _print(line: bytes) -> None:
    sys.stdout.write(safe_text(line.decode(errors="replace")))
    sys.stdout.flush()
