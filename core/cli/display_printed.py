"""Stand-ins for the standard streams of a terminal, so that a live display can take what the flow prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowctl.core.cli.display_region import Region


class Printed:
    """Stands in for `sys.stdout` or `sys.stderr`; lets all through, until a region takes it."""

    def __init__(self, stream: IO[str]) -> None:
        self.region: Region | None = None
        self.stream = stream

    def write(self, text: str) -> int:
        region = self._present_region()
        if region is None:
            return self.stream.write(text)
        region.take(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self._present_region() is None:
            self.stream.flush()

    def _present_region(self) -> Region | None:
        region = self.region
        if region is None or region.is_lent or region.process_id != os.getpid():
            return None
        return region

    def __getattr__(self, name: str) -> Any:  # all else is the real stream's
        return getattr(self.stream, name)


def stand_in() -> list[Printed]:
    """Replace the standard streams that are terminals, once; early, since log handlers remember what they find."""
    found: list[Printed] = []
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if stream is None or not stream.isatty():
            continue
        if not isinstance(stream, Printed):
            stream = Printed(stream)
            setattr(sys, name, stream)
        found.append(stream)
    return found
